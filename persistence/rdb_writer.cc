// See rdb_writer.h.
#include "persistence/rdb_writer.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "base/numbers.h"
#include "persistence/crc64.h"

namespace millrace::persistence {
namespace {

std::string header_of(int version) {
  char digits[kNumberTextMax];
  const std::string number(digits, format_i64(version, digits));
  return std::string(kRdbMagic) + std::string(kRdbVersionDigits - number.size(), '0') + number;
}

}  // namespace

void RdbWriter::begin(const RdbAbout& about) {
  CHECK(options_.version >= kRdbVersionWriteMin && options_.version <= kRdbVersionWriteMax);
  encoder_.bytes(header_of(options_.version));
  aux("redis-ver", about.redis_version);
  aux("redis-bits", "64");
  aux("ctime", std::to_string(about.created_s));
  aux("used-mem", std::to_string(about.used_memory_bytes));
  aux("aof-base", about.is_aof_base ? "1" : "0");
}

void RdbWriter::aux(std::string_view name, std::string_view value) {
  encoder_.byte(static_cast<uint8_t>(Opcode::kAux));
  encoder_.string(name);
  encoder_.string(value);
}

void RdbWriter::select_database(int index, uint64_t keys, uint64_t expiring_keys) {
  encoder_.byte(static_cast<uint8_t>(Opcode::kSelectDb));
  encoder_.length(static_cast<uint64_t>(index));
  encoder_.byte(static_cast<uint8_t>(Opcode::kResizeDb));
  encoder_.length(keys);
  encoder_.length(expiring_keys);
}

void RdbWriter::begin_key(std::string_view key, int64_t expire_at_ms, uint8_t type) {
  if (expire_at_ms != kNoExpiryMs) {
    encoder_.byte(static_cast<uint8_t>(Opcode::kExpireTimeMs));
    encoder_.little_endian64(expire_at_ms);
  }
  encoder_.byte(type);
  encoder_.string(key);
}

void RdbWriter::raise_version(int version) {
  CHECK(version <= kRdbVersionWriteMax);
  version_ = std::max(version_, version);
}

std::string RdbWriter::raised_header() const {
  return version_ == options_.version ? std::string() : header_of(version_);
}

void RdbWriter::end() {
  encoder_.byte(static_cast<uint8_t>(Opcode::kEnd));
  count_into_checksum();
  if (options_.checksum && version_ != options_.version) correct_checksum();
  encoder_.little_endian64(static_cast<int64_t>(checksum_));
}

// The checksum is linear: that of the file with the other header differs by that of the difference of the headers,
// followed by as many zero bytes as followed the header.
void RdbWriter::correct_checksum() {
  const uint64_t difference = crc64(0, header_of(options_.version)) ^ crc64(0, header_of(version_));
  checksum_ ^= crc64_followed_by_zeros(difference, bytes_taken_ + out_.size() - kRdbHeaderSize);
}

void RdbWriter::count_into_checksum() {
  if (options_.checksum) checksum_ = crc64(checksum_, out_.view().substr(summed_));
  summed_ = out_.size();
}

std::string_view RdbWriter::take() {
  count_into_checksum();
  taken_.clear();
  taken_.swap(out_);
  summed_ = 0;
  bytes_taken_ += taken_.size();
  return taken_.view();
}

}  // namespace millrace::persistence
