// Reply: one RESP reply as a tree, for tests that look at a server from outside. RESP2 and RESP3.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::test {

struct Reply {
  char mark = 0;             // the byte that names the type: + - : $ * _ % , # = ~ >
  std::string text;          // simple strings, errors (without the '-'), bulk strings
  int64_t number = 0;        // integers
  std::vector<Reply> items;  // arrays; maps as key, value, key, value
  bool is_null = false;

  bool is_error() const { return mark == '-'; }
  bool is_error(std::string_view prefix) const { return is_error() && text.starts_with(prefix); }
  bool is_array() const { return (mark == '*' || mark == '%') && !is_null; }
};

enum class ReplyStatus { kComplete, kIncomplete, kMalformed };

// Reads the reply at bytes[position] and moves the position behind it if it is complete.
ReplyStatus read_reply(std::string_view bytes, size_t& position, Reply& reply);

// "*2\r\n$4\r\nECHO\r\n...": a request as clients send it.
std::string format_request(const std::vector<std::string>& words);
// The words of a line, split at blanks.
std::vector<std::string> split_words(std::string_view line);

}  // namespace millrace::test
