// HELP of a command with subcommands, made from its rows: the usage of each from its arguments, then its summary.
#pragma once

#include <string>

#include "commands/command_table.h"

namespace millrace::commands {

// The whole reply of "XGROUP HELP" and its like; context.spec is the row of the HELP subcommand.
void write_help(CommandContext& context);

// The arguments as a reader expects them: "<key> [MAXLEN <count>] (ON|OFF)".
std::string usage_of(const CommandSpec& spec);

}  // namespace millrace::commands
