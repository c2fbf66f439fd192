// MemoryReport and CpuReport: what INFO shows of the process itself. Commands make no system call: whoever builds the
// server supplies functions that fill these in (environment.h). Bytes and seconds.
#pragma once

#include <cstdint>
#include <string>

namespace millrace::commands {

struct MemoryReport {
  std::string allocator = "unknown";  // "jemalloc-5.3.0", "libc"
  uint64_t used = 0;                  // handed out to the program
  uint64_t active = 0;                // pages the allocator keeps for that
  uint64_t resident = 0;              // of those, in memory
  uint64_t process_resident = 0;      // the whole process (RSS)
  uint64_t system_total = 0;          // the machine's, or the container's limit
};

struct CpuReport {
  double system_s = 0;
  double user_s = 0;
  double children_system_s = 0;
  double children_user_s = 0;
  double thread_system_s = 0;  // the calling thread
  double thread_user_s = 0;
};

}  // namespace millrace::commands
