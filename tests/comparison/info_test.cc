// INFO: sections, their order and titles, and the names of the fields in each, in order. Fields that only one of the
// two has are named in a table; a row that explains nothing any more fails the test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "alike_fixture.h"
#include "reply_tree.h"

namespace millrace::test {
namespace {

using testing::Contains;
using Names = std::vector<std::string>;

struct Difference {
  std::string_view section;
  std::string_view field;
  std::string_view why;
};

constexpr Difference kOnlyHere[] = {
    {"server", "listener0", "7.2"},
    {"clients", "pubsub_clients", "7.4"},
    {"clients", "watching_clients", "7.4"},
    {"clients", "total_watched_keys", "7.4"},
    {"clients", "total_blocking_keys", "7.2"},
    {"clients", "total_blocking_keys_on_nokey", "7.2"},
    {"stats", "client_query_buffer_limit_disconnections", "7.2"},
    {"stats", "client_output_buffer_limit_disconnections", "7.2"},
    {"stats", "eventloop_cycles", "7.2"},
    {"stats", "eventloop_duration_sum", "7.2"},
    {"stats", "eventloop_duration_cmd_sum", "7.2"},
    {"stats", "instantaneous_eventloop_cycles_per_sec", "7.2"},
    {"stats", "instantaneous_eventloop_duration_usec", "7.2"},
    {"stats", "acl_access_denied_auth", "7.2"},
    {"stats", "acl_access_denied_cmd", "7.2"},
    {"stats", "acl_access_denied_key", "7.2"},
    {"stats", "acl_access_denied_channel", "7.2"},
};

// The memory section is compared where memory is.
constexpr const char* kSections[] = {"server", "clients", "persistence", "stats",   "replication",
                                     "cpu",    "modules", "errorstats",  "cluster", "keyspace"};

class Info : public AlikeTest {
 protected:
  void SetUp() override { start({"--save", "", "--appendonly", "no"}); }

  static Names lines_of(const std::string& raw) {
    const std::string text = parse_reply(raw).text;
    Names lines;
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find("\r\n", at), text.size());
      lines.push_back(text.substr(at, end - at));
      at = end + 2;
    }
    return lines;
  }
  static Names titles_of(const std::string& raw) {
    Names titles = lines_of(raw);
    std::erase_if(titles, [](const std::string& line) { return !line.starts_with("# ") || line == "# Millrace"; });
    return titles;
  }
  static Names fields_of(const std::string& raw) {
    Names names;
    for (const std::string& line : lines_of(raw)) names.push_back(line.substr(0, line.find(':')));
    return names;
  }
  // The value of a field, or nothing.
  static std::string value_of(const std::string& raw, const std::string& field) {
    for (const std::string& line : lines_of(raw)) {
      if (line.starts_with(field + ":")) return line.substr(field.size() + 1);
    }
    return "";
  }
  static bool is_only_here(const std::string& section, const std::string& field) {
    return std::ranges::any_of(kOnlyHere,
                               [&](const Difference& row) { return row.section == section && row.field == field; });
  }
};

TEST_F(Info, SectionsComeWhenAskedForUnderTheirTitles) {
  for (const Words& words : std::vector<Words>{{"INFO"},
                                               {"INFO", "default"},
                                               {"INFO", "ALL"},
                                               {"INFO", "Everything"},
                                               {"INFO", "modules"},
                                               {"INFO", "cpu", "server"},
                                               {"INFO", "Keyspace", "clients", "clients"},
                                               {"INFO", "nosuch", "latencystats"},
                                               {"INFO", "default", "commandstats"},
                                               {"INFO", "nosuch"},
                                               {"INFO", ""}}) {
    const ReplyPair pair = both_->command(words);
    EXPECT_EQ(titles_of(pair.redis), titles_of(pair.millrace)) << readable_words(words);
  }
}

TEST_F(Info, FieldsHaveTheSameNamesInTheSameOrder) {
  both_->pipeline({{"XADD", "s", "1-1", "f", "v"}, {"EXPIRE", "s", "100"}, {"XLEN"}, {"XADD", "t", "x", "f", "v"}});
  std::set<std::string> seen;
  for (const std::string section : kSections) {
    const ReplyPair pair = both_->command({"INFO", section});
    Names common;
    for (const std::string& field : fields_of(pair.millrace)) {
      if (is_only_here(section, field)) {
        seen.insert(section + "." + field);
      } else {
        common.push_back(field);
      }
    }
    EXPECT_EQ(fields_of(pair.redis), common) << section;
  }
  for (const Difference& row : kOnlyHere) {
    EXPECT_TRUE(seen.contains(std::string(row.section) + "." + std::string(row.field))) << row.field << ": not needed";
  }
}

TEST_F(Info, WhatWasDoneIsCountedAlike) {
  both_->command({"CONFIG", "RESETSTAT"});
  both_->pipeline({{"XADD", "s", "1-1", "f", "v"},
                   {"XADD", "s", "1-1", "f", "v"},
                   {"XLEN", "s"},
                   {"XLEN", "missing"},
                   {"XLEN"},
                   {"NOSUCH"},
                   {"SUBSCRIBE", "c"},
                   {"PSUBSCRIBE", "p*"},
                   {"PUNSUBSCRIBE"},
                   {"UNSUBSCRIBE"}});
  const ReplyPair stats = both_->command({"INFO", "stats"});
  for (const char* field :
       {"expired_keys", "evicted_keys", "keyspace_hits", "keyspace_misses", "pubsub_channels", "pubsub_patterns",
        "total_error_replies", "unexpected_error_replies", "rejected_connections", "total_commands_processed"}) {
    EXPECT_EQ(value_of(stats.redis, field), value_of(stats.millrace, field)) << field;
  }
  const ReplyPair errors = both_->command({"INFO", "errorstats"});
  EXPECT_EQ(parse_reply(errors.redis).text, parse_reply(errors.millrace).text);
  const ReplyPair commands = both_->command({"INFO", "commandstats"});
  for (const char* name : {"xadd", "xlen", "subscribe"}) {
    const auto counts = [&](const std::string& raw) {
      const std::string value = value_of(raw, "cmdstat_" + std::string(name));
      return value.substr(0, value.find(",usec")) + value.substr(value.find(",rejected"));
    };
    EXPECT_EQ(counts(commands.redis), counts(commands.millrace)) << name;
  }
}

TEST_F(Info, TheMeanTimeToLiveIsReal) {
  both_->pipeline({{"XADD", "a", "1-1", "f", "v"}, {"XADD", "b", "1-1", "f", "v"}, {"XADD", "c", "1-1", "f", "v"}});
  both_->pipeline({{"EXPIRE", "a", "1000"}, {"EXPIRE", "b", "3000"}});
  const std::string shown = value_of(both_->command({"INFO", "keyspace"}).millrace, "db0");
  EXPECT_EQ(shown.substr(0, shown.rfind('=')), "keys=3,expires=2,avg_ttl");
  const int64_t ms = std::stoll(shown.substr(shown.rfind('=') + 1));
  EXPECT_GT(ms, 1'990'000);
  EXPECT_LE(ms, 2'000'000);
}

TEST_F(Info, BlockedClientsAreCounted) {
  ConnectionPair with_deadline = servers_->connect();
  ConnectionPair for_ever = servers_->connect();
  both_->command({"XGROUP", "CREATE", "g", "group", "$", "MKSTREAM"});
  with_deadline.send({"XREAD", "BLOCK", "60000", "STREAMS", "s", "t", "$", "$"});
  for_ever.send({"XREADGROUP", "GROUP", "group", "me", "BLOCK", "0", "STREAMS", "g", ">"});
  ReplyPair clients;
  do {
    clients = both_->command({"INFO", "clients"});
  } while (value_of(clients.redis, "blocked_clients") != "2" || value_of(clients.millrace, "blocked_clients") != "2");
  EXPECT_EQ(value_of(clients.redis, "clients_in_timeout_table"),
            value_of(clients.millrace, "clients_in_timeout_table"));
  EXPECT_EQ(value_of(clients.millrace, "total_blocking_keys"), "3");
  EXPECT_EQ(value_of(clients.millrace, "total_blocking_keys_on_nokey"), "1");
}

}  // namespace
}  // namespace millrace::test
