// Entry: a read-only look at one stream entry inside a node.
//
// Views point into the node's listpack (or into the entry's own scratch, for values stored as integers) and live until
// the next call on the same iterator or any change to the stream.
#pragma once

#include <cstdint>
#include <string_view>

#include "streams/stream_id.h"

namespace millrace::streams {

class NodeTree;

// Elements come in the order field, value, field, value. Usage:
//   for (auto it = stream.entries(a, b); it.valid(); it.next()) {
//     use(it.id(), it.pair_count());
//     for (size_t i = 0; i < it.pair_count(); ++i) { auto [field, value] = it.next_pair(); ... }
//   }
class EntryIterator {
 public:
  struct Pair {
    std::string_view field;
    std::string_view value;
  };

  bool valid() const;
  void next();
  StreamId id() const;
  size_t pair_count() const;
  // The following pair of the current entry; REQUIRES fewer than pair_count() calls since valid()/next().
  Pair next_pair();
};

}  // namespace millrace::streams
