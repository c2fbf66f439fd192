// See reply.h.
#include "load/reply.h"

#include <cstring>

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

void add_part(Reply& reply, std::string_view part) {
  if (reply.count < Reply::kPartsMax) reply.parts[reply.count++] = part;
}

}  // namespace

std::optional<Reply> parse_reply(std::string_view bytes) {
  Reply reply;
  size_t at = 0;
  for (size_t left = 1; left > 0; --left) {
    const auto line = take_line(bytes, at);
    if (!line) return std::nullopt;
    if (line->empty()) fail("not a reply: an empty line");
    const char kind = line->front();
    if (reply.kind == 0) reply.kind = kind;
    if (kind == '*' || kind == '>' || kind == '~' || kind == '%') {
      left += length_of(*line) * (kind == '%' ? 2 : 1);
    } else if (kind == '$' || kind == '=') {
      const size_t length = length_of(*line);
      if (line->size() > 1 && (*line)[1] == '-') {
        add_part(reply, {});
        continue;
      }
      if (bytes.size() - at < length + 2) return std::nullopt;
      add_part(reply, bytes.substr(at, length));
      at += length + 2;
    } else if (std::strchr("+-:_,#(", kind) != nullptr) {
      add_part(reply, line->substr(1));
    } else {
      fail("not a reply: ", *line);
    }
  }
  reply.bytes = at;
  return reply;
}

}  // namespace millrace::load
