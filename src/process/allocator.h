// The memory allocator that the program was linked with, as commands see it (commands/environment.h). Any thread.
#pragma once

#include <cstdint>
#include <string>

#include "commands/memory_report.h"
#include "commands/memory_use.h"

namespace millrace::process {

// Fills in what the allocator knows: its name, and the figures of its own.
void report_allocator(commands::MemoryReport& report);
uint64_t used_memory();
commands::ThreadMemory thread_memory();
bool purge_memory();
std::string allocator_statistics();

}  // namespace millrace::process
