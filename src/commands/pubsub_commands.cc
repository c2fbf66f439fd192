// SUBSCRIBE and its family, PUBLISH, SPUBLISH and PUBSUB. What a client listens to is its own core's; who listens to a
// channel is the broker's (pubsub/broker.h).
#include <optional>
#include <string>
#include <vector>

#include "commands/handlers.h"
#include "commands/help.h"
#include "commands/publication.h"
#include "resp/errors.h"

namespace millrace::commands {
namespace {

using pubsub::Kind;

struct Words {
  std::string_view subscribe;
  std::string_view unsubscribe;
};

constexpr Words kWords[pubsub::kKinds] = {
    {"subscribe", "unsubscribe"}, {"psubscribe", "punsubscribe"}, {"ssubscribe", "sunsubscribe"}};

const Words& words_of(Kind kind) {
  return kWords[static_cast<size_t>(kind)];
}

// Shard channels are counted apart from channels and patterns.
size_t counted_with(const Client& client, Kind kind) {
  const pubsub::Subscriptions& subscriptions = client.subscriptions;
  return kind == Kind::kShardChannel ? subscriptions.count(kind) : subscriptions.channels_and_patterns();
}

// A confirmation is a push, even where the client wants no replies: it goes to the output at once.
void confirm(CommandContext& context, Kind kind, std::string_view word, std::optional<std::string_view> name) {
  resp::ReplyWriter& reply = context.reply;
  reply.push(3);
  reply.bulk(word);
  if (name) {
    reply.bulk(*name);
  } else {
    reply.null();
  }
  reply.integer(static_cast<int64_t>(counted_with(context.client, kind)));
  context.host.queue_replies(context.client);
}

void subscribe(CommandContext& context, Kind kind) {
  for (const std::string_view name : context.args.subspan(1)) {
    context.server.broker.subscribe(kind, context.client.subscriptions, name, [&] {
      show_subscriptions(context.client);
      confirm(context, kind, words_of(kind).subscribe, name);
    });
  }
}

void unsubscribe_from(CommandContext& context, Kind kind, std::string_view name) {
  context.server.broker.unsubscribe(kind, context.client.subscriptions, name);
  show_subscriptions(context.client);
  confirm(context, kind, words_of(kind).unsubscribe, name);
}

void unsubscribe(CommandContext& context, Kind kind) {
  if (context.args.size() > 1) {
    for (const std::string_view name : context.args.subspan(1)) unsubscribe_from(context, kind, name);
    return;
  }
  const std::vector<std::string> names = context.client.subscriptions.names(kind);
  for (const std::string& name : names) unsubscribe_from(context, kind, name);
  if (names.empty()) confirm(context, kind, words_of(kind).unsubscribe, std::nullopt);
}

void write_channels(CommandContext& context, Kind kind) {
  if (context.args.size() > 3) {
    return context.reply.error(resp::unknown_subcommand_or_arity(context.args[1], "PUBSUB"));
  }
  // Without a pattern the empty name is listed as well, which "*" does not match.
  std::optional<std::string_view> pattern;
  if (context.args.size() == 3) pattern = context.args[2];
  const std::vector<std::string> names = context.server.broker.channel_names(kind, pattern);
  context.reply.array(static_cast<int64_t>(names.size()));
  for (const std::string& name : names) context.reply.bulk(name);
}

void write_audiences(CommandContext& context, Kind kind) {
  const auto channels = context.args.subspan(2);
  context.reply.array(static_cast<int64_t>(2 * channels.size()));
  for (const std::string_view channel : channels) {
    context.reply.bulk(channel);
    context.reply.integer(static_cast<int64_t>(context.server.broker.audience_size(kind, channel)));
  }
}

}  // namespace

void subscribe_command(CommandContext& context) {
  subscribe(context, Kind::kChannel);
}
void psubscribe_command(CommandContext& context) {
  subscribe(context, Kind::kPattern);
}
void ssubscribe_command(CommandContext& context) {
  if (context.client.session.transaction.is_running()) return context.reply.error(resp::kSsubscribeDenied);
  subscribe(context, Kind::kShardChannel);
}
void unsubscribe_command(CommandContext& context) {
  unsubscribe(context, Kind::kChannel);
}
void punsubscribe_command(CommandContext& context) {
  unsubscribe(context, Kind::kPattern);
}
void sunsubscribe_command(CommandContext& context) {
  unsubscribe(context, Kind::kShardChannel);
}

void publish_command(CommandContext& context) {
  publish_and_reply(context, Kind::kChannel);
}
void spublish_command(CommandContext& context) {
  publish_and_reply(context, Kind::kShardChannel);
}

void pubsub_channels_command(CommandContext& context) {
  write_channels(context, Kind::kChannel);
}
void pubsub_shardchannels_command(CommandContext& context) {
  write_channels(context, Kind::kShardChannel);
}
void pubsub_numsub_command(CommandContext& context) {
  write_audiences(context, Kind::kChannel);
}
void pubsub_shardnumsub_command(CommandContext& context) {
  write_audiences(context, Kind::kShardChannel);
}
void pubsub_numpat_command(CommandContext& context) {
  context.reply.integer(static_cast<int64_t>(context.server.broker.pattern_count()));
}
void pubsub_help_command(CommandContext& context) {
  write_help(context);
}

}  // namespace millrace::commands
