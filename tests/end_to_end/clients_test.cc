// Many clients, and clients that misbehave: each limit closes the one that went beyond it, and nobody else notices.
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>

#include "end_to_end/fixture.h"

namespace millrace::test {
namespace {

using testing::HasSubstr;

class ClientsTest : public EndToEnd {
 protected:
  // Sends bytes as they stand on a connection of their own; everything that comes back until the close.
  std::string answer_before_close(std::string_view bytes) const {
    const auto connection = raw();
    connection->send_raw(bytes);
    std::string answer;
    for (std::string reply = connection->read_reply(); !reply.empty(); reply = connection->read_reply()) {
      answer += reply;
    }
    EXPECT_EQ(connection->error(), "the connection was closed");
    return answer;
  }
  void expect_others_are_served() const { EXPECT_EQ(client().call({"PING"}), "PONG"); }
  size_t connected_clients() const {
    const std::string info = client().call({"INFO", "clients"});
    const size_t place = info.find("connected_clients:");
    return std::stoul(info.substr(place + 18));
  }
};

// ---- Many.

TEST_P(ClientsTest, ThousandsOfIdleConnectionsAnswer) {
  const size_t wanted = kIsSanitized && std::getenv("MILLRACE_TEST_FULL") == nullptr ? 2000 : 10'000;
  const size_t count = std::min(wanted, allow_open_files() - 200);
  start({"--maxclients", "10100"});
  std::vector<std::unique_ptr<RespConnection>> connections;
  for (size_t i = 0; i < count; ++i) {
    connections.push_back(raw());
    ASSERT_TRUE(connections.back()) << "connection " << i;
  }
  ASSERT_TRUE(eventually([&] { return connected_clients() == count + 1; })) << connected_clients();
  for (int round = 0; round < 2; ++round) {
    for (const auto& connection : connections) ASSERT_TRUE(connection->send({"PING"}));
    for (const auto& connection : connections) ASSERT_EQ(connection->read_reply(), "+PONG\r\n");
  }
  connections.clear();
  EXPECT_TRUE(eventually([&] { return connected_clients() == 1; })) << connected_clients();
  expect_clean_end();
}

// ---- Files.

TEST_P(ClientsTest, WhoSaveTheUsersAtTheSameTimeDoNotWriteIntoOneAnother) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("users.acl", "");
  start({"--aclfile", path});
  std::vector<Client> savers;
  for (int i = 0; i < 8; ++i) savers.push_back(client());
  for (int round = 0; round < 10; ++round) {
    for (Client& saver : savers) {
      saver.send({"ACL", "SAVE"});
      saver.flush();
    }
    for (Client& saver : savers) ASSERT_EQ(saver.receive(), "OK");
  }
  EXPECT_EQ(read_whole_file(path), "user default on nopass sanitize-payload ~* &* +@all\n");
  expect_clean_end();
}

// ---- Protocol errors: Redis's own text, then the end.

TEST_P(ClientsTest, ProtocolErrorsAreAnsweredAndClosed) {
  start();
  const auto after_error = [](std::string_view text) { return "-ERR Protocol error: " + std::string(text) + "\r\n"; };
  EXPECT_EQ(answer_before_close("*x\r\n"), after_error("invalid multibulk length"));
  EXPECT_EQ(answer_before_close("*1048577\r\n"), after_error("invalid multibulk length"));
  EXPECT_EQ(answer_before_close("*1\r\n$x\r\n"), after_error("invalid bulk length"));
  EXPECT_EQ(answer_before_close("*1\r\n$-1\r\n"), after_error("invalid bulk length"));
  EXPECT_EQ(answer_before_close("*1\r\n$536870913\r\n"), after_error("invalid bulk length"));
  EXPECT_EQ(answer_before_close("*1\r\n+PING\r\n"), after_error("expected '$', got '+'"));
  EXPECT_EQ(answer_before_close("ECHO \"unfinished\r\n"), after_error("unbalanced quotes in request"));
  EXPECT_EQ(answer_before_close(std::string(70'000, 'x')), after_error("too big inline request"));
  EXPECT_EQ(answer_before_close("*1" + std::string(70'000, '1')), after_error("too big mbulk count string"));
  EXPECT_EQ(answer_before_close("*1\r\n$" + std::string(70'000, '1')), after_error("too big bulk count string"));
  expect_others_are_served();
}

TEST_P(ClientsTest, RequestsBeforeAProtocolErrorAreAnswered) {
  start();
  EXPECT_EQ(answer_before_close("PING\r\n*1\r\n$4\r\nPING\r\n*1\r\n!\r\nPING\r\n"),
            "+PONG\r\n+PONG\r\n-ERR Protocol error: expected '$', got '!'\r\n");
}

TEST_P(ClientsTest, HttpIsCutOffWithoutAReply) {
  start();
  EXPECT_EQ(answer_before_close("POST / HTTP/1.1\r\nHost: localhost\r\n\r\nXADD s * f v\r\n"), "");
  // The first line is a command nobody knows; the second one ends it, replies and all.
  EXPECT_EQ(answer_before_close("GET / HTTP/1.1\r\nHost: localhost\r\n\r\nXADD s * f v\r\n"), "");
  EXPECT_EQ(client().call({"EXISTS", "s"}), "0");
}

// ---- Limits.

TEST_P(ClientsTest, TheQueryBufferLimitClosesOnlyTheCulprit) {
  start({"--client-query-buffer-limit", "1mb"});
  const auto bystander = raw();
  EXPECT_EQ(answer_before_close("*2\r\n$4\r\nECHO\r\n$5000000\r\n" + std::string(2'000'000, 'x')), "");
  EXPECT_EQ(bystander->command({"PING"}), "+PONG\r\n");
  EXPECT_TRUE(eventually([this] { return log().find("query buffer limit") != std::string::npos; }));
}

TEST_P(ClientsTest, ArgumentsHaveALimit) {
  start({"--proto-max-bulk-len", "1mb"});
  EXPECT_EQ(answer_before_close("*2\r\n$4\r\nECHO\r\n$1048577\r\n"), "-ERR Protocol error: invalid bulk length\r\n");
  EXPECT_EQ(client().call({"ECHO", std::string(1 << 20, 'x')}), std::string(1 << 20, 'x'));
}

// One request with that many arguments arrives in pieces, waits whole in the query buffer, and is then refused.
TEST_P(ClientsTest, ArgumentsCanBeMany) {
  start();
  std::vector<std::string> words(200'000, "a");
  words[0] = "PING";
  EXPECT_EQ(client().call(words), "-ERR wrong number of arguments for 'ping' command");
  words[0] = "EXISTS";
  EXPECT_EQ(client().call(words), "0");
}

TEST_P(ClientsTest, TheOutputLimitClosesOnlyTheCulprit) {
  start({"--client-output-buffer-limit", "normal", "2mb", "0", "0"});
  Client writer = client();
  ASSERT_EQ(writer.call({"XADD", "s", "1-1", "f", std::string(1 << 20, 'x')}), "1-1");
  const auto slow = raw();
  // Far more than the sockets between the two can hold; nobody reads.
  for (int i = 0; i < 200; ++i) slow->send({"XRANGE", "s", "-", "+"});
  EXPECT_TRUE(eventually([&] {
    return writer.call({"INFO", "stats"}).find("client_output_buffer_limit_disconnections:1") != std::string::npos;
  }));
  EXPECT_TRUE(slow->is_closed_by_peer());
  EXPECT_EQ(writer.call({"XLEN", "s"}), "1");
}

// ---- Ends of connections.

TEST_P(ClientsTest, IdleClientsAreClosedButBlockedOnesStay) {
  start({"--timeout", "1"});
  const auto idle = raw();
  const auto reader = raw();
  EXPECT_EQ(idle->command({"PING"}), "+PONG\r\n");
  ASSERT_TRUE(reader->send({"XREAD", "BLOCK", "0", "STREAMS", "s", "$"}));
  EXPECT_TRUE(idle->is_closed_by_peer());
  EXPECT_EQ(client().call({"XADD", "s", "1-1", "f", "v"}), "1-1");
  EXPECT_THAT(reader->read_reply(), HasSubstr("1-1"));
}

TEST_P(ClientsTest, KilledClientsAreClosed) {
  start();
  Client killer = client();
  const auto idle = raw();
  const auto blocked = raw();
  const std::string id = idle->command({"CLIENT", "ID"});
  EXPECT_EQ(blocked->command({"CLIENT", "SETNAME", "victim"}), "+OK\r\n");
  ASSERT_TRUE(blocked->send({"XREAD", "BLOCK", "0", "STREAMS", "s", "$"}));
  ASSERT_TRUE(eventually([&] {
    return killer.call({"INFO", "clients"}).find("blocked_clients:1") != std::string::npos;
  }));
  EXPECT_EQ(killer.call({"CLIENT", "KILL", "ID", id.substr(1, id.size() - 3)}), "1");
  EXPECT_EQ(killer.call({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}), "1");
  EXPECT_TRUE(idle->is_closed_by_peer());
  EXPECT_TRUE(blocked->is_closed_by_peer());
  EXPECT_TRUE(eventually([&] { return connected_clients() == 2; }));
}

// Libraries look for the end of their connection before they send the next command.
TEST_P(ClientsTest, WhoeverIsToldOfAKillFindsTheConnectionShut) {
  start();
  Client killer = client();
  for (int round = 0; round < 100; ++round) {
    const auto victim = raw();
    const std::string id = victim->command({"CLIENT", "ID"});
    ASSERT_EQ(killer.call({"CLIENT", "KILL", "ID", id.substr(1, id.size() - 3)}), "1");
    char byte = 0;
    ASSERT_EQ(recv(victim->fd(), &byte, 1, MSG_DONTWAIT), 0) << "round " << round;
  }
}

TEST_P(ClientsTest, QuitAnswersAndCloses) {
  start();
  EXPECT_EQ(answer_before_close("PING\r\nQUIT\r\nPING\r\n"), "+PONG\r\n+OK\r\n");
}

TEST_P(ClientsTest, WhoStopsSendingStillGetsItsReplies) {
  start();
  const auto connection = raw();
  std::string requests;
  for (int i = 0; i < 1000; ++i) requests += RespConnection::request({"ECHO", std::to_string(i)});
  ASSERT_TRUE(connection->send_raw(requests));
  connection->finish_sending();
  for (int i = 0; i < 1000; ++i) {
    const std::string text = std::to_string(i);
    ASSERT_EQ(connection->read_reply(), "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n");
  }
  EXPECT_TRUE(connection->is_closed_by_peer());
}

// An application that goes away while it waits must not swallow the entry meant for the next one.
TEST_P(ClientsTest, WhoLeavesWhileBlockedTakesNothingAlong) {
  start();
  Client observer = client();
  observer.call({"XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"});
  const auto blocked_clients = [&](int count) {
    return observer.call({"INFO", "clients"}).find("blocked_clients:" + std::to_string(count)) != std::string::npos;
  };
  for (int i = 0; i < 4; ++i) {
    auto leaving = raw();
    leaving->send({"XREADGROUP", "GROUP", "g", "gone", "BLOCK", "0", "STREAMS", "s", ">"});
    ASSERT_TRUE(eventually([&] { return blocked_clients(1); }));
    leaving.reset();
    ASSERT_TRUE(eventually([&] { return blocked_clients(0); }));
  }
  observer.call({"XADD", "s", "1-1", "f", "v"});
  EXPECT_EQ(observer.call({"XREADGROUP", "GROUP", "g", "here", "STREAMS", "s", ">"}), "[[s, [[1-1, [f, v]]]]]");
}

ON_BOTH_BACKENDS(ClientsTest);

}  // namespace
}  // namespace millrace::test
