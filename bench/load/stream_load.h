// StreamLoad: drives the clients of a scenario, as fast as things come to their end or at scheduled times.
//
// One thread, one epoll: what all replies of a turn cause is written into the clients' buffers first and sent then, one
// send for each client.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "load/connection.h"
#include "load/histogram.h"
#include "load/poller.h"
#include "load/scenario.h"
#include "load/schedule.h"
#include "load/stream_options.h"

namespace millrace::load {

struct StreamResult {
  uint64_t ended = 0;  // commands, or messages
  int64_t elapsed_ns = 0;
  uint64_t server_cpu_ns = 0;
  uint64_t own_cpu_ns = 0;
  Histogram latency;
};

class StreamLoad {
 public:
  // Connects the clients.
  StreamLoad(const StreamOptions& options, Scenario& scenario);

  StreamResult run();

  // ---- For the scenario

  // What is written here is sent at the end of the turn.
  Buffer& out(size_t client);
  // Something that `client` began has come to its end.
  void end(size_t client, int64_t due_ns);

 private:
  static constexpr int64_t kForever = std::numeric_limits<int64_t>::max();

  struct Client {
    explicit Client(const StreamOptions& options) : connection(options.host, options.port) {}

    Connection connection;
    bool is_in_turn = false;  // is on the list of those with something to send
    bool waits_to_send = false;
  };

  bool may_begin() const { return begun_ < begin_max_ && now_ns_ < stop_ns_; }
  void begin(size_t client, int64_t due_ns);
  void limit_time();
  void begin_all();
  void begin_what_is_due();
  void turn();
  void receive(size_t index);
  void send(size_t index);
  void send_all();

  const StreamOptions options_;
  Scenario& scenario_;
  Poller poller_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<size_t> turn_;

  Schedule schedule_;
  int64_t stop_ns_ = kForever;
  int64_t begin_max_ = kForever;
  int64_t now_ns_ = 0;  // when the replies that are being read were received
  int64_t begun_ = 0;
  int64_t ended_ = 0;
  Histogram latency_;
};

}  // namespace millrace::load
