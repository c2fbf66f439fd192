// See reply.h.
#include "load/reply.h"

#include <cstring>
#include <optional>

#include "base/numbers.h"
#include "load/fail.h"

namespace millrace::load {
namespace {

// The line from `at` without its end; `at` moves behind it.
std::optional<std::string_view> take_line(std::string_view bytes, size_t& at) {
  const size_t end = bytes.find('\n', at);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = bytes.substr(at, end - at - 1);
  at = end + 1;
  return line;
}

size_t length_of(std::string_view line) {
  const auto length = parse_i64(line.substr(1));
  if (!length || *length < -1) fail("not a reply: ", line);
  return *length < 0 ? 0 : static_cast<size_t>(*length);
}

}  // namespace

bool parse_reply(std::string_view bytes, Reply& reply) {
  reply.kind = 0;
  reply.parts.clear();
  size_t at = 0;
  for (size_t left = 1; left > 0; --left) {
    const auto line = take_line(bytes, at);
    if (!line) return false;
    if (line->empty()) fail("not a reply: an empty line");
    const char kind = line->front();
    if (reply.kind == 0) reply.kind = kind;
    if (kind == '*' || kind == '>' || kind == '~' || kind == '%') {
      left += length_of(*line) * (kind == '%' ? 2 : 1);
    } else if (kind == '$' || kind == '=') {
      const size_t length = length_of(*line);
      if (line->size() > 1 && (*line)[1] == '-') {
        reply.parts.emplace_back();
        continue;
      }
      if (bytes.size() - at < length + 2) return false;
      reply.parts.push_back(bytes.substr(at, length));
      at += length + 2;
    } else if (std::strchr("+-:_,#(", kind) != nullptr) {
      reply.parts.push_back(line->substr(1));
    } else {
      fail("not a reply: ", *line);
    }
  }
  reply.bytes = at;
  return true;
}

}  // namespace millrace::load
