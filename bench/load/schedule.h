// Schedule: when each of a load's messages is due if they come at a fixed rate, whatever became of those before.
//
// A latency that counts from then sees a server that stands still for 50 ms in every message that came due meanwhile,
// not in one. A value.
#pragma once

#include <cstdint>

#include "load/time.h"

namespace millrace::load {

struct Schedule {
  int64_t start_ns = 0;
  int64_t rate = 1;  // messages per second

  // Exact for every message, so that the rate is kept however long the load runs.
  int64_t due_ns(int64_t message) const {
    return start_ns + message / rate * kNsPerSecond + message % rate * kNsPerSecond / rate;
  }
};

}  // namespace millrace::load
