// Processors allowed by quotas of either generation of cgroups, read from sample files.
#include "io/machine.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <optional>
#include <thread>

namespace millrace::io {
namespace {

TEST(CpuMax, RoundsUpAndKnowsNoLimit) {
  EXPECT_EQ(processors_of_cpu_max("200000 100000\n"), 2U);
  EXPECT_EQ(processors_of_cpu_max("150000 100000\n"), 2U);
  EXPECT_EQ(processors_of_cpu_max("1000 100000"), 1U);
  EXPECT_EQ(processors_of_cpu_max("max 100000\n"), std::nullopt);
}

TEST(CpuMax, NonsenseIsNoLimit) {
  for (const char* text : {"", "\n", "100000", "100000 ", "100000 0", "0 100000", "-1 100000", "a b", "1 2 3"}) {
    EXPECT_EQ(processors_of_cpu_max(text), std::nullopt) << text;
  }
}

TEST(CfsQuota, RoundsUpAndKnowsNoLimit) {
  EXPECT_EQ(processors_of_cfs_quota("400000\n", "100000\n"), 4U);
  EXPECT_EQ(processors_of_cfs_quota("50000\n", "100000\n"), 1U);
  EXPECT_EQ(processors_of_cfs_quota("-1\n", "100000\n"), std::nullopt);
  EXPECT_EQ(processors_of_cfs_quota("", ""), std::nullopt);
  EXPECT_EQ(processors_of_cfs_quota("18446744073709551615", "1"), 1U << 20);
}

TEST(MemoryMax, IsANumberOrNoLimit) {
  EXPECT_EQ(bytes_of_memory_max("67108864\n"), 67108864u);
  EXPECT_EQ(bytes_of_memory_max("0\n"), 0u);
  for (const char* text : {"max\n", "", "9223372036854771712\n", "-1\n", "64M"}) {
    EXPECT_EQ(bytes_of_memory_max(text), std::nullopt) << text;
  }
}

TEST(MemoryLimit, IsThatOfAddressesIfThatIsLess) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  const std::optional<uint64_t> without = memory_limit();
  const rlimit large{.rlim_cur = 1ull << 50, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &large), 0);
  EXPECT_EQ(memory_limit(), std::min<uint64_t>(without.value_or(1ull << 50), 1ull << 50));
  setrlimit(RLIMIT_AS, &before);
}

TEST(CgroupPathsOf, TheUnifiedTree) {
  const CgroupPaths paths = parse_cgroup_paths("0::/system.slice/redis.service\n");
  EXPECT_EQ(paths.unified, "/system.slice/redis.service");
  EXPECT_EQ(paths.cpu, "");
}

TEST(CgroupPathsOf, TheOldTreesWithTheCpuControllerAnywhereInTheList) {
  const CgroupPaths paths =
      parse_cgroup_paths("12:cpuset:/a\n4:cpuacct,cpu:/docker/b:c\n2:cpuacct:/d\n1:name=systemd:/e\n0::/\n");
  EXPECT_EQ(paths.cpu, "/docker/b:c");
  EXPECT_EQ(paths.unified, "/");
  EXPECT_EQ(parse_cgroup_paths("8:hugetlb:/x\n4:memory:/limited\n").memory, "/limited");
}

TEST(CgroupPathsOf, Nonsense) {
  for (const char* text : {"", "\n\n", "0:", "0:cpu", "0::", "0::relative", "cpu:/x"}) {
    const CgroupPaths paths = parse_cgroup_paths(text);
    EXPECT_EQ(paths.unified + paths.cpu, "") << text;
  }
}

TEST(Processors, AreNotMoreThanTheAffinityMaskAllows) {
  EXPECT_GE(available_processors(), 1U);
  EXPECT_LE(available_processors(), std::thread::hardware_concurrency());
  std::thread bound([] {
    cpu_set_t mask;
    CPU_ZERO(&mask);
    CPU_SET(static_cast<size_t>(sched_getcpu()), &mask);
    ASSERT_EQ(sched_setaffinity(0, sizeof mask, &mask), 0);
    EXPECT_EQ(available_processors(), 1U);
  });
  bound.join();
}

TEST(OpenFiles, AreRaisedToTheHardLimitAndNeverLowered) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit low{.rlim_cur = 64, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(raise_open_file_limit(100), 100U);
  EXPECT_EQ(raise_open_file_limit(80), 100U);
  rlimit now{};
  getrlimit(RLIMIT_NOFILE, &now);
  EXPECT_EQ(now.rlim_cur, 100U);
  EXPECT_GE(raise_open_file_limit(before.rlim_max), before.rlim_cur);
  setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace millrace::io
