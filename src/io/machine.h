// What this process may use of the machine: processors, memory and open files. Any thread; meant for the start.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::io {

// How many threads are worth running: the affinity mask, cut by the cgroup's quota (v2 or v1; rounded up). At least 1.
unsigned available_processors();

// How many bytes of memory this process may take: the least of its limit on addresses (ulimit -v) and of what its
// cgroups have (v2 or v1). Empty: as many as the machine has.
std::optional<uint64_t> memory_limit();

// Raises the soft limit of open files (and the hard one where that is permitted) as near to `wanted` as the kernel lets
// us, never lowers it, and returns what it is now.
uint64_t raise_open_file_limit(uint64_t wanted);

// The pure half, on the text of the kernel's files.
//
// cgroup v2 cpu.max: "150000 100000" is one and a half processors -> 2; "max 100000" is no limit.
std::optional<unsigned> processors_of_cpu_max(std::string_view cpu_max);
// cgroup v1: quota and period in two files; a quota of -1 is no limit.
std::optional<unsigned> processors_of_cfs_quota(std::string_view quota_us, std::string_view period_us);
// memory.max of cgroup v2, or memory.limit_in_bytes of v1, which says "no limit" with a number beyond any machine.
std::optional<uint64_t> bytes_of_memory_max(std::string_view memory_max);
// Where /proc/self/cgroup places this process: in the v2 tree, and in the v1 trees that have these controllers.
struct CgroupPaths {
  std::string unified;  // "/" or "/a/b"; empty if it is in no such tree
  std::string cpu;
  std::string memory;
};
CgroupPaths parse_cgroup_paths(std::string_view proc_self_cgroup);

}  // namespace millrace::io
