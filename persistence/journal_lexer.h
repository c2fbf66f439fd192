// JournalLexer: commands and comment lines of a journal, from bytes that come in blocks and are not trusted.
//
// What both passes over a file share. No number that was read sizes an allocation. A command that lies within one block
// of the source costs no copy.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "persistence/byte_reader.h"

namespace millrace::persistence {

class JournalLexer {
 public:
  explicit JournalLexer(ByteSource& source) : source_(source) {}
  uint64_t offset() const { return 0; }

 private:
  ByteSource& source_;
};

}  // namespace millrace::persistence
