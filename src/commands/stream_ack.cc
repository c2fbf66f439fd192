// XACK and XNACK: a consumer is done with entries, or gives them back.
#include <limits>

#include "base/numbers.h"
#include "commands/handlers.h"
#include "commands/stream_args.h"
#include "resp/errors.h"
#include "streams/delivery.h"

namespace millrace::commands {

using streams::NackMode;

namespace {

std::optional<NackMode> read_nack_mode(resp::ReplyWriter& reply, std::string_view arg) {
  if (same_word(arg, "SILENT")) return NackMode::kSilent;
  if (same_word(arg, "FAIL")) return NackMode::kFail;
  if (same_word(arg, "FATAL")) return NackMode::kFatal;
  reply.error(resp::kXnackMode);
  return std::nullopt;
}

struct NackOptions {
  Args ids;
  std::optional<int64_t> retry_count;
  bool force = false;
};

// IDS numids id [id ...] [RETRYCOUNT count] [FORCE], in any order. Nothing after an error reply.
std::optional<NackOptions> read_nack_options(resp::ReplyWriter& reply, Args args) {
  constexpr CountedIdsRule kIds{std::numeric_limits<int32_t>::max(), resp::kXnackIdCountNotPositive,
                                resp::kXnackIdCountMismatch};
  NackOptions options;
  const auto refuse = [&reply](std::string_view error) {
    reply.error(error);
    return std::nullopt;
  };
  for (size_t at = 0; at < args.size(); ++at) {
    const bool is_last = at + 1 == args.size();
    if (!is_last && same_word(args[at], "IDS")) {
      const auto ids = read_counted_ids(reply, args, at, kIds);
      if (!ids) return std::nullopt;
      options.ids = *ids;
    } else if (!is_last && same_word(args[at], "RETRYCOUNT")) {
      options.retry_count = parse_i64(args[++at]);
      if (!options.retry_count || *options.retry_count < 0) return refuse(resp::kXnackRetryCount);
    } else if (same_word(args[at], "FORCE")) {
      options.force = true;
    } else {
      return refuse(resp::unrecognized_xnack_option(args[at]));
    }
  }
  if (options.ids.empty()) return refuse(resp::kXnackNoIds);
  return options;
}

}  // namespace

void xack_command(CommandContext& context) {
  const GroupLookup found = find_group_to_change(context, context.args[1], context.args[2]);
  if (found.wrong_type) return;
  if (found.group == nullptr) return context.reply.integer(0);
  const auto ids = read_ids(context.reply, context.args.subspan(3));
  if (!ids) return;
  int64_t acknowledged = 0;
  for (const streams::StreamId id : *ids) acknowledged += found.group->pending.erase(id) ? 1 : 0;
  context.db.count_change(static_cast<uint64_t>(acknowledged));
  context.reply.integer(acknowledged);
}

void xnack_command(CommandContext& context) {
  const std::string_view key = context.args[1];
  const GroupLookup found = find_group_to_change(context, key, context.args[2]);
  if (found.wrong_type) return;
  if (found.group == nullptr) return context.reply.error(resp::no_group(key, context.args[2]));
  const auto mode = read_nack_mode(context.reply, context.args[3]);
  if (!mode) return;
  const auto options = read_nack_options(context.reply, context.args.subspan(4));
  if (!options) return;
  const auto ids = read_ids(context.reply, options->ids);
  if (!ids) return;
  int64_t given_back = 0;
  for (const streams::StreamId id : *ids) {
    const bool done = streams::nack(*found.stream, *found.group, id, *mode, options->retry_count, options->force);
    given_back += done ? 1 : 0;
  }
  context.reply.integer(given_back);
  if (given_back == 0) return;
  context.db.count_change(static_cast<uint64_t>(given_back));
  context.db.signal_ready(key);
}

}  // namespace millrace::commands
