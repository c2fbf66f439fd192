// Transactions as applications use them: from many connections, on two cores, over keys in any partition.
#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "end_to_end/fixture.h"

namespace millrace::test {
namespace {

using testing::HasSubstr;

class TransactionsTest : public EndToEnd {
 protected:
  // One thread for each number, all at once.
  static void in_threads(size_t count, const std::function<void(size_t)>& work) {
    std::vector<std::thread> threads;
    for (size_t i = 0; i < count; ++i) threads.emplace_back(work, i);
    for (std::thread& thread : threads) thread.join();
  }
  // MULTI, the commands, EXEC in one go; EXEC's reply.
  static std::string transact(Client& client, const std::vector<std::vector<std::string>>& commands) {
    client.send({"MULTI"});
    for (const auto& words : commands) client.send(words);
    client.send({"EXEC"});
    EXPECT_EQ(client.receive(), "OK");
    for (size_t i = 0; i < commands.size(); ++i) EXPECT_EQ(client.receive(), "QUEUED");
    return client.receive();
  }
  static constexpr size_t kRounds = kIsSanitized ? 200 : 1000;
};

TEST_P(TransactionsTest, ExecutesAllOrNothing) {
  start();
  Client c = client();
  EXPECT_EQ(transact(c, {{"XADD", "a", "1-1", "f", "v"}, {"XLEN", "a"}, {"XADD", "b", "2-2", "f", "v"}}),
            "[1-1, 1, 2-2]");
  EXPECT_EQ(transact(c, {}), "[]");
  EXPECT_EQ(c.call({"WATCH", "a"}), "OK");
  EXPECT_EQ(client().call({"XADD", "a", "1-2", "f", "v"}), "1-2");
  EXPECT_EQ(transact(c, {{"DEL", "a"}}), "(nil)");
  EXPECT_EQ(c.call({"XLEN", "a"}), "2");
  expect_clean_end();
}

// Each client appends what it has seen to be next; had anybody come in between, the id would be too small.
TEST_P(TransactionsTest, NoUpdateIsLost) {
  start();
  std::atomic<size_t> retries = 0;
  in_threads(8, [&](size_t) {
    Client c = client();
    for (size_t done = 0; done < kRounds / 10;) {
      EXPECT_EQ(c.call({"WATCH", "counter"}), "OK");
      const int next = std::stoi(c.call({"XLEN", "counter"})) + 1;
      const std::string reply = transact(c, {{"XADD", "counter", std::to_string(next), "f", "v"}});
      if (reply == "(nil)") {
        ++retries;
        continue;
      }
      ASSERT_EQ(reply, "[" + std::to_string(next) + "-0]");
      ++done;
    }
  });
  EXPECT_EQ(client().call({"XLEN", "counter"}), std::to_string(8 * (kRounds / 10)));
  EXPECT_GT(retries.load(), 0u);
  expect_clean_end();
}

// Writers change two keys together; readers who look at both, in either order, see both alike.
TEST_P(TransactionsTest, NobodySeesAHalf) {
  start();
  in_threads(6, [&](size_t number) {
    Client c = client();
    const bool is_reader = number % 2 == 0;
    const std::string left = number % 3 == 0 ? "left" : "right";
    const std::string right = number % 3 == 0 ? "right" : "left";
    for (size_t i = 0; i < kRounds; ++i) {
      if (!is_reader) {
        transact(c, {{"XADD", left, "*", "f", "v"}, {"XADD", right, "*", "f", "v"}});
        continue;
      }
      const std::string lengths = transact(c, {{"XLEN", left}, {"XLEN", right}});
      const size_t comma = lengths.find(", ");
      ASSERT_EQ(lengths.substr(1, comma - 1), lengths.substr(comma + 2, lengths.size() - comma - 3)) << lengths;
    }
  });
  EXPECT_EQ(client().call({"XLEN", "left"}), std::to_string(3 * kRounds));
  expect_clean_end();
}

// Commands that look at everything, and such that lock for themselves, among others that hold a few keys.
TEST_P(TransactionsTest, WhoeverHoldsWhatNobodyIsStuck) {
  start();
  in_threads(4, [&](size_t number) {
    Client c = client();
    for (size_t i = 0; i < kRounds / 10; ++i) {
      const std::string key = "key" + std::to_string((i * 7 + number) % 23);
      const std::string other = "key" + std::to_string((i * 11 + number) % 23);
      c.call({"WATCH", other, key});
      switch ((i + number) % 4) {
        case 0:
          transact(c, {{"XADD", key, "*", "f", "v"}, {"SCAN", "0"}, {"INFO", "keyspace"}, {"DEL", other}});
          break;
        case 1:
          transact(c, {{"RENAME", key, other}, {"DBSIZE"}, {"COPY", other, key, "DB", "3"}});
          break;
        case 2:
          transact(c, {{"XLEN", other}, {"PUBLISH", "c", key}, {"XTRIM", key, "MAXLEN", "3"}});
          break;
        default:
          c.call({"UNWATCH"});
          c.call({"KEYS", "*"});
          break;
      }
    }
  });
  EXPECT_EQ(client().call({"PING"}), "PONG");
  expect_clean_end();
}

// While others publish without pause, a client subscribes in the middle of an EXEC: its reply is in one piece, and the
// messages stand behind it.
TEST_P(TransactionsTest, MessagesFromElsewhereStandBehindTheReply) {
  start();
  std::atomic<bool> is_over = false;
  std::thread publisher([&] {
    std::vector<Client> publishers;
    for (int i = 0; i < 4; ++i) publishers.push_back(client());
    for (size_t i = 0; !is_over; ++i) publishers[i % 4].call({"PUBLISH", "c", "m" + std::to_string(i)});
  });
  const Words echo = {"ECHO", std::string(1000, 'e')};
  std::string request = RespConnection::request({"MULTI"}) + RespConnection::request({"SUBSCRIBE", "c"});
  std::string expected = "*21\r\n>3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n";
  for (int i = 0; i < 20; ++i) {
    request += RespConnection::request(echo);
    expected += "$1000\r\n" + echo[1] + "\r\n";
  }
  request += RespConnection::request({"EXEC"});

  const auto connection = raw();
  connection->command({"HELLO", "3"});
  size_t messages = 0;
  for (size_t round = 0; round < kRounds / 4; ++round) {
    connection->send_raw(request);
    for (int i = 0; i < 22; ++i) ASSERT_EQ(connection->read_reply()[0], '+');
    ASSERT_EQ(connection->read_reply(), expected);
    connection->send({"UNSUBSCRIBE", "c"});
    std::string heard = connection->read_reply();
    for (; heard.starts_with(">3\r\n$7\r\nmessage\r\n"); heard = connection->read_reply()) ++messages;
    ASSERT_TRUE(heard.starts_with(">3\r\n$11\r\nunsubscribe\r\n")) << heard;
  }
  is_over = true;
  publisher.join();
  EXPECT_GT(messages, 0u);
  expect_clean_end();
}

TEST_P(TransactionsTest, WhatIsQueuedIsBounded) {
  start({"--client-query-buffer-limit", "1mb"});
  Client c = client();
  EXPECT_EQ(c.call({"MULTI"}), "OK");
  const std::string value(100'000, 'v');
  std::string reply = "QUEUED";
  int queued = 0;
  for (; reply == "QUEUED" && queued < 100; ++queued) reply = c.call({"ECHO", value});
  EXPECT_THAT(reply, HasSubstr("lost"));
  EXPECT_LT(queued, 20);
  EXPECT_THAT(log(), HasSubstr("query buffer limit"));
}

ON_BOTH_BACKENDS(TransactionsTest);

}  // namespace
}  // namespace millrace::test
