// RdbWriter: the parts of an RDB file, one after the other, into a buffer that its owner empties whenever it likes.
//
//   RdbWriter writer({.version = 11});
//   writer.begin({...});
//   writer.select_database(0, keys, expiring);
//   for each key:  writer.begin_key(key, expire_at_ms, stream_writer.type());
//                  while (!stream_writer.advance(writer.value(), 64 * 1024)) { store(writer.take()); }
//   writer.end();  store(writer.take());
//   if the header was raised: store it again
//
// One owner at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/buffer.h"
#include "persistence/rdb_encoder.h"
#include "persistence/rdb_format.h"

namespace millrace::persistence {

struct RdbWriteOptions {
  int version = kRdbVersionUsual;
  bool checksum = true;  // rdbchecksum
  bool compress = true;  // rdbcompression
};

// What a file says about itself.
struct RdbAbout {
  std::string_view redis_version;
  int64_t created_s = 0;  // unix time
  uint64_t used_memory_bytes = 0;
  bool is_aof_base = false;
};

class RdbWriter {
 public:
  explicit RdbWriter(const RdbWriteOptions& options) : options_(options), encoder_(out_, options.compress) {}
  RdbWriter(const RdbWriter&) = delete;
  RdbWriter& operator=(const RdbWriter&) = delete;

  int version() const { return version_; }

  void begin(const RdbAbout& about);
  void aux(std::string_view name, std::string_view value);
  // The counts only tell a loader how many to expect.
  void select_database(int index, uint64_t keys, uint64_t expiring_keys);
  // The value of `type` is to follow. kNoExpiryMs: it stays.
  static constexpr int64_t kNoExpiryMs = -1;
  void begin_key(std::string_view key, int64_t expire_at_ms, uint8_t type);
  RdbEncoder& value() { return encoder_; }
  // A value turned out to need a later version than the header says; nothing happens if it does not.
  void raise_version(int version);
  void end();
  // Behind end(): what has to be written over the start of the file, because the version was raised. Else empty.
  std::string raised_header() const;

  size_t pending_bytes() const { return out_.size(); }
  uint64_t bytes_taken() const { return bytes_taken_; }
  // What was written since the last time. Lives until the next take().
  std::string_view take();

 private:
  void count_into_checksum();
  void correct_checksum();

  const RdbWriteOptions options_;
  int version_ = options_.version;  // what the header should say
  Buffer out_;
  Buffer taken_;
  RdbEncoder encoder_;
  size_t summed_ = 0;  // checksum_ covers out_ up to here
  uint64_t checksum_ = 0;
  uint64_t bytes_taken_ = 0;
};

}  // namespace millrace::persistence
