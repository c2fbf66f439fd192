// See processor_time.h.
#include "load/processor_time.h"

#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "load/fail.h"
#include "load/time.h"

namespace millrace::load {

uint64_t processor_time_ns(int64_t pid) {
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  std::error_code error;
  uint64_t sum = 0;
  for (const auto& task : std::filesystem::directory_iterator(tasks, error)) {
    uint64_t ran_ns = 0;  // first of three figures
    if (std::ifstream(task.path() / "schedstat") >> ran_ns) sum += ran_ns;
  }
  if (error) fail("no processor time in ", tasks);
  return sum;
}

uint64_t own_processor_time_ns() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto ns = [](const timeval& time) { return time.tv_sec * kNsPerSecond + time.tv_usec * 1000; };
  return static_cast<uint64_t>(ns(usage.ru_utime) + ns(usage.ru_stime));
}

}  // namespace millrace::load
