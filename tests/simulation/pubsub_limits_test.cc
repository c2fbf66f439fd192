// Slow subscribers: one that does not read is closed at its limit, by size or by time, and nobody else notices.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "support/resp_reply.h"
#include "support/simulated_server.h"

namespace millrace::test {
namespace {

constexpr size_t kPayloadBytes = 10'000;
constexpr size_t kSendCapacityBytes = 20'000;
constexpr int64_t kSecondMs = 1000;
// The network itself may take 40 ms for a piece, and does so rarely.
constexpr int64_t kReplyMsMax = 150;

class SlowSubscriber : public testing::TestWithParam<int> {
 protected:
  SlowSubscriber() {
    server_.world().set_send_capacity(kSendCapacityBytes);
    publisher_ = std::make_unique<SimulatedCaller>(server_, 1);
    // One sleeps on a core of its own with the slow one, one lives with the publisher.
    for (const uint32_t core : {0u, 1u}) {
      readers_.push_back(std::make_unique<SimulatedCaller>(server_, core));
      readers_.back()->ask("SUBSCRIBE a");
    }
    slow_ = std::make_unique<SimulatedCaller>(server_, 0);
  }

  void limit(const std::string& limits) {
    publisher_->send_raw(format_request({"CONFIG", "SET", "client-output-buffer-limit", limits}));
    server_.settle();
    EXPECT_EQ(publisher_->take_replies(), std::vector<std::string>{"+OK\r\n"});
  }
  void slow_one_listens(const std::string& line) {
    slow_->ask(line);
    server_.settle();
    for (const auto& reader : readers_) reader->take_replies();
    slow_->client().pause_reading();
  }
  // The publisher has its reply at once, whoever does not read; who reads gets the message.
  std::string publish() {
    const int64_t before_ns = server_.world().now().monotonic_ns;
    const std::string reply = publisher_->ask("PUBLISH a " + std::string(kPayloadBytes, 'x') + std::to_string(sent_++));
    EXPECT_LT((server_.world().now().monotonic_ns - before_ns) / 1'000'000, kReplyMsMax);
    server_.run_until([this] { return everybody_else_has_all(); }, kReplyMsMax);
    return reply;
  }
  void publish_for(int64_t ms, int64_t pause_ms) {
    const int64_t end_ns = server_.world().now().monotonic_ns + ms * 1'000'000;
    while (server_.world().now().monotonic_ns < end_ns) {
      publish();
      server_.run_for(pause_ms);
    }
  }
  bool slow_one_is_connected() { return server_.server().clients.size() == 4; }
  uint64_t closed_for_output() {
    uint64_t sum = 0;
    for (uint32_t core = 0; core < server_.core_count(); ++core) {
      sum += server_.statistics(core).output_buffer_limit_disconnections.get();
    }
    return sum;
  }
  bool everybody_else_has_all() {
    bool has_all = true;
    for (size_t i = 0; i < readers_.size(); ++i) {
      for (std::string& message : readers_[i]->take_replies()) heard_[i].push_back(std::move(message));
      has_all = has_all && heard_[i].size() == sent_;
    }
    return has_all;
  }
  void nobody_else_lost_anything() {
    server_.settle();
    ASSERT_TRUE(everybody_else_has_all());
    for (const std::vector<std::string>& messages : heard_) {
      for (size_t i = 0; i < messages.size(); ++i) {
        EXPECT_TRUE(messages[i].ends_with("x" + std::to_string(i) + "\r\n"));
      }
    }
  }

  SimulatedServer server_{{.seed = static_cast<uint64_t>(GetParam())}};
  std::unique_ptr<SimulatedCaller> publisher_;
  std::vector<std::unique_ptr<SimulatedCaller>> readers_;
  std::vector<std::vector<std::string>> heard_{2};  // by reader
  std::unique_ptr<SimulatedCaller> slow_;
  size_t sent_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Seeds, SlowSubscriber, testing::Range(1, 6));

TEST_P(SlowSubscriber, IsClosedAtTheMessageThatExceedsTheHardLimit) {
  limit("pubsub 200000 0 0");
  slow_one_listens("SUBSCRIBE a");
  // What the network took does not count, and what a send in flight had written of its piece may.
  const size_t fits = 200'000 / (kPayloadBytes + 50);
  for (size_t i = 0; i < fits; ++i) EXPECT_EQ(publish(), ":3\r\n") << i;
  for (int i = 0; i < 4; ++i) publish();
  EXPECT_EQ(publish(), ":2\r\n");
  server_.run_for(100);
  EXPECT_FALSE(slow_one_is_connected());
  EXPECT_EQ(closed_for_output(), 1u);
  nobody_else_lost_anything();
}

TEST_P(SlowSubscriber, IsClosedWithinASecondOfItsTimeBeyondTheSoftLimit) {
  limit("pubsub 0 100000 2");
  slow_one_listens("PSUBSCRIBE *");
  for (int i = 0; i < 9; ++i) publish();
  server_.run_for(4 * kSecondMs);
  EXPECT_TRUE(slow_one_is_connected()) << "below the limit there is no time";
  for (int i = 0; i < 5; ++i) publish();
  publish_for(3 * kSecondMs / 2, 100);
  EXPECT_TRUE(slow_one_is_connected()) << "its time is not over";
  publish_for(3 * kSecondMs / 2, 100);
  EXPECT_FALSE(slow_one_is_connected());
  EXPECT_EQ(closed_for_output(), 1u);
  nobody_else_lost_anything();
}

// Nobody publishes any more and its core has nothing to do: the time runs all the same.
TEST_P(SlowSubscriber, IsClosedBeyondTheSoftLimitThoughNothingHappensAnyMore) {
  limit("pubsub 0 100000 2");
  slow_one_listens("SSUBSCRIBE a");
  for (int i = 0; i < 15; ++i) publisher_->ask("SPUBLISH a " + std::string(kPayloadBytes, 'x'));
  server_.run_for(3 * kSecondMs / 2);
  EXPECT_TRUE(slow_one_is_connected());
  server_.run_for(3 * kSecondMs / 2);
  EXPECT_FALSE(slow_one_is_connected());
}

TEST_P(SlowSubscriber, WhoReadsAgainInTimeIsForgiven) {
  limit("pubsub 0 100000 2");
  slow_one_listens("SUBSCRIBE a");
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 15; ++i) publish();
    server_.run_for(3 * kSecondMs / 2);
    EXPECT_TRUE(slow_one_is_connected());
    slow_->client().resume_reading();
    server_.settle();
    slow_->client().pause_reading();
  }
  EXPECT_TRUE(slow_one_is_connected());
  EXPECT_EQ(slow_->take_replies().size(), sent_);
  nobody_else_lost_anything();
}

TEST_P(SlowSubscriber, TheLimitsOfSubscribersAreNotThoseOfOtherClients) {
  limit("pubsub 100000 0 0 normal 0 0 0");
  slow_->client().pause_reading();
  for (int i = 0; i < 30; ++i) slow_->send("ECHO " + std::string(kPayloadBytes, 'x'));
  server_.run_for(kSecondMs);
  EXPECT_TRUE(slow_one_is_connected());
  EXPECT_EQ(closed_for_output(), 0u);
}

TEST_P(SlowSubscriber, AListenerWithNoSubscriptionLeftHasTheLimitsOfOtherClientsAgain) {
  limit("pubsub 100000 0 0 normal 0 0 0");
  slow_->ask("SUBSCRIBE a");
  slow_->ask("UNSUBSCRIBE a");
  slow_->client().pause_reading();
  for (int i = 0; i < 30; ++i) slow_->send("ECHO " + std::string(kPayloadBytes, 'x'));
  server_.run_for(kSecondMs);
  EXPECT_TRUE(slow_one_is_connected());
}

TEST_P(SlowSubscriber, APublisherThatListensAndDoesNotReadClosesItself) {
  limit("pubsub 100000 0 0");
  slow_->ask("HELLO 3");
  slow_one_listens("SUBSCRIBE b");
  for (int i = 0; i < 30; ++i) slow_->send("PUBLISH b " + std::string(kPayloadBytes, 'x'));
  server_.run_for(kSecondMs);
  EXPECT_FALSE(slow_one_is_connected());
  EXPECT_EQ(publisher_->ask("PUBLISH b x"), ":0\r\n");
}

}  // namespace
}  // namespace millrace::test
