// Figures: what a load tool prints, one figure a line: "name|value".
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "load/histogram.h"
#include "load/time.h"

namespace millrace::load {

inline void print_figure(std::string_view name, double value, int decimals = 0) {
  std::printf("%.*s|%.*f\n", static_cast<int>(name.size()), name.data(), decimals, value);
}
inline void print_figure(std::string_view name, uint64_t value) {
  std::printf("%.*s|%llu\n", static_cast<int>(name.size()), name.data(), static_cast<unsigned long long>(value));
}

inline double us(uint64_t ns) {
  return static_cast<double>(ns) / 1000;
}
inline double seconds(int64_t ns) {
  return static_cast<double>(ns) / static_cast<double>(kNsPerSecond);
}

// Percentiles in microseconds, each name behind a prefix that may be empty.
inline void print_latency(const std::string& prefix, const Histogram& latency) {
  for (const auto& [name, share] : {std::pair{"p50 us", 0.5}, {"p99 us", 0.99}, {"p99.9 us", 0.999}}) {
    print_figure(prefix + name, us(latency.quantile_ns(share)), 1);
  }
  print_figure(prefix + "max us", us(latency.max_ns()), 1);
}

}  // namespace millrace::load
