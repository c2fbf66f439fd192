// What a listening connection may say: the subscriber mode of RESP2 with its refusals, and how it begins and ends; the
// freedom of RESP3; and the ways between the two. The PING that ends each step of a conversation is answered in the
// form of the mode, so every step compares the mode as well.
#include <algorithm>
#include <iterator>
#include <set>

#include "base/letters.h"
#include "base/numbers.h"
#include "pubsub_fixture.h"
#include "reply_tree.h"

namespace millrace::test {
namespace {

using testing::StartsWith;

class SubscriberMode : public Talk {
 protected:
  // DEBUG would be refused for a reason of its own.
  void SetUp() override { open({"--enable-debug-command", "yes", "--enable-module-command", "yes"}); }
  int protocol() const override { return 2; }

  // Sets of arguments for the commands that both servers have, as their arity asks.
  std::vector<Words> everything_that_can_be_said() {
    std::vector<Words> commands;
    ConnectionPair& pair = talk_->connection(kSpeaker);
    const ReplyPair lists = pair.command({"COMMAND", "LIST"});
    const std::set<std::string> redis = names(lists.redis);
    for (const std::string& name : names(lists.millrace)) {
      if (redis.count(name) == 0) continue;
      const ReplyPair info = pair.command({"COMMAND", "INFO", name});
      const int64_t arity = parse_i64(parse_reply(info.redis).elements[0].elements[1].text).value_or(0);
      Words words = {name.substr(0, name.find('|'))};
      if (name.find('|') != std::string::npos) words.push_back(name.substr(name.find('|') + 1));
      words.resize(std::max(words.size(), static_cast<size_t>(std::abs(arity))), "1");
      commands.push_back(words);
    }
    return commands;
  }

  static std::set<std::string> names(const std::string& raw) {
    std::set<std::string> found;
    for (const Reply& name : parse_reply(raw).elements) found.insert(name.text);
    return found;
  }

  static bool is_allowed(const Words& words) {
    static const std::set<std::string> kAllowed = {"SUBSCRIBE",    "UNSUBSCRIBE", "PSUBSCRIBE",
                                                   "PUNSUBSCRIBE", "SSUBSCRIBE",  "SUNSUBSCRIBE",
                                                   "PING",         "QUIT",        "RESET"};
    return kAllowed.count(upper_case(words[0])) > 0;
  }
};

// ---- Refusals.

TEST_P(SubscriberMode, RefusesEverythingElse) {
  const std::vector<Words> commands = everything_that_can_be_said();
  size_t allowed = 0;
  say(kListener, {"SUBSCRIBE", "a"});
  for (const Words& words : commands) {
    if (is_allowed(words)) {
      allowed++;
      continue;
    }
    if (words[0] ==
        "multi") {  // refused as well, but the conversation would take it for the beginning of a transaction
      say_all(kListener, {words, {"DISCARD"}});
      ASSERT_EQ(heard_by(kListener).size(), 2u);
    } else {
      say(kListener, words);
      ASSERT_EQ(heard_by(kListener).size(), 1u);
    }
    ASSERT_THAT(heard_by(kListener)[0], StartsWith("-")) << readable_words(words);
  }
  EXPECT_EQ(allowed, 9u);
  EXPECT_GT(commands.size(), 60u);
  say(kListener, {"UNSUBSCRIBE"});
  say(kListener, {"DBSIZE"});
}

TEST_P(SubscriberMode, RefusesWhateverMadeItBegin) {
  const std::vector<Words> refused = {{"PUBLISH", "a", "x"}, {"spublish", "a", "x"},
                                      {"CLIENT", "ID"},      {"HELLO"},
                                      {"HELLO", "3"},        {"HELLO", "2"},
                                      {"MONITOR"},           {"PUBSUB", "NUMPAT"},
                                      {"COMMAND"},           {"XREAD", "STREAMS", "s", "0"}};
  for (const char* begin : {"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"}) {
    say(kListener, {begin, "a"});
    for (const Words& words : refused) say(kListener, words);
    say(kListener, {"RESET"});
    say(kListener, {"CLIENT", "GETNAME"});
  }
}

TEST_P(SubscriberMode, OtherMistakesAreNoticedFirst) {
  say(kListener, {"SUBSCRIBE", "a"});
  for (const Words& words : std::vector<Words>{{"NOSUCH"},
                                               {"NOSUCH", "a", "b"},
                                               {"GETNOTHING", "\r\n"},
                                               {"XADD"},
                                               {"CLIENT"},
                                               {"CLIENT", "NOSUCH"},
                                               {"XGROUP", "CREATE"},
                                               {"PUBLISH", "a"},
                                               {"SUBSCRIBE"},
                                               {"PING", "a", "b"},
                                               {"RESET", "a"}}) {
    say(kListener, words);
  }
}

// ---- What is allowed.

TEST_P(SubscriberMode, PingIsAnsweredAsAnArray) {
  say(kListener, {"PING"});
  say(kListener, {"PING", "text"});
  say(kListener, {"SUBSCRIBE", "a"});
  say(kListener, {"PING"});
  say(kListener, {"PING", "text"});
  say(kListener, {"ping", ""});
  say(kListener, {"PING", std::string("\0\r\n", 3)});
  ASSERT_TRUE(talk_->say_bytes(kListener, "PING\r\nping inline\r\nSUBSCRIBE b\r\nUNSUBSCRIBE a b\r\nPING\r\n"))
      << talk_->problem();
}

TEST_P(SubscriberMode, QuitEndsTheConnection) {
  say(kListener, {"SUBSCRIBE", "a", "b"});
  say(kListener, {"SSUBSCRIBE", "s"});
  say_and_lose(kListener, {{"PING"}, {"QUIT"}, {"PING"}}, {kListener});
  for (const char* question : {"CHANNELS", "SHARDCHANNELS"}) say(kSpeaker, {"PUBSUB", question});
  say(kSpeaker, {"PUBLISH", "a", "to nobody"});
}

TEST_P(SubscriberMode, ResetForgetsAllSubscriptionsSilently) {
  say(kListener, {"SUBSCRIBE", "a", "b"});
  say(kListener, {"PSUBSCRIBE", "*"});
  say(kListener, {"SSUBSCRIBE", "s"});
  say(kListener, {"RESET"});
  say(kSpeaker, {"PUBLISH", "a", "to nobody"});
  say(kSpeaker, {"SPUBLISH", "s", "to nobody"});
  say(kSpeaker, {"PUBSUB", "NUMPAT"});
  say(kListener, {"PUBLISH", "a", "allowed again"});
  say_all(kListener, {{"SUBSCRIBE", "a"}, {"RESET"}, {"PING"}, {"SUBSCRIBE", "b"}, {"PING"}});
}

// ---- How it begins and ends.

TEST_P(SubscriberMode, EndsWithTheLastSubscriptionOfAnyKind) {
  struct Kind {
    const char* begin;
    const char* end;
  };
  Kind kinds[] = {{"PSUBSCRIBE", "PUNSUBSCRIBE"}, {"SSUBSCRIBE", "SUNSUBSCRIBE"}, {"SUBSCRIBE", "UNSUBSCRIBE"}};
  const auto before = [](const Kind& a, const Kind& b) { return std::string(a.begin) < b.begin; };
  do {
    for (const Kind& kind : kinds) say(kListener, {kind.begin, "a"});
    for (const Kind& kind : kinds) {
      say(kListener, {kind.end, "a"});
      say(kListener, {"CLIENT", "GETNAME"});
    }
    for (const Kind& kind : kinds) say(kListener, {kind.begin, "a", "b"});
    for (const Kind& kind : kinds) {
      say(kListener, {kind.end});
      say(kListener, {"CLIENT", "GETNAME"});
    }
  } while (std::next_permutation(std::begin(kinds), std::end(kinds), before));
}

TEST_P(SubscriberMode, EndsWithinOnePipeline) {
  say_all(kListener, {{"SUBSCRIBE", "a"},
                      {"DBSIZE"},
                      {"UNSUBSCRIBE", "a"},
                      {"DBSIZE"},
                      {"PSUBSCRIBE", "a", "b"},
                      {"PUNSUBSCRIBE", "a"},
                      {"DBSIZE"},
                      {"PUNSUBSCRIBE", "b", "b"},
                      {"PING"},
                      {"DBSIZE"}});
}

TEST_P(SubscriberMode, DoesNotBeginWithAnUnsubscription) {
  for (const char* name : {"UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"}) {
    say(kListener, {name});
    say(kListener, {name, "a"});
    say(kListener, {"DBSIZE"});
  }
  say(kListener, {"SUBSCRIBE"});
  say(kListener, {"DBSIZE"});
}

INSTANTIATE_TEST_SUITE_P(Protocol, SubscriberMode, testing::Values(2), name_of_protocol);

// ---- RESP3.

class FreeListener : public Talk {
 protected:
  int protocol() const override { return 3; }
};

TEST_P(FreeListener, MaySayAnything) {
  say(kListener, {"SUBSCRIBE", "a"});
  say(kListener, {"SSUBSCRIBE", "s"});
  say(kOther, {"PSUBSCRIBE", "*"});
  for (const Words& words : std::vector<Words>{{"PING"},
                                               {"PING", "text"},
                                               {"XADD", "s", "1-1", "f", "v"},
                                               {"XREAD", "STREAMS", "s", "0"},
                                               {"XREAD", "BLOCK", "5", "STREAMS", "s", "$"},
                                               {"PUBLISH", "other", "x"},
                                               {"SPUBLISH", "other", "x"},
                                               {"CLIENT", "GETNAME"},
                                               {"CONFIG", "GET", "appendonly"},
                                               {"NOSUCH"},
                                               {"PUBSUB", "NUMSUB", "a"},
                                               {"SELECT", "3"},
                                               {"DBSIZE"}}) {
    say(kListener, words);
  }
  say(kSpeaker, {"PUBLISH", "a", "channels have no database"});
}

TEST_P(FreeListener, ResetEndsItInResp2) {
  say(kListener, {"SUBSCRIBE", "a"});
  say(kListener, {"RESET"});
  say(kSpeaker, {"PUBLISH", "a", "to nobody"});
  say(kListener, {"SUBSCRIBE", "a"});
  say(kListener, {"DBSIZE"});
  say(kSpeaker, {"PUBLISH", "a", "x"});
}

TEST_P(FreeListener, ChangesItsProtocolWhileItListens) {
  talk_->mask_with([](const std::string& reply) {
    return reply.find("proto") == std::string::npos ? reply : std::string("(the reply to HELLO)\r\n");
  });
  say(kListener, {"SUBSCRIBE", "a"});
  say(kListener, {"SSUBSCRIBE", "s"});
  say(kListener, {"HELLO", "2"});
  say(kListener, {"DBSIZE"});
  say(kListener, {"HELLO", "3"});
  say(kSpeaker, {"PUBLISH", "a", "x"});
  say(kSpeaker, {"SPUBLISH", "s", "x"});
  say(kListener, {"UNSUBSCRIBE"});
  say(kListener, {"DBSIZE"});
  say(kListener, {"SUNSUBSCRIBE"});
  say(kListener, {"DBSIZE"});
  say(kListener, {"HELLO", "3"});
  say_all(kListener, {{"SUBSCRIBE", "a"}, {"HELLO", "2"}, {"PING"}, {"UNSUBSCRIBE", "a"}, {"HELLO", "3"}, {"PING"}});
}

TEST_P(FreeListener, HearsEachMessageInItsOwnProtocol) {
  const size_t in_resp2 = talk_->join(2);
  for (const size_t member : {size_t{kListener}, in_resp2}) {
    say(member, {"SUBSCRIBE", "a"});
    say(member, {"PSUBSCRIBE", "?"});
    say(member, {"SSUBSCRIBE", "a"});
  }
  say(kSpeaker, {"PUBLISH", "a", "x"});
  say(kSpeaker, {"SPUBLISH", "a", "x"});
  say_all(kSpeaker, std::vector<Words>(50, {"PUBLISH", "a", std::string(2000, 'x')}));
  for (const char* name : {"UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"}) say(in_resp2, {name});
}

INSTANTIATE_TEST_SUITE_P(Protocol, FreeListener, testing::Values(3), name_of_protocol);

}  // namespace
}  // namespace millrace::test
