// LatencyHistogram: the classes are Redis's, and sums over cores keep every call.
#include "commands/latency_histogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace millrace::commands {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Levels = std::vector<std::pair<uint64_t, uint64_t>>;

class LatencyHistogramTest : public testing::Test {
 protected:
  LatencyTotals totals() const {
    LatencyTotals sum;
    sum.add(histogram_);
    return sum;
  }
  Levels levels() const {
    Levels found;
    totals().for_each_level([&](uint64_t us, uint64_t calls) { found.emplace_back(us, calls); });
    return found;
  }

  LatencyHistogram histogram_;
};

TEST(LatencyClasses, CoverEveryValueOnceAndInOrder) {
  for (size_t index = 1; index + 1 < LatencyClasses::kCount; ++index) {
    const uint64_t low = LatencyClasses::lowest(index);
    const uint64_t high = LatencyClasses::highest(index);
    ASSERT_LE(low, high);
    ASSERT_EQ(LatencyClasses::lowest(index + 1), high + 1) << index;
    if (high > LatencyClasses::kValueMax) continue;
    ASSERT_EQ(LatencyClasses::of(low), index);
    ASSERT_EQ(LatencyClasses::of(high), index);
    ASSERT_LE((high - low) * LatencyClasses::kPerPart, std::max<uint64_t>(low, 1));
  }
  EXPECT_EQ(LatencyClasses::of(0), 1u);
  EXPECT_EQ(LatencyClasses::of(UINT64_MAX), LatencyClasses::of(LatencyClasses::kValueMax));
}

// The figures that redis-server shows for these durations.
TEST_F(LatencyHistogramTest, PercentilesAreTheEndsOfRedissClasses) {
  const std::vector<std::pair<uint64_t, uint64_t>> cases = {
      {1'000, 1'003},   {2'000, 2'007},     {10'000, 10'047},           {19'000, 19'071},
      {91'000, 91'135}, {206'000, 206'847}, {600'000'000, 603'979'775}, {5'000'000'000, 1'002'438'655}};
  for (const auto& [ns, shown] : cases) {
    LatencyHistogram one;
    one.add(ns);
    LatencyTotals sum;
    sum.add(one);
    EXPECT_EQ(sum.percentile(50), shown) << ns;
    EXPECT_EQ(sum.percentile(100), shown) << ns;
  }
}

TEST_F(LatencyHistogramTest, PercentilesOfManyValues) {
  EXPECT_EQ(totals().percentile(99), 0u);
  for (uint64_t i = 1; i <= 100; ++i) histogram_.add(i);
  EXPECT_EQ(totals().percentile(0), 1u);
  EXPECT_EQ(totals().percentile(50), 50u);
  EXPECT_EQ(totals().percentile(99), 99u);
  EXPECT_EQ(totals().percentile(100), 100u);
  EXPECT_EQ(totals().percentile(1000), 100u);
}

TEST_F(LatencyHistogramTest, LevelsArePowersOfTwoAndCumulative) {
  EXPECT_THAT(levels(), IsEmpty());
  histogram_.add(300, 2);
  histogram_.add(1'031);  // still in the class of the first level
  histogram_.add(1'032);
  histogram_.add(5'000, 3);
  histogram_.add(264'191);
  histogram_.add(900'000'000);
  EXPECT_THAT(levels(), ElementsAre(std::pair(1, 3), std::pair(2, 4), std::pair(8, 7), std::pair(264, 8),
                                    std::pair(1'073'741, 9)));
  EXPECT_EQ(totals().count(), 9u);
}

TEST_F(LatencyHistogramTest, SumsAndClears) {
  LatencyHistogram other;
  histogram_.add(10);
  other.add(2'000'000, 4);
  LatencyTotals sum = totals();
  sum.add(other);
  EXPECT_EQ(sum.count(), 5u);
  EXPECT_EQ(sum.percentile(0), 10u);
  histogram_.clear();
  EXPECT_EQ(totals().count(), 0u);
  histogram_.add(7);
  EXPECT_EQ(totals().percentile(50), 7u);
}

}  // namespace
}  // namespace millrace::commands
