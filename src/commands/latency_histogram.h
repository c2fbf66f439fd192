// LatencyHistogram: how long the calls of one command took on one core, in nanoseconds, exact to 1 in 128.
//
// Values up to a second; what is longer counts as a second. The classes are those of Redis's histograms, so percentiles
// and LATENCY HISTOGRAM come out alike: 256 of width 1, then 128 for every doubling. Each 128 of them are one part,
// allocated when its first value comes (1 KB; calls of one command are spread over three or four parts).
//
// One thread adds. Any thread reads, and sums up several of these (LatencyTotals); a sum may lack what is being added.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace millrace::commands {

// Which class a value belongs to, and what a class stands for.
struct LatencyClasses {
  static constexpr uint64_t kValueMax = 1'000'000'000;
  static constexpr size_t kPerPart = 128;
  static constexpr size_t kParts = 24;
  static constexpr size_t kCount = kParts * kPerPart;

  static size_t of(uint64_t ns);
  static uint64_t lowest(size_t index);
  static uint64_t highest(size_t index);
};

class LatencyHistogram {
 public:
  LatencyHistogram() = default;
  ~LatencyHistogram();
  LatencyHistogram(const LatencyHistogram&) = delete;
  LatencyHistogram& operator=(const LatencyHistogram&) = delete;

  void add(uint64_t ns, uint64_t count = 1);
  // Any thread; a value that is added meanwhile may be lost or stay.
  void clear();

 private:
  friend class LatencyTotals;

  using Part = std::array<std::atomic<uint64_t>, LatencyClasses::kPerPart>;

  Part& part(size_t index);

  std::array<std::atomic<Part*>, LatencyClasses::kParts> parts_{};
};

class LatencyTotals {
 public:
  void add(const LatencyHistogram& histogram);
  uint64_t count() const { return count_; }
  // The highest value of the class in which that share of all values is reached; 0% gives the lowest value.
  uint64_t percentile(double percent) const;
  // Calls `visit(microseconds, calls)` for each power of two microseconds up to which more calls took than up to the
  // one before it. As in Redis, a level takes in the class it falls into, and is named by the end of that.
  template <typename Visit>
  void for_each_level(Visit visit) const;

 private:
  static constexpr int kFirstLevelBits = 10;  // 1024 ns
  static constexpr int kLastLevelBits = 30;

  uint64_t counts_[LatencyClasses::kCount] = {};
  uint64_t count_ = 0;
};

template <typename Visit>
void LatencyTotals::for_each_level(Visit visit) const {
  uint64_t sum = 0;
  size_t index = 0;
  for (int bits = kFirstLevelBits; bits <= kLastLevelBits && sum < count_; ++bits) {
    const uint64_t before = sum;
    const size_t last = bits < kLastLevelBits ? LatencyClasses::of(uint64_t{1} << bits) : LatencyClasses::kCount - 1;
    for (; index <= last; ++index) sum += counts_[index];
    if (sum > before) visit(LatencyClasses::highest(last) / 1000, sum);
  }
}

}  // namespace millrace::commands
