// See journal_lexer.h.
//
//   command   *2 CR LF  $6 CR LF SELECT CR LF  $1 CR LF 0 CR LF
//             header    header   bulk          header   bulk
//   comment   #TS:1700000000 CR LF
#include "persistence/journal_lexer.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "persistence/journal_format.h"

namespace millrace::persistence {
namespace {

constexpr size_t kNameBytesMax = 16;        // of a command's name that is kept
constexpr size_t kKeptArgumentsMax = 1024;  // room that is kept for the next command; after more it is given back
constexpr size_t kKeptBytesMax = 1024 * 1024;
constexpr ptrdiff_t kPlainDigitsMax = 9;
constexpr uint64_t kDigitsMax = 18;  // cannot overflow 64 bits

constexpr std::string_view kCut = "the file ends within a command or a line";
constexpr std::string_view kZeros = "zeros where a command should begin";
constexpr std::string_view kNeither = "neither a command nor a line that may be passed over";
constexpr std::string_view kCount = "a command without a sound number of arguments";
constexpr std::string_view kLength = "an argument without a sound length";
constexpr std::string_view kBulkEnd = "an argument does not end where its length says";
constexpr std::string_view kLongLine = "a line beginning with # is too long";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Behind "<mark><number> CR LF" at `at`; null if that is not all there, or in any way unusual.
inline const char* plain_header(const char* at, const char* end, char mark, uint64_t& value) {
  if (end - at < 4 || *at != mark) return nullptr;
  const char* const first = at + 1;
  const char* const digits_end = first + std::min(kPlainDigitsMax, end - at - 3);
  const char* digit = first;
  uint64_t number = 0;
  while (digit < digits_end && is_digit(*digit)) number = number * 10 + static_cast<uint64_t>(*digit++ - '0');
  if (digit == first || digit[0] != '\r' || digit[1] != '\n' || (*first == '0' && digit != first + 1)) return nullptr;
  value = number;
  return digit + 2;
}

}  // namespace

bool JournalLexer::more() {
  if (position_ < block_.size()) return true;
  block_offset_ += block_.size();
  position_ = 0;
  block_ = source_.next_block();
  return !block_.empty();
}

JournalLexer::Item JournalLexer::read() {
  DCHECK(position_ < block_.size());
  const char first = block_[position_];
  if (first == '#') return read_comment();
  if (first != '*') return broken(first == '\0' ? kZeros : kNeither);
  return read_within_block() ? Item::kCommand : read_across_blocks();
}

// The common form in one pass; false, and nothing has happened, if there is anything unusual about it.
bool JournalLexer::read_within_block() {
  const char* at = block_.data() + position_;
  const char* const end = block_.data() + block_.size();
  uint64_t count = 0;
  at = plain_header(at, end, '*', count);
  if (at == nullptr || count == 0 || count > options_.argument_count_max) return false;
  args_.clear();
  for (; count > 0; --count) {
    uint64_t length = 0;
    at = plain_header(at, end, '$', length);
    if (at == nullptr || length > options_.argument_bytes_max) return false;
    const auto left = static_cast<uint64_t>(end - at);
    if (left < length + 2 || at[length] != '\r' || at[length + 1] != '\n') return false;
    if (keep_ == Keep::kArguments || args_.empty()) args_.emplace_back(at, length);
    at += length + 2;
  }
  position_ = static_cast<size_t>(at - block_.data());
  return true;
}

JournalLexer::Item JournalLexer::read_across_blocks() {
  shrink();
  uint64_t count = 0;
  if (const Item item = read_header('*', count, kCount); item != Item::kCommand) return item;
  if (count == 0 || count > options_.argument_count_max) return broken(kCount);
  for (; count > 0; --count) {
    uint64_t length = 0;
    if (const Item item = read_header('$', length, kLength); item != Item::kCommand) return item;
    if (length > options_.argument_bytes_max) return broken(kLength);
    if (const Item item = read_bulk(length); item != Item::kCommand) return item;
  }
  for (const Piece& piece : pieces_) args_.push_back(collected_.view().substr(piece.offset, piece.length));
  return Item::kCommand;
}

// The parts of a command return kCommand while all is well.
JournalLexer::Item JournalLexer::read_header(char mark, uint64_t& value, std::string_view fault) {
  if (!more()) return cut();
  if (block_[position_++] != mark) return broken(fault);
  uint64_t digits = 0;
  for (value = 0;; ++digits, ++position_) {
    if (!more()) return cut();
    if (!is_digit(block_[position_])) break;
    if (digits == kDigitsMax || (digits > 0 && value == 0)) return broken(fault);
    value = value * 10 + static_cast<uint64_t>(block_[position_] - '0');
  }
  return digits == 0 ? broken(fault) : read_line_end(fault);
}

JournalLexer::Item JournalLexer::read_bulk(uint64_t length) {
  const bool is_name = pieces_.empty();
  const bool kept = keep_ == Keep::kArguments || (is_name && length <= kNameBytesMax);
  if (kept || is_name) pieces_.push_back({collected_.size(), kept ? length : 0});
  while (length > 0) {
    if (!more()) return cut();
    const std::string_view part = block_.substr(position_, length);
    if (kept) collected_.append(part);
    position_ += part.size();
    length -= part.size();
  }
  return read_line_end(kBulkEnd);
}

JournalLexer::Item JournalLexer::read_line_end(std::string_view fault) {
  for (const char wanted : {'\r', '\n'}) {
    if (!more()) return cut();
    if (block_[position_] != wanted) return broken(fault);
    ++position_;
  }
  return Item::kCommand;
}

JournalLexer::Item JournalLexer::read_comment() {
  const std::string_view here = block_.substr(position_, kCommentBytesMax);
  if (const size_t end = here.find('\n'); end != std::string_view::npos) {
    comment_ = here.substr(0, end + 1);
    position_ += comment_.size();
    return Item::kComment;
  }
  collected_.clear();
  while (collected_.empty() || collected_.view().back() != '\n') {
    if (collected_.size() == kCommentBytesMax) return broken(kLongLine);
    if (!more()) return cut();
    collected_.append(block_.substr(position_++, 1));
  }
  comment_ = collected_.view();
  return Item::kComment;
}

JournalLexer::Item JournalLexer::broken(std::string_view fault) {
  fault_ = fault;
  return Item::kBroken;
}

JournalLexer::Item JournalLexer::cut() {
  fault_ = kCut;
  return Item::kCut;
}

// Forgets the command before, and what room it took if it was a large one.
void JournalLexer::shrink() {
  if (collected_.capacity() > kKeptBytesMax) collected_.release();
  if (pieces_.capacity() > kKeptArgumentsMax) pieces_ = {};
  if (args_.capacity() > kKeptArgumentsMax) args_ = {};
  collected_.clear();
  pieces_.clear();
  args_.clear();
}

}  // namespace millrace::persistence
