// Random publishing and subscribing from many seeds, each run twice: the same seed is the same history, byte for byte.
//
//   MILLRACE_TEST_FULL=1     twelve times as many seeds
//   MILLRACE_TEST_SEED=n     that seed alone, with its history on standard output
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "simulation/pubsub_traffic.h"

namespace millrace::test {
namespace {

constexpr uint64_t kSeeds = 80;
constexpr uint64_t kSeedsFull = 1000;

std::string play(uint64_t seed, std::string& problems, PubsubFigures& figures) {
  PubsubTraffic traffic(seed);
  traffic.run();
  for (const std::string& problem : traffic.problems()) problems += problem + "\n";
  figures.publications += traffic.figures().publications;
  figures.in_runs += traffic.figures().in_runs;
  figures.receipts += traffic.figures().receipts;
  figures.exact_counts += traffic.figures().exact_counts;
  figures.owed += traffic.figures().owed;
  figures.entries_read += traffic.figures().entries_read;
  figures.kills += traffic.figures().kills;
  return traffic.history();
}

void check_seed(uint64_t seed, bool prints, PubsubFigures& figures) {
  SCOPED_TRACE("MILLRACE_TEST_SEED=" + std::to_string(seed));
  std::string problems;
  const std::string first = play(seed, problems, figures);
  if (prints) std::printf("%s\n", first.c_str());
  EXPECT_EQ(problems, "");
  EXPECT_TRUE(first == play(seed, problems, figures)) << "the same seed took another way";
}

TEST(PubsubTraffic, HoldsItsPromisesAndRepeatsItself) {
  PubsubFigures figures;
  if (const char* seed = std::getenv("MILLRACE_TEST_SEED")) {
    return check_seed(std::strtoull(seed, nullptr, 10), true, figures);
  }
  const uint64_t seeds = std::getenv("MILLRACE_TEST_FULL") ? kSeedsFull : kSeeds;
  for (uint64_t seed = 1; seed <= seeds && !testing::Test::HasFailure(); ++seed) check_seed(seed, false, figures);
  // What an average run has to have shown, or the traffic is not what it should be.
  const size_t runs = 2 * seeds;
  EXPECT_GT(figures.publications, 50 * runs);
  EXPECT_GT(figures.in_runs, 50 * runs);
  EXPECT_GT(figures.receipts, 50 * runs);
  EXPECT_GT(figures.exact_counts, 30 * runs);
  EXPECT_GT(figures.owed, 30 * runs);
  EXPECT_GT(figures.entries_read, 5 * runs);
  EXPECT_GT(figures.kills, runs / 4);
}

}  // namespace
}  // namespace millrace::test
