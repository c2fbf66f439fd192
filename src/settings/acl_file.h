// An ACL file: one line for each user, as ACL LIST prints them. Reading is without quotes and comments, as in Redis.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "settings/acl_rules.h"

namespace millrace::settings {

using AclUsers = std::map<std::string, AclUser, std::less<>>;

// The users the text defines, or all that is wrong with it, in Redis's words. `path` is how the words name the file.
struct AclFileContent {
  AclUsers users;
  std::string errors;  // empty: it is good
};
AclFileContent read_acl_file(std::string_view text, std::string_view path, const AclRules& rules);

// One "user" line of redis.conf, without its first word. Without a user of that name it is added; only "default" may be
// there before, and begins anew. nullopt, or what is wrong.
std::optional<std::string> add_configured_user(std::span<const std::string> words, const AclRules& rules,
                                               AclUsers& users);
// The line that makes the same user again, with quotes where redis.conf needs them.
std::string configured_user_line(const AclUser& user);

}  // namespace millrace::settings
