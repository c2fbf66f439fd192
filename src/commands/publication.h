// Publication: one message on its way to everyone who listens, and what PUBLISH and keyspace notifications share of it.
//
// The frame is built once per protocol, and once per pattern and protocol for those who listen through patterns; it is
// copied into each receiver's output under the channel's lock (pubsub/broker.h), wherever the receiver lives.
#pragma once

#include <optional>
#include <string_view>

#include "commands/context.h"
#include "keyspace/key_events.h"
#include "pubsub/broker.h"
#include "resp/push_message.h"
#include "resp/reply_writer.h"

namespace millrace::commands {

// PUBLISH, SPUBLISH: replies the number of deliveries, then delivers.
void publish_and_reply(CommandContext& context, pubsub::Kind kind);

// The classes of keyspace events that are turned on and that somebody could hear; 0 otherwise.
uint32_t notified_classes(const Server& server);
// To __keyspace@<db>__:<key> and __keyevent@<db>__:<event>, as notify-keyspace-events has it.
void publish_notification(Server& server, Host& host, const keyspace::KeyNotification& notification);

// Mirrors what the client listens to on its card. To be called by its core after every change.
void show_subscriptions(Client& client);

}  // namespace millrace::commands
