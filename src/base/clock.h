// The two clocks, as values. Nothing below src/io reads a clock: the core reads it once a turn and hands it down.
#pragma once

#include <cstdint>

namespace millrace {

struct Instant {
  int64_t unix_ms = 0;       // wall clock: stream ids, expiry times, delivery times; may jump
  int64_t monotonic_ns = 0;  // steady clock: BLOCK deadlines, timers, durations; never goes back
  int32_t unix_us = 0;       // 0..999: what the wall clock says beyond unix_ms (TIME)
};

}  // namespace millrace
