// See byte_reader.h.
#include "persistence/byte_reader.h"

#include <algorithm>
#include <bit>

#include "base/numbers.h"
#include "persistence/crc64.h"
#include "persistence/lzf.h"
#include "persistence/rdb_format.h"

namespace millrace::persistence {
namespace {

uint64_t from_big_endian(std::string_view raw) {
  uint64_t value = 0;
  for (const char byte : raw) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

}  // namespace

void ByteReader::fail(RdbFault fault, uint64_t at) {
  if (failed_) return;
  failed_ = true;
  error_ = {fault, at};
}

uint64_t ByteReader::checksum() {
  checksum_ = crc64(checksum_, block_.substr(summed_, position_ - summed_));
  summed_ = position_;
  return checksum_;
}

// REQUIRES: the block has been read to its end.
bool ByteReader::refill() {
  checksum();
  block_offset_ += block_.size();
  position_ = summed_ = 0;
  block_ = source_.next_block();
  return !block_.empty();
}

std::string_view ByteReader::bytes(uint64_t count) {
  if (failed_) return {};
  if (count > block_.size() - position_) return collect(count);
  const std::string_view taken = block_.substr(position_, count);
  position_ += taken.size();
  return taken;
}

std::string_view ByteReader::collect(uint64_t count) {
  collected_.clear();
  const uint64_t start = offset();
  while (collected_.size() < count) {
    if (position_ == block_.size() && !refill()) {
      fail(RdbFault::kTruncated, start);
      return {};
    }
    const std::string_view part = block_.substr(position_, count - collected_.size());
    collected_.append(part);
    position_ += part.size();
  }
  return collected_.view();
}

void ByteReader::skip(uint64_t count) {
  const uint64_t start = offset();
  while (count > 0 && !failed_) {
    if (position_ == block_.size() && !refill()) return fail(RdbFault::kTruncated, start);
    const auto step = std::min<uint64_t>(count, block_.size() - position_);
    position_ += step;
    count -= step;
  }
}

uint8_t ByteReader::byte() {
  const std::string_view one = bytes(1);
  return one.empty() ? 0 : static_cast<uint8_t>(one[0]);
}

uint64_t ByteReader::big_endian64() {
  return from_big_endian(bytes(sizeof(uint64_t)));
}

uint64_t ByteReader::length() {
  const uint64_t start = offset();
  const uint8_t first = byte();
  if (first >> kLengthShift == kEncoded) fail(RdbFault::kLength, start);
  return length_behind(first);
}

uint64_t ByteReader::length_behind(uint8_t first) {
  if (failed_) return 0;
  if (first >> kLengthShift == kLength6) return first;
  if (first >> kLengthShift == kLength14) return (first & 0x3fu) << 8 | byte();
  if (first == kLength32) return from_big_endian(bytes(sizeof(uint32_t)));
  if (first == kLength64) return big_endian64();
  fail(RdbFault::kLength, offset() - 1);
  return 0;
}

std::string_view ByteReader::string() {
  const uint64_t start = offset();
  const uint8_t first = byte();
  if (first == kEncodedLzf) return compressed();
  if (first > kEncodedLzf) {
    fail(RdbFault::kString, start);
    return {};
  }
  return first >= kEncodedInt8 ? integer_text(first) : bytes(length_behind(first));
}

std::string_view ByteReader::integer_text(uint8_t encoding) {
  int64_t value = 0;
  if (encoding == kEncodedInt8) value = little_endian<int8_t>();
  if (encoding == kEncodedInt16) value = little_endian<int16_t>();
  if (encoding == kEncodedInt32) value = little_endian<int32_t>();
  return {text_, format_i64(value, text_)};
}

std::string_view ByteReader::compressed() {
  const uint64_t start = offset();
  const uint64_t packed_size = length();
  const uint64_t size = length();
  const std::string_view packed = bytes(packed_size);
  if (failed_) return {};
  unpacked_.clear();
  const bool possible = size <= kLzfTextMax && size / kLzfRatioMax <= packed_size;
  if (possible && lzf_unpack(packed, unpacked_.reserve(size), size)) unpacked_.commit(size);
  if (unpacked_.empty()) fail(RdbFault::kCompressed, start);
  return unpacked_.view();
}

void ByteReader::skip_string() {
  const uint64_t start = offset();
  const uint8_t first = byte();
  switch (first) {
    case kEncodedInt8:
      return skip(1);
    case kEncodedInt16:
      return skip(2);
    case kEncodedInt32:
      return skip(4);
    case kEncodedLzf: {
      const uint64_t packed_size = length();
      length();
      return skip(packed_size);
    }
    default:
      if (first > kEncodedLzf) return fail(RdbFault::kString, start);
      return skip(length_behind(first));
  }
}

}  // namespace millrace::persistence
