// Pub/sub as applications use it: through hiredis with and without callbacks, redis-cli and redis-benchmark; and what
// subscribers on one core may rely on while publishers on another hurry.
#include <hiredis/async.h>
#include <poll.h>
#include <signal.h>

#include <charconv>
#include <optional>

#include "end_to_end/fixture.h"

namespace millrace::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// hiredis with callbacks, and the smallest event loop that can drive it.
class CallbackClient {
 public:
  explicit CallbackClient(uint16_t port) : context_(redisAsyncConnect("127.0.0.1", port)) {
    CHECK(context_ != nullptr && context_->err == 0);
    context_->ev.data = this;
    context_->ev.addWrite = [](void* self) { static_cast<CallbackClient*>(self)->wants_to_write_ = true; };
    context_->ev.delWrite = [](void* self) { static_cast<CallbackClient*>(self)->wants_to_write_ = false; };
  }
  ~CallbackClient() { redisAsyncFree(context_); }
  CallbackClient(const CallbackClient&) = delete;
  CallbackClient& operator=(const CallbackClient&) = delete;

  void send(const char* command) { redisAsyncCommand(context_, &on_reply, this, command); }
  // Everything the callbacks were told, once it is that many; less if the deadline passes.
  std::vector<std::string> heard(size_t count) {
    eventually([&] {
      pollfd entry{.fd = context_->c.fd, .events = short(POLLIN | (wants_to_write_ ? POLLOUT : 0)), .revents = 0};
      if (heard_.size() < count && poll(&entry, 1, 0) > 0) {
        if ((entry.revents & POLLOUT) != 0) redisAsyncHandleWrite(context_);
        if ((entry.revents & POLLIN) != 0) redisAsyncHandleRead(context_);
      }
      return heard_.size() >= count;
    });
    return std::exchange(heard_, {});
  }

 private:
  static void on_reply(redisAsyncContext*, void* answer, void* self) {
    if (answer == nullptr) return;  // the connection goes away
    static_cast<CallbackClient*>(self)->heard_.push_back(to_text(*static_cast<redisReply*>(answer)));
  }

  redisAsyncContext* context_;
  bool wants_to_write_ = false;
  std::vector<std::string> heard_;
};

class PubSubTest : public EndToEnd {
 protected:
  std::string listeners(const std::string& channel) const { return client().call({"PUBSUB", "NUMSUB", channel}); }
  bool is_listened_to(const std::string& channel) const {
    return eventually([&] { return listeners(channel) == "[" + channel + ", 1]"; });
  }
};

// ---- hiredis.

TEST_P(PubSubTest, ABlockingClientHearsMessages) {
  start();
  Client subscriber = client();
  Client publisher = client();
  subscriber.send({"SUBSCRIBE", "a", "b"});
  EXPECT_EQ(subscriber.receive(), "[subscribe, a, 1]");
  EXPECT_EQ(subscriber.receive(), "[subscribe, b, 2]");
  EXPECT_EQ(subscriber.call({"PSUBSCRIBE", "a*"}), "[psubscribe, a*, 3]");
  EXPECT_EQ(publisher.call({"PUBLISH", "a", "hello"}), "2");
  EXPECT_EQ(subscriber.receive(), "[message, a, hello]");
  EXPECT_EQ(subscriber.receive(), "[pmessage, a*, a, hello]");
  EXPECT_THAT(subscriber.call({"XLEN", "s"}), HasSubstr("Can't execute 'xlen'"));
  subscriber.send({"UNSUBSCRIBE", "a", "b"});
  EXPECT_EQ(subscriber.receive(), "[unsubscribe, a, 2]");
  EXPECT_EQ(subscriber.receive(), "[unsubscribe, b, 1]");
  EXPECT_EQ(subscriber.call({"PUNSUBSCRIBE"}), "[punsubscribe, a*, 0]");
  EXPECT_EQ(subscriber.call({"XLEN", "s"}), "0");
  EXPECT_EQ(publisher.call({"PUBLISH", "a", "hello"}), "0");
  expect_clean_end();
}

// This library leaves its own subscriber mode when a confirmation says 0, as other clients do.
TEST_P(PubSubTest, ACallbackClientListensAndGoesOn) {
  start();
  CallbackClient subscriber(port());
  Client publisher = client();
  subscriber.send("SUBSCRIBE a b");
  subscriber.send("PSUBSCRIBE c*");
  EXPECT_THAT(subscriber.heard(3), ElementsAre("[subscribe, a, 1]", "[subscribe, b, 2]", "[psubscribe, c*, 3]"));
  for (const char* channel : {"a", "b", "cc", "d"}) publisher.call({"PUBLISH", channel, "x"});
  EXPECT_THAT(subscriber.heard(3), ElementsAre("[message, a, x]", "[message, b, x]", "[pmessage, c*, cc, x]"));
  subscriber.send("PUNSUBSCRIBE c*");
  subscriber.send("UNSUBSCRIBE a b");
  EXPECT_THAT(subscriber.heard(3), ElementsAre("[punsubscribe, c*, 2]", "[unsubscribe, a, 1]", "[unsubscribe, b, 0]"));
  subscriber.send("XADD s 1-1 f v");
  subscriber.send("XLEN s");
  EXPECT_THAT(subscriber.heard(2), ElementsAre("1-1", "1"));
}

// ---- What holds while others hurry, on another core.

// Numbered messages as fast as the server takes them, in the background of whatever a test does.
class HurriedPublisher {
 public:
  explicit HurriedPublisher(std::unique_ptr<RespConnection> connection) : connection_(std::move(connection)) {}

  // One more pipeline; the replies to the last one are taken first.
  void go_on() {
    std::string bytes;
    for (int i = 0; i < kPipeline; ++i) {
      const std::string number = std::to_string(++last_);
      bytes += RespConnection::request({"XADD", "s", number + "-0", "n", number});
      bytes += RespConnection::request({"PUBLISH", "numbers", number});
    }
    finish();
    connection_->send_raw(bytes);
    replies_due_ = 2 * kPipeline;
  }
  void finish() {
    for (; replies_due_ > 0; --replies_due_) ASSERT_NE(connection_->read_reply(), "") << connection_->error();
  }

 private:
  static constexpr int kPipeline = 50;
  std::unique_ptr<RespConnection> connection_;
  uint64_t last_ = 0;
  int replies_due_ = 0;
};

// The number in "message numbers <n>", or nothing.
std::optional<uint64_t> number_in(const std::string& reply) {
  constexpr std::string_view kStart = "*3\r\n$7\r\nmessage\r\n$7\r\nnumbers\r\n$";
  if (!reply.starts_with(kStart)) return std::nullopt;
  const size_t begin = reply.find("\r\n", kStart.size()) + 2;
  uint64_t number = 0;
  std::from_chars(reply.data() + begin, reply.data() + reply.size(), number);
  return number;
}

TEST_P(PubSubTest, NothingIsLostBetweenTheConfirmationsAndNothingFollows) {
  start();
  HurriedPublisher publisher(raw());
  const auto subscriber = raw();
  uint64_t heard = 0;
  uint64_t rounds_with_messages = 0;
  for (int round = 0; round < 300; ++round) {
    ASSERT_NO_FATAL_FAILURE(publisher.go_on());
    ASSERT_EQ(subscriber->command({"SUBSCRIBE", "numbers"}), "*3\r\n$9\r\nsubscribe\r\n$7\r\nnumbers\r\n:1\r\n");
    ASSERT_NO_FATAL_FAILURE(publisher.go_on());
    subscriber->send_raw(RespConnection::request({"UNSUBSCRIBE", "numbers"}) +
                         RespConnection::request({"XLEN", "none"}));
    std::optional<uint64_t> first;
    std::string reply = subscriber->read_reply();
    for (; number_in(reply); reply = subscriber->read_reply()) {
      const uint64_t number = *number_in(reply);
      ASSERT_TRUE(first ? number == heard + 1 : number > heard) << number << " after " << heard;
      heard = number;
      first = first.value_or(heard);
    }
    ASSERT_EQ(reply, "*3\r\n$11\r\nunsubscribe\r\n$7\r\nnumbers\r\n:0\r\n");
    ASSERT_EQ(subscriber->read_reply(), ":0\r\n");
    if (first) ++rounds_with_messages;
  }
  ASSERT_NO_FATAL_FAILURE(publisher.finish());
  EXPECT_GT(rounds_with_messages, 0u);
}

TEST_P(PubSubTest, WhatIsAnnouncedCanBeRead) {
  start();
  HurriedPublisher publisher(raw());
  const auto subscriber = raw();
  const auto reader = raw();
  subscriber->command({"SUBSCRIBE", "numbers"});
  for (uint64_t number = 1; number <= 2000; ++number) {
    if (number % 50 == 1) publisher.go_on();
    ASSERT_EQ(number_in(subscriber->read_reply()), number);
    const std::string id = std::to_string(number) + "-0";
    ASSERT_THAT(reader->command({"XRANGE", "s", id, id}), HasSubstr(id));
  }
  ASSERT_NO_FATAL_FAILURE(publisher.finish());
}

TEST_P(PubSubTest, AllSubscribersHearAllPublishersInOneOrder) {
  start();
  constexpr size_t kPublishers = 4;
  constexpr size_t kMessages = 500;
  std::vector<std::unique_ptr<RespConnection>> publishers;
  std::vector<std::unique_ptr<RespConnection>> subscribers;
  for (int i = 0; i < 8; ++i) {
    subscribers.push_back(raw());
    subscribers.back()->command({i % 2 == 0 ? "SUBSCRIBE" : "SSUBSCRIBE", "numbers"});
    if (i % 2 == 1) subscribers.back()->command({"SUBSCRIBE", "numbers"});
  }
  for (size_t i = 0; i < kPublishers; ++i) {
    publishers.push_back(raw());
    std::string bytes;
    for (size_t j = 0; j < kMessages; ++j) {
      bytes += RespConnection::request({"PUBLISH", "numbers", std::to_string(j * kPublishers + i)});
    }
    publishers.back()->send_raw(bytes);
  }
  std::vector<uint64_t> order;
  for (const auto& subscriber : subscribers) {
    std::vector<uint64_t> heard;
    for (size_t i = 0; i < kPublishers * kMessages; ++i) {
      const auto number = number_in(subscriber->read_reply());
      ASSERT_TRUE(number) << subscriber->error();
      heard.push_back(*number);
    }
    if (order.empty()) order = heard;
    EXPECT_EQ(heard, order);
  }
  for (const auto& publisher : publishers) {
    for (size_t j = 0; j < kMessages; ++j) ASSERT_EQ(publisher->read_reply(), ":8\r\n");
  }
}

// ---- A subscriber that vanishes.

TEST_P(PubSubTest, WhoIsKilledIsNoLongerCounted) {
  start();
  Process subscriber({"redis-cli", "-p", port_text(), "subscribe", "a"});
  ASSERT_TRUE(is_listened_to("a"));
  subscriber.send_signal(SIGKILL);
  EXPECT_TRUE(eventually([&] { return listeners("a") == "[a, 0]"; }));
  EXPECT_EQ(client().call({"PUBLISH", "a", "x"}), "0");
  EXPECT_EQ(client().call({"PUBSUB", "CHANNELS"}), "[]");
}

// ---- redis-cli.

TEST_P(PubSubTest, CliSubscribes) {
  start();
  Process lines({"redis-cli", "-p", port_text(), "subscribe", "a"});
  Process table({"redis-cli", "-p", port_text(), "--csv", "psubscribe", "b*"});
  Process resp3({"redis-cli", "-3", "-p", port_text(), "--csv", "subscribe", "c"});
  ASSERT_TRUE(is_listened_to("a") && is_listened_to("c"));
  ASSERT_TRUE(eventually([&] { return client().call({"PUBSUB", "NUMPAT"}) == "1"; }));
  for (const char* channel : {"a", "bb", "c"}) {
    Process publish({"redis-cli", "-p", port_text(), "publish", channel, "hello"});
    EXPECT_EQ(publish.exit_code(), 0);
    EXPECT_EQ(publish.out(), "1\n");
  }
  EXPECT_TRUE(eventually([&] { return lines.out() == "subscribe\na\n1\nmessage\na\nhello\n"; })) << lines.out();
  EXPECT_TRUE(eventually([&] {
    return table.out().ends_with("\"psubscribe\",\"b*\",1\n\"pmessage\",\"b*\",\"bb\",\"hello\"\n");
  })) << table.out();
  EXPECT_TRUE(eventually([&] { return resp3.out().ends_with("\"subscribe\",\"c\",1\n\"message\",\"c\",\"hello\"\n"); }))
      << resp3.out();
}

TEST_P(PubSubTest, CliMonitors) {
  start();
  Process monitor({"redis-cli", "-p", port_text(), "monitor"});
  ASSERT_TRUE(eventually([&] { return monitor.out() == "OK\n"; })) << monitor.out();
  client().call({"XADD", "s", "1-1", "f", "two words"});
  EXPECT_TRUE(eventually([&] { return monitor.out().ends_with("] \"XADD\" \"s\" \"1-1\" \"f\" \"two words\"\n"); }))
      << monitor.out();
}

TEST_P(PubSubTest, CliHearsWhatHappensToKeys) {
  start({"--notify-keyspace-events", "KEA"});
  Process listener({"redis-cli", "-p", port_text(), "--csv", "psubscribe", "__key*__:*"});
  ASSERT_TRUE(eventually([&] { return client().call({"PUBSUB", "NUMPAT"}) == "1"; }));
  Client actor = client();
  EXPECT_EQ(actor.call({"XADD", "s", "1-1", "f", "v"}), "1-1");
  EXPECT_EQ(actor.call({"PEXPIRE", "s", "10"}), "1");
  std::string expected = "\"psubscribe\",\"__key*__:*\",1\n";
  for (const std::string event : {"xadd", "expire", "expired"}) {
    expected += "\"pmessage\",\"__key*__:*\",\"__keyspace@0__:s\",\"" + event + "\"\n";
    expected += "\"pmessage\",\"__key*__:*\",\"__keyevent@0__:" + event + "\",\"s\"\n";
  }
  // Nobody looks at the key, so it is found by the search for expired ones.
  EXPECT_TRUE(eventually([&] { return listener.out().ends_with(expected); })) << listener.out();
}

// ---- redis-benchmark.

TEST_P(PubSubTest, BenchmarkPublishes) {
  start();
  const auto subscriber = raw();
  subscriber->command({"SUBSCRIBE", "a"});
  Process benchmark({"redis-benchmark", "-p", port_text(), "-n", "1600", "-P", "16", "-q", "publish", "a", "__data__"});
  for (int i = 0; i < 1600; ++i) ASSERT_THAT(subscriber->read_reply(), HasSubstr("message")) << subscriber->error();
  EXPECT_EQ(benchmark.exit_code(), 0);
  EXPECT_THAT(benchmark.out(), AllOf(HasSubstr("requests per second"), testing::Not(HasSubstr("rror"))));
}

ON_BOTH_BACKENDS(PubSubTest);

}  // namespace
}  // namespace millrace::test
