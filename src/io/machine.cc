// See machine.h.
#include "io/machine.h"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/numbers.h"

namespace millrace::io {
namespace {

constexpr std::string_view kCgroupRoot = "/sys/fs/cgroup";

std::string_view without_space_at_end(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return text;
}

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

template <typename T>
std::optional<T> least(std::optional<T> a, std::optional<T> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

std::optional<unsigned> quota_of_unified(const std::string& directory) {
  return processors_of_cpu_max(read_text(directory + "/cpu.max"));
}

std::optional<unsigned> quota_of_v1(const std::string& directory) {
  return processors_of_cfs_quota(read_text(directory + "/cpu.cfs_quota_us"),
                                 read_text(directory + "/cpu.cfs_period_us"));
}

std::optional<uint64_t> memory_of_unified(const std::string& directory) {
  return bytes_of_memory_max(read_text(directory + "/memory.max"));
}

std::optional<uint64_t> memory_of_v1(const std::string& directory) {
  return bytes_of_memory_max(read_text(directory + "/memory.limit_in_bytes"));
}

// A group is bound by the limits of its ancestors as well. Inside a container the path may name a place outside of what
// is mounted; the files are then missing and only the root's count.
template <typename T>
std::optional<T> least_limit(const std::string& mount, std::string path,
                             std::optional<T> (*read_limit)(const std::string& directory)) {
  std::optional<T> result = read_limit(mount);
  while (path.size() > 1) {
    result = least(result, read_limit(mount + path));
    path.resize(path.rfind('/'));
  }
  return result;
}

std::optional<unsigned> quota_of_this_process() {
  const CgroupPaths paths = parse_cgroup_paths(read_text("/proc/self/cgroup"));
  const std::string root(kCgroupRoot);
  const std::optional<unsigned> unified = least_limit(root, paths.unified, quota_of_unified);
  return least(unified, least_limit(root + "/cpu", paths.cpu, quota_of_v1));
}

std::optional<uint64_t> memory_of_cgroups() {
  const CgroupPaths paths = parse_cgroup_paths(read_text("/proc/self/cgroup"));
  const std::string root(kCgroupRoot);
  const std::optional<uint64_t> unified = least_limit(root, paths.unified, memory_of_unified);
  return least(unified, least_limit(root + "/memory", paths.memory, memory_of_v1));
}

// By the affinity mask; at least 1. Machines with more processors than a mask holds make the call fail: then it is made
// with one twice as wide.
unsigned allowed_processors() {
  int count = 0;
  for (int width = CPU_SETSIZE; count == 0 && width <= CPU_SETSIZE * 64; width *= 2) {
    cpu_set_t* mask = CPU_ALLOC(static_cast<size_t>(width));
    const size_t bytes = CPU_ALLOC_SIZE(static_cast<size_t>(width));
    CPU_ZERO_S(bytes, mask);
    if (sched_getaffinity(0, bytes, mask) == 0) count = CPU_COUNT_S(bytes, mask);
    CPU_FREE(mask);
  }
  return static_cast<unsigned>(std::max(1, count));
}

bool lists_controller(std::string_view controllers, std::string_view name) {
  while (!controllers.empty()) {
    const size_t comma = std::min(controllers.find(','), controllers.size());
    if (controllers.substr(0, comma) == name) return true;
    controllers.remove_prefix(std::min(comma + 1, controllers.size()));
  }
  return false;
}

}  // namespace

unsigned available_processors() {
  const unsigned allowed = allowed_processors();
  return std::max(1U, std::min(allowed, quota_of_this_process().value_or(allowed)));
}

std::optional<uint64_t> memory_limit() {
  rlimit addresses{};
  std::optional<uint64_t> own;
  if (getrlimit(RLIMIT_AS, &addresses) == 0 && addresses.rlim_cur != RLIM_INFINITY) own = addresses.rlim_cur;
  return least(own, memory_of_cgroups());
}

uint64_t raise_open_file_limit(uint64_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur >= wanted) return limit.rlim_cur;
  const rlimit both{.rlim_cur = wanted, .rlim_max = std::max<rlim_t>(limit.rlim_max, wanted)};
  if (setrlimit(RLIMIT_NOFILE, &both) == 0) return wanted;
  // Not privileged: as far as the hard limit goes.
  const rlim_t reachable = std::min<rlim_t>(wanted, limit.rlim_max);
  const rlimit soft{.rlim_cur = reachable, .rlim_max = limit.rlim_max};
  return setrlimit(RLIMIT_NOFILE, &soft) == 0 ? reachable : limit.rlim_cur;
}

std::optional<unsigned> processors_of_cfs_quota(std::string_view quota_us, std::string_view period_us) {
  const std::optional<uint64_t> quota = parse_u64(without_space_at_end(quota_us));
  const std::optional<uint64_t> period = parse_u64(without_space_at_end(period_us));
  if (!quota || !period || *quota == 0 || *period == 0) return std::nullopt;
  const uint64_t processors = *quota / *period + (*quota % *period != 0 ? 1 : 0);
  return static_cast<unsigned>(std::min<uint64_t>(processors, 1U << 20));
}

std::optional<unsigned> processors_of_cpu_max(std::string_view cpu_max) {
  cpu_max = without_space_at_end(cpu_max);
  const size_t space = cpu_max.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  return processors_of_cfs_quota(cpu_max.substr(0, space), cpu_max.substr(space + 1));
}

std::optional<uint64_t> bytes_of_memory_max(std::string_view memory_max) {
  constexpr uint64_t kNoLimit = 1ull << 60;
  const std::optional<uint64_t> bytes = parse_u64(without_space_at_end(memory_max));
  return bytes && *bytes < kNoLimit ? bytes : std::nullopt;
}

// Lines are "0::/path" for the unified tree and "<number>:<controller>[,<controller>]:/path" for the others.
CgroupPaths parse_cgroup_paths(std::string_view proc_self_cgroup) {
  CgroupPaths paths;
  while (!proc_self_cgroup.empty()) {
    const size_t end = std::min(proc_self_cgroup.find('\n'), proc_self_cgroup.size());
    const std::string_view line = proc_self_cgroup.substr(0, end);
    proc_self_cgroup.remove_prefix(std::min(end + 1, proc_self_cgroup.size()));
    const size_t first = line.find(':');
    const size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos || line.substr(second + 1, 1) != "/") continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    if (controllers.empty()) paths.unified = line.substr(second + 1);
    if (lists_controller(controllers, "cpu")) paths.cpu = line.substr(second + 1);
    if (lists_controller(controllers, "memory")) paths.memory = line.substr(second + 1);
  }
  return paths;
}

}  // namespace millrace::io
