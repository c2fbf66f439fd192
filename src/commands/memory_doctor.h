// What MEMORY DOCTOR says: Redis's tests with Redis's bounds, the beginnings of its sentences, by which programs
// recognize them, and our own words behind them.
#pragma once

#include <string>

#include "commands/memory_overview.h"

namespace millrace::commands {

std::string memory_diagnosis(const MemoryOverview& overview, size_t client_count);

}  // namespace millrace::commands
