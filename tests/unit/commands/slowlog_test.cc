// SLOWLOG and latencystats: what a command is charged, and what is kept of it.
#include "commands/slowlog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/commands/command_stage.h"

namespace millrace::commands {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr size_t kAll = 1000;

class SlowlogTest : public testing::Test {
 protected:
  SlowlogTest() { stage_.settings.slowlog_log_slower_than_us = 0; }

  std::vector<std::vector<std::string>> logged() {
    std::vector<std::vector<std::string>> arguments;
    for (const Slowlog::Entry& entry : stage_.server.slowlog.newest(kAll, kAll)) arguments.push_back(entry.arguments);
    return arguments;
  }
  // Several commands in one run.
  std::string run_together(const std::vector<std::vector<std::string_view>>& commands) {
    Buffer out;
    stage_.host.running = stage_.me.get();
    stage_.host.replies = &out;
    for (const auto& args : commands) stage_.executor.execute(*stage_.me, args, out, stage_.now);
    stage_.executor.end_run();
    stage_.host.running = nullptr;
    return std::string(out.view());
  }

  CommandStage stage_;
};

TEST(SlowlogArguments, AreCutAsRedisCutsThem) {
  const std::string long_word(200, 'y');
  const std::string full_word(128, 'y');
  const std::vector<std::string_view> few = {"SET", long_word, full_word};
  EXPECT_THAT(Slowlog::shorten(few), ElementsAre("SET", full_word + "... (72 more bytes)", full_word));
  std::vector<std::string_view> many(32, "a");
  EXPECT_THAT(Slowlog::shorten(many), SizeIs(32));
  EXPECT_EQ(Slowlog::shorten(many).back(), "a");
  many.resize(42, "a");
  EXPECT_THAT(Slowlog::shorten(many), SizeIs(32));
  EXPECT_EQ(Slowlog::shorten(many).back(), "... (11 more arguments)");
}

TEST(SlowlogArguments, SecretsAreLeftOut) {
  using Words = std::vector<std::string_view>;
  const auto kept = [](const Words& words) {
    std::string text;
    for (const std::string& word : Slowlog::shorten(words)) text += word + " ";
    return text;
  };
  EXPECT_EQ(kept({"auth", "p"}), "auth (redacted) ");
  EXPECT_EQ(kept({"AUTH", "u", "p"}), "AUTH (redacted) (redacted) ");
  EXPECT_EQ(kept({"hello", "3", "auth", "u", "p", "setname", "n"}), "hello 3 auth (redacted) (redacted) setname n ");
  EXPECT_EQ(kept({"config", "set", "timeout", "1", "requirepass", "p", "masteruser", "u"}),
            "config set timeout 1 requirepass (redacted) masteruser (redacted) ");
  EXPECT_EQ(kept({"config", "get", "requirepass", "p"}), "config get requirepass p ");
  EXPECT_EQ(kept({"acl", "setuser", "bob", ">pw"}), "acl setuser (redacted) (redacted) ");
  EXPECT_EQ(kept({"acl", "getuser", "bob"}), "acl getuser bob ");
}

TEST_F(SlowlogTest, EntriesHaveEverything) {
  stage_.run("CLIENT SETNAME worker");
  stage_.host.stopwatch_step_ns = 12'345'999;
  stage_.run("XADD s 1-1 f v");
  stage_.host.stopwatch_step_ns = 0;
  EXPECT_EQ(
      stage_.run("SLOWLOG GET 1"),
      "*1\r\n*6\r\n:1\r\n:1700000000\r\n:12345\r\n*5\r\n$4\r\nXADD\r\n$1\r\ns\r\n$3\r\n1-1\r\n$1\r\nf\r\n$1\r\nv\r\n"
      "$15\r\n127.0.0.1:50000\r\n$6\r\nworker\r\n");
}

TEST_F(SlowlogTest, OnlyWhatTookLongEnough) {
  stage_.host.stopwatch_step_ns = 9'999'999;
  stage_.settings.slowlog_log_slower_than_us = 10'000;
  stage_.run("XLEN fast");
  stage_.host.stopwatch_step_ns = 10'000'000;
  stage_.run("XLEN slow");
  stage_.settings.slowlog_log_slower_than_us = -1;
  stage_.run("XLEN unlogged");
  EXPECT_THAT(logged(), ElementsAre(ElementsAre("XLEN", "slow")));
}

TEST_F(SlowlogTest, RefusedAndBlockedCommandsAreNotKept) {
  stage_.run("NOSUCH");
  stage_.run("XLEN");
  stage_.run("XREAD BLOCK 0 STREAMS s $");
  EXPECT_THAT(logged(), ElementsAre());
  EXPECT_THAT(stage_.run("INFO commandstats"), HasSubstr("cmdstat_xread:calls=1,"));
  EXPECT_THAT(stage_.run("INFO latencystats"), Not(HasSubstr("usec_xread")));
}

TEST_F(SlowlogTest, EachPublishOfARunIsKept) {
  run_together({{"PUBLISH", "c", "1"}, {"PUBLISH", "c", "2"}, {"PING"}});
  EXPECT_THAT(logged(),
              ElementsAre(ElementsAre("PING"), ElementsAre("PUBLISH", "c", "2"), ElementsAre("PUBLISH", "c", "1")));
  EXPECT_THAT(stage_.run("LATENCY HISTOGRAM publish"), HasSubstr("$5\r\ncalls\r\n:2\r\n"));
}

// One reading of the stopwatch per command, one before the run and one behind it.
TEST_F(SlowlogTest, EachCommandOfARunHasItsOwnTime) {
  stage_.host.stopwatch_step_ns = 5'000;
  run_together({{"XLEN", "a"}, {"XLEN", "b"}, {"PING"}});
  EXPECT_EQ(stage_.host.stopwatch_ns, 5 * 5'000);
  for (const Slowlog::Entry& entry : stage_.server.slowlog.newest(kAll, kAll)) EXPECT_EQ(entry.microseconds, 5u);
  stage_.host.stopwatch_step_ns = 0;
  EXPECT_THAT(stage_.run("INFO commandstats"), HasSubstr("cmdstat_xlen:calls=2,usec=10,usec_per_call=5.00,"));
  EXPECT_THAT(stage_.run("INFO latencystats"),
              HasSubstr("latency_percentiles_usec_xlen:p50=5.023,p99=5.023,p99.9=5.023\r\n"));
}

TEST_F(SlowlogTest, TheTimeOfARefusalIsNobodys) {
  stage_.host.stopwatch_step_ns = 1'000;
  run_together({{"NOSUCH"}, {"PING"}});
  EXPECT_EQ(stage_.server.slowlog.newest(1, kAll)[0].microseconds, 1u);
}

TEST_F(SlowlogTest, LengthIsBoundedAndIdsGoOn) {
  stage_.settings.slowlog_max_len = 2;
  for (int i = 0; i < 5; ++i) stage_.run("PING");
  EXPECT_EQ(stage_.run("SLOWLOG LEN"), ":2\r\n");
  stage_.settings.slowlog_log_slower_than_us = -1;
  EXPECT_EQ(stage_.run("SLOWLOG RESET"), "+OK\r\n");
  EXPECT_EQ(stage_.run("SLOWLOG GET"), "*0\r\n");
  stage_.settings.slowlog_log_slower_than_us = 0;
  stage_.run("PING");
  EXPECT_EQ(stage_.server.slowlog.newest(1, kAll)[0].id, 6u);
  stage_.settings.slowlog_max_len = 0;
  EXPECT_EQ(stage_.run("SLOWLOG LEN"), ":0\r\n");
}

TEST_F(SlowlogTest, LatencyTrackingCanBeTurnedOffAndReset) {
  stage_.run("PING");
  EXPECT_THAT(stage_.run("LATENCY HISTOGRAM ping"), HasSubstr("ping"));
  stage_.run("CONFIG SET latency-tracking no");
  EXPECT_THAT(stage_.run("INFO latencystats"), Not(HasSubstr("latency_percentiles")));
  stage_.run("PING");
  EXPECT_THAT(stage_.run("LATENCY HISTOGRAM ping"), HasSubstr("$5\r\ncalls\r\n:1\r\n"));
  stage_.run("CONFIG RESETSTAT");
  EXPECT_EQ(stage_.run("LATENCY HISTOGRAM ping"), "*0\r\n");
}

}  // namespace
}  // namespace millrace::commands
