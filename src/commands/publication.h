// Publication: messages on their way to everyone who listens, and what PUBLISH and keyspace notifications share of it.
//
// The frame is built once per protocol, and once per pattern and protocol for those who listen through patterns; it is
// copied into each receiver's output under the channel's lock (pubsub/broker.h), wherever the receiver lives.
//
// PUBLISHes to one channel that follow each other in a pipeline are gathered and delivered together: each receiver's
// output is locked and appended to once for all of them.
//
//   PUBLISH a 1, PUBLISH a 2, PUBLISH a 3, GET k      gathered: 1 2 3
//                                         ^ delivered here, before GET is looked at: three replies, three frames each
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "commands/context.h"
#include "keyspace/key_events.h"
#include "pubsub/broker.h"
#include "resp/push_message.h"
#include "resp/reply_writer.h"

namespace millrace::commands {

// PUBLISH, SPUBLISH: replies the number of deliveries and delivers, now or at the end of the run.
void publish_and_reply(CommandContext& context, pubsub::Kind kind);

// The run of PUBLISHes that a core is gathering for the client it serves. The executor delivers it before the client's
// next other command is looked at and before the client's turn ends. So nothing else of the client happens meanwhile
// and no lock is held for the run; that it is counted and replied to later than it was read shows to nobody: it is as
// if all of it had arrived at the moment of the delivery.
class PublishRun {
 public:
  PublishRun(Server& server, Host& host) : server_(server), host_(host) {}
  PublishRun(const PublishRun&) = delete;
  PublishRun& operator=(const PublishRun&) = delete;

  bool is_open() const { return !payloads_.empty(); }
  // True if the command is the next of this run, and there is room for it.
  bool continues_with(std::span<const std::string_view> args) const;
  // False if this PUBLISH has to be carried out for itself. REQUIRES: the run is not open, or continues with it.
  bool take(CommandContext& context, pubsub::Kind kind);
  // Writes the replies and delivers. Nothing happens if nothing was gathered.
  void deliver();
  // What was delivered last, until the next run begins.
  struct Delivered {
    const CommandSpec* spec = nullptr;
    Client* client = nullptr;
    Instant now;
    std::string_view command;  // as it was written
    std::string_view channel;
    std::vector<std::string_view> payloads;
  };
  const Delivered& delivered() const { return delivered_; }

 private:
  // Bounds what one append adds to an output, and what the run keeps.
  static constexpr size_t kBytesMax = 16 * 1024;

  static size_t frame_bytes(std::string_view channel, std::string_view payload);
  bool begin(CommandContext& context, pubsub::Kind kind);
  std::string_view keep(std::string_view text);

  Server& server_;
  Host& host_;
  pubsub::Kind kind_ = pubsub::Kind::kChannel;
  Buffer bytes_;  // what the views below point to
  std::string_view command_;
  std::string_view channel_;
  std::vector<std::string_view> payloads_;
  size_t bytes_used_ = 0;
  std::optional<resp::ReplyWriter> reply_;  // none: the client wants no replies
  Delivered delivered_;
};

// The classes of keyspace events that are turned on and that somebody could hear; 0 otherwise.
uint32_t notified_classes(const Server& server);
// To __keyspace@<db>__:<key> and __keyevent@<db>__:<event>, as notify-keyspace-events has it.
void publish_notification(Server& server, Host& host, const keyspace::KeyNotification& notification);

// Mirrors what the client listens to on its card. To be called by its core after every change.
void show_subscriptions(Client& client);

}  // namespace millrace::commands
