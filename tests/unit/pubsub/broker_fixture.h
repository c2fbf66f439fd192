// Listeners that write down what reaches them, and a delivery that checks the promises every delivery has to keep.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pubsub/broker.h"

namespace millrace::pubsub {

struct Received {
  std::string pattern;  // empty: through the channel itself
  std::string message;
  auto operator<=>(const Received&) const = default;
};

struct Listener : Subscriber {
  Subscriptions subscriptions{*this};
  std::vector<Received> received;
};

// One message. Whatever the test: counted comes first and once, the count is right, channels come before patterns, and
// nobody who was leaving gets it.
class Message : public Delivery {
 public:
  explicit Message(std::string_view text) : text_(text) {}
  virtual ~Message() {
    EXPECT_EQ(counts_, 1);
    EXPECT_EQ(delivered_, expected_);
  }

  void counted(size_t deliveries) override {
    EXPECT_EQ(delivered_, 0u);
    expected_ = deliveries;
    ++counts_;
  }
  void to_channel(Subscriber& subscriber) override {
    EXPECT_FALSE(is_in_patterns_);
    give(subscriber, "");
  }
  void to_pattern(Subscriber& subscriber, std::string_view pattern) override {
    is_in_patterns_ = true;
    give(subscriber, pattern);
  }
  size_t count() const { return expected_; }

 private:
  void give(Subscriber& subscriber, std::string_view pattern) {
    EXPECT_EQ(counts_, 1);
    ++delivered_;
    static_cast<Listener&>(subscriber).received.push_back({std::string(pattern), text_});
  }

  std::string text_;
  size_t expected_ = 0;
  size_t delivered_ = 0;
  int counts_ = 0;
  bool is_in_patterns_ = false;
};

inline size_t publish(Broker& broker, Kind kind, std::string_view channel, std::string_view text) {
  Message message(text);
  broker.publish(kind, channel, message);
  return message.count();
}

}  // namespace millrace::pubsub
