// A raw reply as a tree, for looks at single elements of it. Text is kept as it stood on the wire.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::test {

struct Reply {
  char type = 0;     // the first byte: '+', '$', '*', '%', ...
  std::string text;  // of a line or a bulk; of an aggregate, its count
  bool is_null = false;
  std::vector<Reply> elements;

  bool is_aggregate() const { return type == '*' || type == '%' || type == '~' || type == '>' || type == '|'; }
  bool is_map() const { return type == '%'; }
  bool is_error() const { return type == '-'; }
};

// REQUIRES: `raw` is one complete reply, as RespConnection hands it out.
Reply parse_reply(std::string_view raw);

// The value of `name` in a map of RESP3, or in its flat form of RESP2; null if it is not there.
const Reply* find_field(const Reply& map, std::string_view name);

}  // namespace millrace::test
