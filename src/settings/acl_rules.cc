// See acl_rules.h.
#include "settings/acl_rules.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/letters.h"
#include "settings/acl_password.h"

namespace millrace::settings {
namespace {

// Rules that are a word of their own.
using UserWord = std::pair<std::string_view, void (*)(AclUser&)>;
using SelectorWord = std::pair<std::string_view, void (*)(AclSelector&)>;

void open_to_any_password(AclUser& user) {
  user.takes_any_password = true;
  user.password_digests.clear();
}

void forget_passwords(AclUser& user) {
  user.takes_any_password = false;
  user.password_digests.clear();
}

constexpr std::array<UserWord, 7> kUserWords{
    {{"on", [](AclUser& user) { user.is_on = true; }},
     {"off", [](AclUser& user) { user.is_on = false; }},
     {"nopass", open_to_any_password},
     {"resetpass", forget_passwords},
     {"skip-sanitize-payload", [](AclUser& user) { user.sanitizing = AclSanitizing::kSkip; }},
     {"sanitize-payload", [](AclUser& user) { user.sanitizing = AclSanitizing::kCheck; }},
     {"clearselectors", [](AclUser& user) { user.selectors.resize(1); }}}};

void set_all_commands(AclSelector& selector, bool allow) {
  selector.commands.set_all(allow);
  selector.begins_with_all = allow;
  selector.rules.clear();
  selector.first_arguments.clear();
}

void set_all_keys(AclSelector& selector, bool allow) {
  selector.all_keys = allow;
  selector.keys.clear();
}

void set_all_channels(AclSelector& selector, bool allow) {
  selector.all_channels = allow;
  selector.channels.clear();
}

constexpr std::array<SelectorWord, 10> kSelectorWords{
    {{"allkeys", [](AclSelector& selector) { set_all_keys(selector, true); }},
     {"~*", [](AclSelector& selector) { set_all_keys(selector, true); }},
     {"resetkeys", [](AclSelector& selector) { set_all_keys(selector, false); }},
     {"allchannels", [](AclSelector& selector) { set_all_channels(selector, true); }},
     {"&*", [](AclSelector& selector) { set_all_channels(selector, true); }},
     {"resetchannels", [](AclSelector& selector) { set_all_channels(selector, false); }},
     {"allcommands", [](AclSelector& selector) { set_all_commands(selector, true); }},
     {"+@all", [](AclSelector& selector) { set_all_commands(selector, true); }},
     {"nocommands", [](AclSelector& selector) { set_all_commands(selector, false); }},
     {"-@all", [](AclSelector& selector) { set_all_commands(selector, false); }}}};

template <typename Words, typename Subject>
bool apply_word(const Words& words, Subject& subject, std::string_view rule) {
  for (const auto& [word, change] : words) {
    if (!same_word(word, rule)) continue;
    change(subject);
    return true;
  }
  return false;
}

// ---- passwords

std::optional<AclError> add_password(AclUser& user, std::string_view rule) {
  if (rule[0] == '#' && !is_password_digest(rule.substr(1))) return AclError::kNoDigest;
  std::string digest = rule[0] == '#' ? std::string(rule.substr(1)) : digest_of_password(rule.substr(1));
  user.takes_any_password = false;
  std::vector<std::string>& digests = user.password_digests;
  if (std::find(digests.begin(), digests.end(), digest) == digests.end()) digests.push_back(std::move(digest));
  return std::nullopt;
}

std::optional<AclError> remove_password(AclUser& user, std::string_view rule) {
  if (rule[0] == '!' && !is_password_digest(rule.substr(1))) return AclError::kNoDigest;
  const std::string digest = rule[0] == '!' ? std::string(rule.substr(1)) : digest_of_password(rule.substr(1));
  return std::erase(user.password_digests, digest) == 0 ? std::optional(AclError::kNoSuchPassword) : std::nullopt;
}

// ---- keys and channels

// "%R~", "~": what the pattern behind it is for. Removed from `rule`. False: no such mark.
bool take_key_mark(std::string_view& rule, AclKeyPattern& key) {
  size_t at = 1;
  if (rule[0] == '%') {
    key.reads = key.writes = false;
    for (; at < rule.size() && rule[at] != '~'; ++at) {
      bool& is_said = lower(rule[at]) == 'r' ? key.reads : key.writes;
      if ((lower(rule[at]) != 'r' && lower(rule[at]) != 'w') || is_said) return false;
      is_said = true;
    }
    if (!key.reads && !key.writes) return false;
    at = std::min(at + 1, rule.size());
  }
  rule.remove_prefix(at);
  return true;
}

// A pattern that is there already is allowed for more.
std::optional<AclError> add_key_pattern(AclSelector& selector, std::string_view rule) {
  if (selector.all_keys) return AclError::kKeyAfterAllKeys;
  AclKeyPattern key;
  if (!take_key_mark(rule, key) || !is_acl_name(rule)) return AclError::kSyntax;
  key.pattern = rule;
  const auto same = std::find_if(selector.keys.begin(), selector.keys.end(),
                                 [&](const AclKeyPattern& each) { return each.pattern == key.pattern; });
  if (same == selector.keys.end()) {
    selector.keys.push_back(std::move(key));
  } else {
    same->reads = same->reads || key.reads;
    same->writes = same->writes || key.writes;
  }
  return std::nullopt;
}

std::optional<AclError> add_channel_pattern(AclSelector& selector, std::string_view pattern) {
  if (selector.all_channels) return AclError::kChannelAfterAllChannels;
  if (!is_acl_name(pattern)) return AclError::kSyntax;
  std::vector<std::string>& channels = selector.channels;
  if (std::find(channels.begin(), channels.end(), pattern) == channels.end()) channels.emplace_back(pattern);
  return std::nullopt;
}

// ---- commands

// The rule goes behind the others, of which those fall that it repeats, takes back, or is wider than.
void note_rule(AclSelector& selector, std::string_view rule) {
  const std::string added = lower_case(rule);
  const std::string_view subject = std::string_view(added).substr(1);
  std::erase_if(selector.rules, [subject](std::string_view old) {
    old.remove_prefix(1);
    return old.starts_with(subject) && (old.size() == subject.size() || old[subject.size()] == '|');
  });
  selector.rules.push_back(added);
}

}  // namespace

std::string_view text_of(AclError error) {
  switch (error) {
    case AclError::kSyntax:
      return "Syntax error";
    case AclError::kUnknownCommand:
      return "Unknown command or category name in ACL";
    case AclError::kFirstArgumentOfSubcommand:
      return "Allowing first-arg of a subcommand is not supported";
    case AclError::kKeyAfterAllKeys:
      return "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. "
             "Try 'resetkeys' to start with an empty list of patterns";
    case AclError::kChannelAfterAllChannels:
      return "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any "
             "effect. Try 'resetchannels' to start with an empty list of channels";
    case AclError::kNoDigest:
      return "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters";
    case AclError::kNoSuchPassword:
      return "The password you are trying to remove from the user does not exist";
  }
  return "";
}

bool is_acl_name(std::string_view name) {
  return std::none_of(name.begin(), name.end(), [](char c) { return is_space(c) || c == '\0'; });
}

AclWords join_selectors(std::span<const std::string_view> words) {
  AclWords joined;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    const bool ends = !word.empty() && word.back() == ')';
    if (joined.unmatched) {
      joined.rules.back().append(" ").append(word);
      if (ends) joined.unmatched.reset();
    } else {
      joined.rules.emplace_back(word);
      if (word.starts_with('(') && !ends) joined.unmatched = i;
    }
  }
  return joined;
}

AclSelector AclRules::new_selector() const {
  AclSelector selector;
  selector.commands = CommandSet(catalog_.commands.size());
  selector.all_channels = defaults_.all_channels;
  return selector;
}

AclUser AclRules::new_user(std::string_view name) const {
  AclUser user;
  user.name = name;
  user.sanitizing = defaults_.sanitizing;
  user.selectors = {new_selector()};
  return user;
}

AclUser AclRules::open_default_user() const {
  AclUser user = new_user("default");
  user.is_on = true;
  open_to_any_password(user);
  set_all_keys(user.root(), true);
  set_all_channels(user.root(), true);
  set_all_commands(user.root(), true);
  return user;
}

void AclRules::reset(AclUser& user) const {
  user = new_user(user.name);
  user.sanitizing = AclSanitizing::kCheck;
}

std::optional<AclError> AclRules::apply(AclUser& user, std::string_view rule) const {
  if (rule.empty() || apply_word(kUserWords, user, rule)) return std::nullopt;
  switch (rule[0]) {
    case '>':
    case '#':
      return add_password(user, rule);
    case '<':
    case '!':
      return remove_password(user, rule);
    default:
      break;
  }
  if (rule.starts_with('(') && rule.ends_with(')')) return add_selector(user, rule.substr(1, rule.size() - 2));
  if (!same_word(rule, "reset")) return apply_to_selector(user.root(), rule);
  reset(user);
  return std::nullopt;
}

std::optional<AclError> AclRules::add_selector(AclUser& user, std::string_view rules) const {
  AclSelector selector = new_selector();
  while (!rules.empty()) {
    const std::string_view rule = rules.substr(0, rules.find(' '));
    rules.remove_prefix(std::min(rules.size(), rule.size() + 1));
    if (rule.empty()) continue;
    if (rule.ends_with(')')) return AclError::kSyntax;  // printed, it would end the selector
    if (const auto error = apply_to_selector(selector, rule)) return error;
  }
  user.selectors.push_back(std::move(selector));
  return std::nullopt;
}

std::optional<AclError> AclRules::apply_to_selector(AclSelector& selector, std::string_view rule) const {
  if (apply_word(kSelectorWords, selector, rule)) return std::nullopt;
  switch (rule[0]) {
    case '~':
    case '%':
      return add_key_pattern(selector, rule);
    case '&':
      return add_channel_pattern(selector, rule.substr(1));
    case '+':
    case '-':
      return rule.size() > 1 && rule[1] == '@' ? change_category(selector, rule) : change_commands(selector, rule);
    default:
      return AclError::kSyntax;
  }
}

std::optional<AclError> AclRules::change_category(AclSelector& selector, std::string_view rule) const {
  const AclCatalog::Category* category = catalog_.find_category(rule.substr(2));
  if (category == nullptr) return AclError::kUnknownCommand;
  for (const uint32_t index : category->commands) change_command(selector, index, rule[0] == '+');
  note_rule(selector, rule);
  return std::nullopt;
}

std::optional<AclError> AclRules::change_commands(AclSelector& selector, std::string_view rule) const {
  const bool allow = rule[0] == '+';
  const std::string_view name = rule.substr(1);
  const std::optional<uint32_t> index = catalog_.find(name);
  if (!index) {
    const bool has_argument = allow && name.find('|') != std::string_view::npos;
    return has_argument ? allow_first_argument(selector, rule) : AclError::kUnknownCommand;
  }
  change_command(selector, *index, allow);
  note_rule(selector, rule);
  return std::nullopt;
}

// "+select|0", where what stands before the bar is a command without subcommands.
std::optional<AclError> AclRules::allow_first_argument(AclSelector& selector, std::string_view rule) const {
  const size_t bar = rule.rfind('|');
  const std::optional<uint32_t> index = catalog_.find(rule.substr(1, bar - 1));
  if (!index) return AclError::kUnknownCommand;
  const AclCatalog::Command& command = catalog_.commands[*index];
  if (command.is_subcommand) return AclError::kFirstArgumentOfSubcommand;
  const std::string_view argument = rule.substr(bar + 1);
  if (argument.empty() || !is_acl_name(argument)) return AclError::kSyntax;
  if (!command.subcommands.empty()) return AclError::kUnknownCommand;
  std::vector<std::string>& arguments = selector.first_arguments[*index];
  const bool is_known = std::any_of(arguments.begin(), arguments.end(),
                                    [argument](const std::string& each) { return same_word(each, argument); });
  if (!is_known) arguments.emplace_back(argument);
  note_rule(selector, rule);
  return std::nullopt;
}

// A command with all its subcommands.
void AclRules::change_command(AclSelector& selector, uint32_t index, bool allow) const {
  selector.commands.set(index, allow);
  selector.first_arguments.erase(index);
  for (const uint32_t subcommand : catalog_.commands[index].subcommands) selector.commands.set(subcommand, allow);
}

}  // namespace millrace::settings
