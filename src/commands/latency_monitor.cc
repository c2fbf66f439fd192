// See latency_monitor.h.
#include "commands/latency_monitor.h"

#include <algorithm>

namespace millrace::commands {

void LatencyMonitor::note(std::string_view event, int64_t ms, int64_t unix_s) {
  MutexLock lock(mutex_);
  Series& series = events_.try_emplace(std::string(event)).first->second;
  series.ms_max = std::max(series.ms_max, ms);
  if (!series.samples.empty() && series.samples.back().unix_s == unix_s) {
    series.samples.back().ms = std::max(series.samples.back().ms, ms);
    return;
  }
  series.samples.push_back({.unix_s = unix_s, .ms = ms});
  if (series.samples.size() > kSamplesMax) series.samples.pop_front();
}

LatencyMonitor::Events LatencyMonitor::events() const {
  MutexLock lock(mutex_);
  return events_;
}

LatencyMonitor::Series LatencyMonitor::series(std::string_view event) const {
  MutexLock lock(mutex_);
  const auto found = events_.find(event);
  return found == events_.end() ? Series() : found->second;
}

bool LatencyMonitor::reset(std::string_view event) {
  MutexLock lock(mutex_);
  const auto found = events_.find(event);
  if (found == events_.end()) return false;
  events_.erase(found);
  return true;
}

size_t LatencyMonitor::reset_all() {
  MutexLock lock(mutex_);
  const size_t count = events_.size();
  events_.clear();
  return count;
}

}  // namespace millrace::commands
