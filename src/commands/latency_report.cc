// See latency_report.h.
#include "commands/latency_report.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace millrace::commands {
namespace {

constexpr size_t kColumnsMax = 80;
constexpr int64_t kRows = 4;
constexpr std::string_view kTops = "_o#";  // the upper end of a column: a row has three heights

struct Range {
  int64_t low = 0;
  int64_t high = 0;
};

struct Summary {
  int64_t average = 0;
  int64_t deviation = 0;  // mean, from the average
  double period_s = 0;    // between samples
};

Range range_of(const std::deque<LatencyMonitor::Sample>& samples) {
  const auto [low, high] = std::ranges::minmax(samples, {}, &LatencyMonitor::Sample::ms);
  return {low.ms, high.ms};
}

std::string age_text(int64_t seconds) {
  if (seconds < 60) return std::to_string(seconds) + "s";
  if (seconds < 3600) return std::to_string(seconds / 60) + "m";
  if (seconds < 86400) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / 86400) + "d";
}

// Heights 0 .. 3 * kRows - 1 between the lowest sample and the highest.
std::vector<int64_t> heights_of(const std::deque<LatencyMonitor::Sample>& samples, const Range& range) {
  const auto steps = kRows * static_cast<int64_t>(kTops.size());
  const int64_t span = std::max<int64_t>(1, range.high - range.low);
  std::vector<int64_t> heights;
  for (const LatencyMonitor::Sample& sample : samples) {
    heights.push_back(std::min(steps - 1, (sample.ms - range.low) * steps / span));
  }
  return heights;
}

// `row` counts from the bottom.
char cell(int64_t height, int64_t row) {
  const auto per_row = static_cast<int64_t>(kTops.size());
  if (height / per_row > row) return '|';
  return height / per_row == row ? kTops[static_cast<size_t>(height % per_row)] : ' ';
}

// Ages are written downwards, with an empty line before them.
void append_ages(std::string& text, const std::deque<LatencyMonitor::Sample>& samples, int64_t now_s) {
  std::vector<std::string> ages;
  size_t longest = 0;
  for (const LatencyMonitor::Sample& sample : samples) {
    ages.push_back(age_text(std::max<int64_t>(0, now_s - sample.unix_s)));
    longest = std::max(longest, ages.back().size());
  }
  text.append(ages.size(), ' ').push_back('\n');
  for (size_t i = 0; i < longest; ++i) {
    for (const std::string& age : ages) text.push_back(i < age.size() ? age[i] : ' ');
    text.push_back('\n');
  }
}

Summary summary_of(const std::deque<LatencyMonitor::Sample>& samples) {
  const auto count = static_cast<int64_t>(samples.size());
  int64_t sum = 0;
  for (const LatencyMonitor::Sample& sample : samples) sum += sample.ms;
  const int64_t average = sum / count;
  int64_t distance = 0;
  for (const LatencyMonitor::Sample& sample : samples) distance += std::abs(sample.ms - average);
  const auto span = static_cast<double>(samples.back().unix_s - samples.front().unix_s);
  return {average, distance / count, span / static_cast<double>(std::max<int64_t>(1, count - 1))};
}

std::string tenths(double value) {
  const auto rounded = static_cast<int64_t>(value * 10 + 0.5);
  return std::to_string(rounded / 10) + "." + std::to_string(rounded % 10);
}

std::string event_line(std::string_view event, const LatencyMonitor::Series& series) {
  const Summary summary = summary_of(series.samples);
  return std::string("- ").append(event).append(
      ": " + std::to_string(series.samples.size()) + " spikes, " + std::to_string(summary.average) +
      " ms on average (mean deviation " + std::to_string(summary.deviation) + " ms), one every " +
      tenths(summary.period_s) + " s; the longest took " + std::to_string(series.ms_max) + " ms\n");
}

struct Advice {
  std::string_view event;
  std::string_view text;
};

constexpr Advice kAdvice[] = {
    {"command",
     "Commands that take long are mostly those that read or remove much at once: XRANGE, XREAD and XREVRANGE without a "
     "small COUNT, KEYS, FLUSHALL. SLOWLOG GET names them."},
    {"fast-command",
     "Commands that should be fast were slow: either the processors are busy with something else (look at steal time "
     "and at other processes), or they waited for a long command on the same keys."},
    {"expire-cycle", "Many keys expire at the same time. Spread their times of expiry."},
    {"aof-write",
     "Writing the journal took long: the disk is busy. After a slow write the next ones are handed to other threads by "
     "themselves; if this goes on, give the journal a disk of its own."},
    {"aof-fsync-always",
     "appendfsync always waits for the disk to sync; appendfsync everysec does not, and may lose a second when the "
     "system crashes."},
    {"snapshot-slice",
     "A slice of a snapshot took longer than planned: the processors are busy, or single streams have very many "
     "consumers."},
};

// None while the monitor is off: what is left of its samples says nothing about what SLOWLOG should keep.
std::string slowlog_advice(const LatencySettings& settings) {
  if (settings.threshold_ms == 0) return "";
  if (settings.slowlog_us < 0 || settings.slowlog_length == 0) {
    return "- SLOWLOG keeps nothing now: CONFIG SET slowlog-log-slower-than " +
           std::to_string(settings.threshold_ms * 1000) +
           " slowlog-max-len 128 has it tell which commands were slow.\n";
  }
  if (settings.slowlog_us / 1000 > settings.threshold_ms) {
    return "- SLOWLOG keeps only what took longer than the latency monitor's threshold: CONFIG SET "
           "slowlog-log-slower-than " +
           std::to_string(settings.threshold_ms * 1000) + " makes both look at the same commands.\n";
  }
  return "";
}

}  // namespace

std::string latency_graph(std::string_view event, const LatencyMonitor::Series& series, int64_t now_s) {
  std::deque<LatencyMonitor::Sample> samples = series.samples;
  while (samples.size() > kColumnsMax) samples.pop_front();
  const Range range = range_of(samples);
  std::string text = std::string(event) + " - high " + std::to_string(range.high) + " ms, low " +
                     std::to_string(range.low) + " ms (all time high " + std::to_string(series.ms_max) + " ms)\n";
  text.append(kColumnsMax, '-').push_back('\n');
  const std::vector<int64_t> heights = heights_of(samples, range);
  for (int64_t row = kRows - 1; row >= 0; --row) {
    for (const int64_t height : heights) text.push_back(cell(height, row));
    text.push_back('\n');
  }
  append_ages(text, samples, now_s);
  return text;
}

std::string latency_diagnosis(const LatencyMonitor::Events& events, const LatencySettings& settings) {
  if (settings.threshold_ms == 0 && events.empty()) {
    return "The latency monitor is off. CONFIG SET latency-monitor-threshold <milliseconds> turns it on: it then keeps "
           "what took longer than that.\n";
  }
  if (events.empty()) return "Nothing has taken longer than latency-monitor-threshold so far.\n";
  std::string text = "What took longer than latency-monitor-threshold:\n\n";
  for (const auto& [event, series] : events) text += event_line(event, series);
  text += "\nAdvice:\n\n" + slowlog_advice(settings);
  for (const Advice& advice : kAdvice) {
    if (events.contains(advice.event)) text.append("- ").append(advice.text).append("\n");
  }
  return text;
}

}  // namespace millrace::commands
