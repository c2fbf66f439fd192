// LATENCY: what the monitor keeps, and what is said about it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "commands/latency_monitor.h"
#include "commands/latency_report.h"
#include "unit/commands/command_stage.h"

namespace millrace::commands {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr int64_t kMs = 1'000'000;

TEST(LatencyMonitor, KeepsTheLongestTimeOfEachSecond) {
  LatencyMonitor monitor;
  monitor.add("command", 50 * kMs, 10, 100);
  monitor.add("command", 90 * kMs, 10, 100);
  monitor.add("command", 70 * kMs, 10, 100);
  monitor.add("command", 20 * kMs, 10, 103);
  monitor.add("command", 9 * kMs, 10, 104);
  monitor.add("off", 900 * kMs, 0, 104);
  const LatencyMonitor::Series series = monitor.series("command");
  ASSERT_THAT(series.samples, SizeIs(2));
  EXPECT_EQ(series.samples[0].ms, 90);
  EXPECT_EQ(series.samples[1].unix_s, 103);
  EXPECT_EQ(series.ms_max, 90);
  EXPECT_THAT(monitor.series("off").samples, IsEmpty());
}

TEST(LatencyMonitor, KeepsTheLast160) {
  LatencyMonitor monitor;
  for (int64_t i = 0; i < 300; ++i) monitor.add("e", (500 - i) * kMs, 1, i);
  EXPECT_THAT(monitor.series("e").samples, SizeIs(160));
  EXPECT_EQ(monitor.series("e").samples.front().unix_s, 140);
  EXPECT_EQ(monitor.series("e").ms_max, 500);
  EXPECT_TRUE(monitor.reset("e"));
  EXPECT_FALSE(monitor.reset("e"));
}

// What redis-server draws of the same samples.
TEST(LatencyGraph, DrawsColumns) {
  LatencyMonitor::Series series;
  series.samples = {{96, 10}, {97, 50}, {98, 30}, {99, 90}};
  series.ms_max = 90;
  EXPECT_EQ(latency_graph("command", series, 100), "command - high 90 ms, low 10 ms (all time high 90 ms)\n" +
                                                       std::string(80, '-') +
                                                       "\n   #\n _ |\n |_|\n_|||\n    \n4321\nssss\n");
  series.samples = {{40, 20}};
  EXPECT_THAT(latency_graph("command", series, 100), HasSubstr("-\n \n \n \n_\n \n1\nm\n"));
}

TEST(LatencyDiagnosis, SaysWhatItSawAndWhatToDo) {
  const LatencySettings settings{.threshold_ms = 5, .slowlog_us = 10'000, .slowlog_length = 128};
  EXPECT_THAT(latency_diagnosis({}, {}), HasSubstr("latency-monitor-threshold"));
  EXPECT_THAT(latency_diagnosis({}, settings), HasSubstr("Nothing"));
  LatencyMonitor::Events events;
  events["command"] = {.samples = {{100, 10}, {110, 30}}, .ms_max = 70};
  const std::string text = latency_diagnosis(events, settings);
  EXPECT_THAT(text, HasSubstr("- command: 2 spikes, 20 ms on average (mean deviation 10 ms), one every 10.0 s; the "
                              "longest took 70 ms\n"));
  EXPECT_THAT(text, HasSubstr("slowlog-log-slower-than 5000"));
  EXPECT_THAT(text, HasSubstr("XRANGE"));
}

TEST(LatencyDiagnosis, AMonitorThatIsOffIsNoMeasureForTheSlowlog) {
  LatencyMonitor::Events events;
  events["command"] = {.samples = {{100, 10}}, .ms_max = 10};
  EXPECT_THAT(latency_diagnosis(events, {.slowlog_us = 10'000, .slowlog_length = 128}), Not(HasSubstr("CONFIG SET")));
  EXPECT_THAT(latency_diagnosis(events, {.slowlog_us = -1}), Not(HasSubstr("CONFIG SET")));
}

TEST(LatencyCommands, ShowEventsOfCommands) {
  CommandStage stage;
  stage.settings.latency_monitor_threshold_ms = 10;
  stage.host.stopwatch_step_ns = 20 * kMs;
  stage.run("XLEN s");        // fast
  stage.run("XRANGE s - +");  // not
  stage.host.stopwatch_step_ns = 0;
  EXPECT_EQ(stage.run("LATENCY LATEST"),
            "*2\r\n*4\r\n$7\r\ncommand\r\n:1700000000\r\n:20\r\n:20\r\n"
            "*4\r\n$12\r\nfast-command\r\n:1700000000\r\n:20\r\n:20\r\n");
  EXPECT_EQ(stage.run("LATENCY HISTORY command"), "*1\r\n*2\r\n:1700000000\r\n:20\r\n");
  EXPECT_EQ(stage.run("LATENCY RESET command nosuch command"), ":1\r\n");
  EXPECT_EQ(stage.run("LATENCY RESET"), ":1\r\n");
  EXPECT_EQ(stage.run("LATENCY GRAPH command"), "-ERR No samples available for event 'command'\r\n");
}

}  // namespace
}  // namespace millrace::commands
