// The line of CLIENT LIST and CLIENT INFO that describes one client.
#pragma once

#include <cstdint>
#include <string>

#include "commands/client.h"

namespace millrace::commands {

// Appends the line, without its line break. It has the fields that a server of `compat_version` (0x00070204 is 7.2.4)
// shows, in their order. Any thread: reads the client's card and names.
void append_client_line(std::string& out, const Client& client, int64_t now_unix_ms, uint32_t compat_version);

}  // namespace millrace::commands
