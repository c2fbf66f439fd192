// RdbEncoder: the primitives of the RDB format, appended to a buffer.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/buffer.h"
#include "streams/stream_id.h"

namespace millrace::persistence {

class RdbEncoder {
 public:
  // `compress`: text of more than 20 bytes is written as LZF where that is shorter.
  RdbEncoder(Buffer& out, bool compress) : out_(out), compress_(compress) {}

  size_t size() const { return out_.size(); }
  void byte(uint8_t value);
  void bytes(std::string_view raw) { out_.append(raw); }
  void little_endian64(int64_t value);
  void length(uint64_t length);
  void string(std::string_view text);
  // For who writes a long string in slices: what string() would try and what precedes packed bytes.
  bool compresses(size_t size) const;
  static size_t room_to_compress(size_t size);
  void compressed_head(size_t packed, size_t size);
  void number_as_string(int64_t value);
  void id(streams::StreamId id);        // 16 bytes, big endian
  void split_id(streams::StreamId id);  // two lengths

 private:
  bool string_as_integer(std::string_view text);
  bool string_compressed(std::string_view text);

  Buffer& out_;
  Buffer packed_;
  bool compress_;
};

}  // namespace millrace::persistence
