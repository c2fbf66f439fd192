// Timers: what a core has to do at a later moment, in order of time and, for equal times, of arming. One per core.
//
// An object with a timer derives from Timer; it is in the order at most once and must have left it when it dies.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "base/check.h"

namespace millrace::core {

class Timer {
 public:
  virtual void expired() = 0;

 protected:
  Timer() = default;
  virtual ~Timer() { CHECK(!armed_); }

 private:
  friend class Timers;
  bool armed_ = false;
  std::pair<int64_t, uint64_t> place_;  // deadline in monotonic ns, sequence number
};

class Timers {
 public:
  static constexpr int64_t kNever = INT64_MAX;

  void arm(Timer& timer, int64_t deadline_ns) {
    disarm(timer);
    timer.place_ = {deadline_ns, ++sequence_};
    timer.armed_ = true;
    order_.emplace(timer.place_, &timer);
  }
  void disarm(Timer& timer) {
    if (!timer.armed_) return;
    order_.erase(timer.place_);
    timer.armed_ = false;
  }
  int64_t next_deadline_ns() const { return order_.empty() ? kNever : order_.begin()->first.first; }
  // Runs what is due at `now_ns`. What is armed meanwhile waits for the next call, even if its moment has passed.
  void run(int64_t now_ns) {
    const uint64_t sequence_last = sequence_;
    auto place = order_.begin();
    while (place != order_.end() && place->first.first <= now_ns) {
      Timer& timer = *place->second;
      if (timer.place_.second > sequence_last) {
        ++place;
        continue;
      }
      disarm(timer);
      timer.expired();
      place = order_.begin();
    }
  }

 private:
  std::map<std::pair<int64_t, uint64_t>, Timer*> order_;
  uint64_t sequence_ = 0;
};

}  // namespace millrace::core
