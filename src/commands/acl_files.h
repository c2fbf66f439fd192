// Users on the disk: "user" lines of redis.conf, or a file of their own (aclfile); never both.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "commands/server.h"

namespace millrace::commands {

// At start, before any client: requirepass, then the users of the configuration or of the ACL file. `lines` are the
// words of the "user" lines without their first. nullopt, or why the server cannot start.
std::optional<std::string> load_users(Server& server, std::span<const std::vector<std::string>> lines);
// The "user" lines that CONFIG REWRITE writes.
std::vector<std::string> configured_user_lines(const Server& server);

}  // namespace millrace::commands
