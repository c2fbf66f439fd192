// Histogram: counts of durations from 0 ns to 2^64-1 ns with two digits each (an HDR histogram): a bucket is at most
// 0.8 % as wide as what is in it.
//
// Below 256 ns every value has a bucket of its own; each power of two above is cut into 128 equal buckets:
//
//   value    0 .. 255 | 256 .. 511  | 512 .. 1023 | ...
//   bucket   0 .. 255 | 256 .. 383  | 384 .. 511  | ...
//   width    1        | 2           | 4           | ...
//
// One thread at a time.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

namespace millrace::load {

struct Buckets {
  static constexpr int kExactBits = 8;
  static constexpr size_t kPerPower = size_t{1} << (kExactBits - 1);
  static constexpr size_t kCount = (64 - kExactBits) * kPerPower + 2 * kPerPower;

  static constexpr size_t of(uint64_t value) {
    const int shift = std::max(static_cast<int>(std::bit_width(value)) - kExactBits, 0);
    return static_cast<size_t>(shift) * kPerPower + (value >> shift);
  }
  // The smallest value of a bucket; 0, as if after the largest, behind the last.
  static constexpr uint64_t first(size_t bucket) {
    if (bucket < 2 * kPerPower) return bucket;
    const size_t shift = bucket / kPerPower - 1;
    return shift > 64 - kExactBits ? 0 : (bucket - shift * kPerPower) << shift;
  }
  static constexpr uint64_t last(size_t bucket) { return first(bucket + 1) - 1; }
};

// Every value has exactly one bucket.
static_assert([] {
  for (size_t i = 0; i < Buckets::kCount; ++i) {
    if (Buckets::of(Buckets::first(i)) != i || Buckets::of(Buckets::last(i)) != i) return false;
  }
  return Buckets::first(0) == 0 && Buckets::last(Buckets::kCount - 1) == UINT64_MAX;
}());

class Histogram {
 public:
  void record(int64_t ns) {
    const auto value = static_cast<uint64_t>(std::max<int64_t>(ns, 0));
    counts_[Buckets::of(value)]++;
    count_++;
    max_ = std::max(max_, value);
  }
  void add(const Histogram& other) {
    for (size_t i = 0; i < Buckets::kCount; ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    max_ = std::max(max_, other.max_);
  }

  uint64_t count() const { return count_; }
  uint64_t max_ns() const { return max_; }
  // The least duration that at least `share` of all do not exceed, rounded up to the end of its bucket; 0 if there are
  // none.
  uint64_t quantile_ns(double share) const {
    const auto rank = static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_)));
    uint64_t seen = 0;
    for (size_t i = 0; i < Buckets::kCount; ++i) {
      seen += counts_[i];
      if (seen > 0 && seen >= rank) return std::min(Buckets::last(i), max_);
    }
    return max_;
  }

 private:
  std::vector<uint64_t> counts_ = std::vector<uint64_t>(Buckets::kCount);
  uint64_t count_ = 0;
  uint64_t max_ = 0;
};

}  // namespace millrace::load
