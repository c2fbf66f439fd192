// See request_parser.h.
//
//   array    *2 CR LF  $4 CR LF PING CR LF  $2 CR LF hi CR LF
//            header    header   bytes       header   bytes
//   inline   PING "h\x69" LF
#include "resp/request_parser.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/letters.h"
#include "base/numbers.h"
#include "base/split_args.h"

namespace millrace::resp {
namespace {

// What strangers may send before they authenticate.
constexpr int64_t kStrangerArgumentCountMax = 10;
constexpr int64_t kStrangerArgumentBytesMax = 16384;
// Room a parser keeps between requests; after a longer one it is given back.
constexpr size_t kKeptArgumentsMax = 1024;
// How far bytes_wanted() may run ahead of what has arrived.
constexpr size_t kWantedAheadMax = 64 * 1024;

constexpr size_t kNotFound = std::string_view::npos;

uint8_t value_of(char digit) {
  return static_cast<uint8_t>(digit - '0');
}
bool is_digit(char c) {
  return value_of(c) <= 9;
}
bool ends_word(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
size_t find_byte(std::string_view bytes, char wanted, size_t from, size_t to) {
  if (from >= to) return kNotFound;
  const void* found = std::memchr(bytes.data() + from, wanted, to - from);
  return found == nullptr ? kNotFound : static_cast<size_t>(static_cast<const char*>(found) - bytes.data());
}

// Browsers can be made to send requests to us; Redis hangs up on these two words.
bool is_http(std::string_view command) {
  return same_word(command, "post") || same_word(command, "host:");
}

}  // namespace

RequestParser::Status RequestParser::parse(std::string_view bytes, const RequestLimits& limits) {
  DCHECK(position_ == 0 || arguments_left_ > 0);
  if (bytes.empty()) return Status::kNeedMore;
  const Status status = bytes[0] == '*' ? parse_array(bytes, limits) : parse_inline(bytes, limits);
  if (status == Status::kDone && !args_.empty() && is_http(args_[0])) return Status::kHangUp;
  return status;
}

void RequestParser::next() {
  position_ = 0;
  scanned_ = 0;
  bytes_wanted_ = 0;
  if (args_.capacity() > kKeptArgumentsMax) args_ = {};
  args_.clear();
  unquoted_.clear();
}

RequestParser::Status RequestParser::need_more(std::string_view bytes, size_t bytes_wanted) {
  bytes_wanted_ = std::min(bytes_wanted, 2 * bytes.size() + kWantedAheadMax);
  return Status::kNeedMore;
}

RequestParser::Status RequestParser::broken(std::string_view text) {
  error_text_ = "Protocol error: ";
  error_text_ += text;
  return Status::kBroken;
}

RequestParser::Status RequestParser::parse_array(std::string_view bytes, const RequestLimits& limits) {
  if (arguments_left_ == 0) {
    const Status status = parse_array_header(bytes, limits);
    if (status != Status::kDone || arguments_left_ == 0) return status;
  }
  follow(bytes);
  while (arguments_left_ > 0) {
    if (bulk_bytes_ < 0) {
      const Status status = parse_bulk_header(bytes, limits);
      if (status != Status::kDone) return status;
    }
    const auto length = static_cast<size_t>(bulk_bytes_);
    if (bytes.size() < position_ + length + 2) return need_more(bytes, position_ + length + 2);
    args_.emplace_back(bytes.data() + position_, length);
    position_ += length + 2;
    bulk_bytes_ = -1;
    --arguments_left_;
  }
  return Status::kDone;
}

// The bytes may have moved since the last call; what has been read of them goes along.
void RequestParser::follow(std::string_view bytes) {
  if (begin_ != bytes.data()) {
    for (std::string_view& arg : args_) {
      const auto offset = reinterpret_cast<uintptr_t>(arg.data()) - reinterpret_cast<uintptr_t>(begin_);
      arg = {bytes.data() + offset, arg.size()};
    }
  }
  begin_ = bytes.data();
}

// kDone: the header is read and arguments_left_ set (0 if there are none to come).
RequestParser::Status RequestParser::parse_array_header(std::string_view bytes, const RequestLimits& limits) {
  int64_t count = 0;
  switch (read_header(bytes, '*', limits.inline_bytes_max, count)) {
    case Header::kRead:
      break;
    case Header::kIncomplete:
      return need_more(bytes, 0);
    case Header::kTooLong:
      return broken("too big mbulk count string");
    case Header::kWrongMark:
    case Header::kNotANumber:
      return broken("invalid multibulk length");
  }
  if (count > limits.argument_count_max) return broken("invalid multibulk length");
  if (count > kStrangerArgumentCountMax && !limits.authenticated) return broken("unauthenticated multibulk length");
  arguments_left_ = std::max<int64_t>(count, 0);
  return Status::kDone;
}

// kDone: the header is read and bulk_bytes_ set.
RequestParser::Status RequestParser::parse_bulk_header(std::string_view bytes, const RequestLimits& limits) {
  int64_t length = 0;
  switch (read_header(bytes, '$', limits.inline_bytes_max, length)) {
    case Header::kRead:
      break;
    case Header::kIncomplete:
      return need_more(bytes, 0);
    case Header::kTooLong:
      return broken("too big bulk count string");
    case Header::kWrongMark:
      return broken(std::string("expected '$', got '") + bytes[position_] + "'");
    case Header::kNotANumber:
      return broken("invalid bulk length");
  }
  if (length < 0 || length > limits.argument_bytes_max) return broken("invalid bulk length");
  if (length > kStrangerArgumentBytesMax && !limits.authenticated) return broken("unauthenticated bulk length");
  bulk_bytes_ = length;
  return Status::kDone;
}

// Reads "<mark><number> CR <any byte>" at position_ and steps over it. The common form is read in one pass; everything
// else, including what has not arrived in full, goes the careful way.
inline RequestParser::Header RequestParser::read_header(std::string_view bytes, char mark, int64_t line_bytes_max,
                                                        int64_t& number) {
  constexpr size_t kDigitsMax = 9;
  if (bytes.size() - position_ >= 4 && bytes[position_] == mark) {
    const char* const first = bytes.data() + position_ + 1;
    // The last two bytes are left for the line end.
    const char* const digits_end = first + std::min(kDigitsMax, bytes.size() - position_ - 3);
    const char* digit = first;
    int64_t value = 0;
    for (; digit < digits_end && is_digit(*digit); ++digit) value = value * 10 + value_of(*digit);
    const bool is_plain = digit > first && *digit == '\r' && (*first != '0' || digit == first + 1);
    if (is_plain && digit - first < line_bytes_max) {
      position_ = static_cast<size_t>(digit - bytes.data()) + 2;
      number = value;
      return Header::kRead;
    }
  }
  return read_unusual_header(bytes, mark, line_bytes_max, number);
}

RequestParser::Header RequestParser::read_unusual_header(std::string_view bytes, char mark, int64_t line_bytes_max,
                                                         int64_t& number) {
  const size_t line_max = static_cast<size_t>(line_bytes_max) + 1;
  const size_t window_end = std::min(bytes.size(), position_ + line_max);
  const size_t line_end = find_byte(bytes, '\r', std::max(scanned_, position_), window_end);
  if (line_end == kNotFound) {
    scanned_ = window_end;
    return window_end - position_ == line_max ? Header::kTooLong : Header::kIncomplete;
  }
  scanned_ = line_end;
  if (line_end + 2 > bytes.size()) return Header::kIncomplete;
  if (bytes[position_] != mark) return Header::kWrongMark;
  const auto value = parse_i64(bytes.substr(position_ + 1, line_end - position_ - 1));
  if (!value) return Header::kNotANumber;
  number = *value;
  position_ = line_end + 2;
  return Header::kRead;
}

RequestParser::Status RequestParser::parse_inline(std::string_view bytes, const RequestLimits& limits) {
  const size_t line_max = static_cast<size_t>(limits.inline_bytes_max) + 1;
  const size_t window_end = std::min(bytes.size(), line_max);
  const size_t line_end = find_byte(bytes, '\n', scanned_, window_end);
  if (line_end == kNotFound) {
    scanned_ = window_end;
    return window_end == line_max ? broken("too big inline request") : need_more(bytes, 0);
  }
  std::string_view line = bytes.substr(0, line_end);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  line = line.substr(0, line.find('\0'));
  if (!split_inline(line)) return broken("unbalanced quotes in request");
  position_ = line_end + 1;
  return Status::kDone;
}

// Words are views into the line, or into copies if the line has quotes. False if the quotes do not balance.
bool RequestParser::split_inline(std::string_view line) {
  if (line.find_first_of("\"'") != std::string_view::npos) {
    auto words = split_args(line);
    if (!words) return false;
    unquoted_ = std::move(*words);
    args_.assign(unquoted_.begin(), unquoted_.end());
    return true;
  }
  size_t at = 0;
  while (true) {
    while (at < line.size() && is_space(line[at])) ++at;
    if (at == line.size()) return true;
    const size_t start = at;
    while (at < line.size() && !ends_word(line[at])) ++at;
    args_.push_back(line.substr(start, at - start));
  }
}

}  // namespace millrace::resp
