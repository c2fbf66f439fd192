// The one clock of the load tool: monotonic nanoseconds, the same for everything it sends and receives. Any thread.
#pragma once

#include <chrono>
#include <cstdint>

namespace millrace::load {

inline constexpr int64_t kNsPerSecond = 1'000'000'000;

inline int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace millrace::load
