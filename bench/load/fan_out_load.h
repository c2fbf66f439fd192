// FanOutLoad: publishers and subscribers on one thread, from the first subscription to the last delivery.
//
//   connect and subscribe -> publish for some seconds -> wait for the replies -> PING every subscriber -> wait for them
//
// As fast as possible: a publisher sends the next batch when the last one is answered, and nothing is sent before what
// has arrived was read, so the load takes its own receiving into account. At a fixed rate: message k is due at start +
// k / rate whatever became of those before; its age counts from then. Run by one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "load/deaf_subscribers.h"
#include "load/fan_out_options.h"
#include "load/histogram.h"
#include "load/poller.h"
#include "load/publisher.h"
#include "load/subscriber.h"

namespace millrace::load {

struct FanOutResult {
  uint64_t published = 0;  // PUBLISH commands answered
  uint64_t receivers = 0;  // sum of the answers
  uint64_t delivered = 0;  // messages received
  uint64_t expected = 0;   // messages that should have been
  uint64_t missing = 0;    // of them
  uint64_t misplaced = 0;  // messages that came twice or not in their turn
  uint64_t closed = 0;     // subscribers the server closed, but for the deaf ones
  int64_t publish_ns = 0;  // from the first PUBLISH to the last answer
  int64_t deliver_ns = 0;  // from the first PUBLISH until every subscriber had everything
  uint64_t server_cpu_ns = 0;
  uint64_t own_cpu_ns = 0;
  Histogram latency;  // at a fixed rate

  uint64_t deaf = 0;
  std::vector<int64_t> deaf_closed_ns;  // after the first PUBLISH, ascending
  int64_t deaf_output_bytes_max = 0;

  // Whether the replies of PUBLISH agree with what was received. Nobody sees what the deaf were sent before they went.
  bool counts_agree() const { return receivers >= expected && receivers <= expected + deaf * published; }
  bool is_flawless() const { return missing == 0 && misplaced == 0 && closed == 0 && counts_agree(); }
};

class FanOutLoad {
 public:
  explicit FanOutLoad(const FanOutOptions& options);

  FanOutResult run();

 private:
  // Handles what has arrived; waits until `wake_ns` for it.
  void turn(int64_t wake_ns);
  void handle(size_t index);

  void publish();
  void publish_batches(int64_t stop_ns);
  void publish_on_schedule(int64_t stop_ns);
  void wait_for_answers();
  void wait_for_deliveries();
  bool is_answered() const;

  FanOutResult add_up() const;

  const FanOutOptions options_;
  Poller poller_;
  // Indexed one after the other by what it reports: publishers, subscribers, the connection that watches the deaf.
  std::vector<std::unique_ptr<Publisher>> publishers_;
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
  DeafSubscribers deaf_;
  Histogram latency_;
};

}  // namespace millrace::load
