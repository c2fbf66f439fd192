// See histogram.h.
#include "base/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace millrace {
namespace {

constexpr unsigned kStepBits = 6;
constexpr uint64_t kSteps = uint64_t{1} << kStepBits;

unsigned shift_of(uint64_t value) {
  const auto width = static_cast<unsigned>(std::bit_width(value));
  return width > kStepBits + 1 ? width - kStepBits - 1 : 0;
}

// The top 7 bits of the value pick the bucket; each bit shifted away adds another 64 buckets below.
size_t bucket_of(uint64_t value) {
  const unsigned shift = shift_of(value);
  return shift * kSteps + (value >> shift);
}

uint64_t bucket_top(size_t bucket) {
  if (bucket < 2 * kSteps) return bucket;
  const uint64_t shift = bucket / kSteps - 1;
  const uint64_t step = bucket % kSteps + kSteps;
  return (step << shift) + ((uint64_t{1} << shift) - 1);
}

}  // namespace

void Histogram::record(uint64_t value, uint64_t times) {
  if (times == 0) return;
  const size_t bucket = bucket_of(value);
  if (bucket >= counts_.size()) counts_.resize(bucket + 1);
  counts_[bucket] += times;
  count_ += times;
  sum_ += static_cast<double>(value) * static_cast<double>(times);
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
}

void Histogram::merge(const Histogram& other) {
  if (other.counts_.size() > counts_.size()) counts_.resize(other.counts_.size());
  for (size_t i = 0; i < other.counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

uint64_t Histogram::percentile(double percent) const {
  if (count_ == 0) return 0;
  const double share = std::clamp(percent, 0.0, 100.0) / 100;
  const auto wanted = std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_))));
  uint64_t seen = 0;
  for (size_t bucket = 0; bucket < counts_.size(); ++bucket) {
    seen += counts_[bucket];
    if (seen >= wanted) return std::min(bucket_top(bucket), max_);
  }
  return max_;
}

}  // namespace millrace
