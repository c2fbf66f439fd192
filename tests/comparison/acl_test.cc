// Users and what they may do: rules, logins and denials, the same on both servers.
//
// How rules about commands are written back is not compared: Redis 7.0 finds words for the set of commands that came of
// them, later versions keep the rules. What they allow is, for every command both servers have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "random_run.h"
#include "reply_tree.h"
#include "server_pair.h"

namespace millrace::test {
namespace {

constexpr uint64_t kSeed = 7411;
constexpr int kRounds = 150;
constexpr int kCallsPerRound = 20;

std::set<std::string> texts(const std::string& raw) {
  std::set<std::string> found;
  for (const Reply& element : parse_reply(raw).elements) found.insert(element.text);
  return found;
}

std::set<std::string> common(const std::set<std::string>& a, const std::set<std::string>& b) {
  std::set<std::string> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::inserter(both, both.end()));
  return both;
}

// The reply without what is not compared: times, addresses, and rules about commands.
std::string masked(const Reply& reply) {
  std::string text(1, reply.type);
  if (!reply.is_aggregate()) return text + reply.text + "\n";
  text += reply.text + "\n";
  std::string_view name;
  for (const Reply& element : reply.elements) {
    const bool is_masked = name == "commands" || name == "age-seconds" || name == "client-info";
    text += is_masked ? "(masked)\n" : masked(element);
    name = element.is_aggregate() ? std::string_view() : std::string_view(element.text);
  }
  return text;
}

// A line of ACL LIST without its rules about commands.
std::string without_commands(const std::string& line) {
  std::string out;
  std::string word;
  for (const char c : line + " ") {
    if (c != ' ') {
      word += c;
      continue;
    }
    const bool is_command = word.starts_with('+') || word.starts_with('-');
    out += is_command ? (word.ends_with(')') ? ")" : "") : " " + word;
    word.clear();
  }
  return out;
}

class AclComparison : public testing::Test {
 protected:
  void SetUp() override {
    std::string why;
    servers_ = ServerPair::start(&why);
    if (servers_ == nullptr) GTEST_SKIP() << why;
    admin_ = std::make_unique<ConnectionPair>(servers_->connect());
    find_commands();
  }

  void find_commands() {
    std::set<std::string> redis;
    std::set<std::string> millrace;
    for (const char* category : {"slow", "fast"}) {
      const ReplyPair both = admin_->command({"ACL", "CAT", category});
      redis.merge(texts(both.redis));
      millrace.merge(texts(both.millrace));
    }
    for (const std::string& name : common(redis, millrace)) {
      const Reply row = parse_reply(admin_->command({"COMMAND", "INFO", name}).redis).elements.at(0);
      arities_[name] = std::abs(std::stoi(row.elements.at(1).text));
      names_.push_back(name);
    }
  }

  void expect_same(const Words& words) {
    const ReplyPair both = admin_->command(words);
    EXPECT_EQ(both.millrace, both.redis) << readable_words(words);
  }
  // Of a connection of its own, one after the other.
  void expect_same_talk(const std::vector<Words>& talk) {
    ConnectionPair connection = servers_->connect();
    for (const Words& words : talk) {
      const ReplyPair both = connection.command(words);
      // HELLO tells the number of the connection.
      const size_t length = both.redis.starts_with('*') || both.redis.starts_with('%') ? 4 : std::string::npos;
      EXPECT_EQ(both.millrace.substr(0, length), both.redis.substr(0, length)) << readable_words(words);
    }
  }

  size_t below(size_t bound) { return std::uniform_int_distribution<size_t>(0, bound - 1)(random_); }
  template <typename List>
  std::string pick(const List& list) {
    return std::string(list[below(std::size(list))]);
  }

  std::string random_rule() {
    static constexpr std::string_view kCategories[] = {"all",   "read",     "write",  "stream",    "pubsub",
                                                       "admin", "fast",     "slow",   "dangerous", "connection",
                                                       "READ",  "keyspace", "string", "nosuch",    "blocking"};
    static constexpr std::string_view kKeys[] = {"~a*", "~b",      "%R~a*",     "%W~b*", "%RW~c", "%R~c",
                                                 "~*",  "allkeys", "resetkeys", "%X~a",  "~a b"};
    static constexpr std::string_view kChannels[] = {"&a*", "&b", "&*", "resetchannels", "allchannels"};
    static constexpr std::string_view kOthers[] = {
        "on",      "off",        "nopass",    ">secret",   "<secret", "resetpass", "reset",
        "+nosuch", "+config|no", "+select|0", "-select|0", "foo",     "#12",       "skip-sanitize-payload",
        ""};
    const size_t kind = below(20);
    const std::string sign = below(3) == 0 ? "-" : "+";
    if (kind < 6) return sign + pick(names_);
    if (kind < 9) return sign + "@" + pick(kCategories);
    if (kind < 14) return pick(kKeys);
    if (kind < 17) return pick(kChannels);
    return pick(kOthers);
  }

  std::string random_selector() {
    std::string rules = "(";
    for (size_t left = below(4); left > 0; --left) rules += (rules == "(" ? "" : " ") + random_rule();
    return rules + (below(20) == 0 ? "" : ")");
  }

  Words random_call() {
    static constexpr std::string_view kWords[] = {"a", "a1", "b", "b2", "c", "c*", "1", "0", "2", "get"};
    const std::string name = pick(names_);
    const size_t bar = name.find('|');
    Words call = {name.substr(0, bar)};
    if (bar != std::string::npos) call.push_back(name.substr(bar + 1));
    while (call.size() < static_cast<size_t>(arities_[name])) call.push_back(pick(kWords));
    while (below(3) == 0) call.push_back(pick(kWords));
    return call;
  }

  // Calls that do the same on both servers whenever they are let through.
  Words random_real_call() {
    static constexpr std::string_view kKeys[] = {"a", "a1", "b", "b2", "c"};
    switch (below(14)) {
      case 0:
        return {"XADD", pick(kKeys), std::to_string(++last_id_) + "-1", "f", "v"};
      case 1:
        return {"XLEN", pick(kKeys)};
      case 2:
        return {"XRANGE", pick(kKeys), "-", "+", "COUNT", "2"};
      case 3:
        return {"XREAD", "COUNT", "1", "STREAMS", pick(kKeys), pick(kKeys), "0", "0"};
      case 4:
        return {"DEL", pick(kKeys), pick(kKeys)};
      case 5:
        return {"EXISTS", pick(kKeys), pick(kKeys)};
      case 6:
        return {"COPY", pick(kKeys), pick(kKeys)};
      case 7:
        return {"RENAME", pick(kKeys), pick(kKeys)};
      case 8:
        return {"PUBLISH", pick(kKeys), "x"};
      case 9:
        return {"SPUBLISH", pick(kKeys), "x"};
      case 10:
        return {"CONFIG", "GET", "maxclients"};
      case 11:
        return {"SELECT", "0"};
      case 12:
        return {"XGROUP", "CREATE", pick(kKeys), "g", "0"};
      default:
        return {"XREADGROUP", "GROUP", "g", "me", "STREAMS", pick(kKeys), ">"};
    }
  }

  Words random_change() {
    Words words = {"ACL", "SETUSER", "u"};
    for (size_t left = below(7); left > 0; --left) words.push_back(below(6) == 0 ? random_selector() : random_rule());
    return words;
  }

  void expect_same_user() {
    const ReplyPair user = admin_->command({"ACL", "GETUSER", "u"});
    ASSERT_EQ(masked(parse_reply(user.millrace)), masked(parse_reply(user.redis)));
    const ReplyPair list = admin_->command({"ACL", "LIST"});
    const Reply redis = parse_reply(list.redis);
    const Reply millrace = parse_reply(list.millrace);
    ASSERT_EQ(millrace.elements.size(), redis.elements.size());
    for (size_t i = 0; i < redis.elements.size(); ++i) {
      ASSERT_EQ(without_commands(millrace.elements[i].text), without_commands(redis.elements[i].text));
    }
  }

  std::unique_ptr<ServerPair> servers_;
  std::unique_ptr<ConnectionPair> admin_;
  std::vector<std::string> names_;  // of all commands and subcommands that both servers have
  std::map<std::string, int> arities_;
  std::mt19937_64 random_{seed_for(kSeed)};
  int last_id_ = 0;
};

TEST_F(AclComparison, CategoriesHoldTheSameCommands) {
  const std::set<std::string> names(names_.begin(), names_.end());
  expect_same({"ACL", "CAT"});
  for (const std::string& category : texts(admin_->command({"ACL", "CAT"}).redis)) {
    const ReplyPair both = admin_->command({"ACL", "CAT", category});
    EXPECT_EQ(common(texts(both.millrace), names), common(texts(both.redis), names)) << category;
  }
}

TEST_F(AclComparison, RandomRulesAllowTheSame) {
  const int rounds = length_for(kRounds);
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE("MILLRACE_TEST_SEED=" + std::to_string(seed_for(kSeed)) + ", round " + std::to_string(round));
    const Words change = random_change();
    const ReplyPair changed = admin_->command(change);
    ASSERT_EQ(changed.millrace, changed.redis) << readable_words(change);
    if (below(10) == 0) expect_same({"ACL", "DELUSER", "u", "nobody"});
    expect_same_user();
    std::vector<Words> questions;
    for (int i = 0; i < kCallsPerRound; ++i) {
      questions.push_back({"ACL", "DRYRUN", "u"});
      const Words call = random_call();
      questions.back().insert(questions.back().end(), call.begin(), call.end());
    }
    const std::vector<ReplyPair> answers = admin_->pipeline(questions);
    for (size_t i = 0; i < answers.size(); ++i) {
      ASSERT_EQ(answers[i].millrace, answers[i].redis)
          << readable_words(questions[i]) << " after " << readable_words(change);
    }
  }
}

TEST_F(AclComparison, CallsAreDeniedAndLoggedAlike) {
  expect_same({"ACL", "SETUSER", "u", "on", "nopass"});
  ConnectionPair user = servers_->connect();
  ASSERT_EQ(user.command({"AUTH", "u", "x"}).millrace, "+OK\r\n");
  const int rounds = length_for(kRounds);
  int denials = 0;
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE("MILLRACE_TEST_SEED=" + std::to_string(seed_for(kSeed)) + ", round " + std::to_string(round));
    Words change = random_change();
    if (below(2) == 0) change.insert(change.begin() + 3, {"+@all", "~a*"});
    const ReplyPair changed = admin_->command(change);
    ASSERT_EQ(changed.millrace, changed.redis) << readable_words(change);
    std::vector<Words> calls;
    for (int i = 0; i < kCallsPerRound; ++i) calls.push_back(random_real_call());
    const std::vector<ReplyPair> replies = user.pipeline(calls);
    for (size_t i = 0; i < replies.size(); ++i) {
      ASSERT_EQ(replies[i].millrace, replies[i].redis)
          << readable_words(calls[i]) << " after " << readable_words(change);
      denials += replies[i].redis.starts_with("-NOPERM") ? 1 : 0;
    }
    const ReplyPair log = admin_->command({"ACL", "LOG", round % 2 == 0 ? "1000" : "3"});
    ASSERT_EQ(masked(parse_reply(log.millrace)), masked(parse_reply(log.redis)));
  }
  EXPECT_GT(denials, rounds);
}

// What was queued is asked again, by the rules that hold when its turn comes.
TEST_F(AclComparison, ATransactionIsAskedAgain) {
  expect_same({"ACL", "SETUSER", "u", "on", "nopass", "+@all", "~*", "&*"});
  ConnectionPair user = servers_->connect();
  const auto talk = [&](const std::vector<Words>& lines) {
    for (const Words& words : lines) {
      const ReplyPair both = user.command(words);
      EXPECT_EQ(both.millrace, both.redis) << readable_words(words);
    }
  };
  talk({{"AUTH", "u", "x"},
        {"MULTI"},
        {"XLEN", "a1"},
        {"XADD", "b", "1-1", "f", "v"},
        {"XLEN", "b"},
        {"PUBLISH", "c", "x"},
        {"SUBSCRIBE", "s"}});
  expect_same({"ACL", "SETUSER", "u", "resetkeys", "~a*", "resetchannels", "&d", "-xadd"});
  talk({{"EXEC"}, {"PING"}});
  expect_same({"EXISTS", "b"});
  expect_same({"ACL", "SETUSER", "u", "+@all", "allkeys", "allchannels"});
  talk({{"MULTI"},
        {"XLEN", "a"},
        {"ACL", "SETUSER", "u", "-xlen"},
        {"XLEN", "a"},
        {"AUTH", "default", "x"},
        {"XLEN", "a"},
        {"ACL", "WHOAMI"},
        {"EXEC"}});
  const ReplyPair log = admin_->command({"ACL", "LOG"});
  EXPECT_EQ(masked(parse_reply(log.millrace)), masked(parse_reply(log.redis)));
}

TEST_F(AclComparison, LoginsGoTheSameWay) {
  expect_same({"ACL", "SETUSER", "alice", "on", ">secret", ">other", "+@all", "~*"});
  expect_same({"ACL", "SETUSER", "off", ">secret"});
  expect_same_talk({{"AUTH"}, {"AUTH", "x"}, {"AUTH", "default", "x"}, {"AUTH", "a", "b", "c"}, {"PING"}});
  expect_same_talk({{"AUTH", "alice", "wrong"},
                    {"AUTH", "off", "secret"},
                    {"AUTH", "nobody", ""},
                    {"ACL", "WHOAMI"},
                    {"AUTH", "alice", "other"},
                    {"ACL", "WHOAMI"},
                    {"AUTH", "alice", "secret"},
                    {"RESET"},
                    {"ACL", "WHOAMI"}});
  expect_same_talk({{"HELLO", "3", "AUTH", "alice", "wrong"},
                    {"HELLO", "3", "AUTH", "alice"},
                    {"HELLO", "3", "AUTH", "alice", "secret"},
                    {"ACL", "WHOAMI"},
                    {"ACL", "GETUSER", "off"}});
  expect_same({"CONFIG", "SET", "requirepass", "word"});
  expect_same({"PING"});
  expect_same_talk({{"PING"},
                    {"NOSUCH"},
                    {"GET"},
                    {"HELLO"},
                    {"HELLO", "3"},
                    {"HELLO", "3", "SETNAME", "me"},
                    {"HELLO", "9"},
                    {"HELLO", "2", "AUTH", "default", "wrong"},
                    {"AUTH", "wrong"},
                    {"RESET"},
                    {"PING"},
                    {"AUTH", "word"},
                    {"PING"},
                    {"RESET"},
                    {"PING"},
                    {"QUIT"}});
  expect_same_talk(
      {{"HELLO", "2", "AUTH", "default", "word"}, {"PING"}, {"CONFIG", "SET", "requirepass", ""}, {"PING"}});
  expect_same_talk({{"PING"}, {"ACL", "SETUSER", "default", "off"}});
  expect_same_talk({{"PING"}, {"AUTH", "default", "x"}, {"AUTH", "alice", "secret"}, {"PING"}});
  const ReplyPair log = admin_->command({"ACL", "LOG"});
  EXPECT_EQ(masked(parse_reply(log.millrace)), masked(parse_reply(log.redis)));
}

TEST_F(AclComparison, ErrorsAreTheSame) {
  for (const Words& words : std::vector<Words>{{"ACL"},
                                               {"ACL", "NOSUCH"},
                                               {"ACL", "SETUSER"},
                                               {"ACL", "SETUSER", "a b"},
                                               {"ACL", "SETUSER", "u", "(+ping", "~a"},
                                               {"ACL", "SETUSER", "u", "(+ping", "~a)", "(x"},
                                               {"ACL", "SETUSER", "u", ")"},
                                               {"ACL", "GETUSER", "nobody"},
                                               {"ACL", "DELUSER", "default"},
                                               {"ACL", "DELUSER", "nobody"},
                                               {"ACL", "CAT", "nosuch"},
                                               {"ACL", "CAT", "read", "write"},
                                               {"ACL", "DRYRUN", "nobody", "PING"},
                                               {"ACL", "DRYRUN", "default", "NOSUCH"},
                                               {"ACL", "DRYRUN", "default", "XLEN"},
                                               {"ACL", "DRYRUN", "default", "CONFIG"},
                                               {"ACL", "DRYRUN", "default", "CONFIG", "NOSUCH"},
                                               {"ACL", "LOG", "x"},
                                               {"ACL", "LOG", "-1"},
                                               {"ACL", "LOG", "1", "2"},
                                               {"ACL", "LOG", "reset"},
                                               {"ACL", "GENPASS", "0"},
                                               {"ACL", "GENPASS", "4097"},
                                               {"ACL", "GENPASS", "x"},
                                               {"ACL", "GENPASS", "1", "2"},
                                               {"ACL", "LOAD"},
                                               {"ACL", "SAVE"},
                                               {"ACL", "WHOAMI", "x"},
                                               {"CLIENT", "KILL", "USER", "nobody"},
                                               {"CONFIG", "SET", "acllog-max-len", "-1"},
                                               {"CONFIG", "SET", "acl-pubsub-default", "x"},
                                               {"CONFIG", "GET", "acl-pubsub-default"}}) {
    expect_same(words);
  }
}

// Ten arguments of 16 KB are all that is read of who has not logged in.
TEST_F(AclComparison, StrangersAreReadLess) {
  expect_same({"CONFIG", "SET", "requirepass", "word"});
  for (const std::string& bytes :
       {std::string("*10\r\n$4\r\nPING\r\n"), std::string("*11\r\n$4\r\nPING\r\n"), std::string("*2\r\n$16385\r\n"),
        "*2\r\n$4\r\nPING\r\n$16384\r\n" + std::string(16384, 'x') + "\r\n",
        "*2\r\n$4\r\nAUTH\r\n$4\r\nword\r\n*2\r\n$4\r\nPING\r\n$16385\r\n" + std::string(16385, 'x') + "\r\n"}) {
    ConnectionPair stranger = servers_->connect();
    stranger.redis().send_raw(bytes);
    stranger.millrace().send_raw(bytes);
    stranger.redis().finish_sending();
    stranger.millrace().finish_sending();
    for (int i = 0; i < 2; ++i) {
      const ReplyPair both = stranger.read();
      EXPECT_EQ(both.millrace, both.redis) << bytes.substr(0, 20);
      if (both.redis.empty()) break;
    }
  }
}

TEST_F(AclComparison, ConnectionsAreClosedAlike) {
  expect_same({"ACL", "SETUSER", "u", "on", "nopass", "+@all", "&a*", "&b"});
  const auto login = [&](const Words& words) {
    ConnectionPair connection = servers_->connect();
    EXPECT_EQ(connection.command({"AUTH", "u", "x"}).redis, "+OK\r\n");
    const ReplyPair both = connection.command(words);
    EXPECT_EQ(both.millrace, both.redis);
    return connection;
  };
  ConnectionPair idle = login({"CLIENT", "GETNAME"});
  ConnectionPair on_a = login({"SUBSCRIBE", "a1"});
  ConnectionPair on_pattern = login({"PSUBSCRIBE", "a*"});
  ConnectionPair on_shard = login({"SSUBSCRIBE", "b"});
  expect_same({"ACL", "SETUSER", "u", "resetchannels", "&a*"});
  EXPECT_TRUE(on_shard.redis().is_closed_by_peer() && on_shard.millrace().is_closed_by_peer());
  expect_same({"ACL", "SETUSER", "u", "resetchannels", "&a1"});
  EXPECT_TRUE(on_pattern.redis().is_closed_by_peer() && on_pattern.millrace().is_closed_by_peer());
  expect_same({"PUBLISH", "a1", "x"});
  const ReplyPair message = on_a.read();
  EXPECT_EQ(message.millrace, message.redis);
  expect_same({"ACL", "SETUSER", "u", "off"});
  const ReplyPair pong = idle.command({"PING"});
  EXPECT_EQ(pong.millrace, pong.redis);
  expect_same({"ACL", "DELUSER", "u"});
  EXPECT_TRUE(idle.redis().is_closed_by_peer() && idle.millrace().is_closed_by_peer());
  EXPECT_TRUE(on_a.redis().is_closed_by_peer() && on_a.millrace().is_closed_by_peer());
}

}  // namespace
}  // namespace millrace::test
