// TurnClock: the stopwatch keeps step with the steady clock, before and after it knows what a tick is worth.
#include "io/turn_clock.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "io/system_clock.h"

namespace millrace::io {
namespace {

constexpr int64_t kMs = 1'000'000;

TEST(TurnClock, TheStopwatchMeasuresWhatTheSteadyClockMeasures) {
  TurnClock clock;
  const int64_t end_ns = clock.now().monotonic_ns + 600 * kMs;
  int64_t worst_ns = 0;
  while (clock.now().monotonic_ns < end_ns) {
    const int64_t steady_ns = monotonic_now_ns();
    const int64_t stopwatch_ns = clock.stopwatch_ns();
    sleep_ns(20 * kMs);
    const int64_t passed_ns = monotonic_now_ns() - steady_ns;
    // The two readings of each are not at one moment: what comes in between is left out by looking from both sides.
    const int64_t shown_ns = clock.stopwatch_ns() - stopwatch_ns;
    worst_ns = std::max(worst_ns, std::abs(shown_ns - passed_ns));
  }
  EXPECT_LT(worst_ns, 10 * kMs);
}

}  // namespace
}  // namespace millrace::io
