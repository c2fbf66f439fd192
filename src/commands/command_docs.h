// How COMMAND shows one row of the table.
#pragma once

#include "commands/command_table.h"
#include "resp/reply_writer.h"

namespace millrace::commands {

// The element of COMMAND and COMMAND INFO, its subcommands included.
void write_command_info(resp::ReplyWriter& reply, const CommandSpec& spec);
// The name and the map that COMMAND DOCS has for it, its subcommands included.
void write_command_docs(resp::ReplyWriter& reply, const CommandSpec& spec);

}  // namespace millrace::commands
