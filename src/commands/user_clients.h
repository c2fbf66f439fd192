// What a change of users does to the clients that are connected.
#pragma once

#include "commands/context.h"
#include "commands/users.h"

namespace millrace::commands {

// Closes the connections of a user who is gone, and of those who listen to what their user may no longer listen to.
// Everything else about a user holds from the client's next command on.
void apply_to_clients(CommandContext& context, const Users::Change& change);

}  // namespace millrace::commands
