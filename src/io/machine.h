// What this process may use of the machine: processors and open files. Any thread; meant for the start.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::io {

// How many threads are worth running: the affinity mask, cut by the cgroup's quota (v2 or v1; rounded up). At least 1.
unsigned available_processors();

// Raises the soft limit of open files (and the hard one where that is permitted) as near to `wanted` as the kernel lets
// us, never lowers it, and returns what it is now.
uint64_t raise_open_file_limit(uint64_t wanted);

// The pure half, on the text of the kernel's files.
//
// cgroup v2 cpu.max: "150000 100000" is one and a half processors -> 2; "max 100000" is no limit.
std::optional<unsigned> processors_of_cpu_max(std::string_view cpu_max);
// cgroup v1: quota and period in two files; a quota of -1 is no limit.
std::optional<unsigned> processors_of_cfs_quota(std::string_view quota_us, std::string_view period_us);
// Where /proc/self/cgroup places this process: in the v2 tree, and in the v1 tree that has the cpu controller.
struct CgroupPaths {
  std::string unified;  // "/" or "/a/b"; empty if it is in no such tree
  std::string cpu;
};
CgroupPaths parse_cgroup_paths(std::string_view proc_self_cgroup);

}  // namespace millrace::io
