// What both servers say about the journal with appendonly on: directives, fields of INFO, errors, WAIT.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "alike_fixture.h"
#include "reply_tree.h"

namespace millrace::test {
namespace {

class PersistenceSettings : public AlikeInBothProtocols {
 protected:
  void SetUp() override { start_and_greet({"--appendonly", "yes"}); }

  static std::vector<std::string> field_names(const std::string& info) {
    std::vector<std::string> names;
    const std::string text = parse_reply(info).text;
    for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
      const std::string line = text.substr(at, text.find("\r\n", at) - at);
      const size_t colon = line.rfind(':');
      names.push_back(line.starts_with('#') ? line : line.substr(0, colon));
    }
    return names;
  }
};

TEST_P(PersistenceSettings, DirectivesAreShownAlike) {
  for (const char* name :
       {"appendonly", "appendfsync", "appendfilename", "appenddirname", "auto-aof-rewrite-percentage",
        "auto-aof-rewrite-min-size", "aof-load-truncated", "aof-timestamp-enabled", "no-appendfsync-on-rewrite",
        "aof-use-rdb-preamble", "aof-rewrite-incremental-fsync"}) {
    expect_alike({"CONFIG", "GET", name});
  }
  const ReplyPair directory = both_->command({"CONFIG", "GET", "dir"});
  for (const auto& [reply, server] :
       {std::pair(directory.redis, &servers_->redis()), std::pair(directory.millrace, &servers_->millrace())}) {
    const Reply map = parse_reply(reply);
    const Reply* shown = find_field(map, "dir");
    ASSERT_NE(shown, nullptr);
    EXPECT_EQ(shown->text, server->directory());
  }
}

TEST_P(PersistenceSettings, ChangesAreTakenAndRefusedAlike) {
  const std::vector<std::pair<const char*, const char*>> changes = {
      {"appendfsync", "always"},
      {"appendfsync", "NO"},
      {"appendfsync", "sometimes"},
      {"appendfilename", "other.aof"},
      {"appenddirname", "other"},
      {"auto-aof-rewrite-percentage", "0"},
      {"auto-aof-rewrite-percentage", "-1"},
      {"auto-aof-rewrite-percentage", "x"},
      {"auto-aof-rewrite-min-size", "1kb"},
      {"auto-aof-rewrite-min-size", "x"},
      {"aof-load-truncated", "no"},
      {"aof-load-truncated", "maybe"},
      {"aof-timestamp-enabled", "yes"},
      {"no-appendfsync-on-rewrite", "yes"},
      {"appendonly", "yes"},
      {"appendonly", "perhaps"},
  };
  for (const auto& [name, value] : changes) {
    expect_alike({"CONFIG", "SET", name, value});
    expect_alike({"CONFIG", "GET", name});
  }
}

TEST_P(PersistenceSettings, InfoHasTheSameFieldsInTheSameOrder) {
  for (const char* appendonly : {"yes", "no"}) {
    expect_alike({"CONFIG", "SET", "appendonly", appendonly});
    const ReplyPair info = both_->command({"INFO", "persistence"});
    EXPECT_EQ(field_names(info.millrace), field_names(info.redis)) << appendonly;
    EXPECT_THAT(field_names(info.redis), testing::Contains("aof_enabled"));
  }
}

TEST_P(PersistenceSettings, WaitIsAnsweredAlike) {
  both_->command({"XADD", "s", "1-1", "f", "v"});
  for (const Words& words : std::vector<Words>{{"WAIT", "0", "0"},
                                               {"WAIT", "-3", "0"},
                                               {"WAIT", "1", "20"},
                                               {"WAIT", "x", "0"},
                                               {"WAIT", "1", "x"},
                                               {"WAIT", "1", "-1"},
                                               {"WAIT", "1"}}) {
    expect_alike(words);
  }
}

INSTANTIATE_TEST_SUITE_P(Protocol, PersistenceSettings, testing::Values("2", "3"));

}  // namespace
}  // namespace millrace::test
