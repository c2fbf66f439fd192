// Whether a user may run a command, given what the command touches. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "settings/acl_user.h"

namespace millrace::settings {

// In the order in which one outranks the other where selectors disagree.
enum class AclDenied : uint8_t { kCommand, kKey, kChannel };

struct AclDenial {
  AclDenied what = AclDenied::kCommand;
  size_t position = 0;  // of the key or channel in the arguments
};

struct AclKeyUse {
  uint32_t position = 0;
  bool reads = false;
  bool writes = false;
};

// A command with its arguments, as far as rules look at it.
struct AclRequest {
  uint32_t command = 0;
  bool is_for_everyone = false;  // AUTH, HELLO, QUIT, RESET: no rule can forbid it
  // Empty if there is none.
  std::string_view first_argument = {};
  std::span<const std::string_view> args = {};  // what positions count in
  std::span<const AclKeyUse> keys = {};
  std::span<const uint32_t> channels = {};  // positions
  bool channels_are_patterns = false;       // each must be among the rules word by word
};

// nullopt: allowed. Of several reasons (each selector has its own) the one that came furthest.
std::optional<AclDenial> find_denial(const AclUser& user, const AclRequest& request);

// One of the rules allows listening to this channel or pattern.
bool is_channel_allowed(std::span<const std::string> rules, std::string_view channel, bool is_pattern);

}  // namespace millrace::settings
