// See publication.h.
#include "commands/publication.h"

#include <string>

#include "settings/settings.h"

namespace millrace::commands {
namespace {

class ChannelMessage final : public resp::PushMessage {
 public:
  ChannelMessage(std::string_view word, std::string_view channel, std::string_view payload)
      : word_(word), channel_(channel), payload_(payload) {}

 private:
  void write(resp::ReplyWriter& writer) const override {
    writer.push(3);
    writer.bulk(word_);
    writer.bulk(channel_);
    writer.bulk(payload_);
  }

  const std::string_view word_;
  const std::string_view channel_;
  const std::string_view payload_;
};

class PatternMessage final : public resp::PushMessage {
 public:
  PatternMessage(std::string_view pattern, std::string_view channel, std::string_view payload)
      : pattern_(pattern), channel_(channel), payload_(payload) {}

  std::string_view pattern() const { return pattern_; }

 private:
  void write(resp::ReplyWriter& writer) const override {
    writer.push(4);
    writer.bulk("pmessage");
    writer.bulk(pattern_);
    writer.bulk(channel_);
    writer.bulk(payload_);
  }

  const std::string_view pattern_;
  const std::string_view channel_;
  const std::string_view payload_;
};

class Publication final : public pubsub::Delivery {
 public:
  // `reply` may be nullptr: nobody asks how many there were.
  Publication(Host& host, std::string_view word, std::string_view channel, std::string_view payload,
              resp::ReplyWriter* reply)
      : host_(host), reply_(reply), channel_(channel), payload_(payload), message_(word, channel, payload) {}

 private:
  void counted(size_t deliveries) override {
    if (reply_ != nullptr) reply_->integer(static_cast<int64_t>(deliveries));
  }
  void to_channel(pubsub::Subscriber& subscriber) override { host_.push(static_cast<Client&>(subscriber), message_); }
  // All listeners of one pattern come in a row.
  void to_pattern(pubsub::Subscriber& subscriber, std::string_view pattern) override {
    if (!pattern_message_ || pattern_message_->pattern() != pattern) {
      pattern_message_.emplace(pattern, channel_, payload_);
    }
    host_.push(static_cast<Client&>(subscriber), *pattern_message_);
  }

  Host& host_;
  resp::ReplyWriter* const reply_;
  const std::string_view channel_;
  const std::string_view payload_;
  ChannelMessage message_;
  std::optional<PatternMessage> pattern_message_;
};

constexpr std::string_view word_of(pubsub::Kind kind) {
  return kind == pubsub::Kind::kShardChannel ? "smessage" : "message";
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
  resp::ReplyWriter* const reply = context.client.session.is_mute() ? nullptr : &context.reply;
  const std::string_view channel = context.args[1];
  Publication publication(context.host, word_of(kind), channel, context.args[2], reply);
  context.server.broker.publish(kind, channel, publication);
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
    Publication publication(host, word_of(pubsub::Kind::kChannel), channel, payload, nullptr);
    server.broker.publish(pubsub::Kind::kChannel, channel, publication);
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
}

}  // namespace millrace::commands
