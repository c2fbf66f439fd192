// Pub/sub between several connections, told to redis-server and to Millrace: every form of every command, who hears
// what, what is counted, and what a connection may do while it listens.
#include "pubsub_fixture.h"
#include "reply_tree.h"
#include "support/eventually.h"

namespace millrace::test {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

struct Family {
  const char* subscribe;
  const char* unsubscribe;
  const char* publish;
};
constexpr Family kFamilies[] = {{"SUBSCRIBE", "UNSUBSCRIBE", "PUBLISH"},
                                {"PSUBSCRIBE", "PUNSUBSCRIBE", "PUBLISH"},
                                {"SSUBSCRIBE", "SUNSUBSCRIBE", "SPUBLISH"}};

const std::string kBinary("\0\r\n\xff*\x80", 6);

class PubSub : public Talk {
 protected:
  void publish_everywhere(const std::string& channel, const std::string& payload) {
    say(kSpeaker, {"PUBLISH", channel, payload});
    say(kSpeaker, {"SPUBLISH", channel, payload});
  }
};

// ---- The forms.

TEST_P(PubSub, SubscribingCountsEachNameOnce) {
  for (const Family& family : kFamilies) {
    say(kListener, {family.subscribe, "a"});
    say(kListener, {family.subscribe, "b", "c", "d"});
    say(kListener, {family.subscribe, "a", "e", "e", "a"});
    say(kSpeaker, {family.publish, "a", "once"});
    say(kSpeaker, {family.publish, "e", "once"});
    say(kSpeaker, {family.publish, "nobody", "hears"});
  }
}

TEST_P(PubSub, UnsubscribingByName) {
  for (const Family& family : kFamilies) {
    say(kListener, {family.unsubscribe, "never"});
    say(kListener, {family.unsubscribe, "never", "never", "ever"});
    say(kListener, {family.subscribe, "a", "b", "c"});
    say(kListener, {family.unsubscribe, "b"});
    say(kListener, {family.unsubscribe, "b", "never", "a", "a"});
    say(kSpeaker, {family.publish, "a", "to nobody"});
    say(kSpeaker, {family.publish, "c", "to one"});
    say(kListener, {family.unsubscribe, "c", "c"});
    say(kSpeaker, {family.publish, "c", "to nobody"});
  }
}

TEST_P(PubSub, UnsubscribingFromEverything) {
  for (const Family& family : kFamilies) {
    say(kListener, {family.unsubscribe});
    say(kListener, {family.subscribe, "a"});
    say(kListener, {family.unsubscribe});
    say(kListener, {family.unsubscribe});
    say(kListener, {family.subscribe, "a", "b", "c", "d", "e"});
    say(kListener, {family.unsubscribe});
    say(kListener, {family.unsubscribe});
    say(kSpeaker, {family.publish, "a", "to nobody"});
  }
}

TEST_P(PubSub, ChannelsAndPatternsAreCountedTogetherShardChannelsApart) {
  say(kListener, {"SUBSCRIBE", "a", "b"});
  say(kListener, {"PSUBSCRIBE", "p*", "q*"});
  say(kListener, {"SSUBSCRIBE", "s", "t", "u"});
  say(kListener, {"SUBSCRIBE", "c"});
  say(kListener, {"SUNSUBSCRIBE", "s"});
  say(kListener, {"PUNSUBSCRIBE"});
  say(kListener, {"PUNSUBSCRIBE"});
  say(kListener, {"UNSUBSCRIBE", "a"});
  say(kListener, {"UNSUBSCRIBE"});
  say(kListener, {"UNSUBSCRIBE"});
  say(kListener, {"SUNSUBSCRIBE"});
  say(kListener, {"SUNSUBSCRIBE"});
}

TEST_P(PubSub, PublishCountsEveryDelivery) {
  say(kListener, {"SUBSCRIBE", "news"});
  say(kOther, {"SUBSCRIBE", "news", "other"});
  say(kThird, {"PSUBSCRIBE", "n*", "*s", "n?ws", "nothing*"});
  say(kListener, {"PSUBSCRIBE", "news"});
  say(kSpeaker, {"PUBLISH", "news", "five"});
  say(kSpeaker, {"PUBLISH", "newss", "two"});
  say(kSpeaker, {"PUBLISH", "nothing", "two"});
  say(kSpeaker, {"PUBLISH", "News", "one"});
  say(kSpeaker, {"PUBLISH", "", "none"});
}

TEST_P(PubSub, ChannelsComeBeforePatterns) {
  say(kListener, {"PSUBSCRIBE", "a*"});
  say(kListener, {"SUBSCRIBE", "abc"});
  say(kSpeaker, {"PUBLISH", "abc", "x"});
  ASSERT_THAT(heard_by(kListener), SizeIs(2));
  EXPECT_EQ(parse_reply(heard_by(kListener)[0]).elements[0].text, "message");
  EXPECT_EQ(parse_reply(heard_by(kListener)[1]).elements[0].text, "pmessage");
}

TEST_P(PubSub, ShardChannelsAreAWorldOfTheirOwn) {
  say(kListener, {"SSUBSCRIBE", "a"});
  say(kOther, {"SUBSCRIBE", "a"});
  say(kThird, {"PSUBSCRIBE", "*"});
  publish_everywhere("a", "x");
  say(kListener, {"SUBSCRIBE", "a"});
  publish_everywhere("a", "x");
  say(kListener, {"UNSUBSCRIBE", "a"});
  publish_everywhere("a", "x");
  say(kSpeaker, {"PUBSUB", "CHANNELS"});
  say(kSpeaker, {"PUBSUB", "SHARDCHANNELS"});
}

TEST_P(PubSub, NamesAndPayloadsAreBytes) {
  for (const Family& family : kFamilies) {
    say(kListener, {family.subscribe, "", kBinary});
    for (const std::string& channel : {std::string(), kBinary, std::string("plain")}) {
      for (const std::string& payload : {std::string(), kBinary, std::string("\r\n$3\r\nfoo\r\n")}) {
        say(kSpeaker, {family.publish, channel, payload});
      }
    }
    say(kSpeaker, {"PUBSUB", "NUMSUB", "", kBinary});
    say(kSpeaker, {"PUBSUB", "SHARDNUMSUB", "", kBinary});
    say(kListener, {family.unsubscribe, ""});
    say(kListener, {family.unsubscribe, kBinary});
  }
}

TEST_P(PubSub, NamesAndPayloadsMayBeLong) {
  const std::string name(100'000, 'n');
  say(kListener, {"SUBSCRIBE", name, "short"});
  say(kListener, {"PSUBSCRIBE", name.substr(0, 50'000) + "*"});
  say(kOther, {"SSUBSCRIBE", name});
  publish_everywhere(name, "x");
  publish_everywhere("short", std::string(1 << 20, 'x'));
  publish_everywhere(name, std::string(3 << 20, 'y'));
  say_all(kSpeaker, std::vector<Words>(20, {"PUBLISH", "short", std::string(100'000, 'z')}));
}

TEST_P(PubSub, Patterns) {
  const Words patterns = {"*",      "**",  "?",       "a*",    "*a",   "[ab]", "[^a]",   "[a-c]*",
                          "[c-a]?", "\\*", "a\\?",    "[\\]]", "[",    "[^",   "[a",     "a[b",
                          "\\",     "",    "***b***", "[]",    "a?c*", "x[",   "[^-b]*", "[a\\-c]"};
  Words subscribe = {"PSUBSCRIBE"};
  subscribe.insert(subscribe.end(), patterns.begin(), patterns.end());
  say(kListener, subscribe);
  for (const char* channel :
       {"", "a", "b", "c", "-", "*", "?", "a?", "ab", "abc", "[", "]", "\\", "A", "xbx", "a[b", "x[", "^", "aab"}) {
    say(kSpeaker, {"PUBLISH", channel, "x"});
    say(kSpeaker, {"PUBSUB", "CHANNELS", channel});
  }
  say(kSpeaker, {"PUBSUB", "NUMPAT"});
}

// ---- PUBSUB.

TEST_P(PubSub, PubSubTellsWhoListens) {
  const std::vector<Words> questions = {
      {"PUBSUB", "CHANNELS"},
      {"PUBSUB", "CHANNELS", "*"},
      {"PUBSUB", "CHANNELS", "a*"},
      {"PUBSUB", "CHANNELS", ""},
      {"PUBSUB", "NUMSUB"},
      {"PUBSUB", "NUMSUB", "a", "none", "a", "ab"},
      {"PUBSUB", "NUMPAT"},
      {"PUBSUB", "SHARDCHANNELS"},
      {"PUBSUB", "SHARDCHANNELS", "s?"},
      {"PUBSUB", "SHARDNUMSUB"},
      {"PUBSUB", "SHARDNUMSUB", "s1", "a", "s2"},
      {"pubsub", "channels", "?"},
      {"PUBSUB", "shardnumsub", "s1"},
  };
  const auto ask = [&] {
    for (const Words& words : questions) say(kSpeaker, words);
  };
  ask();
  say(kListener, {"SUBSCRIBE", "a", "b", "ab"});
  say(kListener, {"PSUBSCRIBE", "x*", "y*"});
  say(kListener, {"SSUBSCRIBE", "s1"});
  ask();
  say(kOther, {"SUBSCRIBE", "a"});
  say(kOther, {"PSUBSCRIBE", "x*", "z*"});
  say(kOther, {"SSUBSCRIBE", "s1", "s2"});
  ask();
  say(kListener, {"UNSUBSCRIBE"});
  say(kListener, {"PUNSUBSCRIBE"});
  say(kListener, {"SUNSUBSCRIBE"});
  ask();
  say_and_lose(kOther, {{"QUIT"}}, {kOther});
  ask();
}

TEST_P(PubSub, WrongNumbersOfArguments) {
  for (const char* name : {"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "PUBLISH", "SPUBLISH", "PUBSUB"}) {
    say(kSpeaker, {name});
  }
  for (const char* name : {"PUBLISH", "SPUBLISH"}) {
    say(kSpeaker, {name, "a"});
    say(kSpeaker, {name, "a", "b", "c"});
  }
  const std::vector<Words> commands = {
      {"PUBSUB", "nothing"},
      {"PUBSUB", "nothing", "a"},
      {"PUBSUB", ""},
      {"PUBSUB", "CHANNELS", "a", "b"},
      {"PUBSUB", "NUMPAT", "a"},
      {"PUBSUB", "SHARDCHANNELS", "a", "b"},
      {"PUBSUB", "HELP", "a"},
      {"PUBSUB", "\r\n", kBinary},
  };
  for (const Words& words : commands) say(kSpeaker, words);
}

TEST_P(PubSub, HelpBeginsTheSame) {
  ConnectionPair& pair = talk_->connection(kSpeaker);
  const ReplyPair help = pair.command({"PUBSUB", "HELP"});
  const Reply redis = parse_reply(help.redis);
  const Reply millrace = parse_reply(help.millrace);
  ASSERT_FALSE(redis.elements.empty() || millrace.elements.empty());
  EXPECT_EQ(redis.elements.front().text, millrace.elements.front().text);
  for (const char* word : {"CHANNELS", "NUMSUB", "NUMPAT", "SHARDCHANNELS", "SHARDNUMSUB"}) {
    EXPECT_THAT(help.millrace, HasSubstr(word));
  }
}

// ---- What else shows that a client listens.

class Listening : public PubSub {
 protected:
  void SetUp() override {
    PubSub::SetUp();
    if (!talk_) return;
    expect_clients(4);
    talk_->mask_with(&only_what_pubsub_shows);
  }

  static std::string field(const std::string& text, const std::string& name) {
    const size_t at = text.find(name);
    return at == std::string::npos ? "" : text.substr(at, text.find_first_of(" \r\n", at) - at) + "\n";
  }
  // Of replies to CLIENT LIST, CLIENT INFO and INFO.
  static std::string only_what_pubsub_shows(const std::string& reply) {
    if (reply.find("laddr=") == std::string::npos && reply.find("pubsub_channels:") == std::string::npos) return reply;
    std::string out;
    size_t start = 0;
    for (size_t end = 0; (end = reply.find('\n', start)) != std::string::npos; start = end + 1) {
      const std::string line = reply.substr(start, end - start);
      for (const char* name : {"flags=", "sub=", "psub=", "ssub=", "resp=", "pubsub_channels:", "pubsub_patterns:",
                               "pubsubshard_channels:"}) {
        out += field(" " + line, (line.find('=') == std::string::npos ? "" : " ") + std::string(name));
      }
    }
    return out;
  }
  void look() {
    say(kSpeaker, {"CLIENT", "LIST"});
    say(kSpeaker, {"CLIENT", "LIST", "TYPE", "pubsub"});
    say(kSpeaker, {"CLIENT", "LIST", "TYPE", "normal"});
    say(kSpeaker, {"INFO", "stats"});
  }
};

TEST_P(Listening, IsShownByClientListAndInfo) {
  look();
  say(kListener, {"SUBSCRIBE", "a", "b"});
  look();
  say(kOther, {"PSUBSCRIBE", "a*", "b*", "c*"});
  say(kThird, {"PSUBSCRIBE", "a*"});
  look();
  EXPECT_THAT(heard_by(kSpeaker).front(), HasSubstr("pubsub_patterns:3"));
  say(kThird, {"SSUBSCRIBE", "s"});
  say(kThird, {"PUNSUBSCRIBE"});
  look();
  say(kListener, {"UNSUBSCRIBE", "a", "b"});
  look();
  say(kOther, {"RESET"});
  say(kThird, {"SUNSUBSCRIBE", "s"});
  look();
}

TEST_P(Listening, ClientsCanBeKilledByTheirType) {
  say(kListener, {"SUBSCRIBE", "a"});
  say(kOther, {"SSUBSCRIBE", "a"});
  say(kThird, {"PSUBSCRIBE", "a"});
  say(kThird, {"PUNSUBSCRIBE"});
  say_and_lose(kSpeaker, {{"CLIENT", "KILL", "TYPE", "pubsub"}}, {kListener, kOther});
  publish_everywhere("a", "to nobody");
  say(kSpeaker, {"PUBSUB", "NUMSUB", "a"});
  say(kSpeaker, {"PUBSUB", "SHARDNUMSUB", "a"});
  say(kSpeaker, {"CLIENT", "KILL", "TYPE", "pubsub"});
  look();
}

// ---- Own messages, and the order of everything in one pipeline.

class Ordering : public PubSub {};

TEST_P(Ordering, AConnectionHearsItselfWhereItMay) {
  say(kListener, {"SUBSCRIBE", "a"});
  say(kListener, {"PSUBSCRIBE", "a*"});
  say(kListener, {"PUBLISH", "a", "own"});
  say(kListener, {"SSUBSCRIBE", "a"});
  say(kListener, {"SPUBLISH", "a", "own"});
  say_all(kListener,
          {{"PUBLISH", "a", "1"}, {"PUBLISH", "a", "2"}, {"PING"}, {"PUBLISH", "b", "3"}, {"SPUBLISH", "a", "4"}});
  if (is_resp3()) {
    EXPECT_GT(talk_->hits(kOwnMessageFirst), 0u) << kTalkDivergences[kOwnMessageFirst].name << ": no longer needed?";
  }
}

TEST_P(Ordering, OneReplyComesBeforeTheMessageItCaused) {
  if (!is_resp3()) GTEST_SKIP() << "a listening connection cannot publish";
  say(kListener, {"SUBSCRIBE", "a"});
  say(kListener, {"PUBLISH", "a", "own"});
  EXPECT_EQ(heard_by(kListener), (Heard{":1\r\n", ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$3\r\nown\r\n"}));
}

TEST_P(Ordering, ConfirmationsStandWhereRepliesStand) {
  say_all(kListener, {{"PING", "1"},
                      {"SUBSCRIBE", "a", "b"},
                      {"PING", "2"},
                      {"PUBLISH", "a", "x"},
                      {"UNSUBSCRIBE", "a"},
                      {"PING", "3"},
                      {"PSUBSCRIBE", "*"},
                      {"UNSUBSCRIBE", "b"},
                      {"PUNSUBSCRIBE", "*"},
                      {"PUBLISH", "a", "x"},
                      {"PING", "4"}});
}

TEST_P(Ordering, NoMessageFollowsTheLastConfirmation) {
  say(kListener, {"SUBSCRIBE", "a", "b"});
  ConnectionPair& speaker = talk_->connection(kSpeaker);
  std::vector<Words> messages;
  for (int i = 0; i < 100; i++) messages.push_back({"PUBLISH", i % 2 == 0 ? "a" : "b", std::to_string(i)});
  for (const ReplyPair& pair : speaker.pipeline(messages)) EXPECT_EQ(pair.millrace, ":1\r\n");
  say_all(kListener, {{"UNSUBSCRIBE", "a"}, {"UNSUBSCRIBE", "b"}, {"PING"}, {"XLEN", "s"}});
  // All of them, two confirmations, two replies.
  EXPECT_THAT(heard_by(kListener), SizeIs(104));
  say(kSpeaker, {"PUBLISH", "a", "late"});
  EXPECT_THAT(heard_by(kListener), SizeIs(0));
}

TEST_P(Ordering, WhoHearsOfAnEntryCanReadIt) {
  say(kListener, {"SUBSCRIBE", "added"});
  for (int i = 1; i <= 20; i++) {
    const std::string id = std::to_string(i) + "-1";
    say_all(kSpeaker, {{"XADD", "s", id, "f", "v"}, {"PUBLISH", "added", id}});
    say(kOther, {"XRANGE", "s", id, id});
    if (is_resp3()) say(kListener, {"XREVRANGE", "s", "+", "-", "COUNT", "1"});
  }
}

TEST_P(Ordering, AMessageBehindABlockedCommand) {
  if (!is_resp3()) GTEST_SKIP() << "a listening connection cannot block";
  say(kListener, {"SUBSCRIBE", "a"});
  ConnectionPair& listener = talk_->connection(kListener);
  ConnectionPair& speaker = talk_->connection(kSpeaker);
  listener.send({"XREAD", "BLOCK", "0", "STREAMS", "s", "$"});
  for (RespConnection* server : {&speaker.redis(), &speaker.millrace()}) {
    EXPECT_TRUE(eventually([&] {
      return server->command({"INFO", "clients"}).find("blocked_clients:1") != std::string::npos;
    }));
  }
  const auto answers =
      speaker.pipeline({{"PUBLISH", "a", "while blocked"}, {"XADD", "s", "1-1", "f", "v"}, {"PUBLISH", "a", "after"}});
  for (const ReplyPair& pair : answers) EXPECT_EQ(pair.redis, pair.millrace);
  for (int i = 0; i < 3; i++) {
    const ReplyPair pair = listener.read();
    EXPECT_EQ(readable_reply(pair.redis), readable_reply(pair.millrace));
  }
}

// ---- CLIENT REPLY silences replies only.

class MuteListener : public PubSub {};

TEST_P(MuteListener, StillHearsMessages) {
  if (!is_resp3()) GTEST_SKIP() << "CLIENT is refused while a connection listens";
  say(kListener, {"SUBSCRIBE", "a"});
  talk_->expect_silence(kListener);
  say(kListener, {"CLIENT", "REPLY", "OFF"});
  say(kSpeaker, {"PUBLISH", "a", "to the mute"});
  EXPECT_THAT(heard_by(kListener), SizeIs(1));
  say(kListener, {"SUBSCRIBE", "b"});
  say(kListener, {"PING", "unheard"});
  say(kListener, {"PUBLISH", "a", "from the mute"});
  say(kListener, {"UNSUBSCRIBE", "b", "never"});
  say(kListener, {"NOSUCH"});
  say_all(kListener, {{"CLIENT", "REPLY", "ON"}, {"CLIENT", "REPLY", "SKIP"}, {"PUBLISH", "a", "skipped"}, {"PING"}});
  say_all(kListener, {{"CLIENT", "REPLY", "SKIP"}, {"SUBSCRIBE", "c"}, {"PING"}});
  say_all(kListener, {{"CLIENT", "REPLY", "SKIP"}, {"UNSUBSCRIBE", "c"}, {"PING"}});
}

TEST_P(MuteListener, SubscribesWithoutAReply) {
  talk_->expect_silence(kListener);
  say_all(kListener, {{"CLIENT", "REPLY", "OFF"}, {"SUBSCRIBE", "a", "markers"}});
  say(kListener, {"PSUBSCRIBE", "b*"});
  say(kListener, {"SSUBSCRIBE", "s"});
  publish_everywhere("a", "x");
  publish_everywhere("s", "x");
  publish_everywhere("b", "x");
  say(kListener, {"PING", "unheard"});
  say(kListener, {"XLEN", "refused or unheard"});
  say(kListener, {"PUNSUBSCRIBE"});
}

IN_BOTH_PROTOCOLS(PubSub);
IN_BOTH_PROTOCOLS(Listening);
IN_BOTH_PROTOCOLS(Ordering);
IN_BOTH_PROTOCOLS(MuteListener);

}  // namespace
}  // namespace millrace::test
