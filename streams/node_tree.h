// NodeTree: the radix tree over 128-bit big-endian ids that finds a stream's nodes by master id.
#pragma once

#include <cstddef>

namespace millrace::streams {

class NodeTree {
 public:
  size_t size() const;
  size_t inner_count() const;
};

}  // namespace millrace::streams
