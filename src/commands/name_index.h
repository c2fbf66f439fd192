// NameIndex: from a command's name in any case to its number, for every command that arrives.
//
// A name is read into up to four words, the last one zero padded, and made lower case eight bytes at a time. They are
// the key of an open hash table, together with a mark: the length of the name, and for subcommands, which live in the
// same table, their container's number. So a look-up is one multiplication and one comparison per word, without an
// allocation.
//
//   slot   [ name 8 | name 8 | name 8 | name 8 | scope 4, length 4 | value 4 ]      no length: free
//
// Filled at start, then immutable: any thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace millrace::commands {

class NameIndex {
 public:
  static constexpr uint32_t kAbsent = ~0u;
  static constexpr uint32_t kNoContainer = ~0u;
  static constexpr size_t kNameBytesMax = 32;
  static constexpr size_t kNamesMax = 512;

  // REQUIRES: the name is not there, not empty, in lower case and at most kNameBytesMax long; there are no more than
  // kNamesMax.
  void add(uint32_t scope, std::string_view name, uint32_t value);
  // kAbsent: no such name.
  uint32_t find(uint32_t scope, std::string_view name) const;

 private:
  static constexpr size_t kWordsMax = kNameBytesMax / 8;
  struct Key {
    uint64_t words[kWordsMax];  // those beyond the name are 0
    uint64_t mark;

    // All words at once: that takes less than to find out how many there are.
    bool operator==(const Key& other) const {
      uint64_t difference = mark ^ other.mark;
      for (size_t i = 0; i < kWordsMax; ++i) difference |= words[i] ^ other.words[i];
      return difference == 0;
    }
  };
  struct Slot {
    Key key{};
    uint32_t value = 0;

    bool is_free() const { return key.mark == 0; }
  };

  // A key, and a hash of it whose high bits depend on all of it.
  struct Lookup {
    Key key{};
    uint64_t hash = 0;
  };

  static constexpr int kSlotBits = 10;
  static constexpr size_t kSlots = 2 * kNamesMax;
  static_assert(kSlots == size_t{1} << kSlotBits);

  static Lookup look_at(uint32_t scope, std::string_view name);
  static size_t place_of(uint64_t hash) { return hash >> (64 - kSlotBits); }
  static size_t next(size_t place) { return (place + 1) % kSlots; }

  std::vector<Slot> slots_{kSlots};  // at most half of them used
  size_t used_ = 0;
};

}  // namespace millrace::commands
