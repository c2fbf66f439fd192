// JournalReader: the commands of a journal file, second of two passes (see journal_check.h).
//
//   JournalReader reader(source, check.valid_bytes, {});
//   while (const auto command = reader.next()) apply(command->args);
//   if (reader.failed()) ...     the file is not the one that was checked, or reading failed
//
// Views live until the next call: into the source's block, or, for a command that spans blocks, into a copy that was
// collected as bytes arrived. Checksums are not looked at again. One owner at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "persistence/journal_lexer.h"

namespace millrace::persistence {

struct JournalCommand {
  uint64_t offset;                         // of its first byte in the file
  std::span<const std::string_view> args;  // at least one
};

class JournalReader {
 public:
  // `end`: the offset in the file to read up to.
  JournalReader(ByteSource& source, uint64_t end, const JournalOptions& options);

  // The next command; nothing at the end, and from the first fault on.
  std::optional<JournalCommand> next();
  bool failed() const { return failed_; }
  // Behind the last command.
  uint64_t offset() const { return lexer_.offset(); }
  // Of the last timestamp line before the last command, in unix seconds.
  std::optional<int64_t> timestamp_s() const { return timestamp_s_; }

 private:
  JournalLexer lexer_;
  const uint64_t end_;
  std::optional<int64_t> timestamp_s_;
  bool failed_ = false;
};

}  // namespace millrace::persistence
