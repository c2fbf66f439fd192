// See latency_histogram.h.
#include "commands/latency_histogram.h"

#include <algorithm>
#include <bit>

namespace millrace::commands {
namespace {

constexpr int kPartBits = 7;  // of kPerPart
constexpr auto kRelaxed = std::memory_order_relaxed;

// How far the values of a part are shifted: parts 0 and 1 are not, each further one by one more bit.
int shift_of(size_t part) {
  return part == 0 ? 0 : static_cast<int>(part) - 1;
}

}  // namespace

size_t LatencyClasses::of(uint64_t ns) {
  const uint64_t value = std::clamp<uint64_t>(ns, 1, kValueMax);
  if (value < kPerPart) return value;
  const auto part = static_cast<size_t>(std::bit_width(value) - kPartBits);
  return part * kPerPart + (value >> shift_of(part)) - kPerPart;
}

uint64_t LatencyClasses::lowest(size_t index) {
  const size_t part = index / kPerPart;
  const size_t base = part == 0 ? 0 : kPerPart;
  return (base + index % kPerPart) << shift_of(part);
}

uint64_t LatencyClasses::highest(size_t index) {
  return lowest(index) + (uint64_t{1} << shift_of(index / kPerPart)) - 1;
}

LatencyHistogram::~LatencyHistogram() {
  for (std::atomic<Part*>& part : parts_) delete part.load(kRelaxed);
}

LatencyHistogram::Part& LatencyHistogram::part(size_t index) {
  Part* part = parts_[index].load(kRelaxed);
  if (part == nullptr) {
    part = new Part{};
    parts_[index].store(part, std::memory_order_release);
  }
  return *part;
}

void LatencyHistogram::add(uint64_t ns, uint64_t count) {
  const size_t index = LatencyClasses::of(ns);
  std::atomic<uint64_t>& counter = part(index / LatencyClasses::kPerPart)[index % LatencyClasses::kPerPart];
  counter.store(counter.load(kRelaxed) + count, kRelaxed);
}

void LatencyHistogram::clear() {
  for (std::atomic<Part*>& pointer : parts_) {
    Part* part = pointer.load(std::memory_order_acquire);
    if (part == nullptr) continue;
    for (std::atomic<uint64_t>& counter : *part) counter.store(0, kRelaxed);
  }
}

void LatencyTotals::add(const LatencyHistogram& histogram) {
  for (size_t i = 0; i < histogram.parts_.size(); ++i) {
    const LatencyHistogram::Part* part = histogram.parts_[i].load(std::memory_order_acquire);
    if (part == nullptr) continue;
    for (size_t j = 0; j < part->size(); ++j) {
      const uint64_t count = (*part)[j].load(kRelaxed);
      counts_[i * LatencyClasses::kPerPart + j] += count;
      count_ += count;
    }
  }
}

uint64_t LatencyTotals::percentile(double percent) const {
  if (count_ == 0) return 0;
  const double share = std::clamp(percent, 0.0, 100.0) / 100 * static_cast<double>(count_);
  const uint64_t wanted = std::max<uint64_t>(1, static_cast<uint64_t>(share + 0.5));
  uint64_t sum = 0;
  for (size_t index = 0; index < LatencyClasses::kCount; ++index) {
    sum += counts_[index];
    if (sum < wanted) continue;
    return percent == 0 ? LatencyClasses::lowest(index) : LatencyClasses::highest(index);
  }
  return LatencyClasses::kValueMax;
}

}  // namespace millrace::commands
