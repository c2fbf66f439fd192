// See rdb_encoder.h.
#include "persistence/rdb_encoder.h"

#include <bit>
#include <cstring>
#include <limits>

#include "base/numbers.h"
#include "persistence/lzf.h"
#include "persistence/rdb_format.h"

namespace millrace::persistence {
namespace {

static_assert(std::endian::native == std::endian::little, "little-endian numbers are written as they are");

// What LZF must save at least, as Redis has it.
constexpr size_t kCompressedSaves = 4;

template <typename T>
std::string_view raw(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

template <typename T>
bool fits(int64_t value) {
  return value >= std::numeric_limits<T>::min() && value <= std::numeric_limits<T>::max();
}

}  // namespace

void RdbEncoder::byte(uint8_t value) {
  *out_.reserve(1) = static_cast<char>(value);
  out_.commit(1);
}

void RdbEncoder::little_endian64(int64_t value) {
  out_.append(raw(value));
}

void RdbEncoder::length(uint64_t length) {
  if (length < kLength6End) return byte(static_cast<uint8_t>(length));
  if (length < kLength14End) {
    byte(static_cast<uint8_t>(kLength14 << kLengthShift | length >> 8));
    return byte(static_cast<uint8_t>(length));
  }
  if (length < kLength32End) {
    byte(kLength32);
    return out_.append(raw(__builtin_bswap32(static_cast<uint32_t>(length))));
  }
  byte(kLength64);
  out_.append(raw(__builtin_bswap64(length)));
}

void RdbEncoder::string(std::string_view text) {
  if (text.size() <= kEncodedIntegerTextMax && string_as_integer(text)) return;
  if (compresses(text.size()) && string_compressed(text)) return;
  length(text.size());
  out_.append(text);
}

bool RdbEncoder::compresses(size_t size) const {
  return compress_ && size > kCompressedAbove && size <= kLzfTextMax;
}

// REQUIRES: compresses(size).
size_t RdbEncoder::room_to_compress(size_t size) {
  return size - kCompressedSaves;
}

void RdbEncoder::compressed_head(size_t packed, size_t size) {
  byte(kEncodedLzf);
  length(packed);
  length(size);
}

void RdbEncoder::number_as_string(int64_t value) {
  char text[kNumberTextMax];
  string({text, format_i64(value, text)});
}

bool RdbEncoder::string_as_integer(std::string_view text) {
  const auto value = parse_i64(text);
  if (!value || !fits<int32_t>(*value)) return false;
  if (fits<int8_t>(*value)) {
    byte(kEncodedInt8);
    out_.append(raw(static_cast<int8_t>(*value)));
  } else if (fits<int16_t>(*value)) {
    byte(kEncodedInt16);
    out_.append(raw(static_cast<int16_t>(*value)));
  } else {
    byte(kEncodedInt32);
    out_.append(raw(static_cast<int32_t>(*value)));
  }
  return true;
}

bool RdbEncoder::string_compressed(std::string_view text) {
  const size_t room = room_to_compress(text.size());
  packed_.clear();
  const size_t packed = lzf_pack(text, packed_.reserve(room), room);
  if (packed == 0) return false;
  compressed_head(packed, text.size());
  out_.append({packed_.data(), packed});
  return true;
}

void RdbEncoder::id(streams::StreamId id) {
  out_.append(raw(__builtin_bswap64(id.ms)));
  out_.append(raw(__builtin_bswap64(id.seq)));
}

void RdbEncoder::split_id(streams::StreamId id) {
  length(id.ms);
  length(id.seq);
}

}  // namespace millrace::persistence
