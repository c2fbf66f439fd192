// JournalChecksum: the running XXH3 (64 bit) of a block of the journal. Copying one copies how far it is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace millrace::persistence {

class JournalChecksum {
 public:
  JournalChecksum() { restart(); }
  void restart();
  void add(std::string_view bytes);
  // What the annotation of the block says if the block is all that was added.
  uint64_t of_block(uint64_t synced) const;

 private:
  static constexpr size_t kStateBytes = 576;
  alignas(64) std::array<std::byte, kStateBytes> state_;
};

}  // namespace millrace::persistence
