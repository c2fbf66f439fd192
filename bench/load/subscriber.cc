// See subscriber.h.
#include "load/subscriber.h"

#include "load/stamp.h"
#include "load/time.h"

namespace millrace::load {

std::string channel_name(size_t channel) {
  return "fan_out:" + std::to_string(channel) + ":news";
}

namespace {

std::string pattern_name(size_t channel) {
  return "fan_out:" + std::to_string(channel) + ":*";
}

}  // namespace

Subscriber::Subscriber(const FanOutOptions& options, size_t channel)
    : connection_(options.host, options.port),
      channel_(channel),
      kind_(options.use_patterns ? "pmessage" : "message"),
      payload_part_(options.use_patterns ? 3 : 2),
      in_order_(static_cast<size_t>(options.publishers)) {
  if (options.use_resp3) connection_.call(command({"HELLO", "3"}));
  connection_.call(options.use_patterns ? command({"PSUBSCRIBE", pattern_name(channel)})
                                        : command({"SUBSCRIBE", channel_name(channel)}));
}

void Subscriber::on_readable() {
  if (!receive()) return;
  while (const auto reply = connection_.take_reply()) take(*reply, nullptr, 0);
}

void Subscriber::on_readable(Histogram& latency) {
  if (!receive()) return;
  const int64_t now = now_ns();
  while (const auto reply = connection_.take_reply()) take(*reply, &latency, now);
}

bool Subscriber::receive() {
  if (connection_.receive(Connection::Patience::kDoNotWait)) return true;
  was_closed_ = is_done_ = true;
  return false;
}

void Subscriber::take(const Reply& reply, Histogram* latency, int64_t now_ns) {
  if (reply.part(0) != kind_) {  // the answer to PING: *2 pong "", or +PONG in RESP3
    is_done_ = true;
    return;
  }
  ++received_;
  const auto stamp = read_stamp(reply.part(payload_part_));
  if (!stamp || stamp->publisher >= in_order_.size() || stamp->sequence != in_order_[stamp->publisher]) {
    ++misplaced_;
    return;
  }
  ++in_order_[stamp->publisher];
  if (latency != nullptr) latency->record(now_ns - stamp->sent_ns);
}

void Subscriber::send_last_ping() {
  if (!is_done_) connection_.send(command({"PING"}));
}

}  // namespace millrace::load
