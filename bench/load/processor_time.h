// Processor time used so far, in nanoseconds. Any thread.
#pragma once

#include <cstdint>

namespace millrace::load {

// Of all threads a process has now, as the scheduler counts it. Ends the program if there is no such process.
uint64_t processor_time_ns(int64_t pid);
// Of this process.
uint64_t own_processor_time_ns();

}  // namespace millrace::load
