// See acl_user.h.
#include "settings/acl_user.h"

#include <algorithm>

namespace millrace::settings {
namespace {

void append_word(std::string& text, std::string_view word) {
  if (!text.empty()) text += ' ';
  text += word;
}

std::string selector_text(const AclSelector& selector) {
  std::string text = acl_keys_text(selector);
  if (!selector.all_channels) append_word(text, "resetchannels");
  const std::string channels = acl_channels_text(selector);
  if (!channels.empty()) append_word(text, channels);
  append_word(text, acl_commands_text(selector));
  return text;
}

// The pattern * is not written as ~*, which would be read as allkeys, and that refuses the patterns after it.
std::string_view mark_of(const AclKeyPattern& key) {
  if (key.reads && key.writes) return key.pattern == "*" ? "%RW~" : "~";
  return key.reads ? "%R~" : "%W~";
}

}  // namespace

bool AclUser::is_unrestricted() const {
  return std::any_of(selectors.begin(), selectors.end(), [](const AclSelector& selector) {
    return selector.all_keys && selector.all_channels && selector.commands.is_full();
  });
}

std::vector<std::string_view> acl_flags(const AclUser& user) {
  std::vector<std::string_view> flags = {user.is_on ? "on" : "off"};
  if (user.takes_any_password) flags.emplace_back("nopass");
  if (user.sanitizing == AclSanitizing::kSkip) flags.emplace_back("skip-sanitize-payload");
  if (user.sanitizing == AclSanitizing::kCheck) flags.emplace_back("sanitize-payload");
  return flags;
}

std::string acl_commands_text(const AclSelector& selector) {
  std::string text = selector.begins_with_all ? "+@all" : "-@all";
  for (const std::string& rule : selector.rules) append_word(text, rule);
  return text;
}

std::string acl_keys_text(const AclSelector& selector) {
  if (selector.all_keys) return "~*";
  std::string text;
  for (const AclKeyPattern& key : selector.keys) append_word(text, std::string(mark_of(key)) + key.pattern);
  return text;
}

std::string acl_channels_text(const AclSelector& selector) {
  if (selector.all_channels) return "&*";
  std::string text;
  for (const std::string& channel : selector.channels) append_word(text, "&" + channel);
  return text;
}

std::string acl_user_line(const AclUser& user) {
  std::string line = "user " + user.name;
  for (const std::string_view flag : acl_flags(user)) append_word(line, flag);
  for (const std::string& digest : user.password_digests) append_word(line, "#" + digest);
  for (const AclSelector& selector : user.selectors) {
    const std::string text = selector_text(selector);
    append_word(line, &selector == &user.root() ? text : "(" + text + ")");
  }
  return line;
}

}  // namespace millrace::settings
