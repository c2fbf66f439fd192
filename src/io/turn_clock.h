// TurnClock: a core's clock - both clocks of the machine once a turn, and a stopwatch that is read with every command.
//
// The stopwatch counts the processor's ticks, which takes half as long as asking for the time. What a tick is worth is
// measured all the while, from one reading of the clocks to the next that is some tenths of a second later; so it is
// right within a hundredth of a percent or so, and follows when a virtual machine moves to another processor. Where
// ticks do not pass at one rate, and before the first measurement, the stopwatch is the steady clock.
//
// One thread.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace millrace::io {

class TurnClock {
 public:
  TurnClock();

  Instant now();
  // ns; says how much time has passed between two readings, and no more.
  int64_t stopwatch_ns() const;

 private:
  void measure(int64_t monotonic_ns);

  const bool has_steady_ticks_;
  uint64_t ns_per_tick_ = 0;  // times 2^kScaleBits; 0: not known yet
  int64_t base_ns_ = 0;       // the last measurement: this time
  uint64_t base_ticks_ = 0;   // was then
};

}  // namespace millrace::io
