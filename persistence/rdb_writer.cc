// See rdb_writer.h.
#include "persistence/rdb_writer.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "base/numbers.h"
#include "persistence/crc64.h"

namespace millrace::persistence {

void RdbWriter::begin(const RdbAbout& about) {
  CHECK(options_.version >= kRdbVersionWriteMin && options_.version <= kRdbVersionWriteMax);
  char digits[kNumberTextMax];
  const std::string number(digits, format_i64(options_.version, digits));
  encoder_.bytes(kRdbMagic);
  encoder_.bytes(std::string(kRdbVersionDigits - number.size(), '0') + number);
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

void RdbWriter::end() {
  encoder_.byte(static_cast<uint8_t>(Opcode::kEnd));
  count_into_checksum();
  encoder_.little_endian64(static_cast<int64_t>(checksum_));
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
