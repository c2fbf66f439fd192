// See access.h.
#include "commands/access.h"

#include <string>

namespace millrace::commands {
namespace {

bool is_local(const Client& client) {
  const std::string& address = client.fixed.address;
  return client.fixed.is_unix || address.starts_with("127.0.0.1:") || address.starts_with("[::1]:") ||
         address.starts_with("::1:");
}

}  // namespace

bool is_allowed(settings::Access access, const Client& client) {
  return access == settings::Access::kYes || (access == settings::Access::kLocal && is_local(client));
}

}  // namespace millrace::commands
