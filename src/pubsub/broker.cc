// See broker.h.
#include "pubsub/broker.h"

#include "base/check.h"

namespace millrace::pubsub {
namespace {

// The receivers of one message, walked over twice in the same order: counted, then served. Who is leaving is decided
// in the first walk, so that the count is what is delivered.
class Round {
 public:
  explicit Round(std::vector<size_t>& left_out) : left_out_(left_out) { left_out_.clear(); }

  void count(const Audience& audience) {
    for (const Audience::Listener& listener : audience.listeners()) {
      if (listener.subscriber->is_leaving.load(std::memory_order_relaxed)) left_out_.push_back(counted_);
      ++counted_;
    }
  }
  size_t deliveries() const { return counted_ - left_out_.size(); }

  template <typename Serve>
  void serve(const Audience& audience, Serve serve_one) {
    for (const Audience::Listener& listener : audience.listeners()) {
      if (!is_left_out(served_++)) serve_one(*listener.subscriber);
    }
  }

 private:
  bool is_left_out(size_t ordinal) {
    if (next_left_out_ == left_out_.size() || left_out_[next_left_out_] != ordinal) return false;
    ++next_left_out_;
    return true;
  }

  std::vector<size_t>& left_out_;  // ordinals of the leaving, ascending
  size_t next_left_out_ = 0;
  size_t counted_ = 0;
  size_t served_ = 0;
};

void deliver_all(const Audience* audience, PublishScratch& scratch, Delivery& delivery) {
  Round round(scratch.left_out);
  if (audience != nullptr) round.count(*audience);
  for (const PatternTable::Pattern* pattern : scratch.matching) round.count(pattern->audience);
  delivery.counted(round.deliveries());

  if (audience != nullptr) round.serve(*audience, [&](Subscriber& subscriber) { delivery.to_channel(subscriber); });
  for (const PatternTable::Pattern* pattern : scratch.matching) {
    round.serve(pattern->audience, [&](Subscriber& subscriber) { delivery.to_pattern(subscriber, pattern->text); });
  }
}

}  // namespace

void Broker::subscribe(Kind kind, Subscriptions& subscriptions, std::string_view name,
                       const std::function<void()>& acknowledge) {
  const Name hashed = patterns_.hashed(name);
  if (kind == Kind::kPattern) {
    patterns_.join(subscriptions, hashed, acknowledge);
  } else {
    table_of(kind).join(subscriptions, hashed, acknowledge);
  }
}

bool Broker::unsubscribe(Kind kind, Subscriptions& subscriptions, std::string_view name) {
  const Name hashed = patterns_.hashed(name);
  if (!subscriptions.contains(kind, hashed)) return false;
  leave(kind, subscriptions, hashed);
  return true;
}

void Broker::unsubscribe_all(Subscriptions& subscriptions) {
  for (const Kind kind : {Kind::kChannel, Kind::kPattern, Kind::kShardChannel}) {
    while (subscriptions.count(kind) != 0) leave(kind, subscriptions, subscriptions.first(kind));
  }
}

void Broker::publish(Kind kind, std::string_view channel, Delivery& delivery) {
  publish(kind, channel, delivery, true);
}

bool Broker::publish_together(Kind kind, std::string_view channel, Delivery& delivery) {
  return publish(kind, channel, delivery, false);
}

bool Broker::publish(Kind kind, std::string_view channel, Delivery& delivery, bool also_to_patterns) {
  ChannelTable& table = table_of(kind);
  const Name name = table.hashed(channel);
  ChannelTable::Shard& shard = table.shard_of(name);
  MutexLock lock(shard.mutex);
  shard.scratch.matching.clear();
  const Audience* audience = shard.find(name);
  if (kind == Kind::kChannel && patterns_.size() != 0) {
    SharedReaderLock patterns_lock(patterns_.mutex);
    patterns_.find_matching(channel, shard.scratch.matching);
    if (!also_to_patterns && !shard.scratch.matching.empty()) return false;
    deliver_all(audience, shard.scratch, delivery);
  } else {
    deliver_all(audience, shard.scratch, delivery);
  }
  return true;
}

size_t Broker::channel_count(Kind kind) const {
  return table_of(kind).size();
}

std::vector<std::string> Broker::channel_names(Kind kind, std::optional<std::string_view> pattern) const {
  return table_of(kind).names(pattern);
}

void Broker::for_each_listener(Kind kind, const VisitListener& visit) const {
  kind == Kind::kPattern ? patterns_.for_each_listener(visit) : table_of(kind).for_each_listener(visit);
}

size_t Broker::audience_size(Kind kind, std::string_view channel) const {
  return table_of(kind).audience_size(channel);
}

void Broker::leave(Kind kind, Subscriptions& subscriptions, const Name& name) {
  if (kind == Kind::kPattern) {
    patterns_.leave(subscriptions, name);
  } else {
    table_of(kind).leave(subscriptions, name);
  }
}

ChannelTable& Broker::table_of(Kind kind) {
  CHECK(kind != Kind::kPattern);
  return kind == Kind::kChannel ? channels_ : shard_channels_;
}

const ChannelTable& Broker::table_of(Kind kind) const {
  CHECK(kind != Kind::kPattern);
  return kind == Kind::kChannel ? channels_ : shard_channels_;
}

}  // namespace millrace::pubsub
