// See name_index.h.
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

template <typename Word>
uint64_t load(const char* bytes) {
  Word word;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

// The 1 to 7 bytes of a name's last word, zero padded, in loads that overlap instead of a loop (little-endian).
uint64_t load_tail(const char* bytes, size_t count) {
  if (count >= 4) return load<uint32_t>(bytes) | load<uint32_t>(bytes + count - 4) << (8 * (count - 4));
  const uint64_t middle = load<uint8_t>(bytes + count / 2) << (8 * (count / 2));
  return load<uint8_t>(bytes) | middle | load<uint8_t>(bytes + count - 1) << (8 * (count - 1));
}

}  // namespace

NameIndex::Key NameIndex::key_of(uint32_t scope, std::string_view name) {
  Key key{};
  const size_t whole = name.size() / 8;
  for (size_t i = 0; i < whole; ++i) key[i] = lower(load<uint64_t>(name.data() + 8 * i));
  if (name.size() % 8 != 0) key[whole] = lower(load_tail(name.data() + 8 * whole, name.size() % 8));
  key[4] = uint64_t{scope} << 32 | name.size();
  return key;
}

// One product per word, all at once, and a last one that spreads the sum over the high bits. Any odd constants do.
uint64_t NameIndex::hash_of(const Key& key) {
  constexpr Key kOdd = {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0xd6e8feb86659fd93,
                        0xff51afd7ed558ccd};
  uint64_t sum = 0;
  for (size_t i = 0; i < key.size(); ++i) sum += key[i] * kOdd[i];
  return ((sum ^ (sum >> 32)) * kOdd[0]) >> 32;
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
