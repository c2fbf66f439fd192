// NameIndex: from a command's name in any case to its number, for every command that arrives.
//
// A name is read into four words, zero padded, and made lower case eight bytes at a time; these words are the key of an
// open hash table, so a look-up is a few multiplications and one comparison of 40 bytes, without an allocation.
// Subcommands live in the same table: the fifth word tells their container's number, and the length of the name.
//
//   slot   [ name 8 | name 8 | name 8 | name 8 | scope 4, length 4 | value 4 ]      value kAbsent: free
//
// Filled at start, then immutable: any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace millrace::commands {

class NameIndex {
 public:
  static constexpr uint32_t kAbsent = ~0u;
  static constexpr uint32_t kNoContainer = ~0u;
  static constexpr size_t kNameBytesMax = 32;

  // REQUIRES: the name is not there, not empty, in lower case and at most kNameBytesMax long.
  void add(uint32_t scope, std::string_view name, uint32_t value);
  // kAbsent: no such name.
  uint32_t find(uint32_t scope, std::string_view name) const;

 private:
  using Key = std::array<uint64_t, 5>;
  struct Slot {
    Key key{};
    uint32_t value = kAbsent;
  };

  static Key key_of(uint32_t scope, std::string_view name);
  static uint64_t hash_of(const Key& key);
  void insert(const Slot& slot);
  void grow();

  std::vector<Slot> slots_;  // a power of two, at most a quarter full
  size_t used_ = 0;
};

}  // namespace millrace::commands
