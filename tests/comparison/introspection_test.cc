// SLOWLOG, LATENCY, and what a server says of its company (ROLE, REPLICAOF, FAILOVER, CLUSTER, MODULE), in both
// protocols. Times differ, everything else is the same byte for byte.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "alike_fixture.h"
#include "reply_tree.h"

namespace millrace::test {
namespace {

class Introspection : public AlikeInBothProtocols {
 protected:
  void SetUp() override { start_and_greet({"--enable-debug-command", "yes", "--enable-module-command", "yes"}); }

  // The reply with every integer replaced (times), and every address.
  static void mask(Reply& reply) {
    if (reply.type == ':' || reply.text.starts_with("127.0.0.1:")) reply.text = "?";
    for (Reply& element : reply.elements) mask(element);
  }
  static std::string outline(const Reply& reply) {
    std::string text = std::string(1, reply.type) + reply.text + " ";
    for (const Reply& element : reply.elements) text += outline(element);
    return text;
  }
  void expect_same_outline(const Words& words) {
    const ReplyPair pair = both_->command(words);
    Reply redis = parse_reply(pair.redis);
    Reply millrace = parse_reply(pair.millrace);
    mask(redis);
    mask(millrace);
    EXPECT_EQ(outline(redis), outline(millrace)) << readable_words(words);
  }
};

// What the entries say, without the times and the client's port.
std::string slowlog_text(const std::string& raw) {
  std::string text;
  for (const Reply& entry : parse_reply(raw).elements) {
    EXPECT_EQ(entry.elements.size(), 6u);
    text += entry.elements[0].text + ":";
    for (const Reply& argument : entry.elements[3].elements) text += " " + argument.text;
    text +=
        " @" + entry.elements[4].text.substr(0, entry.elements[4].text.find(':')) + " " + entry.elements[5].text + "\n";
  }
  return text;
}

TEST_P(Introspection, SlowlogKeepsTheSameCommandsInTheSameWords) {
  const std::string long_value(300, 'v');
  Words many = {"XADD", "s", "1-1"};
  for (int i = 0; i < 40; i++) many.push_back("w" + std::to_string(i));
  expect_all_alike({{"CONFIG", "SET", "slowlog-log-slower-than", "0", "slowlog-max-len", "30"},
                    {"SLOWLOG", "RESET"},
                    {"CLIENT", "SETNAME", "somebody"},
                    {"xAdd", "s", "*", "f", "v", "odd"},
                    many,
                    {"XADD", "s", "2-2", "f", long_value},
                    {"XLEN", "s"},
                    {"NOSUCH", "COMMAND"},
                    {"XLEN"},
                    {"PUBLISH", "c", "m"},
                    {"AUTH", "user", "secret"},
                    {"AUTH", "secret"},
                    {"CONFIG", "SET", "masterauth", "secret"},
                    {"CONFIG", "SET", "masteruser", "me", "masterauth", ""},
                    {"CONFIG", "SET", "masteruser", ""},
                    {"XREAD", "BLOCK", "20", "STREAMS", "s", "$"},
                    {"DEBUG", "SLEEP", "0"},
                    {"SELECT", "1"},
                    {"SLOWLOG", "LEN"}});
  both_->command({"HELLO", GetParam(), "AUTH", "u", "p"});
  both_->pipeline({{"PUBLISH", "c", "1"}, {"PUBLISH", "c", "2"}, {"PUBLISH", "d", "3"}, {"PING"}});
  const ReplyPair all = both_->command({"SLOWLOG", "GET", "-1"});
  EXPECT_EQ(slowlog_text(all.redis), slowlog_text(all.millrace));
  for (const char* count : {"0", "1", "3", "1000"}) {
    const ReplyPair some = both_->command({"SLOWLOG", "GET", count});
    EXPECT_EQ(slowlog_text(some.redis), slowlog_text(some.millrace)) << count;
  }
  expect_same_outline({"SLOWLOG", "GET", "2"});
}

TEST_P(Introspection, SlowlogArguments) {
  expect_all_alike({{"CONFIG", "SET", "slowlog-log-slower-than", "-1"},
                    {"SLOWLOG"},
                    {"SLOWLOG", "LEN"},
                    {"SLOWLOG", "LEN", "x"},
                    {"SLOWLOG", "GET"},
                    {"SLOWLOG", "GET", "-1"},
                    {"SLOWLOG", "GET", "-2"},
                    {"SLOWLOG", "GET", "x"},
                    {"SLOWLOG", "GET", "1.5"},
                    {"SLOWLOG", "GET", "99999999999999999999"},
                    {"SLOWLOG", "GET", "1", "2"},
                    {"SLOWLOG", "RESET"},
                    {"SLOWLOG", "RESET", "x"},
                    {"SLOWLOG", "NOSUCH"},
                    {"CONFIG", "SET", "slowlog-max-len", "-1"},
                    {"CONFIG", "SET", "slowlog-log-slower-than", "-2"},
                    {"CONFIG", "SET", "slowlog-log-slower-than", "-1"},
                    {"CONFIG", "SET", "slowlog-max-len", "0"},
                    {"SLOWLOG", "LEN"},
                    {"CONFIG", "GET", "slowlog-max-len"},
                    {"CONFIG", "GET", "slowlog-log-slower-than"}});
}

TEST_P(Introspection, LatencyOfEventsHasTheSameShape) {
  expect_all_alike({{"LATENCY"},
                    {"LATENCY", "LATEST"},
                    {"LATENCY", "LATEST", "x"},
                    {"LATENCY", "HISTORY"},
                    {"LATENCY", "HISTORY", "command"},
                    {"LATENCY", "GRAPH", "command"},
                    {"LATENCY", "GRAPH", "x y"},
                    {"LATENCY", "RESET"},
                    {"LATENCY", "RESET", "command", "x"},
                    {"LATENCY", "NOSUCH"},
                    {"CONFIG", "SET", "latency-monitor-threshold", "200"},
                    {"DEBUG", "SLEEP", "0.25"}});
  expect_same_outline({"LATENCY", "LATEST"});
  expect_same_outline({"LATENCY", "HISTORY", "command"});
  expect_all_alike({{"LATENCY", "RESET", "command", "command", "x"}, {"LATENCY", "LATEST"}});
}

// The levels depend on the time taken; the sum of calls does not.
TEST_P(Introspection, HistogramsHaveTheSameShapeAndTheSameCalls) {
  expect_all_alike({{"LATENCY", "HISTOGRAM", "xlen"}, {"LATENCY", "HISTOGRAM", "nosuch", "config|nosuch"}});
  for (int i = 0; i < 5; i++) expect_alike({"XLEN", "s"});
  expect_all_alike({{"XLEN"}, {"CONFIG", "RESETSTAT"}, {"LATENCY", "HISTOGRAM", "xlen", "config|get"}});
  for (int i = 0; i < 7; i++) expect_alike({"XLEN", "s"});
  both_->pipeline(std::vector<Words>(20, {"PUBLISH", "c", "m"}));
  expect_alike({"CONFIG", "GET", "nothing"});
  for (const char* name : {"xlen", "XLEN", "publish", "config|get", "CONFIG|GET"}) {
    const ReplyPair pair = both_->command({"LATENCY", "HISTOGRAM", name});
    std::vector<std::string> calls;
    for (const std::string& raw : {pair.redis, pair.millrace}) {
      const Reply reply = parse_reply(raw);
      ASSERT_EQ(reply.elements.size(), 2u) << raw;
      const Reply& shown = reply.elements[1];
      const Reply* levels = find_field(shown, "histogram_usec");
      ASSERT_NE(levels, nullptr);
      EXPECT_EQ(levels->is_map(), std::string(GetParam()) == "3");
      EXPECT_EQ(levels->elements.back().text, find_field(shown, "calls")->text);
      calls.push_back(std::string(1, reply.type) + reply.elements[0].text + " " + find_field(shown, "calls")->text);
    }
    EXPECT_EQ(calls[0], calls[1]);
  }
  const ReplyPair twice = both_->command({"LATENCY", "HISTOGRAM", "xlen", "config", "xlen"});
  EXPECT_EQ(parse_reply(twice.redis).elements.size(), parse_reply(twice.millrace).elements.size());
}

TEST_P(Introspection, LatencyTrackingSettings) {
  for (const char* value :
       {"50 abc", "101", "-1", "", "99.99 0 100", "50 50", "1e1", "0x10", "nan", "33.3333333333", "50 99 99.9"}) {
    expect_alike({"CONFIG", "SET", "latency-tracking-info-percentiles", value});
    expect_alike({"CONFIG", "GET", "latency-tracking-info-percentiles"});
  }
  expect_all_alike({{"CONFIG", "RESETSTAT"},
                    {"CONFIG", "SET", "latency-tracking", "no"},
                    {"INFO", "latencystats"},
                    {"CONFIG", "SET", "latency-tracking", "yes"}});
}

TEST_P(Introspection, CompanyIsDescribedAlike) {
  expect_all_alike({{"ROLE"},
                    {"ROLE", "x"},
                    {"REPLICAOF", "NO", "ONE"},
                    {"slaveof", "no", "one"},
                    {"REPLICAOF", "host", "port"},
                    {"REPLICAOF", "host", "-1"},
                    {"REPLICAOF", "host", "65536"},
                    {"REPLICAOF", "NO"},
                    {"FAILOVER"},
                    {"FAILOVER", "ABORT"},
                    {"FAILOVER", "ABORT", "x"},
                    {"FAILOVER", "TO", "host"},
                    {"FAILOVER", "TO", "host", "port"},
                    {"FAILOVER", "TO", "host", "1", "FORCE", "TIMEOUT", "5"},
                    {"FAILOVER", "FORCE", "FORCE"},
                    {"FAILOVER", "TIMEOUT", "0"},
                    {"FAILOVER", "TIMEOUT", "x"},
                    {"FAILOVER", "TIMEOUT", "5"},
                    {"READONLY"},
                    {"READWRITE"},
                    {"ASKING"},
                    {"ASKING", "x"},
                    {"MODULE"},
                    {"MODULE", "LIST"},
                    {"MODULE", "LIST", "x"},
                    {"MODULE", "LOAD", "/nowhere.so", "x"},
                    {"MODULE", "LOADEX", "/nowhere.so"},
                    {"MODULE", "UNLOAD", "x"},
                    {"MODULE", "NOSUCH"}});
}

TEST_P(Introspection, ClusterIsOff) {
  for (const char* subcommand : {"INFO", "SLOTS", "SHARDS", "NODES", "MYID", "LINKS", "HELP", "RESET", "FLUSHSLOTS",
                                 "SAVECONFIG", "BUMPEPOCH", "FAILOVER", "NOSUCH", "KEYSLOT", "MEET"}) {
    expect_alike({"CLUSTER", subcommand});
    expect_alike({"CLUSTER", subcommand, "x"});
    expect_alike({"CLUSTER", subcommand, "1", "2"});
  }
  expect_alike({"CLUSTER"});
}

TEST_P(Introspection, CommandSubcommandsRefuseAlike) {
  expect_all_alike({{"COMMAND", "NOSUCH"},
                    {"COMMAND", "COUNT", "x"},
                    {"COMMAND", "LIST", "x"},
                    {"COMMAND", "LIST", "FILTERBY"},
                    {"COMMAND", "LIST", "FILTERBY", "x", "y"},
                    {"COMMAND", "LIST", "FILTERBY", "ACLCAT"},
                    {"COMMAND", "LIST", "FILTERBY", "ACLCAT", "nosuch"},
                    {"COMMAND", "LIST", "FILTERBY", "MODULE", "nosuch"},
                    {"COMMAND", "LIST", "FILTERBY", "PATTERN", "nosuch*"},
                    {"COMMAND", "LIST", "FILTERBY", "PATTERN", "xrev*"},
                    {"COMMAND", "LIST", "filterby", "pattern", "REPLICAOF"},
                    {"COMMAND", "INFO", "nosuch", "xlen", "XLEN", "config|get", "config|nosuch"},
                    {"COMMAND", "DOCS", "nosuch", "config|nosuch"},
                    {"COMMAND", "GETKEYS", "XLEN"},
                    {"COMMAND", "GETKEYS", "PING"},
                    {"COMMAND", "GETKEYS", "NOSUCH", "x"},
                    {"COMMAND", "GETKEYS", "XREAD", "COUNT", "1", "STREAMS", "a", "b", "0", "0"},
                    {"COMMAND", "GETKEYSANDFLAGS", "XADD", "s", "*", "f", "v"},
                    {"COMMAND", "GETKEYSANDFLAGS", "COPY", "a", "b"}});
}

TEST_P(Introspection, DebugForClientsTests) {
  for (const char* type : {"string", "integer", "double", "bignum", "null", "array", "set", "map", "attrib", "verbatim",
                           "true", "false", "nosuch"}) {
    expect_alike({"DEBUG", "PROTOCOL", type});
  }
  expect_all_alike({{"DEBUG"},
                    {"DEBUG", "PROTOCOL"},
                    {"DEBUG", "ERROR", "CODE some text"},
                    {"DEBUG", "ERROR", "two\nlines"},
                    {"DEBUG", "ERROR"},
                    {"DEBUG", "LOG", "a line"},
                    {"DEBUG", "CHANGE-REPL-ID"},
                    {"DEBUG", "JMAP"},
                    {"DEBUG", "NOSUCH"}});
}

TEST_P(Introspection, DatabasesAreSwappedAlike) {
  expect_all_alike({{"SWAPDB"},
                    {"SWAPDB", "a", "b"},
                    {"SWAPDB", "0", "b"},
                    {"SWAPDB", "0", "99"},
                    {"SWAPDB", "-1", "0"},
                    {"SWAPDB", "99999999999", "0"},
                    {"XADD", "s", "1-1", "f", "v"},
                    {"SWAPDB", "0", "0"},
                    {"SWAPDB", "0", "1"},
                    {"XLEN", "s"},
                    {"DBSIZE"},
                    {"SELECT", "1"},
                    {"XLEN", "s"},
                    {"SWAPDB", "1", "0"},
                    {"XLEN", "s"},
                    {"DBSIZE"}});
}

// A client that is blocked stays in its database, and hears of what a swap brings there.
TEST_P(Introspection, ASwapWakesWhoWaitsForWhatItBrings) {
  ConnectionPair waiting = servers_->connect();
  waiting.command({"HELLO", GetParam()});
  expect_all_alike({{"SELECT", "1"}, {"XADD", "s", "5-5", "f", "v"}, {"XADD", "other", "1-1", "f", "v"}});
  waiting.send({"XREAD", "BLOCK", "0", "STREAMS", "s", "5-0"});
  for (RespConnection* each : {&both_->redis(), &both_->millrace()}) {
    while (each->command({"INFO", "clients"}).find("blocked_clients:1") == std::string::npos) {
    }
  }
  expect_alike({"SWAPDB", "0", "1"});
  const ReplyPair woken = waiting.read();
  EXPECT_EQ(readable_reply(woken.redis), readable_reply(woken.millrace));
  EXPECT_NE(woken.redis.find("5-5"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Protocol, Introspection, testing::Values("2", "3"));

}  // namespace
}  // namespace millrace::test
