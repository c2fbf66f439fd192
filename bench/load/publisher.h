// Publisher: one connection that publishes stamped messages, on every channel in turn, and adds up the replies. Run by
// the thread of the load.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "load/connection.h"
#include "load/fan_out_options.h"

namespace millrace::load {

class Publisher {
 public:
  Publisher(const FanOutOptions& options, size_t index);

  int fd() const { return connection_.fd(); }

  // Sends `count` PUBLISH commands at once, stamped with `sent_ns`.
  void publish(int64_t count, int64_t sent_ns);
  void on_readable();

  uint64_t unanswered() const { return sent_ - answered_; }
  uint64_t answered() const { return answered_; }
  // Sum of the replies: how many clients the server says it delivered to.
  uint64_t receivers() const { return receivers_; }
  // Messages sent on a channel.
  uint64_t sent_on(size_t channel) const { return channels_[channel].sent; }

 private:
  struct Channel {
    std::string request;  // PUBLISH with an empty stamp
    uint64_t sent = 0;
  };

  Connection connection_;
  uint32_t index_;
  size_t stamp_at_from_end_;  // of every request
  std::vector<Channel> channels_;
  size_t turn_ = 0;  // channel of the next message
  std::string batch_;
  uint64_t sent_ = 0;
  uint64_t answered_ = 0;
  uint64_t receivers_ = 0;
};

}  // namespace millrace::load
