// Publishers and subscribers at the same time: one order for all, and silence after unsubscribe().
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/random.h"
#include "pubsub/broker.h"

namespace millrace::pubsub {
namespace {

// Its mutex stands for the lock of an outbox.
struct Receiver : Subscriber {
  Subscriptions subscriptions{*this};
  Mutex mutex;
  std::vector<uint64_t> received;  // through channel or pattern; guarded by mutex
  bool may_receive = false;        // guarded by mutex
};

class Numbered final : public Delivery {
 public:
  explicit Numbered(uint64_t number) : number_(number) {}
  void counted(size_t deliveries) override { expected_ = deliveries; }
  void to_channel(Subscriber& subscriber) override { give(subscriber); }
  void to_pattern(Subscriber& subscriber, std::string_view) override { give(subscriber); }
  bool was_count_right() const { return expected_ == delivered_; }

 private:
  void give(Subscriber& subscriber) {
    auto& receiver = static_cast<Receiver&>(subscriber);
    MutexLock lock(receiver.mutex);
    EXPECT_TRUE(receiver.may_receive);
    receiver.received.push_back(number_);
    ++delivered_;
  }

  uint64_t number_;
  size_t expected_ = 0;
  size_t delivered_ = 0;
};

class BrokerThreads : public testing::Test {
 protected:
  static constexpr uint64_t kMessages = 4000;  // of each publisher

  void publish_numbers(uint64_t publisher) {
    all_listen_.wait();
    for (uint64_t i = 0; i < kMessages; ++i) {
      Numbered message(publisher * kMessages + i);
      broker_.publish(Kind::kChannel, "news", message);
      EXPECT_TRUE(message.was_count_right());
    }
    publishers_done_.fetch_add(1);
  }
  void listen(Receiver& receiver, Kind kind, std::string_view name) {
    broker_.subscribe(kind, receiver.subscriptions, name, [&] {
      MutexLock lock(receiver.mutex);
      receiver.may_receive = true;
    });
  }
  void stop(Receiver& receiver, Kind kind, std::string_view name) {
    broker_.unsubscribe(kind, receiver.subscriptions, name);
    MutexLock lock(receiver.mutex);
    receiver.may_receive = false;
  }
  // Joins and leaves until there is nothing more to hear. It stays for a message the first time, and every other time.
  void come_and_go(Receiver& receiver, Kind kind, std::string_view name, uint64_t seed) {
    Random random(seed);
    for (bool is_first = true; is_first || publishers_done_.load() != 2; is_first = false) {
      listen(receiver, kind, name);
      if (is_first) all_listen_.count_down();
      if (is_first || random.one_in(2)) wait_for_a_message(receiver);
      stop(receiver, kind, name);
    }
  }
  void wait_for_a_message(Receiver& receiver) {
    const size_t before = heard_by(receiver);
    while (heard_by(receiver) == before && publishers_done_.load() != 2) std::this_thread::yield();
  }
  static size_t heard_by(Receiver& receiver) {
    MutexLock lock(receiver.mutex);
    return receiver.received.size();
  }
  // Numbers in `part` stand in the same order in `whole`.
  static bool is_in_order_of(const std::vector<uint64_t>& part, const std::vector<uint64_t>& whole) {
    size_t at = 0;
    for (const uint64_t number : part) {
      while (at < whole.size() && whole[at] != number) ++at;
      if (at == whole.size()) return false;
    }
    return true;
  }

  Broker broker_{1};
  std::latch all_listen_{2};
  std::atomic<int> publishers_done_{0};
};

TEST_F(BrokerThreads, AllSeeOneOrderAndNothingAfterLeaving) {
  Receiver by_channel;
  Receiver by_pattern;
  std::array<Receiver, 2> passing;
  listen(by_channel, Kind::kChannel, "news");
  listen(by_pattern, Kind::kPattern, "n*");
  std::vector<std::thread> threads;
  threads.emplace_back([&] { come_and_go(passing[0], Kind::kChannel, "news", 1); });
  threads.emplace_back([&] { come_and_go(passing[1], Kind::kPattern, "ne?s", 2); });
  for (uint64_t publisher : {0, 1}) threads.emplace_back([&, publisher] { publish_numbers(publisher); });
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(by_channel.received.size(), 2 * kMessages);
  EXPECT_EQ(by_channel.received, by_pattern.received);
  for (const Receiver& receiver : passing) {
    EXPECT_FALSE(receiver.received.empty());
    EXPECT_TRUE(is_in_order_of(receiver.received, by_channel.received));
  }
  stop(by_channel, Kind::kChannel, "news");
  stop(by_pattern, Kind::kPattern, "n*");
  EXPECT_FALSE(broker_.has_listeners());
}

}  // namespace
}  // namespace millrace::pubsub
