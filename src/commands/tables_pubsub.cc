// The rows of pub/sub. None of them holds partitions: a message to ten thousand must not keep a key locked.
#include <utility>

#include "commands/handlers.h"
#include "commands/table_rows.h"

namespace millrace::commands {
namespace {

constexpr uint32_t kAnyTime = kPubsub | kLoading | kStale;

CommandSpec listening(std::string_view name, int arity, std::string_view since, std::string_view complexity,
                      std::string_view syntax, std::string_view summary, Handler handler) {
  CommandSpec spec = row(name, arity, kAnyTime | kNoScript, since, complexity, syntax, summary, handler);
  spec.in_subscriber_mode = true;
  return spec;
}

CommandSpec naming(Channels channels, CommandSpec spec) {
  spec.channels = channels;
  return spec;
}

// Shard channels are spread over a cluster as keys are, though they are none.
CommandSpec sharded(CommandSpec spec, int last) {
  spec.keys = {{.flags = "not_key", .begin_index = 1, .last = last}};
  return spec;
}

std::vector<CommandSpec> pubsub_rows() {
  return {
      row("channels", -2, kAnyTime, "2.8.0", "O(N) for N channels that somebody listens to", "[pattern:pattern]",
          "Lists the channels that somebody listens to.", pubsub_channels_command),
      row("numpat", 2, kAnyTime, "2.8.0", "O(1)", "", "Counts the patterns that somebody listens to.",
          pubsub_numpat_command),
      row("numsub", -2, kAnyTime, "2.8.0", "O(N) for N channels given", "[channel:string...]",
          "Counts the listeners of each channel.", pubsub_numsub_command),
      row("shardchannels", -2, kAnyTime, "7.0.0", "O(N) for N shard channels that somebody listens to",
          "[pattern:pattern]", "Lists the shard channels that somebody listens to.", pubsub_shardchannels_command),
      row("shardnumsub", -2, kAnyTime, "7.0.0", "O(N) for N shard channels given", "[shardchannel:string...]",
          "Counts the listeners of each shard channel.", pubsub_shardnumsub_command),
      help_row("6.2.0", pubsub_help_command),
  };
}

}  // namespace

std::vector<CommandSpec> pubsub_command_rows() {
  std::vector<CommandSpec> rows = {
      naming(Channels::kFirst, row("publish", 3, kAnyTime | kFast | kMayReplicate, "2.0.0",
                                   "O(N+M) for N listeners of the channel and M patterns that begin like it",
                                   "channel:string message:string",
                                   "Sends a message to everyone who listens to a channel.", publish_command)),
      naming(Channels::kFirst,
             sharded(row("spublish", 3, kAnyTime | kFast | kMayReplicate, "7.0.0",
                         "O(N) for N listeners of the shard channel", "shardchannel:string message:string",
                         "Sends a message to everyone who listens to a shard channel.", spublish_command),
                     0)),
      naming(Channels::kAll, listening("subscribe", -2, "2.0.0", "O(N) for N channels", "channel:string...",
                                       "Listens to the messages of channels.", subscribe_command)),
      listening("unsubscribe", -1, "2.0.0", "O(N) for N channels", "[channel:string...]",
                "Listens no more to these channels, or to any.", unsubscribe_command),
      naming(Channels::kPatterns,
             listening("psubscribe", -2, "2.0.0", "O(N) for N patterns", "pattern{pattern:pattern}...",
                       "Listens to the messages of all channels that match patterns.", psubscribe_command)),
      listening("punsubscribe", -1, "2.0.0", "O(N) for N patterns", "[pattern:pattern...]",
                "Listens no more to these patterns, or to any.", punsubscribe_command),
      naming(Channels::kAll,
             sharded(listening("ssubscribe", -2, "7.0.0", "O(N) for N shard channels", "shardchannel:string...",
                               "Listens to the messages of shard channels.", ssubscribe_command),
                     -1)),
      sharded(listening("sunsubscribe", -1, "7.0.0", "O(N) for N shard channels", "[shardchannel:string...]",
                        "Listens no more to these shard channels, or to any.", sunsubscribe_command),
              -1),
      container("pubsub", "2.8.0", "Tells about channels, patterns and who listens.", pubsub_rows()),
  };
  return change_all(std::move(rows), [](CommandSpec& spec) {
    spec.group = "pubsub";
    spec.locking = Locking::kNone;
  });
}

}  // namespace millrace::commands
