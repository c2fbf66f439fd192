// XRANGE, XREVRANGE and XLEN.
#include <algorithm>

#include "commands/handlers.h"
#include "commands/stream_args.h"
#include "commands/stream_replies.h"
#include "resp/errors.h"

namespace millrace::commands {
namespace {

// [COUNT n] from args[4]; -1 if not given, never less otherwise. Nothing after an error reply.
std::optional<int64_t> read_count(CommandContext& context) {
  int64_t count = -1;
  for (size_t at = 4; at < context.args.size(); at += 2) {
    if (!same_word(context.args[at], "COUNT") || at + 1 == context.args.size()) {
      context.reply.error(resp::kSyntax);
      return std::nullopt;
    }
    const auto given = read_integer(context.reply, context.args[at + 1]);
    if (!given) return std::nullopt;
    count = std::max<int64_t>(*given, 0);
  }
  return count;
}

void write_range(CommandContext& context, bool reverse) {
  const auto start = read_range_start(context.reply, context.args[reverse ? 3 : 2]);
  if (!start) return;
  const auto end = read_range_end(context.reply, context.args[reverse ? 2 : 3]);
  if (!end) return;
  const auto count = read_count(context);
  if (!count) return;
  const StreamView found = find_stream_to_read(context, context.args[1]);
  if (found.wrong_type) return;
  if (found.stream == nullptr) return context.reply.array(0);
  if (*count == 0) return context.reply.null_array();
  write_entries(context.reply, *found.stream, *start, *end, reverse, *count < 0 ? 0 : static_cast<uint64_t>(*count));
}

}  // namespace

void xrange_command(CommandContext& context) {
  write_range(context, /*reverse=*/false);
}

void xrevrange_command(CommandContext& context) {
  write_range(context, /*reverse=*/true);
}

void xlen_command(CommandContext& context) {
  const StreamView found = find_stream_to_read(context, context.args[1]);
  if (found.wrong_type) return;
  context.reply.integer(found.stream == nullptr ? 0 : static_cast<int64_t>(found.stream->length()));
}

}  // namespace millrace::commands
