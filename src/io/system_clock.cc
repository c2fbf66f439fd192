// See system_clock.h.
#include "io/system_clock.h"

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace millrace::io {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

timespec read_clock(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return time;
}

}  // namespace

int64_t monotonic_now_ns() {
  const timespec time = read_clock(CLOCK_MONOTONIC);
  return time.tv_sec * kNsPerSecond + time.tv_nsec;
}

int64_t sleep_ns_until(int64_t deadline_ns) {
  constexpr int64_t kSleepNsMax = 3'600'000'000'000;
  const int64_t now_ns = monotonic_now_ns();
  return deadline_ns <= now_ns ? 0 : std::min(deadline_ns - now_ns, kSleepNsMax);
}

Instant read_clocks() {
  const timespec wall = read_clock(CLOCK_REALTIME);
  return {.unix_ms = wall.tv_sec * int64_t{1000} + wall.tv_nsec / 1'000'000,
          .monotonic_ns = monotonic_now_ns(),
          .unix_us = static_cast<int32_t>(wall.tv_nsec / 1000 % 1000)};
}

void sleep_ns(int64_t ns) {
  timespec rest{.tv_sec = ns / kNsPerSecond, .tv_nsec = ns % kNsPerSecond};
  while (ns > 0 && clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, &rest) == EINTR) {
  }
}

}  // namespace millrace::io
