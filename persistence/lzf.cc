// See lzf.h. Packing is greedy: for each place the last one with the same hash of four bytes is tried. Where nothing is
// found for long, steps grow, so that what cannot be packed costs little.
#include "persistence/lzf.h"

#include <lzf.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

namespace millrace::persistence {
namespace {

constexpr size_t kRunMax = 32;
constexpr size_t kDistanceMax = 8192;
constexpr size_t kMatchMin = 4;  // the format has matches of three, which save next to nothing
constexpr size_t kMatchMax = 264;
constexpr size_t kShortMatchMax = 8;
constexpr int kHashBits = 12;
constexpr size_t kStepDoubling = 64;  // bytes without a match after which a step takes one more

template <typename T>
T load(const char* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

uint32_t hash_of(const char* p) {
  return load<uint32_t>(p) * 2654435761u >> (32 - kHashBits);
}

size_t match_size(const char* earlier, const char* p, const char* end) {
  const char* const start = p;
  const char* const stop = p + std::min(static_cast<size_t>(end - p), kMatchMax);
  for (; stop - p >= 8; p += 8, earlier += 8) {
    const uint64_t difference = load<uint64_t>(earlier) ^ load<uint64_t>(p);
    if (difference != 0) return static_cast<size_t>(p - start) + static_cast<size_t>(std::countr_zero(difference)) / 8;
  }
  while (p < stop && *earlier == *p) ++p, ++earlier;
  return static_cast<size_t>(p - start);
}

}  // namespace

bool LzfPacker::add(std::string_view piece) {
  uint16_t places[1 << kHashBits] = {};
  const char* const start = piece.data();
  const char* const end = start + piece.size();
  const char* const last = end - std::min(piece.size(), 2 * kMatchMin);
  const char* written = start;
  for (const char* p = start + 1; p < last;) {
    uint16_t& place = places[hash_of(p)];
    const char* earlier = start + place;
    place = static_cast<uint16_t>(p - start);
    const bool found = static_cast<size_t>(p - earlier) <= kDistanceMax && load<uint32_t>(earlier) == load<uint32_t>(p);
    if (!found) {
      p += 1 + static_cast<size_t>(p - written) / kStepDoubling;
      continue;
    }
    while (p > written && earlier > start && p[-1] == earlier[-1]) --p, --earlier;
    const size_t size = match_size(earlier, p, end);
    if (!literals(written, p) || !match(static_cast<size_t>(p - earlier), size)) return false;
    p += size;
    written = p;
  }
  return literals(written, end);
}

bool LzfPacker::literals(const char* from, const char* to) {
  while (from < to) {
    const size_t run = std::min(static_cast<size_t>(to - from), kRunMax);
    if (static_cast<size_t>(end_ - out_) < 1 + run) return false;
    *out_++ = static_cast<char>(run - 1);
    std::memcpy(out_, from, run);
    out_ += run;
    from += run;
  }
  return true;
}

bool LzfPacker::match(size_t distance, size_t size) {
  if (end_ - out_ < 3) return false;
  const size_t offset = distance - 1;
  if (size <= kShortMatchMax) {
    *out_++ = static_cast<char>((size - 2) << 5 | offset >> 8);
  } else {
    *out_++ = static_cast<char>(7u << 5 | offset >> 8);
    *out_++ = static_cast<char>(size - 9);
  }
  *out_++ = static_cast<char>(offset);
  return true;
}

size_t lzf_pack(std::string_view text, char* out, size_t room) {
  LzfPacker packer(out, room);
  for (; !text.empty(); text.remove_prefix(std::min(text.size(), LzfPacker::kPieceMax))) {
    if (!packer.add(text.substr(0, LzfPacker::kPieceMax))) return 0;
  }
  return packer.size();
}

bool lzf_unpack(std::string_view packed, char* out, size_t size) {
  if (packed.empty() || packed.size() > kLzfTextMax || size == 0 || size > kLzfTextMax) return false;
  return lzf_decompress(packed.data(), static_cast<unsigned int>(packed.size()), out,
                        static_cast<unsigned int>(size)) == size;
}

}  // namespace millrace::persistence
