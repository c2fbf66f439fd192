// MONITOR: which commands are shown, and how; what a monitor may do itself; how it ends.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <set>

#include "base/numbers.h"
#include "pubsub_fixture.h"
#include "reply_tree.h"
#include "support/eventually.h"

namespace millrace::test {
namespace {

using testing::HasSubstr;

bool is_line(const std::string& reply) {
  return reply.size() > 12 && reply[0] == '+' && std::isdigit(static_cast<unsigned char>(reply[1])) != 0;
}

// "+1700000000.123456 [0 127.0.0.1:50312] "ping"" without the time and the port.
std::string line_without_time_and_port(const std::string& line) {
  const size_t time_end = line.find(' ');
  const size_t address_end = line.find(']');
  const std::string time = line.substr(1, time_end - 1);
  const size_t dot = time.find('.');
  std::string out = dot == std::string::npos || time.size() - dot - 1 != 6 ? "a wrong time " + time : "time";
  std::string address = line.substr(time_end, address_end - time_end);
  if (address.find("127.0.0.1:") != std::string::npos) address.resize(address.rfind(':'));
  return out + address + line.substr(address_end) + "\n";
}

std::string mask_lines(const std::string& reply) {
  return is_line(reply) ? line_without_time_and_port(reply) : reply;
}
std::string lines_only(const std::string& reply) {
  return is_line(reply) ? line_without_time_and_port(reply) : reply.substr(0, 1);
}

class Monitor : public Talk {
 protected:
  void SetUp() override { start({}); }

  void start(const std::vector<std::string>& extra) {
    open(extra);
    if (!talk_) return;
    talk_->mask_with(&mask_lines);
    say(kListener, {"MONITOR"});
  }

  // The lines that the monitor was told in the last step.
  Heard lines() const {
    Heard found;
    for (const std::string& reply : heard_by(kListener)) {
      if (is_line(reply)) found.push_back(reply);
    }
    return found;
  }
};

// ---- The line.

TEST_P(Monitor, ShowsWordsInQuotes) {
  std::string all_bytes;
  for (int byte = 0; byte < 256; byte++) all_bytes += static_cast<char>(byte);
  const std::vector<Words> commands = {{"PING"},
                                       {"ping", ""},
                                       {"Echo", "two words"},
                                       {"ECHO", "\"quoted\" and \\escaped\\ 'single'"},
                                       {"ECHO", "\r\n\t\a\b\v\f\x1b\x7f"},
                                       {"ECHO", all_bytes},
                                       {"ECHO", std::string(100'000, '\n')},
                                       {"XADD", "s", "1-1", "f", "v"},
                                       {"EXISTS", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"}};
  for (const Words& words : commands) say(kSpeaker, words);
  say_all(kSpeaker, commands);
  ASSERT_TRUE(talk_->say_bytes(kOther, "ping\r\nECHO \"a\\x00b\"   'c'\r\necho plain\r\n")) << talk_->problem();
}

TEST_P(Monitor, ShowsTheDatabase) {
  say(kSpeaker, {"SELECT", "7"});
  say(kSpeaker, {"XLEN", "s"});
  say_all(kSpeaker, {{"SELECT", "3"}, {"PING"}, {"SELECT", "99"}, {"PING"}, {"SELECT", "0"}});
  say(kOther, {"PING"});
}

TEST_P(Monitor, ShowsTheTimeAndTheAddressOfTheSpeaker) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ASSERT_EQ(getsockname(talk_->connection(kSpeaker).millrace().fd(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  say(kSpeaker, {"ECHO", "x"});
  const std::string port = std::to_string(ntohs(address.sin_port));
  const Heard told = lines();
  ASSERT_FALSE(told.empty());
  EXPECT_THAT(testing::PrintToString(told), HasSubstr("[0 127.0.0.1:" + port + "]"));
  const int64_t now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  const int64_t then = parse_i64(told[0].substr(1, told[0].find('.') - 1)).value_or(0);
  EXPECT_NEAR(static_cast<double>(then), static_cast<double>(now), 60);
}

// ---- What is shown.

TEST_P(Monitor, ShowsMistakesOnlyOfCommandsThatRan) {
  for (const Words& words : std::vector<Words>{{"NOSUCH", "a"},
                                               {"XADD", "s"},
                                               {"CLIENT", "NOSUCH"},
                                               {"PUBLISH", "a"},
                                               {"XADD", "s", "bad id", "f", "v"},
                                               {"XGROUP", "CREATE", "none", "g", "$"}}) {
    say(kSpeaker, words);
  }
}

TEST_P(Monitor, ShowsNoSecrets) {
  talk_->mask_with([](const std::string& reply) {
    return reply.find("proto") == std::string::npos ? mask_lines(reply) : std::string("(the reply to HELLO)");
  });
  for (const Words& words : std::vector<Words>{{"AUTH", "secret"},
                                               {"AUTH", "default", "secret"},
                                               {"HELLO", "2", "AUTH", "default", "secret"},
                                               {"HELLO", "2", "SETNAME", "me", "AUTH", "default", "secret"}}) {
    say_all(kOther, {words, {"CLIENT", "GETNAME"}});
    EXPECT_THAT(testing::PrintToString(lines()), testing::Not(HasSubstr("secret"))) << readable_words(words);
  }
}

TEST_P(Monitor, ShowsPubSub) {
  say(kOther, {"SUBSCRIBE", "a", "b"});
  say(kThird, {"PSUBSCRIBE", "a*"});
  say(kSpeaker, {"PUBLISH", "a", "x"});
  say(kSpeaker, {"SPUBLISH", "a", "x"});
  say(kOther, {"UNSUBSCRIBE"});
  say(kThird, {"RESET"});
}

TEST_P(Monitor, ShowsABlockedCommandOnce) {
  say(kSpeaker, {"XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"});
  ConnectionPair reader = servers_->connect();
  reader.send({"XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">"});
  for (RespConnection* server : {&talk_->connection(kSpeaker).redis(), &talk_->connection(kSpeaker).millrace()}) {
    // This one is not shown, however often it takes to ask.
    EXPECT_TRUE(eventually([&] { return server->command({"CLIENT", "LIST"}).find(" flags=b ") != std::string::npos; }));
  }
  say(kSpeaker, {"XADD", "s", "1-1", "f", "v"});
  const ReplyPair pair = reader.read();
  EXPECT_EQ(readable_reply(pair.redis), readable_reply(pair.millrace));
  say(kSpeaker, {"PING"});
}

// Every command that both have, as short as its arity allows: most of them fail, but they run.
TEST_P(Monitor, ShowsTheSameCommands) {
  // And what makes redis-server another's replica.
  static const std::set<std::string> kEndsOrSilencesTheSpeaker = {"shutdown",     "quit",      "monitor",
                                                                  "client|reply", "replicaof", "slaveof"};
  ConnectionPair pair = servers_->connect();
  const ReplyPair lists = pair.command({"COMMAND", "LIST"});
  std::set<std::string> redis;
  for (const Reply& name : parse_reply(lists.redis).elements) redis.insert(name.text);
  talk_->mask_with(&lines_only);
  size_t said = 0;
  for (const Reply& name : parse_reply(lists.millrace).elements) {
    if (redis.count(name.text) == 0 || kEndsOrSilencesTheSpeaker.count(name.text) > 0) continue;
    const ReplyPair info = pair.command({"COMMAND", "INFO", name.text});
    const int64_t arity = parse_i64(parse_reply(info.redis).elements[0].elements[1].text).value_or(0);
    const size_t bar = name.text.find('|');
    Words words = {name.text.substr(0, bar)};
    if (bar != std::string::npos) words.push_back(name.text.substr(bar + 1));
    words.resize(std::max(words.size(), static_cast<size_t>(std::abs(arity))), "1");
    say_all(kOther, {words, {"RESET"}});
    said++;
  }
  EXPECT_GT(said, 60u);
}

// ---- The monitor itself.

TEST_P(Monitor, MayNotTouchKeys) {
  for (const Words& words : std::vector<Words>{{"XADD", "s", "1-1", "f", "v"},
                                               {"XLEN", "s"},
                                               {"XREAD", "STREAMS", "s", "0"},
                                               {"DEL", "s"},
                                               {"KEYS", "*"},
                                               {"FLUSHALL"},
                                               {"DBSIZE"},
                                               {"PING"},
                                               {"ECHO", "x"},
                                               {"SELECT", "2"},
                                               {"PUBLISH", "a", "x"},
                                               {"SPUBLISH", "a", "x"},
                                               {"CLIENT", "GETNAME"},
                                               {"CLIENT", "SETNAME", "me"},
                                               {"MONITOR", "x"},
                                               {"NOSUCH"}}) {
    say(kListener, words);
  }
  say(kSpeaker, {"XLEN", "s"});
}

// Redis leaves the second one without a reply, which would let a client wait for ever.
TEST_P(Monitor, MayAskAgain) {
  ConnectionPair pair = servers_->connect();
  pair.command({"MONITOR"});
  const ReplyPair first = pair.pipeline({{"MONITOR"}, {"PING", "end"}}).front();
  EXPECT_EQ(first.redis, "$3\r\nend\r\n");
  EXPECT_EQ(first.millrace, "+OK\r\n");
}

TEST_P(Monitor, MaySubscribe) {
  say(kListener, {"SUBSCRIBE", "a"});
  say(kSpeaker, {"PUBLISH", "a", "x"});
  say(kListener, {"UNSUBSCRIBE", "a"});
  say(kSpeaker, {"PUBLISH", "a", "x"});
}

TEST_P(Monitor, SubscribersMayNotBecomeOneInResp2) {
  say(kOther, {"SUBSCRIBE", "a"});
  say(kOther, {"MONITOR"});
  say(kSpeaker, {"PUBLISH", "a", "x"});
}

TEST_P(Monitor, IsShownByClientList) {
  talk_->mask_with([](const std::string& reply) {
    const size_t flags = reply.find(" flags=");
    if (reply[0] == ':' || flags == std::string::npos) return mask_lines(reply);
    return reply.substr(flags, reply.find(' ', flags + 1) - flags);
  });
  say(kListener, {"CLIENT", "INFO"});
  say(kListener, {"SUBSCRIBE", "a"});
  say(kListener, {"RESET"});
  say(kListener, {"CLIENT", "INFO"});
}

TEST_P(Monitor, EndsWithReset) {
  say(kSpeaker, {"PING", "shown"});
  EXPECT_FALSE(lines().empty());
  say(kListener, {"RESET"});
  say(kSpeaker, {"PING", "once more"});
  say(kSpeaker, {"PING", "not shown"});
  EXPECT_TRUE(lines().empty());
  say(kListener, {"XLEN", "s"});
  say_all(kListener, {{"MONITOR"}, {"PING", "own"}, {"RESET"}, {"PING", "own again"}});
}

TEST_P(Monitor, EndsWithItsConnection) {
  say(kOther, {"MONITOR"});
  say_and_lose(kListener, {{"PING"}, {"QUIT"}}, {kListener});
  say(kSpeaker, {"PING", "told to one"});
  expect_clients(3);
  say_and_lose(kSpeaker, {{"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}}, {kOther, kThird});
  say(kSpeaker, {"PING", "told to nobody"});
}

TEST_P(Monitor, MayBeMany) {
  say(kOther, {"MONITOR"});
  say(kThird, {"MONITOR"});
  say_all(kSpeaker, {{"PING", "1"}, {"PING", "2"}, {"XADD", "s", "1-1", "f", "v"}});
  say(kThird, {"PING", "of a monitor"});
  say(kOther, {"RESET"});
  say(kSpeaker, {"PING", "3"});
}

IN_BOTH_PROTOCOLS(Monitor);

class MonitorOfUnixSocket : public Monitor {
 protected:
  void SetUp() override { start({"--unixsocket", "server.sock"}); }
};

TEST_P(MonitorOfUnixSocket, ShowsItsPath) {
  const auto connect = [](const ServerProcess& server) {
    return RespConnection::connect_unix(server.directory() + "/server.sock");
  };
  const size_t local = talk_->join(ConnectionPair(connect(servers_->redis()), connect(servers_->millrace())));
  say(local, {"PING", "from here"});
  EXPECT_THAT(testing::PrintToString(lines()), HasSubstr("[0 unix:server.sock]"));
}

INSTANTIATE_TEST_SUITE_P(Protocol, MonitorOfUnixSocket, testing::Values(2), name_of_protocol);

}  // namespace
}  // namespace millrace::test
