// Streams as an application uses them: through hiredis, over several connections, on two cores.
#include <algorithm>

#include "end_to_end/fixture.h"

namespace millrace::test {
namespace {

using testing::HasSubstr;

class StreamsTest : public EndToEnd {
 protected:
  void wait_for_blocked(size_t count) {
    Client observer = client();
    ASSERT_TRUE(eventually([&] {
      return observer.call({"INFO", "clients"}).find("blocked_clients:" + std::to_string(count) + "\r") !=
             std::string::npos;
    })) << observer.call({"INFO", "clients"});
  }
  // Enough that every core has some, whichever way the kernel deals them out.
  std::vector<Client> clients(size_t count) const {
    std::vector<Client> list;
    for (size_t i = 0; i < count; ++i) list.emplace_back(port());
    return list;
  }
};

TEST_P(StreamsTest, AJobGoesThroughAGroup) {
  start();
  Client c = client();
  EXPECT_EQ(c.call({"XGROUP", "CREATE", "jobs", "workers", "0", "MKSTREAM"}), "OK");
  EXPECT_EQ(c.call({"XADD", "jobs", "1-1", "task", "a"}), "1-1");
  EXPECT_EQ(c.call({"XADD", "jobs", "1-2", "task", "b"}), "1-2");
  EXPECT_EQ(c.call({"XREADGROUP", "GROUP", "workers", "w1", "COUNT", "1", "STREAMS", "jobs", ">"}),
            "[[jobs, [[1-1, [task, a]]]]]");
  EXPECT_EQ(c.call({"XREADGROUP", "GROUP", "workers", "w2", "COUNT", "9", "STREAMS", "jobs", ">"}),
            "[[jobs, [[1-2, [task, b]]]]]");
  EXPECT_EQ(c.call({"XREADGROUP", "GROUP", "workers", "w2", "STREAMS", "jobs", ">"}), "(nil)");
  EXPECT_EQ(c.call({"XPENDING", "jobs", "workers"}), "[2, 1-1, 1-2, [[w1, 1], [w2, 1]]]");
  EXPECT_EQ(c.call({"XACK", "jobs", "workers", "1-1"}), "1");
  EXPECT_EQ(c.call({"XAUTOCLAIM", "jobs", "workers", "w1", "0", "0"}), "[0-0, [[1-2, [task, b]]], []]");
  EXPECT_EQ(c.call({"XREADGROUP", "GROUP", "workers", "w1", "STREAMS", "jobs", "0"}), "[[jobs, [[1-2, [task, b]]]]]");
  EXPECT_EQ(c.call({"XACK", "jobs", "workers", "1-1", "1-2"}), "1");
  EXPECT_THAT(c.call({"XINFO", "GROUPS", "jobs"}), HasSubstr("pending, 0, last-delivered-id, 1-2"));
  EXPECT_EQ(c.call({"XREADGROUP", "GROUP", "nobody", "w1", "STREAMS", "jobs", ">"}),
            "-NOGROUP No such key 'jobs' or consumer group 'nobody' in XREADGROUP with GROUP option");
}

// ---- Blocking, across connections and cores.

TEST_P(StreamsTest, AWriterWakesEveryReader) {
  start();
  std::vector<Client> readers = clients(16);
  for (Client& reader : readers) {
    reader.send({"XREAD", "BLOCK", "0", "STREAMS", "s", "$"});
    ASSERT_TRUE(reader.flush());
  }
  wait_for_blocked(readers.size());
  EXPECT_EQ(client().call({"XADD", "s", "5-5", "f", "v"}), "5-5");
  for (Client& reader : readers) EXPECT_EQ(reader.receive(), "[[s, [[5-5, [f, v]]]]]");
  wait_for_blocked(0);
}

TEST_P(StreamsTest, WorkersAreServedInTheOrderInWhichTheyCame) {
  start();
  Client writer = client();
  writer.call({"XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"});
  std::vector<Client> workers = clients(16);
  for (size_t i = 0; i < workers.size(); ++i) {
    workers[i].send({"XREADGROUP", "GROUP", "g", "w" + std::to_string(i), "BLOCK", "0", "STREAMS", "s", ">"});
    ASSERT_TRUE(workers[i].flush());
    wait_for_blocked(i + 1);
  }
  for (size_t i = 0; i < workers.size(); ++i) writer.call({"XADD", "s", std::to_string(i + 1) + "-0", "f", "v"});
  for (size_t i = 0; i < workers.size(); ++i) {
    EXPECT_EQ(workers[i].receive(), "[[s, [[" + std::to_string(i + 1) + "-0, [f, v]]]]]");
  }
}

TEST_P(StreamsTest, ABlockedReadEndsInTime) {
  start();
  Client reader = client();
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(reader.call({"XREAD", "BLOCK", "50", "STREAMS", "s", "$"}), "(nil)");
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(50));
}

TEST_P(StreamsTest, WhatHappensToTheKeyReachesTheBlockedWorkers) {
  start();
  Client other = client();
  for (const std::vector<std::string>& deed : {std::vector<std::string>{"DEL", "s"},
                                               {"XGROUP", "DESTROY", "s", "g"},
                                               {"FLUSHALL"},
                                               {"RENAME", "s", "t"},
                                               {"PEXPIRE", "s", "20"}}) {
    other.call({"XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"});
    std::vector<Client> workers = clients(4);
    for (Client& worker : workers) {
      worker.send({"XREADGROUP", "GROUP", "g", "w", "BLOCK", "0", "STREAMS", "s", ">"});
      ASSERT_TRUE(worker.flush());
    }
    wait_for_blocked(workers.size());
    EXPECT_THAT(other.call(deed), testing::AnyOf("1", "OK"));
    for (Client& worker : workers) EXPECT_THAT(worker.receive(), testing::StartsWith("-NOGROUP ")) << deed[0];
    other.call({"FLUSHALL"});
  }
}

TEST_P(StreamsTest, CommandsBehindABlockedOneWait) {
  start();
  Client reader = client();
  reader.send({"XREAD", "BLOCK", "0", "STREAMS", "s", "$"});
  reader.send({"PING"});
  reader.send({"XLEN", "s"});
  ASSERT_TRUE(reader.flush());
  wait_for_blocked(1);
  client().call({"XADD", "s", "1-1", "f", "v"});
  EXPECT_EQ(reader.receive(), "[[s, [[1-1, [f, v]]]]]");
  EXPECT_EQ(reader.receive(), "PONG");
  EXPECT_EQ(reader.receive(), "1");
}

// Workers on all cores race for the entries of one group: everything is delivered to exactly one of them.
TEST_P(StreamsTest, EveryEntryGoesToExactlyOneWorker) {
  start();
  constexpr int kEntries = 2000;
  Client writer = client();
  writer.call({"XGROUP", "CREATE", "s", "g", "0", "MKSTREAM"});
  std::vector<Client> workers = clients(8);
  for (int i = 0; i < kEntries; ++i) writer.send({"XADD", "s", std::to_string(i + 1) + "-0", "f", "v"});
  ASSERT_TRUE(writer.flush());
  std::vector<std::string> delivered;
  while (delivered.size() < kEntries) {
    for (Client& worker : workers) {
      worker.send({"XREADGROUP", "GROUP", "g", "w", "COUNT", "1", "BLOCK", "5000", "STREAMS", "s", ">"});
      ASSERT_TRUE(worker.flush());
    }
    for (Client& worker : workers) {
      const std::string reply = worker.receive();
      ASSERT_THAT(reply, testing::StartsWith("[[s, [["));
      delivered.push_back(reply);
    }
  }
  for (int i = 0; i < kEntries; ++i) EXPECT_EQ(writer.receive(), std::to_string(i + 1) + "-0");
  std::sort(delivered.begin(), delivered.end());
  EXPECT_EQ(std::adjacent_find(delivered.begin(), delivered.end()), delivered.end());
  EXPECT_EQ(delivered.size(), static_cast<size_t>(kEntries));
  EXPECT_THAT(writer.call({"XINFO", "GROUPS", "s"}), HasSubstr("pending, 2000,"));
}

// ---- Bytes.

TEST_P(StreamsTest, AnyBytesAreNamesAndValues) {
  start();
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  bytes += "\r\n$-1\r\n*3\r\n";
  Client c = client();
  EXPECT_EQ(c.call({"XADD", bytes, "1-1", bytes, bytes, "", ""}), "1-1");
  EXPECT_EQ(c.call({"XRANGE", bytes, "-", "+"}), "[[1-1, [" + bytes + ", " + bytes + ", , ]]]");
  EXPECT_EQ(c.call({"XGROUP", "CREATE", bytes, bytes, "0"}), "OK");
  EXPECT_EQ(c.call({"XREADGROUP", "GROUP", bytes, bytes, "STREAMS", bytes, ">"}),
            "[[" + bytes + ", [[1-1, [" + bytes + ", " + bytes + ", , ]]]]]");
  EXPECT_EQ(c.call({"XPENDING", bytes, bytes}), "[1, 1-1, 1-1, [[" + bytes + ", 1]]]");
}

TEST_P(StreamsTest, BigValues) {
  start();
  const std::string value(1 << 20, 'v');
  Client c = client();
  for (int i = 1; i <= 8; ++i)
    EXPECT_EQ(c.call({"XADD", "s", std::to_string(i) + "-0", "f", value}), std::to_string(i) + "-0");
  EXPECT_EQ(c.call({"XRANGE", "s", "5-0", "5-0"}), "[[5-0, [f, " + value + "]]]");
  EXPECT_EQ(c.call({"XRANGE", "s", "-", "+"}).size(), 8 * (value.size() + 14));
  EXPECT_EQ(c.call({"XTRIM", "s", "MAXLEN", "1"}), "7");
}

TEST_P(StreamsTest, DeepPipelines) {
  start();
  constexpr int kDepth = 10'000;
  Client c = client();
  for (int i = 1; i <= kDepth; ++i) c.send({"XADD", "s", std::to_string(i) + "-0", "f", "v"});
  ASSERT_TRUE(c.flush());
  for (int i = 1; i <= kDepth; ++i) ASSERT_EQ(c.receive(), std::to_string(i) + "-0");
  EXPECT_EQ(c.call({"XLEN", "s"}), "10000");
}

// ---- RESP3, which hiredis 0.14 does not speak.

TEST_P(StreamsTest, Resp3IsTheSameWhetherServedAtOnceOrWoken) {
  start();
  const auto reader = raw();
  EXPECT_THAT(reader->command({"HELLO", "3"}), testing::StartsWith("%7\r\n$6\r\nserver\r\n"));
  ASSERT_TRUE(reader->send({"XREAD", "BLOCK", "0", "STREAMS", "s", "$"}));
  wait_for_blocked(1);
  client().call({"XADD", "s", "1-1", "f", "v"});
  const std::string entry = "%1\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n";
  EXPECT_EQ(reader->read_reply(), entry);
  EXPECT_EQ(reader->command({"XREAD", "STREAMS", "s", "0"}), entry);
  EXPECT_EQ(reader->command({"XREAD", "BLOCK", "1", "STREAMS", "s", "$"}), "_\r\n");
}

ON_BOTH_BACKENDS(StreamsTest);

}  // namespace
}  // namespace millrace::test
