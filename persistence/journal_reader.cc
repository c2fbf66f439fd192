// See journal_reader.h.
#include "persistence/journal_reader.h"

#include "persistence/journal_format.h"

namespace millrace::persistence {

JournalReader::JournalReader(ByteSource& source, uint64_t end, const JournalOptions& options)
    : lexer_(source, options, JournalLexer::Keep::kArguments), end_(end) {}

std::optional<JournalCommand> JournalReader::next() {
  while (!failed_ && lexer_.offset() < end_) {
    const uint64_t start = lexer_.offset();
    const auto item = lexer_.more() ? lexer_.read() : JournalLexer::Item::kCut;
    const bool whole = item == JournalLexer::Item::kCommand || item == JournalLexer::Item::kComment;
    failed_ = !whole || lexer_.offset() > end_;
    if (failed_) break;
    if (item == JournalLexer::Item::kCommand) return JournalCommand{start, lexer_.args()};
    if (const auto seconds = parse_timestamp(lexer_.comment())) timestamp_s_ = seconds;
  }
  return std::nullopt;
}

}  // namespace millrace::persistence
