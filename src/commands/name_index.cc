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
inline uint64_t load_tail(const char* bytes, size_t count) {
  if (count >= 4) return load<uint32_t>(bytes) | load<uint32_t>(bytes + count - 4) << (8 * (count - 4));
  const uint64_t middle = load<uint8_t>(bytes + count / 2) << (8 * (count / 2));
  return load<uint8_t>(bytes) | middle | load<uint8_t>(bytes + count - 1) << (8 * (count - 1));
}

// The high bits of a product depend on all bits of both factors. Any odd constant does.
inline uint64_t mix(uint64_t hash, uint64_t word) {
  return ((hash ^ (hash >> 32)) + word) * 0x9e3779b97f4a7c15;
}

}  // namespace

inline NameIndex::Lookup NameIndex::look_at(uint32_t scope, std::string_view name) {
  Lookup lookup;
  lookup.key.mark = uint64_t{scope} << 32 | name.size();
  lookup.hash = lookup.key.mark;
  const char* at = name.data();
  uint64_t* word = lookup.key.words;
  size_t left = name.size();
  for (; left >= 8; left -= 8, at += 8, ++word) {
    *word = lower(load<uint64_t>(at));
    lookup.hash = mix(lookup.hash, *word);
  }
  if (left > 0) {
    *word = lower(load_tail(at, left));
    lookup.hash = mix(lookup.hash, *word);
  }
  return lookup;
}

void NameIndex::add(uint32_t scope, std::string_view name, uint32_t value) {
  CHECK(!name.empty() && name.size() <= kNameBytesMax && value != kAbsent);
  const Lookup lookup = look_at(scope, name);
  CHECK(std::memcmp(lookup.key.words, name.data(), name.size()) == 0);
  CHECK(find(scope, name) == kAbsent);
  CHECK(++used_ <= kNamesMax);
  size_t at = place_of(lookup.hash);
  while (!slots_[at].is_free()) at = next(at);
  slots_[at] = {lookup.key, value};
}

uint32_t NameIndex::find(uint32_t scope, std::string_view name) const {
  if (name.empty() || name.size() > kNameBytesMax) return kAbsent;
  const Lookup lookup = look_at(scope, name);
  for (size_t at = place_of(lookup.hash); !slots_[at].is_free(); at = next(at)) {
    if (slots_[at].key == lookup.key) return slots_[at].value;
  }
  return kAbsent;
}

}  // namespace millrace::commands
