// StringWriter: the RDB value of one string, written in slices. What comes out is what RdbEncoder::string() writes.
//
// Packed bytes gather here, since their number stands before them; text that does not pack goes out as it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/buffer.h"
#include "persistence/lzf.h"
#include "persistence/rdb_encoder.h"
#include "persistence/rdb_format.h"

namespace millrace::persistence {

class StringWriter {
 public:
  // REQUIRES: `text` lives, and does not change, until advance() has returned true.
  explicit StringWriter(std::string_view text) : text_(text), rest_(text) {}

  static constexpr uint8_t type() { return kStringType; }
  // Appends the next part: about `bytes_max` bytes are packed or written. True when the whole value is.
  bool advance(RdbEncoder& out, size_t bytes_max);

 private:
  void start(RdbEncoder& out);
  void write_plainly(RdbEncoder& out);
  void pack(RdbEncoder& out, size_t bytes_max);

  std::string_view text_;
  std::string_view rest_;  // not yet packed, or not yet written
  bool has_started_ = false;
  Buffer packed_;
  std::optional<LzfPacker> packer_;  // while packing
};

}  // namespace millrace::persistence
