// See turn_clock.h.
#include "io/turn_clock.h"

#include "io/system_clock.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <x86intrin.h>
#endif

namespace millrace::io {
namespace {

constexpr int kScaleBits = 32;
constexpr int64_t kMeasureNs = 200'000'000;
// A pause this long (a stopped process) says nothing about the processor.
constexpr int64_t kMeasureNsMax = 4'000'000'000;

#if defined(__x86_64__)

uint64_t read_ticks() {
  return __rdtsc();
}

// They pass at one rate whatever the processor's frequency is, and while it sleeps.
bool has_steady_ticks() {
  constexpr unsigned kPowerFeatures = 0x80000007;
  constexpr unsigned kInvariantTicks = 1u << 8;
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __get_cpuid(kPowerFeatures, &eax, &ebx, &ecx, &edx) != 0 && (edx & kInvariantTicks) != 0;
}

#else

uint64_t read_ticks() {
  return 0;
}

bool has_steady_ticks() {
  return false;
}

#endif

}  // namespace

TurnClock::TurnClock() : has_steady_ticks_(has_steady_ticks()) {}

Instant TurnClock::now() {
  const Instant now = read_clocks();
  if (has_steady_ticks_ && now.monotonic_ns - base_ns_ >= kMeasureNs) measure(now.monotonic_ns);
  return now;
}

void TurnClock::measure(int64_t monotonic_ns) {
  const uint64_t ticks = read_ticks();
  const auto passed_ns = static_cast<uint64_t>(monotonic_ns - base_ns_);
  if (ticks <= base_ticks_ || passed_ns > kMeasureNsMax) {
    ns_per_tick_ = 0;
  } else {
    ns_per_tick_ = (passed_ns << kScaleBits) / (ticks - base_ticks_);
  }
  base_ns_ = monotonic_ns;
  base_ticks_ = ticks;
}

// The ticks of the processor that we have come to may be a few behind those of the one where they were measured.
int64_t TurnClock::stopwatch_ns() const {
  if (ns_per_tick_ == 0) return monotonic_now_ns();
  __extension__ using Wide = __int128;
  const auto ticks = static_cast<int64_t>(read_ticks() - base_ticks_);
  return base_ns_ + static_cast<int64_t>((Wide{ticks} * ns_per_tick_) >> kScaleBits);
}

}  // namespace millrace::io
