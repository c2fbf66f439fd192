#include "base/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/random.h"

namespace millrace {
namespace {

TEST(Histogram, EmptyIsAllZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.min(), 0u);
  EXPECT_EQ(histogram.max(), 0u);
  EXPECT_EQ(histogram.mean(), 0);
  EXPECT_EQ(histogram.percentile(50), 0u);
}

TEST(Histogram, IsExactForSmallValues) {
  Histogram histogram;
  for (uint64_t value = 1; value <= 100; ++value) histogram.record(value);
  EXPECT_EQ(histogram.percentile(0), 1u);
  EXPECT_EQ(histogram.percentile(50), 50u);
  EXPECT_EQ(histogram.percentile(99), 99u);
  EXPECT_EQ(histogram.percentile(100), 100u);
  EXPECT_EQ(histogram.percentile(1000), 100u);
  EXPECT_EQ(histogram.percentile(-1), 1u);
  EXPECT_EQ(histogram.min(), 1u);
  EXPECT_EQ(histogram.max(), 100u);
  EXPECT_DOUBLE_EQ(histogram.mean(), 50.5);
}

TEST(Histogram, HoldsTheExtremes) {
  Histogram histogram;
  histogram.record(0);
  histogram.record(UINT64_MAX, 3);
  EXPECT_EQ(histogram.count(), 4u);
  EXPECT_EQ(histogram.percentile(25), 0u);
  EXPECT_EQ(histogram.percentile(26), UINT64_MAX);
}

TEST(Histogram, StaysWithinOneSixtyFourthOfTheTrueValue) {
  constexpr uint64_t kSeed = 11;
  Random random(kSeed);
  Histogram histogram;
  std::vector<uint64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(random.next() >> random.below(64));
    histogram.record(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double percent : {0.1, 1.0, 10.0, 25.0, 50.0, 75.0, 90.0, 99.0, 99.9, 100.0}) {
    const auto rank = static_cast<size_t>(std::ceil(percent / 100 * static_cast<double>(values.size())));
    const uint64_t truth = values[rank - 1];
    const uint64_t answer = histogram.percentile(percent);
    EXPECT_GE(answer, truth) << percent << " seed " << kSeed;
    EXPECT_LE(answer - truth, truth / 64) << percent << " seed " << kSeed;
  }
}

TEST(Histogram, MergesToTheSameAsOneHistogram) {
  Random random(12);
  Histogram whole;
  Histogram left;
  Histogram right;
  for (int i = 0; i < 5000; ++i) {
    const uint64_t value = random.next() >> random.below(64);
    whole.record(value);
    (random.one_in(3) ? left : right).record(value);
  }
  left.merge(right);
  left.merge(Histogram());
  EXPECT_EQ(left.count(), whole.count());
  EXPECT_EQ(left.min(), whole.min());
  EXPECT_EQ(left.max(), whole.max());
  for (int percent = 0; percent <= 100; ++percent) EXPECT_EQ(left.percentile(percent), whole.percentile(percent));
  left.clear();
  EXPECT_EQ(left.count(), 0u);
  EXPECT_EQ(left.percentile(50), 0u);
}

}  // namespace
}  // namespace millrace
