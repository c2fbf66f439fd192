// See publication.h.
#include "commands/publication.h"

#include <string>

#include "settings/settings.h"

namespace millrace::commands {
namespace {

constexpr std::string_view word_of(pubsub::Kind kind) {
  return kind == pubsub::Kind::kShardChannel ? "smessage" : "message";
}

// The frames of messages to one channel, as those hear them who listen to it or to a pattern.
class Frames final : public resp::PushMessage {
 public:
  Frames(std::string_view word, std::optional<std::string_view> pattern, std::string_view channel,
         std::span<const std::string_view> payloads)
      : word_(word), pattern_(pattern), channel_(channel), payloads_(payloads) {}

  std::optional<std::string_view> pattern() const { return pattern_; }

 private:
  void write(resp::ReplyWriter& writer) const override {
    for (const std::string_view payload : payloads_) {
      writer.push(pattern_ ? 4 : 3);
      writer.bulk(word_);
      if (pattern_) writer.bulk(*pattern_);
      writer.bulk(channel_);
      writer.bulk(payload);
    }
  }

  const std::string_view word_;
  const std::optional<std::string_view> pattern_;
  const std::string_view channel_;
  const std::span<const std::string_view> payloads_;
};

class Publication final : public pubsub::Delivery {
 public:
  // One message, or several for Broker::publish_together(). `reply` may be nullptr: nobody asks how many there were.
  Publication(Host& host, pubsub::Kind kind, std::string_view channel, std::span<const std::string_view> payloads,
              resp::ReplyWriter* reply)
      : host_(host),
        reply_(reply),
        channel_(channel),
        payloads_(payloads),
        frames_(word_of(kind), std::nullopt, channel, payloads) {}

 private:
  void counted(size_t deliveries) override {
    if (reply_ == nullptr) return;
    for (size_t i = 0; i < payloads_.size(); ++i) reply_->integer(static_cast<int64_t>(deliveries));
  }
  void to_channel(pubsub::Subscriber& subscriber) override { host_.push(static_cast<Client&>(subscriber), frames_); }
  // All listeners of one pattern come in a row.
  void to_pattern(pubsub::Subscriber& subscriber, std::string_view pattern) override {
    if (!pattern_frames_ || pattern_frames_->pattern() != pattern) {
      pattern_frames_.emplace("pmessage", pattern, channel_, payloads_);
    }
    host_.push(static_cast<Client&>(subscriber), *pattern_frames_);
  }

  Host& host_;
  resp::ReplyWriter* const reply_;
  const std::string_view channel_;
  const std::span<const std::string_view> payloads_;
  Frames frames_;
  std::optional<Frames> pattern_frames_;
};

void publish_one(Server& server, Host& host, pubsub::Kind kind, std::string_view channel, std::string_view payload,
                 resp::ReplyWriter* reply) {
  Publication publication(host, kind, channel, std::span(&payload, 1), reply);
  server.broker.publish(kind, channel, publication);
}

// The bits of notify-keyspace-events are the classes of the keyspace.
constexpr bool is_letter_of(keyspace::EventClass event_class, char letter) {
  return uint32_t{1} << settings::kEventLetters.find(letter) == event_class;
}
static_assert(is_letter_of(keyspace::kEventKeyspace, 'K') && is_letter_of(keyspace::kEventKeyevent, 'E'));
static_assert(is_letter_of(keyspace::kEventGeneric, 'g') && is_letter_of(keyspace::kEventString, '$'));
static_assert(is_letter_of(keyspace::kEventList, 'l') && is_letter_of(keyspace::kEventSet, 's'));
static_assert(is_letter_of(keyspace::kEventHash, 'h') && is_letter_of(keyspace::kEventSortedSet, 'z'));
static_assert(is_letter_of(keyspace::kEventExpired, 'x') && is_letter_of(keyspace::kEventEvicted, 'e'));
static_assert(is_letter_of(keyspace::kEventStream, 't') && is_letter_of(keyspace::kEventModule, 'd'));
static_assert(is_letter_of(keyspace::kEventMiss, 'm') && is_letter_of(keyspace::kEventNew, 'n'));
static_assert(is_letter_of(keyspace::kEventOverwritten, 'o') && is_letter_of(keyspace::kEventTypeChanged, 'c'));

}  // namespace

void publish_and_reply(CommandContext& context, pubsub::Kind kind) {
  if (context.publish_run.take(context, kind)) return;
  resp::ReplyWriter* const reply = context.client.session.is_mute() ? nullptr : &context.reply;
  publish_one(context.server, context.host, kind, context.args[1], context.args[2], reply);
}

size_t PublishRun::frame_bytes(std::string_view channel, std::string_view payload) {
  constexpr size_t kMarksAndLengths = 48;
  return channel.size() + payload.size() + kMarksAndLengths;
}

bool PublishRun::continues_with(std::span<const std::string_view> args) const {
  return !payloads_.empty() && args.size() == 3 && args[1] == channel_ && args[0] == command_ &&
         bytes_used_ + frame_bytes(args[1], args[2]) <= kBytesMax;
}

bool PublishRun::take(CommandContext& context, pubsub::Kind kind) {
  const std::string_view channel = context.args[1];
  const std::string_view payload = context.args[2];
  if (payloads_.empty() && !begin(context, kind)) return false;
  bytes_used_ += frame_bytes(channel, payload);
  payloads_.push_back(keep(payload));
  return true;
}

bool PublishRun::begin(CommandContext& context, pubsub::Kind kind) {
  const Client& client = context.client;
  // Its own messages stand between its replies; so do the lines of a monitor between the messages, and EXEC's replies
  // between others.
  if (!client.subscriptions.empty() || !server_.monitors.empty() || client.session.skip_this_reply) return false;
  if (client.session.transaction.is_running()) return false;
  const size_t needed = context.args[0].size() + frame_bytes(context.args[1], context.args[2]);
  if (needed > kBytesMax) return false;
  bytes_.clear();
  bytes_.reserve(kBytesMax);
  bytes_used_ = context.args[0].size();
  kind_ = kind;
  command_ = keep(context.args[0]);
  channel_ = keep(context.args[1]);
  delivered_.spec = &context.spec;
  delivered_.client = &context.client;
  delivered_.now = context.now;
  reply_.reset();
  if (!client.session.is_mute()) reply_.emplace(context.reply);
  return true;
}

// The buffer has room for all of a run from its beginning, so nothing in it moves.
std::string_view PublishRun::keep(std::string_view text) {
  bytes_.append(text);
  return bytes_.view().substr(bytes_.size() - text.size());
}

void PublishRun::deliver() {
  if (payloads_.empty()) return;
  resp::ReplyWriter* const reply = reply_ ? &*reply_ : nullptr;
  Publication together(host_, kind_, channel_, payloads_, reply);
  if (payloads_.size() == 1 || !server_.broker.publish_together(kind_, channel_, together)) {
    for (const std::string_view payload : payloads_) publish_one(server_, host_, kind_, channel_, payload, reply);
  }
  delivered_.command = command_;
  delivered_.channel = channel_;
  delivered_.payloads.swap(payloads_);
  payloads_.clear();
}

uint32_t notified_classes(const Server& server) {
  const auto classes = static_cast<uint32_t>(server.settings.notify_keyspace_events.load(std::memory_order_relaxed));
  const bool somewhere = (classes & (keyspace::kEventKeyspace | keyspace::kEventKeyevent)) != 0;
  return somewhere && server.broker.has_listeners() ? classes : 0;
}

void publish_notification(Server& server, Host& host, const keyspace::KeyNotification& notification) {
  const auto classes = static_cast<uint32_t>(server.settings.notify_keyspace_events.load(std::memory_order_relaxed));
  const auto publish = [&](std::string_view prefix, std::string_view subject, std::string_view payload) {
    std::string channel(prefix);
    channel += std::to_string(notification.place.database);
    channel += "__:";
    channel += subject;
    publish_one(server, host, pubsub::Kind::kChannel, channel, payload, nullptr);
  };
  const std::string_view key = notification.place.key;
  if ((classes & keyspace::kEventKeyspace) != 0) publish("__keyspace@", key, notification.event);
  if ((classes & keyspace::kEventKeyevent) != 0) publish("__keyevent@", notification.event, key);
}

void show_subscriptions(Client& client) {
  const auto show = [&](std::atomic<uint32_t>& shown, pubsub::Kind kind) {
    shown.store(static_cast<uint32_t>(client.subscriptions.count(kind)), std::memory_order_relaxed);
  };
  show(client.card.channels, pubsub::Kind::kChannel);
  show(client.card.patterns, pubsub::Kind::kPattern);
  show(client.card.shard_channels, pubsub::Kind::kShardChannel);
  client.card.subscription_bytes.store(client.subscriptions.memory_bytes(), std::memory_order_relaxed);
}

}  // namespace millrace::commands
