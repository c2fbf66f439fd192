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

int64_t argument_count_max(const RequestLimits& limits) {
  return limits.authenticated ? limits.argument_count_max
                              : std::min(limits.argument_count_max, kStrangerArgumentCountMax);
}
int64_t argument_bytes_max(const RequestLimits& limits) {
  return limits.authenticated ? limits.argument_bytes_max
                              : std::min(limits.argument_bytes_max, kStrangerArgumentBytesMax);
}

// The number of a header "<mark><number> CR <any byte>" in the form that nearly all have: up to nine digits, all there,
// and no more than `max`. `at` moves behind it. Every other header is left to the careful way: -1.
inline int64_t read_plain_header(const char*& at, const char* end, char mark, int64_t max) {
  constexpr int64_t kEightDigitsMax = 99'999'999;
  if (end - at < 4 || at[0] != mark || !is_digit(at[1])) return -1;
  int64_t number = value_of(at[1]);
  const char* next = at + 2;
  for (; is_digit(*next); ++next) {
    if (number == 0 || number > kEightDigitsMax || end - next < 3) return -1;
    number = number * 10 + value_of(*next);
  }
  if (*next != '\r' || number > max) return -1;
  at = next + 2;
  return number;
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
    const char* at = bytes.data();
    int64_t count = read_plain_header(at, at + bytes.size(), '*', argument_count_max(limits));
    position_ = static_cast<size_t>(at - bytes.data());
    if (count < 0) {
      const Status status = parse_array_header(bytes, limits, count);
      if (status != Status::kDone) return status;
    }
    if (count <= 0) return Status::kDone;
    arguments_left_ = count;
  }
  follow(bytes);
  return parse_arguments(bytes, limits);
}

// What has been understood is kept here, not in members, while arguments are at hand.
RequestParser::Status RequestParser::parse_arguments(std::string_view bytes, const RequestLimits& limits) {
  const char* at = bytes.data() + position_;
  const char* const end = bytes.data() + bytes.size();
  const int64_t length_max = argument_bytes_max(limits);
  int64_t left = arguments_left_;
  int64_t length = bulk_bytes_;
  Status status = Status::kDone;
  while (left > 0) {
    if (length < 0) length = read_plain_header(at, end, '$', length_max);
    if (length < 0) {
      position_ = static_cast<size_t>(at - bytes.data());
      status = parse_bulk_header(bytes, limits, length);
      if (status != Status::kDone) break;
      at = bytes.data() + position_;
    }
    const size_t wanted = static_cast<size_t>(length) + 2;
    if (static_cast<size_t>(end - at) < wanted) {
      status = need_more(bytes, static_cast<size_t>(at - bytes.data()) + wanted);
      break;
    }
    args_.emplace_back(at, static_cast<size_t>(length));
    at += wanted;
    length = -1;
    --left;
  }
  position_ = static_cast<size_t>(at - bytes.data());
  arguments_left_ = left;
  bulk_bytes_ = length;
  return status;
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

// kDone: the header is read and says `count`.
RequestParser::Status RequestParser::parse_array_header(std::string_view bytes, const RequestLimits& limits,
                                                        int64_t& count) {
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
  return Status::kDone;
}

// kDone: the header is read and says `length`.
RequestParser::Status RequestParser::parse_bulk_header(std::string_view bytes, const RequestLimits& limits,
                                                       int64_t& length) {
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
  return Status::kDone;
}

// Reads "<mark><number> CR <any byte>" at position_ and steps over it, whatever it looks like and however much of it
// has arrived.
RequestParser::Header RequestParser::read_header(std::string_view bytes, char mark, int64_t line_bytes_max,
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
