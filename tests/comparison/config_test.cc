// CONFIG: every directive that redis-server has is here under its name and with its default, and takes and refuses the
// same values in the same words. What differs is named in tables; a row that explains nothing any more fails the test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "alike_fixture.h"
#include "reply_tree.h"

namespace millrace::test {
namespace {

using Values = std::map<std::string, std::string>;

struct Difference {
  std::string_view name;
  std::string_view why;
};

constexpr Difference kOnlyHere[] = {
    {"compat-version", "ours"},
    {"cores", "ours"},
    {"io-backend", "ours"},
    {"rdb-skip-unknown-types", "ours"},
    {"rdb-version", "ours"},
    {"locale-collate", "7.2"},
    {"max-new-connections-per-cycle", "7.2"},
    {"max-new-tls-connections-per-cycle", "7.2"},
    {"set-max-listpack-entries", "7.2"},
    {"set-max-listpack-value", "7.2"},
    {"stream-idmp-duration", "8.6"},
    {"stream-idmp-maxsize", "8.6"},
};

constexpr Difference kOtherValues[] = {
    {"dir", "each server has its own"},
    {"port", "each server has its own"},
};

// What Redis takes or refuses in another way.
constexpr Difference kOtherChanges[] = {
    {"activedefrag", "Redis refuses it without its own jemalloc; here it has no effect"},
    {"client-output-buffer-limit", "Redis takes no words at all for no change"},
    {"cluster-announce-hostname", "has no effect here, so nobody looks at the letters"},
    {"hz", "Redis takes 0 and means 1"},
    {"notify-keyspace-events", "8.2: o and c are letters"},
    {"oom-score-adj-values", "has no effect here, so nobody looks at the numbers"},
    {"proc-title-template", "has no effect here, so nobody looks at the template"},
    {"repl-backlog-size", "has no effect here; Redis raises small values to 16 kb"},
    {"tls-cluster", "refused here, because there is no TLS"},
    {"tls-replication", "refused here, because there is no TLS"},
};

// Not tried: the test itself, or the rest of it, hangs on them; or their limits depend on what else is there.
constexpr std::string_view kLeftAlone[] = {
    "bind",
    "port",
    "tls-port",
    "unixsocket",
    "logfile",
    "dir",
    "dbfilename",
    "requirepass",
    "aclfile",
    "save",
    "appendonly",
    "maxmemory",
    "maxmemory-clients",
    "maxmemory-policy",
    "maxclients",
    "acl-pubsub-default",
};

constexpr const char* kValues[] = {"x",   "-1",  "-5",    "0",     "1",   "yes",  "no",    "10",
                                   "1mb", "50%", "a b c", "1 2 3", "YES", "0777", "local", "3.5"};
// A size without digits, or beyond 63 bits, is none here; Redis takes it for 0, or for the largest number there is.
constexpr const char* kValuesBesidesSizes[] = {"", "99999999999999999999"};

class Config : public AlikeTest {
 protected:
  void SetUp() override { start({"--save", "", "--appendonly", "no"}); }

  static Values values_of(const std::string& raw) {
    const Reply reply = parse_reply(raw);
    Values values;
    for (size_t i = 0; i + 1 < reply.elements.size(); i += 2)
      values[reply.elements[i].text] = reply.elements[i + 1].text;
    return values;
  }
  std::pair<Values, Values> get(const std::string& pattern) {
    const ReplyPair pair = both_->command({"CONFIG", "GET", pattern});
    return {values_of(pair.redis), values_of(pair.millrace)};
  }
  template <size_t N>
  static bool is_named(const Difference (&rows)[N], const std::string& name, std::set<std::string>* used) {
    const bool found = std::ranges::any_of(rows, [&](const Difference& row) { return row.name == name; });
    if (found) used->insert(name);
    return found;
  }
  template <size_t N>
  static void expect_all_used(const Difference (&rows)[N], const std::set<std::string>& used) {
    for (const Difference& row : rows) EXPECT_TRUE(used.contains(std::string(row.name))) << row.name << ": not needed";
  }
  // Sets the directive in both, and says whether that came to the same.
  bool changes_alike(const std::string& name, const std::string& value, std::string* shown) {
    const ReplyPair replies = both_->command({"CONFIG", "SET", name, value});
    const auto [redis, millrace] = get(name);
    const bool is_set = replies.redis == "+OK\r\n";
    *shown = "'" + value + "': redis " + replies.redis + " millrace " + replies.millrace;
    return replies.redis == replies.millrace && (!is_set || redis == millrace);
  }
};

TEST_F(Config, EveryDirectiveIsThereWithItsDefault) {
  std::set<std::string> used;
  const auto [redis, millrace] = get("*");
  EXPECT_GT(redis.size(), 180u);
  for (const auto& [name, value] : redis) {
    ASSERT_TRUE(millrace.contains(name)) << name;
    if (millrace.at(name) == value) continue;
    EXPECT_TRUE(is_named(kOtherValues, name, &used))
        << name << ": redis " << value << " millrace " << millrace.at(name);
  }
  for (const auto& [name, value] : millrace) {
    if (redis.contains(name)) continue;
    EXPECT_TRUE(is_named(kOnlyHere, name, &used)) << name << " " << value;
  }
  expect_all_used(kOnlyHere, used);
  expect_all_used(kOtherValues, used);
}

TEST_F(Config, EveryDirectiveTakesAndRefusesTheSameValues) {
  std::set<std::string> used;
  const auto [defaults, unused] = get("*");
  for (const auto& [name, value] : defaults) {
    if (std::ranges::find(kLeftAlone, name) != std::end(kLeftAlone)) continue;
    std::vector<std::string> values(std::begin(kValues), std::end(kValues));
    const std::string refused = both_->command({"CONFIG", "SET", name, "x"}).redis;
    const bool is_size = refused.find("memory value") != std::string::npos;
    if (!is_size) values.insert(values.end(), std::begin(kValuesBesidesSizes), std::end(kValuesBesidesSizes));
    for (const std::string& each : values) {
      std::string shown;
      if (changes_alike(name, each, &shown)) continue;
      EXPECT_TRUE(is_named(kOtherChanges, name, &used)) << name << " " << shown;
    }
    both_->command({"CONFIG", "SET", name, value});
  }
  expect_all_used(kOtherChanges, used);
}

TEST_F(Config, SeveralAtOnceAllOrNone) {
  const std::vector<Words> changes = {{"CONFIG", "SET"},
                                      {"CONFIG", "SET", "timeout"},
                                      {"CONFIG", "SET", "timeout", "1", "hz"},
                                      {"CONFIG", "SET", "nosuch", "1"},
                                      {"CONFIG", "SET", "timeout", "7", "nosuch", "2"},
                                      {"CONFIG", "SET", "timeout", "7", "hz", "x"},
                                      {"CONFIG", "SET", "timeout", "1", "timeout", "2"},
                                      {"CONFIG", "SET", "timeout", "1", "TIMEOUT", "2"},
                                      {"CONFIG", "SET", "slave-priority", "5", "replica-priority", "6"},
                                      {"CONFIG", "SET", "databases", "5", "timeout", "9"},
                                      {"CONFIG", "SET", "TimeOut", "8", "hZ", "20"},
                                      {"CONFIG", "SET", "TimeOut", "x"}};
  for (const Words& words : changes) {
    expect_alike(words);
    for (const char* name : {"timeout", "hz", "replica-priority", "slave-priority", "databases"}) {
      expect_alike({"CONFIG", "GET", name});
    }
  }
}

TEST_F(Config, PatternsAndArguments) {
  for (const Words& words : std::vector<Words>{{"CONFIG"},
                                               {"CONFIG", "GET"},
                                               {"CONFIG", "GET", "nosuch"},
                                               {"CONFIG", "GET", "TIMEOUT"},
                                               {"CONFIG", "GET", "nosuch", "timeout", "tim?out"},
                                               {"CONFIG", "RESETSTAT", "x"},
                                               {"CONFIG", "REWRITE"},
                                               {"CONFIG", "REWRITE", "x"},
                                               {"CONFIG", "NOSUCH"}}) {
    expect_alike(words);
  }
  const ReplyPair several = both_->command({"CONFIG", "GET", "tcp-*", "lazyfree-*", "TIMEOUT", "hash-max-*"});
  EXPECT_EQ(values_of(several.redis), values_of(several.millrace));
}

}  // namespace
}  // namespace millrace::test
