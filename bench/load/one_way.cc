// See one_way.h.
#include "load/one_way.h"

#include <atomic>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>

#include "load/connection.h"
#include "load/fail.h"
#include "load/stamp.h"
#include "load/time.h"

namespace millrace::load {
namespace {

constexpr std::string_view kName = "fan_out:one_way";
constexpr int64_t kWarmUp = 50;  // messages of each pair that are not counted

// How a message is sent, asked for and found in what arrives.
class Route {
 public:
  virtual ~Route() = default;
  virtual std::string request(std::string_view payload) const = 0;
  // Before the first message; waits for what the server says to it.
  virtual void open(Connection& receiver) const = 0;
  // Asks for the next message behind `last`, the one before.
  virtual void ask(Connection& receiver, const std::string& last) const = 0;
  virtual size_t id_part() const = 0;
  virtual size_t payload_part() const = 0;
};

class PublishRoute : public Route {
 public:
  std::string request(std::string_view payload) const override { return command({"PUBLISH", kName, payload}); }
  void open(Connection& receiver) const override { receiver.call(command({"SUBSCRIBE", kName})); }
  void ask(Connection&, const std::string&) const override {}
  size_t id_part() const override { return 0; }
  size_t payload_part() const override { return 2; }  // message, channel, payload
};

class XaddRoute : public Route {
 public:
  std::string request(std::string_view payload) const override { return command({"XADD", kName, "*", "f", payload}); }
  void open(Connection& receiver) const override { receiver.call(command({"DEL", kName})); }
  void ask(Connection& receiver, const std::string& last) const override {
    receiver.send(command({"XREAD", "BLOCK", "0", "STREAMS", kName, last.empty() ? "0" : last}));
  }
  size_t id_part() const override { return 1; }  // key, id, field, value
  size_t payload_part() const override { return 3; }
};

class Pair {
 public:
  Pair(const FanOutOptions& options, const Route& route)
      : route_(route),
        pause_us_(options.pause_us),
        messages_(options.messages + kWarmUp),
        payload_(static_cast<size_t>(options.payload_bytes), 'x'),
        sender_(options.host, options.port),
        receiver_(options.host, options.port) {}

  Histogram run() {
    route_.open(receiver_);
    std::thread receiving([this] { receive_all(); });
    for (int64_t i = 0; i < messages_; ++i) {
      std::this_thread::sleep_for(std::chrono::microseconds(pause_us_));
      send_one(static_cast<uint64_t>(i));
      arrived_.wait(i);
    }
    receiving.join();
    return latency_;
  }

 private:
  void send_one(uint64_t sequence) {
    std::string request = route_.request(payload_);
    write_stamp({.sequence = sequence, .sent_ns = now_ns()}, request.data() + request.size() - payload_.size() - 2);
    sender_.call(request);
  }

  void receive_all() {
    std::string last;
    for (int64_t i = 0; i < messages_; ++i) {
      route_.ask(receiver_, last);
      const Reply& reply = receiver_.wait_for_reply();
      const int64_t now = now_ns();
      const auto stamp = read_stamp(reply.part(route_.payload_part()));
      if (!stamp || stamp->sequence != static_cast<uint64_t>(i)) {
        std::cerr << "fan_out: another message arrived than the one that was sent" << std::endl;
        std::_Exit(kExitBroken);
      }
      if (i >= kWarmUp) latency_.record(now - stamp->sent_ns);
      last = reply.part(route_.id_part());
      arrived_.store(i + 1);
      arrived_.notify_one();
    }
  }

  const Route& route_;
  const int64_t pause_us_;
  const int64_t messages_;
  const std::string payload_;
  Connection sender_;
  Connection receiver_;
  std::atomic<int64_t> arrived_ = 0;
  Histogram latency_;  // the receiving thread's until it is joined
};

}  // namespace

std::vector<Histogram> measure_one_way(const FanOutOptions& options) {
  const PublishRoute publish;
  const XaddRoute xadd;
  const Route& route = options.one_way_xadd ? static_cast<const Route&>(xadd) : publish;
  std::vector<Histogram> pairs;
  for (int64_t i = 0; i < options.pairs; ++i) pairs.push_back(Pair(options, route).run());
  return pairs;
}

}  // namespace millrace::load
