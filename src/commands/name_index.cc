#include "commands/name_index.h"

#include <cstring>

#include "base/check.h"

namespace millrace::commands {
namespace {

constexpr uint64_t kEachByte = 0x0101010101010101;

// Lowers the ASCII letters of eight bytes at once. With the top bit of each byte set aside, adding what is missing to
// 0x80 carries into that bit exactly in bytes that are at least 'A' (or beyond 'Z'); no sum leaves its byte.
uint64_t lower(uint64_t word) {
  const uint64_t low_bits = word & (kEachByte * 0x7f);
  const uint64_t from_a = low_bits + kEachByte * (0x80 - 'A');
  const uint64_t beyond_z = low_bits + kEachByte * (0x7f - 'Z');
  const uint64_t is_upper = (from_a ^ beyond_z) & ~word & (kEachByte * 0x80);
  return word | (is_upper >> 2);
}

}  // namespace

NameIndex::Key NameIndex::key_of(uint32_t scope, std::string_view name) {
  Key key{};
  std::memcpy(key.data(), name.data(), name.size());
  for (uint64_t& word : key) word = lower(word);
  key[4] = uint64_t{scope} << 32 | name.size();
  return key;
}

uint64_t NameIndex::hash_of(const Key& key) {
  constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;
  uint64_t hash = 0;
  for (const uint64_t word : key) {
    hash = (hash ^ word) * kOdd;
    hash ^= hash >> 32;
  }
  return hash;
}

void NameIndex::insert(const Slot& slot) {
  const size_t mask = slots_.size() - 1;
  size_t at = hash_of(slot.key) & mask;
  while (slots_[at].value != kAbsent) at = (at + 1) & mask;
  slots_[at] = slot;
}

void NameIndex::grow() {
  std::vector<Slot> old(slots_.empty() ? 64 : slots_.size() * 2);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.value != kAbsent) insert(slot);
  }
}

void NameIndex::add(uint32_t scope, std::string_view name, uint32_t value) {
  CHECK(!name.empty() && name.size() <= kNameBytesMax && value != kAbsent);
  const Key key = key_of(scope, name);
  CHECK(std::memcmp(key.data(), name.data(), name.size()) == 0);
  CHECK(find(scope, name) == kAbsent);
  if ((used_ + 1) * 4 > slots_.size()) grow();
  insert({key, value});
  ++used_;
}

uint32_t NameIndex::find(uint32_t scope, std::string_view name) const {
  if (name.empty() || name.size() > kNameBytesMax || slots_.empty()) return kAbsent;
  const Key key = key_of(scope, name);
  const size_t mask = slots_.size() - 1;
  for (size_t at = hash_of(key) & mask; slots_[at].value != kAbsent; at = (at + 1) & mask) {
    if (slots_[at].key == key) return slots_[at].value;
  }
  return kAbsent;
}

}  // namespace millrace::commands
