// AclUser: one user's rules - who may log in how, and which commands, keys and channels are allowed.
//
// A user has one or more selectors; a command is allowed if one of them allows all of it. The first one, the root, is
// what rules outside of parentheses change. Plain values: who shares one among threads does not change it any more.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "settings/acl_catalog.h"

namespace millrace::settings {

struct AclKeyPattern {
  std::string pattern;
  bool reads = true;
  bool writes = true;
};

struct AclSelector {
  CommandSet commands;             // allowed ones
  bool begins_with_all = false;    // its rules begin at +@all, not at -@all
  std::vector<std::string> rules;  // about commands since then, in order and lower case: "-@write", "+get"
  // Of a command that is not allowed, the words that are allowed behind its name ("+select|0").
  std::map<uint32_t, std::vector<std::string>> first_arguments;
  bool all_keys = false;
  std::vector<AclKeyPattern> keys;
  bool all_channels = false;
  std::vector<std::string> channels;
};

// What RESTORE shall do with what the user sends. It checks always; the word is kept and shown.
enum class AclSanitizing : uint8_t { kNotSaid, kSkip, kCheck };

struct AclUser {
  std::string name;
  bool is_on = false;
  bool takes_any_password = false;  // nopass
  AclSanitizing sanitizing = AclSanitizing::kNotSaid;
  std::vector<std::string> password_digests;
  std::vector<AclSelector> selectors;  // the root first

  const AclSelector& root() const { return selectors.front(); }
  AclSelector& root() { return selectors.front(); }
  // Nothing it could do is forbidden.
  bool is_unrestricted() const;
};

// "on", "nopass", ...: in the order of ACL GETUSER and ACL LIST.
std::vector<std::string_view> acl_flags(const AclUser& user);
// "+@all -get", "~a* %R~b*", "&news.*": as ACL GETUSER prints a selector.
std::string acl_commands_text(const AclSelector& selector);
std::string acl_keys_text(const AclSelector& selector);
std::string acl_channels_text(const AclSelector& selector);
// "user alice on #... ~a* resetchannels +@all": a line of ACL LIST, which as rules makes the same user again.
std::string acl_user_line(const AclUser& user);

}  // namespace millrace::settings
