// See reply_tree.h.
#include "reply_tree.h"

#include "base/check.h"
#include "base/numbers.h"

namespace millrace::test {
namespace {

std::string_view take_line(std::string_view* rest) {
  const size_t end = rest->find("\r\n");
  CHECK(end != std::string_view::npos);
  const std::string_view line = rest->substr(0, end);
  rest->remove_prefix(end + 2);
  return line;
}

Reply take_reply(std::string_view* rest) {
  const std::string_view line = take_line(rest);
  CHECK(!line.empty());
  Reply reply;
  reply.type = line[0];
  reply.text = line.substr(1);
  const bool is_bulk = reply.type == '$' || reply.type == '=' || reply.type == '!';
  reply.is_null = reply.type == '_';
  if (!is_bulk && !reply.is_aggregate()) return reply;

  const int64_t count = parse_i64(line.substr(1)).value_or(-1);
  reply.is_null = count < 0;
  if (reply.is_null) return reply;
  if (is_bulk) {
    reply.text = rest->substr(0, static_cast<size_t>(count));
    rest->remove_prefix(static_cast<size_t>(count) + 2);
    return reply;
  }
  const int64_t elements = reply.is_map() || reply.type == '|' ? 2 * count : count;
  for (int64_t i = 0; i < elements; i++) reply.elements.push_back(take_reply(rest));
  return reply;
}

}  // namespace

Reply parse_reply(std::string_view raw) {
  return take_reply(&raw);
}

const Reply* find_field(const Reply& map, std::string_view name) {
  for (size_t i = 0; i + 1 < map.elements.size(); i += 2) {
    if (map.elements[i].text == name) return &map.elements[i + 1];
  }
  return nullptr;
}

}  // namespace millrace::test
