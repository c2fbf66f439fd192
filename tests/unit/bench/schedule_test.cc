// Tests of load/schedule.h.
#include "load/schedule.h"

#include <gtest/gtest.h>

namespace millrace::load {
namespace {

TEST(ScheduleTest, MessagesAreAsFarApartAsTheRateSays) {
  const Schedule schedule{.start_ns = 1000, .rate = 4};
  EXPECT_EQ(schedule.due_ns(0), 1000);
  EXPECT_EQ(schedule.due_ns(1), 1000 + kNsPerSecond / 4);
  EXPECT_EQ(schedule.due_ns(4), 1000 + kNsPerSecond);
}

TEST(ScheduleTest, ARateThatDoesNotDivideASecondIsKept) {
  const Schedule schedule{.start_ns = 0, .rate = 3};
  EXPECT_EQ(schedule.due_ns(1), 333'333'333);
  EXPECT_EQ(schedule.due_ns(2), 666'666'666);
  EXPECT_EQ(schedule.due_ns(3), kNsPerSecond);
  EXPECT_EQ(schedule.due_ns(3'000'000'000 + 1), 1'000'000'000 * kNsPerSecond + 333'333'333);
}

TEST(ScheduleTest, TheHighestRateAndADayDoNotOverflow) {
  const Schedule schedule{.start_ns = 0, .rate = 100'000'000};
  EXPECT_EQ(schedule.due_ns(schedule.rate * 86'400 + 1), 86'400 * kNsPerSecond + 10);
}

}  // namespace
}  // namespace millrace::load
