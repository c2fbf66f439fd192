// ScenarioLoad: drives the clients of a scenario, as fast as things come to their end or at scheduled times.
//
// One thread, one epoll: what all replies of a turn cause is written into the clients' buffers first and sent then, one
// send for each client.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "load/connection.h"
#include "load/histogram.h"
#include "load/poller.h"
#include "load/scenario.h"
#include "load/schedule.h"

namespace millrace::load {

struct LoadOptions {
  std::string host = "127.0.0.1";
  int64_t port = 6379;
  int64_t pid = 0;           // whose processor time is counted; 0 = nobody's
  int64_t connections = 50;  // that begin something
  int64_t pipeline = 1;      // what each of them has under way, without a rate
  int64_t seconds = 0;       // 0 = until the requests are done
  int64_t requests = 0;      // 0 = until the time is over
  int64_t rate = 0;          // per second, at scheduled times; 0 = as fast as the replies come
};

struct LoadResult {
  uint64_t ended = 0;  // commands, or messages
  int64_t elapsed_ns = 0;
  uint64_t server_cpu_ns = 0;
  uint64_t own_cpu_ns = 0;
  int64_t pause_ns = 0;  // the longest time in which nothing came to its end although something was under way
  Histogram latency;
};

class ScenarioLoad {
 public:
  // Connects the clients.
  ScenarioLoad(const LoadOptions& options, Scenario& scenario);

  LoadResult run();

  // ---- For the scenario

  // What is written here is sent at the end of the turn.
  Buffer& out(size_t client);
  // Something that `client` began has come to its end.
  void end(size_t client, int64_t due_ns);

 private:
  static constexpr int64_t kForever = std::numeric_limits<int64_t>::max();

  struct Client {
    explicit Client(const LoadOptions& options) : connection(options.host, options.port) {}

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

  const LoadOptions options_;
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
  int64_t last_end_ns_ = 0;  // or when the first began since nothing was under way
  int64_t pause_ns_ = 0;
  Histogram latency_;
};

}  // namespace millrace::load
