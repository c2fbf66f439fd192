// Reads the notation of syntax.h by recursive descent, one function per rule. Depth is bounded by the rows themselves.
#include "commands/syntax.h"

#include <array>
#include <cctype>
#include <utility>

namespace millrace::commands {
namespace {

using TypeName = std::pair<std::string_view, ArgumentType>;
constexpr std::array<TypeName, 9> kTypeNames{{{"string", ArgumentType::kString},
                                              {"integer", ArgumentType::kInteger},
                                              {"double", ArgumentType::kDouble},
                                              {"key", ArgumentType::kKey},
                                              {"pattern", ArgumentType::kPattern},
                                              {"unix-time", ArgumentType::kUnixTime},
                                              {"pure-token", ArgumentType::kPureToken},
                                              {"oneof", ArgumentType::kOneOf},
                                              {"block", ArgumentType::kBlock}}};

class SyntaxParser {
 public:
  explicit SyntaxParser(std::string_view text) : text_(text) {}

  std::optional<std::vector<Argument>> parse_all() {
    std::vector<Argument> arguments;
    skip_blanks();
    while (ok_ && !at_end()) arguments.push_back(parse_argument());
    if (!ok_) return std::nullopt;
    return arguments;
  }

 private:
  bool at_end() const { return position_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[position_]; }
  bool take(std::string_view expected) {
    if (!text_.substr(position_).starts_with(expected)) return false;
    position_ += expected.size();
    return true;
  }
  void need(std::string_view expected) {
    if (!take(expected)) ok_ = false;
  }
  void skip_blanks() {
    while (take(" ")) continue;
  }
  // After an argument comes a blank, the end, or what closes or continues the enclosing rule.
  void end_argument() {
    if (!at_end() && std::string_view(" |>}]").find(peek()) == std::string_view::npos) ok_ = false;
    skip_blanks();
  }

  std::string_view parse_word(std::string_view extra = "") {
    if (take("'")) return parse_quoted();
    const size_t start = position_;
    while (!at_end() && same_word(peek(), extra) && !text_.substr(position_).starts_with("...")) ++position_;
    if (position_ == start) ok_ = false;
    return text_.substr(start, position_ - start);
  }
  std::string_view parse_quoted() {
    const size_t end = text_.find('\'', position_);
    if (end == std::string_view::npos || end == position_) {
      ok_ = false;
      return {};
    }
    const std::string_view word = text_.substr(position_, end - position_);
    position_ = end + 1;
    return word;
  }
  static bool same_word(char c, std::string_view extra) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("._-/").find(c) != std::string_view::npos || extra.find(c) != std::string_view::npos;
  }

  Argument parse_argument() {
    const bool optional = take("[");
    Argument argument = parse_body();
    argument.optional = optional;
    if (optional) need("]");
    end_argument();
    return argument;
  }

  Argument parse_body() {
    Argument argument;
    argument.name = parse_word();
    while (ok_ && parse_part(argument)) continue;
    if (argument.type == ArgumentType::kPureToken && argument.token.empty()) ok_ = false;
    return argument;
  }

  // False: no part begins here.
  bool parse_part(Argument& argument) {
    if (take("...=")) {
      argument.multiple = argument.multiple_token = true;
    } else if (take("...")) {
      argument.multiple = true;
    } else if (take("=")) {
      argument.token = parse_word("*+?~$\"%");
    } else if (take("@")) {
      argument.since = parse_word();
    } else if (take("!")) {
      argument.deprecated_since = parse_word();
    } else if (take(":")) {
      parse_type(argument);
    } else if (take("{")) {
      parse_children(argument, ArgumentType::kBlock, "", "}");
    } else if (take("<")) {
      parse_children(argument, ArgumentType::kOneOf, "|", ">");
    } else {
      return false;
    }
    return ok_;
  }

  void become(Argument& argument, ArgumentType type) {
    if (argument.type != ArgumentType::kPureToken) ok_ = false;
    argument.type = type;
  }

  void parse_type(Argument& argument) {
    const std::string_view word = parse_word();
    bool known = false;
    for (const auto& [name, type] : kTypeNames) {
      if (name != word || type >= ArgumentType::kPureToken) continue;
      become(argument, type);
      known = true;
    }
    if (!known) ok_ = false;
    if (argument.type == ArgumentType::kKey && take("#")) {
      if (peek() < '0' || peek() > '9') {
        ok_ = false;
        return;
      }
      argument.key_spec_index = text_[position_++] - '0';
    }
  }

  void parse_children(Argument& argument, ArgumentType type, std::string_view separator, std::string_view close) {
    become(argument, type);
    skip_blanks();
    do {
      argument.arguments.push_back(parse_argument());
      if (take(close)) return;
      if (!separator.empty()) need(separator);
      skip_blanks();
    } while (ok_ && !at_end());
    ok_ = false;
  }

  std::string_view text_;
  size_t position_ = 0;
  bool ok_ = true;
};

}  // namespace

std::optional<std::vector<Argument>> parse_syntax(std::string_view notation) {
  return SyntaxParser(notation).parse_all();
}

std::string_view name_of(ArgumentType type) {
  for (const auto& [name, each] : kTypeNames) {
    if (each == type) return name;
  }
  return "string";
}

}  // namespace millrace::commands
