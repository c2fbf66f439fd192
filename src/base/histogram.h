// Histogram: how often each value occurred, to within 1/64 of the value, in a few kilobytes.
//
// Log-linear: values below 64 have a bucket each; every further power of two is cut into 64 equal buckets.
//
//   value    0 .. 63    64 .. 127   128 .. 255   256 .. 511  ...
//   step     1          1           2            4
//   bucket   0 .. 63    64 .. 127   128 .. 191   192 .. 255  ...
//
// The array of counts grows to the largest value seen (at most 3776 counts). One thread at a time; merge() joins the
// histograms of several cores.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace millrace {

class Histogram {
 public:
  void record(uint64_t value, uint64_t times = 1);
  void merge(const Histogram& other);
  void clear() { *this = Histogram(); }

  uint64_t count() const { return count_; }
  uint64_t min() const { return count_ ? min_ : 0; }
  uint64_t max() const { return max_; }
  double mean() const { return count_ ? sum_ / static_cast<double>(count_) : 0; }
  // The smallest recorded value (its bucket's upper end, never above max()) that at least `percent` of all values do
  // not exceed. 0 when nothing was recorded. `percent` outside 0..100 counts as the nearer of the two.
  uint64_t percentile(double percent) const;

 private:
  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  uint64_t min_ = UINT64_MAX;
  uint64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace millrace
