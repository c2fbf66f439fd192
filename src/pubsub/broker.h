// Broker: who listens to which channel and pattern, and in which order messages reach them.
//
//   channels        hash of the name -> one of 64 shards { lock, name -> audience }
//   shard channels  the same, apart from the others: no message crosses, no pattern matches
//   patterns        one lock, shared by publishers; grouped by their literal beginning (pattern_table.h)
//
// publish() counts and delivers while it holds the channel's lock, so all receivers of a channel - those through
// patterns included - get its messages in one order, and the count is exact. subscribe() lets its caller queue the
// confirmation under the same lock, before the first message can come; after unsubscribe() has returned none comes any
// more.
//
// Locks: channel, then patterns, then whatever the callbacks take. A callback must not call the broker.
// Any thread; a Subscriptions object is touched by its client's core only.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pubsub/channel_table.h"
#include "pubsub/pattern_table.h"
#include "pubsub/subscriptions.h"

namespace millrace::pubsub {

// What publish() asks of its caller, all of it under the channel's lock. Clients that are leaving are left out; one
// that begins to leave after the count is delivered to all the same, so that the count is right.
class Delivery {
 public:
  // Once, before the first delivery, also if there is nobody: how many deliveries follow.
  virtual void counted(size_t deliveries) = 0;
  virtual void to_channel(Subscriber& subscriber) = 0;
  // Those who listen through a pattern come after those who listen to the channel itself.
  virtual void to_pattern(Subscriber& subscriber, std::string_view pattern) = 0;

 protected:
  ~Delivery() = default;
};

class Broker {
 public:
  explicit Broker(uint64_t hash_seed)
      : channels_(Kind::kChannel, hash_seed), shard_channels_(Kind::kShardChannel, hash_seed), patterns_(hash_seed) {}

  // Adds `name` to what the client listens to; nothing new if it does so already. In both cases `acknowledge` is called
  // under the lock: `subscriptions` counts the name then, and no message of it has reached the client yet if it is new.
  void subscribe(Kind kind, Subscriptions& subscriptions, std::string_view name,
                 const std::function<void()>& acknowledge);
  // False if the client does not listen to it. Every message published before is delivered when this returns.
  bool unsubscribe(Kind kind, Subscriptions& subscriptions, std::string_view name);
  // Everything at once, without a word: the client is going away, or RESET.
  void unsubscribe_all(Subscriptions& subscriptions);

  // `kind` is kChannel or kShardChannel.
  void publish(Kind kind, std::string_view channel, Delivery& delivery);
  // For a delivery of several messages at once, whose count is that of each: false, and nothing done, if a pattern
  // matches the channel. Who listens through both gets a message both ways before the next one.
  bool publish_together(Kind kind, std::string_view channel, Delivery& delivery);

  // True if a message to some (non-shard) channel could reach anybody at all: what nobody can hear is not even built.
  bool has_listeners() const { return channels_.size() != 0 || patterns_.size() != 0; }

  // ---- what PUBSUB and INFO tell
  size_t channel_count(Kind kind) const;
  size_t pattern_count() const { return patterns_.size(); }  // distinct ones
  // Names with at least one listener; with a pattern, those that match it.
  std::vector<std::string> channel_names(Kind kind, std::optional<std::string_view> pattern) const;
  // Everybody who listens, with each name they listen to; under the lock of that name. What changes meanwhile may be
  // in it or not; who was there before and stays is.
  void for_each_listener(Kind kind, const VisitListener& visit) const;
  size_t audience_size(Kind kind, std::string_view channel) const;

 private:
  bool publish(Kind kind, std::string_view channel, Delivery& delivery, bool also_to_patterns);
  void leave(Kind kind, Subscriptions& subscriptions, const Name& name);
  ChannelTable& table_of(Kind kind);
  const ChannelTable& table_of(Kind kind) const;

  ChannelTable channels_;
  ChannelTable shard_channels_;
  PatternTable patterns_;
};

}  // namespace millrace::pubsub
