// The memory allocator that the program was linked with, as commands see it (commands/environment.h). Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "commands/memory_report.h"
#include "commands/memory_use.h"

namespace millrace::process {

// Fills in what the allocator knows: its name, and the figures of its own.
void report_allocator(commands::MemoryReport& report);
uint64_t used_memory();
commands::ThreadMemory thread_memory();
bool purge_memory();
// Half of the time in which a server loads its keys is the system's, page by page, as the memory that is taken for them
// is touched for the first time. What is returned takes some of what the calling thread would be given next, has the
// system provide its pages all at once, and gives it back: another thread that calls it now and then spares this one
// the wait. Empty if the allocator does not allow that.
std::function<void()> memory_preparation();
std::string allocator_statistics();

}  // namespace millrace::process
