// Random traffic from many seeds, each run twice: the same seed is the same history, byte for byte.
//
//   MILLRACE_TEST_FULL=1     five times as many seeds
//   MILLRACE_TEST_SEED=n     that seed alone, with its history on standard output
#include "simulation/traffic.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace millrace::test {
namespace {

constexpr uint64_t kSeeds = 200;
constexpr uint64_t kSeedsFull = 1000;

struct Outcome {
  std::string history;
  std::string problems;
};

Outcome play(uint64_t seed) {
  Traffic traffic(seed);
  traffic.run();
  Outcome outcome{traffic.history(), ""};
  for (const std::string& problem : traffic.problems()) outcome.problems += problem + "\n";
  return outcome;
}

void check_seed(uint64_t seed, bool prints) {
  SCOPED_TRACE("MILLRACE_TEST_SEED=" + std::to_string(seed));
  const Outcome first = play(seed);
  if (prints) std::printf("%s\n", first.history.c_str());
  EXPECT_EQ(first.problems, "");
  const Outcome second = play(seed);
  EXPECT_TRUE(first.history == second.history) << "the same seed took another way";
  EXPECT_GT(first.history.size(), 1000u);
}

TEST(Traffic, HoldsItsPromisesAndRepeatsItself) {
  if (const char* seed = std::getenv("MILLRACE_TEST_SEED")) return check_seed(std::strtoull(seed, nullptr, 10), true);
  const uint64_t seeds = std::getenv("MILLRACE_TEST_FULL") ? kSeedsFull : kSeeds;
  for (uint64_t seed = 1; seed <= seeds && !testing::Test::HasFailure(); ++seed) check_seed(seed, false);
}

}  // namespace
}  // namespace millrace::test
