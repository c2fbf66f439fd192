// See acl_file.h.
#include "settings/acl_file.h"

#include <utility>
#include <vector>

#include "base/split_args.h"

namespace millrace::settings {
namespace {

std::string_view trimmed(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t begin = line.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(kBlanks) - begin + 1);
}

std::vector<std::string_view> split_at(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

class Reader {
 public:
  Reader(std::string_view path, const AclRules& rules) : path_(path), rules_(rules) {}

  AclFileContent read(std::string_view text) {
    size_t number = 0;
    for (const std::string_view line : split_at(text, '\n')) {
      const std::string_view content = trimmed(line);
      place_ = std::string(path_) + ":" + std::to_string(++number);
      if (!content.empty()) read_line(split_at(content, ' '), number);
    }
    if (!content_.errors.empty()) {
      content_.errors += "WARNING: ACL errors detected, no change to the previously active ACL rules was performed";
    }
    return std::move(content_);
  }

 private:
  void complain(const std::string& text) { content_.errors += text; }

  void read_line(const std::vector<std::string_view>& words, size_t number) {
    if (words[0] != "user" || words.size() < 2) {
      return complain(place_ + " should start with user keyword followed by the username. ");
    }
    const std::string_view name = words[1];
    if (!is_acl_name(name)) return complain(place_ + ": username contains invalid characters. ");
    if (content_.users.contains(name)) {
      return complain("WARNING: Duplicate user '" + std::string(name) + "' found on line " + std::to_string(number) +
                      ". ");
    }
    const AclWords joined = join_selectors(std::span(words).subspan(2));
    if (joined.unmatched) return complain(place_ + ": Unmatched parenthesis in selector definition.");
    AclUser user = rules_.new_user(name);
    apply(joined.rules, user);
    content_.users.emplace(name, std::move(user));
  }

  // Unknown commands are all named. Of other mistakes the first one is, without the rule: it may hold a password.
  void apply(const std::vector<std::string>& words, AclUser& user) {
    bool is_said = false;
    for (const std::string& word : words) {
      const std::optional<AclError> error = rules_.apply(user, trimmed(word));
      if (!error) continue;
      const std::string why(text_of(*error));
      if (*error == AclError::kUnknownCommand) {
        complain(place_ + ": Error in applying operation '" + word + "': " + why + ". ");
      } else if (!is_said) {
        complain(place_ + ": " + why + ". ");
        is_said = true;
      }
    }
  }

  const std::string_view path_;
  const AclRules& rules_;
  std::string place_;
  AclFileContent content_;
};

}  // namespace

AclFileContent read_acl_file(std::string_view text, std::string_view path, const AclRules& rules) {
  return Reader(path, rules).read(text);
}

std::optional<std::string> add_configured_user(std::span<const std::string> words, const AclRules& rules,
                                               AclUsers& users) {
  const std::string& name = words[0];
  const std::string where = "Error in user declaration '" + name + "': ";
  if (!is_acl_name(name)) return where + "Spaces not allowed in ACL usernames";
  const AclWords joined = join_selectors(std::vector<std::string_view>(words.begin() + 1, words.end()));
  if (joined.unmatched) return where + "Unmatched parenthesis in selector definition";
  AclUser user = rules.new_user(name);
  for (const std::string& rule : joined.rules) {
    if (const auto error = rules.apply(user, rule)) return where + std::string(text_of(*error));
  }
  users.insert_or_assign(name, std::move(user));
  return std::nullopt;
}

std::string configured_user_line(const AclUser& user) {
  const std::string line = acl_user_line(user);
  std::string quoted;
  for (const std::string_view word : split_at(line, ' ')) {
    const bool is_plain = split_args(word) == std::vector{std::string(word)};
    quoted.append(quoted.empty() ? "" : " ").append(is_plain ? std::string(word) : quote_arg(word));
  }
  return quoted;
}

}  // namespace millrace::settings
