// A source that hands out bytes in blocks of one size, each in memory of its own, so that a view that is used for too
// long is noticed by the address sanitizer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "persistence/byte_reader.h"

namespace millrace::persistence {

class BlockSource : public ByteSource {
 public:
  BlockSource(std::string_view bytes, size_t block_size) : bytes_(bytes), block_size_(block_size) {}

  std::string_view next_block() override {
    const std::string_view next = bytes_.substr(0, block_size_);
    bytes_.remove_prefix(next.size());
    block_ = std::vector<char>(next.begin(), next.end());
    return {block_.data(), block_.size()};
  }

 private:
  std::string_view bytes_;
  size_t block_size_;
  std::vector<char> block_;
};

}  // namespace millrace::persistence
