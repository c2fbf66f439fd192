// What HELLO and CLIENT share: the rules for a client's own names, and its return to the state of a new connection.
#pragma once

#include <string_view>

#include "commands/client.h"

namespace millrace::commands {

// A name may go into a line of CLIENT LIST: no space, no line break, nothing but '!'..'~'.
bool is_clean_name(std::string_view name);
void set_client_name(Client& client, std::string_view name);

}  // namespace millrace::commands
