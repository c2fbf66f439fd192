// See acl_check.h.
#include "settings/acl_check.h"

#include <algorithm>

#include "base/glob.h"
#include "base/letters.h"

namespace millrace::settings {
namespace {

bool is_command_allowed(const AclSelector& selector, const AclRequest& request) {
  if (request.is_for_everyone || selector.commands.contains(request.command)) return true;
  const auto allowed = selector.first_arguments.find(request.command);
  if (allowed == selector.first_arguments.end()) return false;
  return std::any_of(allowed->second.begin(), allowed->second.end(),
                     [&](const std::string& word) { return same_word(word, request.first_argument); });
}

bool is_key_allowed(const AclSelector& selector, std::string_view key, const AclKeyUse& use) {
  return std::any_of(selector.keys.begin(), selector.keys.end(), [&](const AclKeyPattern& rule) {
    return (rule.reads || !use.reads) && (rule.writes || !use.writes) && glob_matches(rule.pattern, key);
  });
}

std::optional<AclDenial> find_denial(const AclSelector& selector, const AclRequest& request) {
  if (!is_command_allowed(selector, request)) return AclDenial{};
  if (!selector.all_keys) {
    for (const AclKeyUse& use : request.keys) {
      if (!is_key_allowed(selector, request.args[use.position], use)) return AclDenial{AclDenied::kKey, use.position};
    }
  }
  if (!selector.all_channels) {
    for (const uint32_t position : request.channels) {
      if (!is_channel_allowed(selector.channels, request.args[position], request.channels_are_patterns)) {
        return AclDenial{AclDenied::kChannel, position};
      }
    }
  }
  return std::nullopt;
}

bool came_further(const AclDenial& denial, const AclDenial& other) {
  return denial.what > other.what || (denial.what == other.what && denial.position > other.position);
}

}  // namespace

bool is_channel_allowed(std::span<const std::string> rules, std::string_view channel, bool is_pattern) {
  return std::any_of(rules.begin(), rules.end(), [&](const std::string& rule) {
    return is_pattern ? rule == channel : glob_matches(rule, channel);
  });
}

std::optional<AclDenial> find_denial(const AclUser& user, const AclRequest& request) {
  AclDenial furthest;
  for (const AclSelector& selector : user.selectors) {
    const std::optional<AclDenial> denial = find_denial(selector, request);
    if (!denial) return std::nullopt;
    if (came_further(*denial, furthest)) furthest = *denial;
  }
  return furthest;
}

}  // namespace millrace::settings
