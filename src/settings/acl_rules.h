// The language of access rules: what stands behind ACL SETUSER, behind "user" in redis.conf, and in an ACL file.
//
//   on off  nopass resetpass >password <password #digest !digest  (skip-)sanitize-payload  reset
//   +get -get +config|get +@read -@read allcommands nocommands +select|0
//   ~pattern %R~pattern %W~pattern %RW~pattern allkeys resetkeys  &pattern allchannels resetchannels
//   (+get ~a*) clearselectors
//
// Pure. A rule that is wrong changes nothing.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "settings/acl_catalog.h"
#include "settings/acl_user.h"

namespace millrace::settings {

enum class AclError {
  kSyntax,
  kUnknownCommand,
  kFirstArgumentOfSubcommand,
  kKeyAfterAllKeys,
  kChannelAfterAllChannels,
  kNoDigest,
  kNoSuchPassword,
};
std::string_view text_of(AclError error);  // Redis's

// What a user begins with.
struct AclDefaults {
  bool all_channels = false;  // acl-pubsub-default
  AclSanitizing sanitizing = AclSanitizing::kCheck;
};

class AclRules {
 public:
  // `catalog` outlives it.
  AclRules(const AclCatalog& catalog, AclDefaults defaults) : catalog_(catalog), defaults_(defaults) {}

  // A user who may do nothing.
  AclUser new_user(std::string_view name) const;
  // The user "default" before anybody has said anything: who may do all, without a password.
  AclUser open_default_user() const;
  // nullopt: done.
  std::optional<AclError> apply(AclUser& user, std::string_view rule) const;

 private:
  AclSelector new_selector() const;
  void reset(AclUser& user) const;
  std::optional<AclError> apply_to_selector(AclSelector& selector, std::string_view rule) const;
  std::optional<AclError> add_selector(AclUser& user, std::string_view rules) const;
  std::optional<AclError> change_commands(AclSelector& selector, std::string_view rule) const;
  std::optional<AclError> change_category(AclSelector& selector, std::string_view rule) const;
  std::optional<AclError> allow_first_argument(AclSelector& selector, std::string_view rule) const;
  void change_command(AclSelector& selector, uint32_t index, bool allow) const;

  const AclCatalog& catalog_;
  const AclDefaults defaults_;
};

// The words of a rule in parentheses, which a client or a file may have split at blanks, put together again:
// "(+get", "~a)" become "(+get ~a)".
struct AclWords {
  std::vector<std::string> rules;
  std::optional<size_t> unmatched;  // the word that begins a selector without an end
};
AclWords join_selectors(std::span<const std::string_view> words);

// Neither blanks nor zero bytes: what may be a name.
bool is_acl_name(std::string_view name);

}  // namespace millrace::settings
