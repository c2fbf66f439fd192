// RequestParser: turns received bytes into commands, RESP arrays of bulk strings and inline commands alike.
//
// Pure: no I/O, no clock, no allocation sized by a number from the wire. The input may be split anywhere. The parser
// remembers how far from the start of the current request it came, and lets what it has read so far follow the bytes,
// so between two calls the caller may move them (from a leased receive buffer to its own) as long as the request's
// bytes stay together and in order.
//
//   parser.parse(bytes)        bytes = everything received from the start of the current request on
//     kNeedMore                call again with the same bytes and more behind them
//     kDone                    args() are views into `bytes`; consumed() bytes belong to this request; call next()
//                              before the following request, which starts at bytes[consumed()]
//     kBroken                  error_text() is Redis's own "Protocol error: ..." text; answer it and close
//     kHangUp                  an HTTP request ("POST" or "Host:" as a command word): close without a reply
//
// An empty line or an array of length <= 0 is kDone with no args: skip it. Runs on the thread that owns the connection.
//
// As in Redis, the byte after a header's CR and the two bytes after a bulk string are skipped unseen, and inline lines
// may end in a bare LF. Unlike Redis, the outcome never depends on where the input was split (its length limit on lines
// does), and a zero byte ends the words of an inline line (Redis never
// finds its end).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::resp {

// What a client may make us hold. All of them hold before authentication too; `authenticated` false lowers the first
// two to Redis's values for strangers (10 arguments of 16 KiB).
struct RequestLimits {
  int64_t argument_count_max = 1024 * 1024;
  int64_t argument_bytes_max = 512ll * 1024 * 1024;  // proto-max-bulk-len
  int64_t inline_bytes_max = 64 * 1024;              // of a header, too: more than the digits of the above
  bool authenticated = true;
};

class RequestParser {
 public:
  enum class Status { kNeedMore, kDone, kBroken, kHangUp };

  Status parse(std::string_view bytes, const RequestLimits& limits);
  std::span<const std::string_view> args() const { return args_; }
  size_t consumed() const { return position_; }
  const std::string& error_text() const { return error_text_; }
  // How many bytes the current request is known to need in all (0 if unknown): a hint for reserving the caller's
  // buffer, already capped so that it never exceeds twice what has arrived plus 64 KiB.
  size_t bytes_wanted() const { return bytes_wanted_; }
  // Forgets the finished request.
  void next();

 private:
  enum class Header { kRead, kIncomplete, kTooLong, kWrongMark, kNotANumber };

  Status parse_array(std::string_view bytes, const RequestLimits& limits);
  Status parse_arguments(std::string_view bytes, const RequestLimits& limits);
  Status parse_array_header(std::string_view bytes, const RequestLimits& limits, int64_t& count);
  Status parse_bulk_header(std::string_view bytes, const RequestLimits& limits, int64_t& length);
  Header read_header(std::string_view bytes, char mark, int64_t line_bytes_max, int64_t& number);
  Status parse_inline(std::string_view bytes, const RequestLimits& limits);
  bool split_inline(std::string_view line);
  Status need_more(std::string_view bytes, size_t bytes_wanted);
  Status broken(std::string_view text);
  void follow(std::string_view bytes);

  size_t position_ = 0;  // everything before it is understood
  size_t scanned_ = 0;   // no line end lies between position_ and here
  size_t bytes_wanted_ = 0;
  int64_t arguments_left_ = 0;         // bulk strings still to come; 0 before the array's header is read
  int64_t bulk_bytes_ = -1;            // length of the bulk string at position_; -1: its header is still to be read
  std::vector<std::string> unquoted_;  // the words of an inline command that had quotes
  std::string error_text_;
  std::vector<std::string_view> args_;  // so far
  const char* begin_ = nullptr;         // of the bytes that args_ are views into
};

}  // namespace millrace::resp
