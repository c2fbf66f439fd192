// The process as commands see it (commands/environment.h): memory and processor figures, rewriting the configuration.
#pragma once

#include "commands/environment.h"

namespace millrace::process {

commands::Environment environment();

}  // namespace millrace::process
