// See secrets.h.
#include "commands/secrets.h"

#include <algorithm>

#include "base/letters.h"

namespace millrace::commands {
namespace {

constexpr std::string_view kSecretDirectives[] = {
    "requirepass", "masteruser", "masterauth", "tls-key-file-pass", "tls-client-key-file-pass",
};

// Names and passwords behind HELLO's AUTH.
bool is_hello_secret(std::span<const std::string_view> args, size_t index) {
  const auto is_auth = [&](size_t i) { return i >= 2 && same_word(args[i], "auth"); };
  return index >= 3 && (is_auth(index - 1) || is_auth(index - 2));
}

// CONFIG SET name value ...
bool is_config_secret(std::span<const std::string_view> args, size_t index) {
  if (index < 3 || index % 2 == 0 || !same_word(args[1], "set")) return false;
  return std::ranges::any_of(kSecretDirectives,
                             [&](std::string_view name) { return same_word(args[index - 1], name); });
}

}  // namespace

bool is_secret(std::span<const std::string_view> args, size_t index) {
  if (index == 0) return false;
  if (same_word(args[0], "auth")) return true;
  if (same_word(args[0], "hello")) return is_hello_secret(args, index);
  if (same_word(args[0], "config")) return is_config_secret(args, index);
  return same_word(args[0], "acl") && index >= 2 && same_word(args[1], "setuser");
}

}  // namespace millrace::commands
