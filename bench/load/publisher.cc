// See publisher.h.
#include "load/publisher.h"

#include "base/numbers.h"
#include "load/fail.h"
#include "load/stamp.h"
#include "load/subscriber.h"

namespace millrace::load {

Publisher::Publisher(const FanOutOptions& options, size_t index)
    : connection_(options.host, options.port),
      index_(static_cast<uint32_t>(index)),
      stamp_at_from_end_(static_cast<size_t>(options.payload_bytes) + 2) {
  const std::string payload(static_cast<size_t>(options.payload_bytes), 'x');
  for (size_t i = 0; i < static_cast<size_t>(options.channels); ++i) {
    channels_.push_back({.request = command({"PUBLISH", channel_name(i), payload})});
  }
}

void Publisher::publish(int64_t count, int64_t sent_ns) {
  batch_.clear();
  for (int64_t i = 0; i < count; ++i) {
    Channel& channel = channels_[turn_];
    turn_ = turn_ + 1 == channels_.size() ? 0 : turn_ + 1;
    batch_ += channel.request;
    write_stamp({.sequence = channel.sent++, .sent_ns = sent_ns, .publisher = index_},
                batch_.data() + batch_.size() - stamp_at_from_end_);
  }
  sent_ += static_cast<uint64_t>(count);
  connection_.send(batch_);
}

void Publisher::on_readable() {
  if (!connection_.receive(Connection::Patience::kDoNotWait)) fail("the server closed a publisher");
  while (const auto reply = connection_.take_reply()) {
    const auto receivers = parse_i64(reply->part(0));
    if (reply->kind != ':' || !receivers) fail("PUBLISH was answered: ", reply->part(0));
    receivers_ += static_cast<uint64_t>(*receivers);
    ++answered_;
  }
}

}  // namespace millrace::load
