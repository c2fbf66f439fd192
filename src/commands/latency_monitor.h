// LatencyMonitor: when something took longer than latency-monitor-threshold, by kind of event (LATENCY HISTORY).
//
// Of each event the last 160 seconds in which it occurred are kept, each with its longest time. Any thread.
//
//   command, fast-command     a command; fast are those with the flag of that name
//   expire-cycle              a core's round of removing what has expired
//   aof-write                 a write to the journal that a core made itself
//   aof-fsync-always          a sync of the journal that a core waited for itself
//   snapshot-slice            a slice of a snapshot or a rewrite of the journal, with all it does in one turn
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"

namespace millrace::commands {

class LatencyMonitor {
 public:
  static constexpr size_t kSamplesMax = 160;

  struct Sample {
    int64_t unix_s = 0;
    int64_t ms = 0;
  };
  struct Series {
    std::deque<Sample> samples;  // oldest first
    int64_t ms_max = 0;          // since the last reset
  };
  using Events = std::map<std::string, Series, std::less<>>;

  // `threshold_ms` is the setting: 0 turns the monitor off.
  void add(std::string_view event, int64_t ns, int64_t threshold_ms, int64_t unix_s) {
    const int64_t ms = ns / 1'000'000;
    if (threshold_ms != 0 && ms >= threshold_ms) note(event, ms, unix_s);
  }
  Events events() const EXCLUDES(mutex_);
  // Of one event; empty if it never occurred.
  Series series(std::string_view event) const EXCLUDES(mutex_);
  // False if it never occurred.
  bool reset(std::string_view event) EXCLUDES(mutex_);
  size_t reset_all() EXCLUDES(mutex_);

 private:
  void note(std::string_view event, int64_t ms, int64_t unix_s) EXCLUDES(mutex_);

  mutable Mutex mutex_;
  Events events_ GUARDED_BY(mutex_);
};

}  // namespace millrace::commands
