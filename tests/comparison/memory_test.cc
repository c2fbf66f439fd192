// maxmemory, INFO memory, MEMORY and CLIENT LIST: refusals byte for byte, and of figures that differ the names, their
// order and their types.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "alike_fixture.h"
#include "reply_tree.h"

namespace millrace::test {
namespace {

class MemoryComparison : public AlikeInBothProtocols {
 protected:
  void SetUp() override { start_and_greet(); }

  // The shape of a reply: types and lengths all the way down, and the names in maps.
  static std::string shape_of(const Reply& reply, bool is_name = false) {
    std::string shape(1, reply.type);
    if (is_name) shape += reply.text;
    const bool is_map = reply.type == '%' || (reply.type == '*' && reply.elements.size() % 2 == 0);
    for (size_t i = 0; i < reply.elements.size(); ++i) shape += shape_of(reply.elements[i], is_map && i % 2 == 0) + " ";
    return shape;
  }
  static std::vector<std::string> names_in(const std::string& text, char separator, char end) {
    std::vector<std::string> names;
    for (size_t at = 0; at < text.size(); at = std::min(text.find(separator, at), text.size() - 1) + 1) {
      names.push_back(text.substr(at, text.find_first_of(std::string{end, '\r', '\n'}, at) - at));
    }
    return names;
  }
};

TEST_P(MemoryComparison, WhatNeedsMemoryIsRefusedAlike) {
  both_->command({"XADD", "s", "1-1", "f", "v"});
  both_->command({"XADD", "s", "2-1", "f", "v"});
  both_->command({"XGROUP", "CREATE", "s", "g", "0"});
  both_->command({"XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">"});
  expect_alike({"CONFIG", "SET", "maxmemory", "1kb"});
  for (const Words& words : std::vector<Words>{
           {"XADD", "s", "3-1", "f", "v"},
           {"XADD", "s"},
           {"XADD", "s", "bad", "f", "v"},
           {"XSETID", "s", "9-9"},
           {"XGROUP", "CREATE", "s", "h", "0"},
           {"XGROUP", "CREATECONSUMER", "s", "g", "d"},
           {"XGROUP", "NOSUCH", "s"},
           {"COPY", "s", "t"},
           {"RESTORE", "t", "0", "x"},
           {"XGROUP", "SETID", "s", "g", "0"},
           {"XCLAIM", "s", "g", "d", "0", "1-1", "JUSTID"},
           {"XAUTOCLAIM", "s", "g", "e", "0", "0", "JUSTID"},
           {"XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", "0"},
           {"XACK", "s", "g", "1-1"},
           {"XTRIM", "s", "MAXLEN", "1"},
           {"XDEL", "s", "2-1"},
           {"XGROUP", "DELCONSUMER", "s", "g", "d"},
           {"XGROUP", "DESTROY", "s", "g"},
           {"RENAME", "s", "t"},
           {"EXPIRE", "t", "100"},
           {"PERSIST", "t"},
           {"PUBLISH", "c", "m"},
           {"XLEN", "t"},
           {"DEL", "t"},
           {"FLUSHALL"},
           {"CONFIG", "SET", "maxmemory", "0"},
           {"XADD", "s", "3-1", "f", "v"},
       }) {
    expect_alike(words);
  }
}

TEST_P(MemoryComparison, SettingsAreTakenAndRefusedAlike) {
  const std::vector<std::pair<const char*, const char*>> changes = {
      {"maxmemory", "100mb"},
      {"maxmemory", "1g"},
      {"maxmemory", "10%"},
      {"maxmemory", "x"},
      {"maxmemory", "0"},
      {"maxmemory-clients", "5%"},
      {"maxmemory-clients", "0%"},
      {"maxmemory-clients", "101%"},
      {"maxmemory-clients", "1mb"},
      {"maxmemory-clients", "-1%"},
      {"maxmemory-clients", "x"},
      {"maxmemory-clients", "0"},
      {"maxmemory-samples", "10"},
      {"maxmemory-samples", "0"},
      {"maxmemory-policy", "lru"},
      {"lfu-log-factor", "7"},
      {"maxmemory-eviction-tenacity", "101"},
      {"lazyfree-lazy-user-del", "yes"},
  };
  for (const auto& [name, value] : changes) {
    expect_alike({"CONFIG", "SET", name, value});
    expect_alike({"CONFIG", "GET", name});
  }
}

TEST_P(MemoryComparison, InfoHasTheSameFieldsInTheSameOrder) {
  const ReplyPair info = both_->command({"INFO", "memory"});
  const auto names = [](const std::string& reply) { return names_in(parse_reply(reply).text, '\n', ':'); };
  EXPECT_EQ(names(info.millrace), names(info.redis));
  EXPECT_THAT(names(info.redis), testing::Contains("mem_aof_buffer"));
}

TEST_P(MemoryComparison, StatsHaveTheSameShape) {
  for (const Words& words : std::vector<Words>{{"PING"},
                                               {"XADD", "s", "1-1", "f", "v"},
                                               {"EXPIRE", "s", "100"},
                                               {"SELECT", "3"},
                                               {"XADD", "s", "1-1", "f", "v"}}) {
    both_->command(words);
    const ReplyPair stats = both_->command({"MEMORY", "STATS"});
    EXPECT_EQ(shape_of(parse_reply(stats.millrace)), shape_of(parse_reply(stats.redis))) << words[0];
  }
}

TEST_P(MemoryComparison, TheOtherSubcommandsAnswerAlike) {
  for (const Words& words : std::vector<Words>{{"MEMORY", "PURGE"},
                                               {"MEMORY", "USAGE", "nokey"},
                                               {"MEMORY", "USAGE", "nokey", "SAMPLES", "0"},
                                               {"MEMORY", "USAGE", "nokey", "SAMPLES", "-1"},
                                               {"MEMORY", "USAGE", "nokey", "SAMPLES", "x"},
                                               {"MEMORY", "USAGE", "nokey", "SAMPLES"},
                                               {"MEMORY", "USAGE", "nokey", "OTHER", "1"},
                                               {"MEMORY", "STATS", "x"},
                                               {"MEMORY", "DOCTOR", "x"},
                                               {"MEMORY", "NOSUCH"},
                                               {"MEMORY"}}) {
    expect_alike(words);
  }
  const ReplyPair doctor = both_->command({"MEMORY", "DOCTOR"});
  constexpr size_t kAlikeBytes = 50;
  EXPECT_EQ(parse_reply(doctor.redis).type, parse_reply(doctor.millrace).type);
  EXPECT_EQ(parse_reply(doctor.redis).text.substr(0, kAlikeBytes),
            parse_reply(doctor.millrace).text.substr(0, kAlikeBytes));
}

TEST_P(MemoryComparison, ClientLinesHaveTheSameFieldsInTheSameOrder) {
  for (const Words& words : std::vector<Words>{{"CLIENT", "LIST"}, {"CLIENT", "INFO"}}) {
    const ReplyPair line = both_->command(words);
    const std::vector<std::string> redis = names_in(parse_reply(line.redis).text, ' ', '=');
    std::vector<std::string> millrace = names_in(parse_reply(line.millrace).text, ' ', '=');
    // Later versions add to the end.
    ASSERT_GE(millrace.size(), redis.size());
    millrace.resize(redis.size());
    EXPECT_EQ(millrace, redis);
    EXPECT_THAT(parse_reply(line.millrace).text, testing::HasSubstr(" argv-mem=10 "));
    EXPECT_THAT(parse_reply(line.redis).text, testing::HasSubstr(" argv-mem=10 "));
  }
}

INSTANTIATE_TEST_SUITE_P(Protocol, MemoryComparison, testing::Values("2", "3"));

}  // namespace
}  // namespace millrace::test
