// Subscriber: one connection that listens on one channel and checks that nothing is lost, doubled or out of order.
//
// After the last PUBLISH was answered it sends PING: whatever was published must arrive before the answer. Run by the
// thread of the load.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "load/connection.h"
#include "load/fan_out_options.h"
#include "load/histogram.h"

namespace millrace::load {

// The channels of the load; each has one pattern that matches it and no other.
std::string channel_name(size_t channel);

class Subscriber {
 public:
  // Returns once the server has confirmed the subscription.
  Subscriber(const FanOutOptions& options, size_t channel);

  int fd() const { return connection_.fd(); }
  size_t channel() const { return channel_; }

  void on_readable();
  // Likewise, and records the age of every message.
  void on_readable(Histogram& latency);
  void send_last_ping();
  // The PING was answered, or nothing will come any more.
  bool is_done() const { return is_done_; }

  uint64_t received() const { return received_; }
  // Messages of each publisher that arrived in their turn.
  const std::vector<uint64_t>& in_order() const { return in_order_; }
  // Messages that did not come in their turn.
  uint64_t misplaced() const { return misplaced_; }
  bool was_closed() const { return was_closed_; }

 private:
  bool receive();
  void take(const Reply& reply, Histogram* latency, int64_t now_ns);

  Connection connection_;
  size_t channel_;
  std::string_view kind_;  // first part of a delivery
  size_t payload_part_;
  std::vector<uint64_t> in_order_;
  uint64_t received_ = 0;
  uint64_t misplaced_ = 0;
  bool is_done_ = false;
  bool was_closed_ = false;
};

}  // namespace millrace::load
