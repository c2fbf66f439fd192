// RateSampler: how fast the server's totals grow, averaged over the last sixteen samples (1.6 s at ten a second).
//
// One core feeds it from its ten-a-second tick with the totals over all cores; INFO reads it from any core.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/mutex.h"

namespace millrace::commands {

struct Totals {
  uint64_t commands = 0;
  uint64_t turns = 0;
  uint64_t turn_nanoseconds = 0;
  uint64_t input_bytes = 0;
  uint64_t output_bytes = 0;
};

class RateSampler {
 public:
  struct Rates {
    double commands = 0;  // per second
    double turns = 0;
    double turn_nanoseconds = 0;
    double input_bytes = 0;
    double output_bytes = 0;
  };

  // The first call only starts the clock. Totals that went down (CONFIG RESETSTAT) count as no growth.
  void sample(int64_t monotonic_ns, const Totals& totals) EXCLUDES(mutex_);
  Rates rates() const EXCLUDES(mutex_);
  void reset() EXCLUDES(mutex_);

 private:
  static constexpr size_t kSamples = 16;

  mutable Mutex mutex_;
  std::array<Rates, kSamples> samples_ GUARDED_BY(mutex_) = {};
  size_t next_ GUARDED_BY(mutex_) = 0;
  bool started_ GUARDED_BY(mutex_) = false;
  int64_t last_ns_ GUARDED_BY(mutex_) = 0;
  Totals last_ GUARDED_BY(mutex_);
};

}  // namespace millrace::commands
