// The notation in which a row of the command table writes down its arguments, and the tree it is read into. COMMAND
// DOCS prints the tree in Redis's shape, and redis-cli makes its hints from that.
//
//   arguments = argument { ' ' argument }
//   argument  = '[' body ']'                        optional
//             | body
//   body      = name { part }
//   part      = '=' TOKEN                           a literal word that stands first, or alone
//             | ':' type                            string integer double pattern unix-time key
//             | '{' arguments '}'                   a block: these in this order
//             | '<' argument { '|' argument } '>'   one of these
//             | '@' version                         since
//             | '!' version                         deprecated since
//             | '...'                               may come several times, the token only once
//             | '...='                              may come several times, the token each time
//
// A body with neither type, block nor choice is its token alone (Redis calls that a pure token). A key is of key
// specification 0 unless it says which: "destination:key#1". Names, tokens and versions are made of letters, digits
// and . _ - / (a token also of * + ? ~ $ " %); anything else goes between single quotes: equal='='.
//
//   DEL       key:key...
//   RENAME    key:key newkey:key#1
//   SCAN      cursor:integer [pattern=MATCH:pattern] [count=COUNT:integer] [type=TYPE:string@6.0.0]
//   EXPIRE    key:key seconds:integer [condition@7.0.0<nx=NX|xx=XX|gt=GT|lt=LT>]
//   XADD      key:key [nomkstream=NOMKSTREAM@6.2.0]
//             [trim{strategy<maxlen=MAXLEN|minid=MINID@6.2.0> [operator<equal='='|approximately=~>]
//             threshold:string [count=LIMIT:integer@6.2.0]}]
//             id_or_auto<auto_id=*|id:string> field_value{field:string value:string}...
//   XREAD     [count=COUNT:integer] [milliseconds=BLOCK:integer] streams=STREAMS{key:key... id:string...}
//   MIGRATE   key_or_empty_string<key:key|empty_string=""> [keys=KEYS:key#1...]
//   SORT      key:key [pattern=GET:pattern...=]
//
// Several blanks (of a string literal broken over lines) count as one. Parsed once, at start.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace millrace::commands {

enum class ArgumentType : uint8_t {
  kString,
  kInteger,
  kDouble,
  kKey,
  kPattern,
  kUnixTime,
  kPureToken,
  kOneOf,
  kBlock,
};

// Its texts are parts of the notation and live as long as that does.
struct Argument {
  std::string_view name;
  ArgumentType type = ArgumentType::kPureToken;
  std::string_view token;  // empty: none
  std::string_view since;
  std::string_view deprecated_since;
  int key_spec_index = 0;  // of a key
  bool optional = false;
  bool multiple = false;
  bool multiple_token = false;
  std::vector<Argument> arguments;  // of a block or a choice
};

// Nothing if the text is not in the notation.
std::optional<std::vector<Argument>> parse_syntax(std::string_view notation);

// "pure-token", "unix-time": as COMMAND DOCS prints it.
std::string_view name_of(ArgumentType type);

}  // namespace millrace::commands
