// What LATENCY GRAPH and LATENCY DOCTOR say about the monitor's samples. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "commands/latency_monitor.h"

namespace millrace::commands {

// Columns of characters, the oldest sample on the left, each with its age below it.
std::string latency_graph(std::string_view event, const LatencyMonitor::Series& series, int64_t now_s);

struct LatencySettings {
  int64_t threshold_ms = 0;
  int64_t slowlog_us = 0;  // slowlog-log-slower-than
  int64_t slowlog_length = 0;
};
std::string latency_diagnosis(const LatencyMonitor::Events& events, const LatencySettings& settings);

}  // namespace millrace::commands
