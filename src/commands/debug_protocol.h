// DEBUG PROTOCOL: one reply of each type, byte for byte, for tests of client libraries.
#pragma once

#include "commands/context.h"

namespace millrace::commands {

void debug_protocol(CommandContext& context);

}  // namespace millrace::commands
