// Who may do what a directive of the kind no|yes|local restricts.
#pragma once

#include "commands/client.h"
#include "settings/settings.h"

namespace millrace::commands {

bool is_allowed(settings::Access access, const Client& client);

}  // namespace millrace::commands
