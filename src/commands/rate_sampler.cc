// See rate_sampler.h.
#include "commands/rate_sampler.h"

namespace millrace::commands {
namespace {

double rate(uint64_t before, uint64_t now, double seconds) {
  return now > before ? static_cast<double>(now - before) / seconds : 0;
}

}  // namespace

void RateSampler::sample(int64_t monotonic_ns, const Totals& totals) {
  MutexLock lock(mutex_);
  const double seconds = static_cast<double>(monotonic_ns - last_ns_) / 1e9;
  if (started_ && seconds <= 0) return;
  if (started_) {
    samples_[next_] = {.commands = rate(last_.commands, totals.commands, seconds),
                       .turns = rate(last_.turns, totals.turns, seconds),
                       .turn_nanoseconds = rate(last_.turn_nanoseconds, totals.turn_nanoseconds, seconds),
                       .input_bytes = rate(last_.input_bytes, totals.input_bytes, seconds),
                       .output_bytes = rate(last_.output_bytes, totals.output_bytes, seconds)};
    next_ = (next_ + 1) % kSamples;
  }
  started_ = true;
  last_ns_ = monotonic_ns;
  last_ = totals;
}

RateSampler::Rates RateSampler::rates() const {
  MutexLock lock(mutex_);
  Rates mean;
  for (const Rates& one : samples_) {
    mean.commands += one.commands / kSamples;
    mean.turns += one.turns / kSamples;
    mean.turn_nanoseconds += one.turn_nanoseconds / kSamples;
    mean.input_bytes += one.input_bytes / kSamples;
    mean.output_bytes += one.output_bytes / kSamples;
  }
  return mean;
}

void RateSampler::reset() {
  MutexLock lock(mutex_);
  samples_ = {};
  next_ = 0;
  started_ = false;
}

}  // namespace millrace::commands
