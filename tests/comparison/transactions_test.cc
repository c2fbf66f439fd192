// MULTI, EXEC and DISCARD, on redis-server and on Millrace: what is queued and what is refused, what EXEC replies, and
// what others hear of it and when. WATCH has a file of its own.
//
// What a client that executes a PUBLISH hears of its own message is not compared: 7.0 sends it in the middle of EXEC's
// reply (tests/unit/commands/transaction_test.cc).
#include <algorithm>

#include "pubsub_fixture.h"
#include "reply_tree.h"

namespace millrace::test {
namespace {

using testing::HasSubstr;

class Transactions : public Talk {
 protected:
  void say_each(size_t speaker, const std::vector<Words>& commands) {
    for (const Words& words : commands) say(speaker, words);
  }
  // MULTI, the commands, EXEC: each in a step of its own, then all at once.
  void transact(size_t speaker, std::vector<Words> commands) {
    commands.insert(commands.begin(), {"MULTI"});
    commands.push_back({"EXEC"});
    say_each(speaker, commands);
    say_all(speaker, commands);
  }
  // All connections that wait, on both servers.
  void expect_blocked(size_t count) {
    for (RespConnection* server : {&talk_->connection(kSpeaker).redis(), &talk_->connection(kSpeaker).millrace()}) {
      EXPECT_TRUE(eventually([&] {
        const std::string list = server->command({"CLIENT", "LIST"});
        size_t blocked = 0;
        for (size_t at = list.find(" flags=b "); at != std::string::npos; at = list.find(" flags=b ", at + 1))
          blocked++;
        return blocked == count;
      }));
    }
  }
  // The same from both servers; returns it.
  std::string read_alike(ConnectionPair& connection) {
    const ReplyPair pair = connection.read();
    EXPECT_EQ(readable_reply(pair.redis), readable_reply(pair.millrace));
    return pair.millrace;
  }
};

// ---- what is queued

TEST_P(Transactions, ExecutesWhatWasQueued) {
  transact(kSpeaker, {});
  transact(kSpeaker, {{"PING"}});
  transact(kSpeaker, {{"XADD", "s", "1-*", "f", "v"}, {"DEL", "s"}, {"EXISTS", "s"}});
  transact(kSpeaker, {{"XADD", "s", "1-1", "f", "v"}, {"XLEN", "s"}, {"XRANGE", "s", "-", "+"}, {"DEL", "s"}});
  transact(kSpeaker, {{"ECHO", ""}, {"ECHO", std::string("\0\r\n\xff", 4)}, {"ECHO", std::string(100'000, 'x')}});
  say(kSpeaker, {"EXISTS", "s"});
}

TEST_P(Transactions, NothingHappensBeforeExec) {
  say_all(kSpeaker, {{"MULTI"}, {"XADD", "s", "1-1", "f", "v"}, {"SELECT", "3"}, {"PUBLISH", "c", "x"}});
  say(kOther, {"EXISTS", "s"});
  say(kSpeaker, {"DISCARD"});
  say_all(kSpeaker, {{"EXISTS", "s"}, {"MULTI"}, {"PING"}, {"EXEC"}});
}

TEST_P(Transactions, AMistakeWhileExecutingStopsNothing) {
  transact(kSpeaker, {{"XADD", "s", "0-0", "f", "v"},
                      {"XADD", "s", "x", "f", "v"},
                      {"XGROUP", "CREATE", "none", "g", "$"},
                      {"ECHO", "still here"}});
}

TEST_P(Transactions, RefusesWhatMakesNoSense) {
  say_each(kSpeaker,
           {{"EXEC"}, {"DISCARD"}, {"EXEC", "x"}, {"DISCARD", "x"}, {"MULTI", "x"}, {"WATCH"}, {"UNWATCH", "x"}});
  say_each(kSpeaker, {{"MULTI"}, {"MULTI"}, {"WATCH", "k"}, {"PING"}, {"EXEC"}});
  say_each(kSpeaker, {{"MULTI"}, {"EXEC", "x"}, {"EXEC"}});
  say_each(kSpeaker, {{"MULTI"}, {"DISCARD", "x"}, {"EXEC"}});
  say_each(kSpeaker, {{"MULTI"}, {"MULTI", "x"}, {"EXEC"}});
  say_each(kSpeaker, {{"MULTI"}, {"WATCH"}, {"EXEC"}});
}

TEST_P(Transactions, ARefusedCommandSpoilsIt) {
  for (const Words& words : std::vector<Words>{{"NOSUCH", "x"},
                                               {"XADD", "s"},
                                               {"CLIENT", "NOSUCH"},
                                               {"CLIENT"},
                                               {"XGROUP", "NOSUCH"},
                                               {"SAVE"},
                                               {"SHUTDOWN"},
                                               {"EXEC", "x"},
                                               {""}}) {
    say_each(kSpeaker, {{"MULTI"}, {"XADD", "s", "1-1", "f", "v"}, words, {"PING"}, {"EXEC"}, {"EXEC"}});
    say_all(kSpeaker, {{"MULTI"}, words, {"DISCARD"}, {"MULTI"}, {"PING"}, {"EXEC"}});
    say(kSpeaker, {"EXISTS", "s"});
  }
}

// In RESP2 who listens may say little; that holds when a command is queued, not when it is executed.
TEST_P(Transactions, ASubscriberMayQueueLittle) {
  say_each(kOther, {{"MULTI"}, {"SUBSCRIBE", "c"}, {"EXISTS", "s"}, {"PSUBSCRIBE", "p*"}, {"PING"}, {"EXEC"}});
  say(kSpeaker, {"PUBLISH", "c", "x"});
  say_all(kOther, {{"MULTI"}, {"PING"}, {"EXEC"}, {"UNSUBSCRIBE", "c"}, {"PUNSUBSCRIBE", "p*"}, {"MULTI"}, {"EXEC"}});
}

// ---- the client's own state

TEST_P(Transactions, SelectHoldsForWhatFollowsAndRemains) {
  transact(kSpeaker,
           {{"SELECT", "1"}, {"XADD", "s", "1-*", "f", "v"}, {"DEL", "s"}, {"SELECT", "x"}, {"SELECT", "99"}});
  say_each(kSpeaker, {{"XADD", "in1", "1-1", "f", "v"}, {"SELECT", "0"}, {"EXISTS", "in1"}, {"FLUSHALL"}});
}

TEST_P(Transactions, TheProtocolChangesInTheMiddle) {
  const Words pending = {"XREAD", "STREAMS", "s", "0"};
  talk_->mask_with([](const std::string& reply) {  // the id in the reply to HELLO
    const size_t id = reply.find("$2\r\nid\r\n:");
    return id == std::string::npos ? reply : reply.substr(0, id) + reply.substr(reply.find("\r\n", id + 9));
  });
  say(kSpeaker, {"XADD", "s", "1-1", "f", "v"});
  for (const char* protocol : {"3", "2", "3", "9"}) {
    say_all(kSpeaker, {{"MULTI"}, pending, {"HELLO", protocol}, pending, {"EXEC"}, pending});
  }
}

TEST_P(Transactions, ResetAndQuitHappenAtOnce) {
  say_each(kOther, {{"WATCH", "k"}, {"MULTI"}, {"XADD", "s", "1-1", "f", "v"}, {"RESET"}, {"EXEC"}, {"EXISTS", "s"}});
  say(kOther, {"MULTI"});
  say_and_lose(kOther, {{"XADD", "s", "1-1", "f", "v"}, {"QUIT"}, {"EXEC"}}, {kOther});
  say(kSpeaker, {"EXISTS", "s"});
}

// Each step ends with a command that is skipped, if any is.
TEST_P(Transactions, RepliesThatAreNotWanted) {
  const Words skip = {"CLIENT", "REPLY", "SKIP"};
  say_all(kSpeaker, {{"MULTI"}, {"PING"}, skip, {"ECHO", "a"}, {"EXEC"}, {"ECHO", "skipped"}});
  say_all(kSpeaker, {skip, {"MULTI"}, {"PING"}, skip, {"PING"}, {"EXEC"}, {"ECHO", "skipped"}});
  say_all(kSpeaker, {{"MULTI"}, {"PING"}, skip, {"EXEC"}, {"ECHO", "skipped"}, {"DISCARD"}});
  say_all(kSpeaker, {{"MULTI"}, {"PING"}, {"CLIENT", "REPLY", "OFF"}, {"PING"}, {"EXEC"}, {"CLIENT", "REPLY", "ON"}});
  say_all(kSpeaker, {{"CLIENT", "REPLY", "OFF"}, {"MULTI"}, {"PING"}, {"EXEC"}, {"CLIENT", "REPLY", "ON"}});
}

TEST_P(Transactions, EndsInTheMiddleForWhoKillsItself) {
  say(kSpeaker, {"PING"});  // all have been accepted
  say_and_lose(kSpeaker,
               {{"MULTI"},
                {"PING"},
                {"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no"},
                {"ECHO", "x"},
                {"XADD", "s", "1-1", "f", "v"},
                {"EXEC"},
                {"PING"}},
               {kListener, kOther, kThird, kSpeaker});
  ConnectionPair later = servers_->connect();
  EXPECT_EQ(later.command({"XLEN", "s"}).redis, ":1\r\n");
  EXPECT_EQ(later.command({"XLEN", "s"}).millrace, ":1\r\n");
}

TEST_P(Transactions, IsShownByClientList) {
  const auto shown = [&](const std::string& list) {
    const size_t at = list.find("name=me ");
    std::string out;
    for (const std::string field : {" flags=", " db=", " multi=", " multi-mem=", " cmd="}) {
      const size_t from = list.find(field, at);
      out += list.substr(from, list.find(' ', from + 1) - from);
    }
    return out;
  };
  const auto look = [&] {
    const ReplyPair pair = talk_->connection(kOther).command({"CLIENT", "LIST"});
    EXPECT_EQ(shown(pair.redis), shown(pair.millrace));
    return shown(pair.millrace);
  };
  say(kSpeaker, {"CLIENT", "SETNAME", "me"});
  look();
  say_all(kSpeaker, {{"WATCH", "k"}, {"MULTI"}});
  EXPECT_THAT(look(), HasSubstr("flags=x db=0 multi=0 multi-mem=0 cmd="));
  say_all(kSpeaker, {{"XADD", "s", "1-1", "field", "value"}, {"SELECT", "1"}});
  EXPECT_THAT(look(), HasSubstr("multi=2"));
  say(kOther, {"XADD", "k", "1-1", "f", "v"});
  EXPECT_THAT(look(), HasSubstr("flags=xd"));
  say(kSpeaker, {"DISCARD"});
  EXPECT_THAT(look(), HasSubstr("flags=N"));
  const ReplyPair pair = talk_->connection(kSpeaker).pipeline({{"MULTI"}, {"CLIENT", "INFO"}, {"EXEC"}}).back();
  EXPECT_EQ(shown(pair.redis), shown(pair.millrace));
}

// ---- others

TEST_P(Transactions, ReadersLookOnceAtTheEnd) {
  ConnectionPair first = servers_->connect();
  ConnectionPair second = servers_->connect();
  ConnectionPair third = servers_->connect();
  say(kSpeaker, {"XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"});
  first.send({"XREAD", "BLOCK", "0", "STREAMS", "t", "s", "$", "$"});
  expect_blocked(1);
  second.send({"XREAD", "COUNT", "2", "BLOCK", "0", "STREAMS", "s", "$"});
  expect_blocked(2);
  third.send({"XREADGROUP", "GROUP", "g", "c", "COUNT", "2", "BLOCK", "0", "STREAMS", "s", ">"});
  expect_blocked(3);
  say_all(kSpeaker, {{"MULTI"}, {"XADD", "t", "1-1", "f", "v"}, {"DEL", "t"}, {"EXEC"}});
  say_all(kSpeaker, {{"MULTI"},
                     {"XADD", "s", "1-1", "f", "a"},
                     {"XADD", "s", "1-2", "f", "b"},
                     {"XADD", "s", "1-3", "f", "c"},
                     {"XDEL", "s", "1-1"},
                     {"EXEC"}});
  EXPECT_THAT(read_alike(first), HasSubstr("1-3"));
  EXPECT_THAT(read_alike(second), HasSubstr("1-2"));
  EXPECT_THAT(read_alike(third), HasSubstr("1-2"));
  say(kSpeaker, {"XPENDING", "s", "g"});
}

TEST_P(Transactions, NobodyWaitsInside) {
  say(kSpeaker, {"XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"});
  transact(kSpeaker, {{"XREAD", "BLOCK", "0", "STREAMS", "s", "$"},
                      {"XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">"},
                      {"WAIT", "1", "0"},
                      {"WAIT", "1", "-1"},
                      {"MONITOR"},
                      {"SSUBSCRIBE", "c"},
                      {"SUNSUBSCRIBE", "c"}});
}

TEST_P(Transactions, MessagesAndRepliesKeepTheirOrder) {
  say(kListener, {"SUBSCRIBE", "c", "__keyevent@0__:xadd", "__keyspace@0__:s"});
  say(kThird, {"PSUBSCRIBE", "*"});
  say(kSpeaker, {"CONFIG", "SET", "notify-keyspace-events", "KEA"});
  transact(kSpeaker, {{"PUBLISH", "c", "1"},
                      {"XADD", "s", "1-*", "f", "v"},
                      {"PUBLISH", "c", "2"},
                      {"PUBLISH", "c", "3"},
                      {"SPUBLISH", "c", "4"},
                      {"EXPIRE", "s", "100"},
                      {"DEL", "s"},
                      {"PUBLISH", "c", "5"}});
}

TEST_P(Transactions, SubscriptionsInside) {
  transact(kOther, {{"SUBSCRIBE", "a", "b"},
                    {"UNSUBSCRIBE", "a"},
                    {"PSUBSCRIBE", "x*"},
                    {"UNSUBSCRIBE", "b"},
                    {"PUNSUBSCRIBE", "x*"}});
  say_all(kOther, {{"MULTI"}, {"SUBSCRIBE", "a"}, {"ECHO", "still allowed"}, {"EXEC"}});
  say(kSpeaker, {"PUBLISH", "a", "x"});
  say(kOther, {"UNSUBSCRIBE", "a"});
}

TEST_P(Transactions, MonitorsSeeWhatIsExecuted) {
  talk_->mask_with([](const std::string& reply) {
    if (reply[0] != '+' || reply.find(" [") == std::string::npos) return reply;
    const size_t open = reply.find('[');
    return reply.substr(open, 2) + reply.substr(reply.find(']'));
  });
  say(kListener, {"MONITOR"});
  transact(kSpeaker, {{"XADD", "s", "1-*", "f", "v"},
                      {"SELECT", "2"},
                      {"DEL", "s"},
                      {"CONFIG", "GET", "databases"},
                      {"PING"},
                      {"SELECT", "0"}});
  say_each(kSpeaker, {{"MULTI"}, {"NOSUCH"}, {"EXEC"}, {"MULTI"}, {"PING"}, {"DISCARD"}, {"EXEC"}, {"EXEC", "x"}});
  say_each(kSpeaker, {{"WATCH", "k"}, {"XADD", "k", "1-1", "f", "v"}, {"MULTI"}, {"PING"}, {"EXEC"}, {"UNWATCH"}});
}

// ---- client-side caching

// Only RESP3 hears of it itself.
TEST_P(Transactions, InvalidationsComeBehindTheReply) {
  if (!is_resp3()) return;
  say(kOther, {"CLIENT", "TRACKING", "ON"});
  say_all(kOther, {{"MULTI"}, {"XLEN", "a"}, {"EXISTS", "b", "c"}, {"EXEC"}});
  transact(kSpeaker, {{"XADD", "a", "1-*", "f", "v"}, {"XADD", "a", "1-*", "f", "v"}, {"XADD", "b", "1-*", "f", "v"}});
  say_all(kOther, {{"MULTI"}, {"XLEN", "a"}, {"XADD", "a", "1-*", "f", "v"}, {"XLEN", "a"}, {"EXISTS", "c"}, {"EXEC"}});
  say_all(kOther, {{"MULTI"}, {"EXISTS", "c"}, {"FLUSHALL"}, {"PING"}, {"EXEC"}});
  say_all(kOther, {{"MULTI"},
                   {"CLIENT", "TRACKING", "OFF"},
                   {"CLIENT", "TRACKING", "ON", "NOLOOP"},
                   {"EXISTS", "d"},
                   {"XADD", "d", "1-*", "f", "v"},
                   {"EXEC"}});
  say(kSpeaker, {"DEL", "d"});
}

TEST_P(Transactions, AnExceptionHoldsForAllOfIt) {
  if (!is_resp3()) return;
  say(kOther, {"CLIENT", "TRACKING", "ON", "OPTIN"});
  say_all(kOther,
          {{"CLIENT", "CACHING", "YES"}, {"MULTI"}, {"EXISTS", "a"}, {"EXISTS", "b"}, {"EXEC"}, {"EXISTS", "c"}});
  say_each(kSpeaker, {{"XADD", "a", "1-1", "f", "v"}, {"XADD", "b", "1-1", "f", "v"}, {"XADD", "c", "1-1", "f", "v"}});
  say_all(kOther,
          {{"MULTI"}, {"EXISTS", "a"}, {"CLIENT", "CACHING", "YES"}, {"EXISTS", "b"}, {"EXEC"}, {"EXISTS", "c"}});
  say_each(kSpeaker, {{"DEL", "a"}, {"DEL", "b"}, {"DEL", "c"}});
}

// ---- what EXEC is refused for

TEST_P(Transactions, APauseOfWritesHoldsThemBack) {
  const std::vector<Words> writing = {{"MULTI"}, {"XADD", "s", "1-1", "f", "v"}};
  const std::vector<Words> reading = {{"MULTI"}, {"XLEN", "s"}};
  ConnectionPair writer = servers_->connect();
  ConnectionPair reader = servers_->connect();
  writer.pipeline(writing);
  reader.pipeline(reading);
  say(kOther, {"CLIENT", "PAUSE", "100000", "WRITE"});
  writer.send({"EXEC"});
  const ReplyPair read = reader.command({"EXEC"});
  EXPECT_EQ(read.redis, "*1\r\n:0\r\n");
  EXPECT_EQ(read.millrace, "*1\r\n:0\r\n");
  say(kOther, {"XLEN", "s"});
  say(kOther, {"CLIENT", "UNPAUSE"});
  EXPECT_THAT(read_alike(writer), HasSubstr("1-1"));
}

IN_BOTH_PROTOCOLS(Transactions);

}  // namespace
}  // namespace millrace::test
