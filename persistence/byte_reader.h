// ByteReader: the primitives of the RDB format, read from bytes that come in blocks and are not trusted.
//
// The first fault is latched: from then on everything reads as zero or empty, so a decoder may check ok() once per
// loop instead of once per field. No length that was read sizes an allocation: what spans blocks is collected as it
// arrives, and unpacked text is at most kLzfRatioMax times what it came from. Views live until the next call.
//
// A pull interface rather than a mapped file: a read error is a short block and no signal, a block that has just been
// read is in the cache when its checksum is made, and how far a load is, and how fast, is seen where blocks are read.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/buffer.h"
#include "persistence/rdb_error.h"

namespace millrace::persistence {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // The bytes behind those of the last call; they live until the next one. Empty = there are no more, or reading failed
  // (the source knows which). Blocks of some 100 KB to 1 MB do best.
  virtual std::string_view next_block() = 0;
};

// All at once.
class WholeSource : public ByteSource {
 public:
  explicit WholeSource(std::string_view bytes) : bytes_(bytes) {}
  std::string_view next_block() override { return std::exchange(bytes_, {}); }

 private:
  std::string_view bytes_;
};

class ByteReader {
 public:
  explicit ByteReader(ByteSource& source) : source_(source) {}

  bool ok() const { return !failed_; }
  // REQUIRES: !ok().
  RdbError error() const {
    CHECK(failed_);
    return error_;
  }
  // Latches the fault, at the current offset or the one given, unless there is one already.
  void fail(RdbFault fault) { fail(fault, offset()); }
  void fail(RdbFault fault, uint64_t at);

  uint64_t offset() const { return block_offset_ + position_; }
  uint64_t checksum();  // of everything read so far

  uint8_t byte();
  template <typename T>
  T little_endian() {
    const std::string_view raw = bytes(sizeof(T));
    T value{};
    if (raw.size() == sizeof value) std::memcpy(&value, raw.data(), sizeof value);
    return value;
  }
  uint64_t big_endian64();
  std::string_view bytes(uint64_t count);
  void skip(uint64_t count);

  uint64_t length();
  std::string_view string();
  void skip_string();

 private:
  bool refill();
  std::string_view collect(uint64_t count);
  uint64_t length_behind(uint8_t first);
  std::string_view integer_text(uint8_t encoding);
  std::string_view compressed();

  ByteSource& source_;
  std::string_view block_;
  size_t position_ = 0;        // in the block
  size_t summed_ = 0;          // checksum_ covers the block up to here
  uint64_t block_offset_ = 0;  // of the block, from the start
  uint64_t checksum_ = 0;
  Buffer collected_;  // what spans blocks
  Buffer unpacked_;   // what was compressed
  char text_[24];     // an integer
  bool failed_ = false;
  RdbError error_{};
};

}  // namespace millrace::persistence
