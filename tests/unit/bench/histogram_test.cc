// Tests of load/histogram.h. That every value has exactly one bucket is asserted where the buckets are.
#include "load/histogram.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/random.h"

namespace millrace::load {
namespace {

TEST(HistogramTest, QuantilesAreExactWhereEveryValueHasABucket) {
  Histogram histogram;
  for (int64_t ns = 1; ns <= 100; ++ns) histogram.record(ns);
  EXPECT_EQ(histogram.quantile_ns(0), 1u);
  EXPECT_EQ(histogram.quantile_ns(0.01), 1u);
  EXPECT_EQ(histogram.quantile_ns(0.5), 50u);
  EXPECT_EQ(histogram.quantile_ns(0.99), 99u);
  EXPECT_EQ(histogram.quantile_ns(0.999), 100u);
  EXPECT_EQ(histogram.quantile_ns(1), 100u);
}

TEST(HistogramTest, OneValueIsEveryQuantile) {
  Histogram histogram;
  histogram.record(123'456'789);
  for (const double share : {0.0, 0.5, 0.999, 1.0}) EXPECT_EQ(histogram.quantile_ns(share), 123'456'789u);
}

TEST(HistogramTest, AnEmptyOneIsAllZero) {
  EXPECT_EQ(Histogram().quantile_ns(0.5), 0u);
  EXPECT_EQ(Histogram().max_ns(), 0u);
}

TEST(HistogramTest, QuantilesAreNeverTooSmallAndAtMostAHundredthTooLarge) {
  Random random(1);
  for (int round = 0; round < 1000; ++round) {
    const uint64_t low = random.next() >> random.below(63) >> 1;
    Histogram histogram;
    histogram.record(static_cast<int64_t>(low));
    histogram.record(std::numeric_limits<int64_t>::max());  // the largest does not bound the other's bucket
    const uint64_t shown = histogram.quantile_ns(0.5);
    EXPECT_GE(shown, low);
    EXPECT_LE(shown - low, low / 100);
  }
}

TEST(HistogramTest, ATimeThatRanBackwardsCountsAsNone) {
  Histogram histogram;
  histogram.record(-5);
  EXPECT_EQ(histogram.count(), 1u);
  EXPECT_EQ(histogram.quantile_ns(1), 0u);
}

TEST(HistogramTest, AddingIsRecordingWhatTheOtherHas) {
  Histogram one;
  Histogram other;
  Histogram both;
  for (int64_t ns = 0; ns < 10'000; ns += 7) {
    (ns % 2 == 0 ? one : other).record(ns);
    both.record(ns);
  }
  one.add(other);
  EXPECT_EQ(one.count(), both.count());
  EXPECT_EQ(one.max_ns(), both.max_ns());
  for (const double share : {0.1, 0.5, 0.9, 0.99}) EXPECT_EQ(one.quantile_ns(share), both.quantile_ns(share));
}

}  // namespace
}  // namespace millrace::load
