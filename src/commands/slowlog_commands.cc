// SLOWLOG: what is kept in slowlog.h, shown.
#include <limits>
#include <optional>

#include "base/numbers.h"
#include "commands/context.h"
#include "commands/handlers.h"
#include "commands/help.h"
#include "resp/errors.h"

namespace millrace::commands {
namespace {

constexpr size_t kEntriesByDefault = 10;

size_t length_max(const CommandContext& context) {
  return static_cast<size_t>(context.server.settings.slowlog_max_len.load(std::memory_order_relaxed));
}

void write_entry(resp::ReplyWriter& reply, const Slowlog::Entry& entry) {
  reply.array(6);
  reply.integer(static_cast<int64_t>(entry.id));
  reply.integer(entry.unix_s);
  reply.integer(static_cast<int64_t>(entry.microseconds));
  reply.array(static_cast<int64_t>(entry.arguments.size()));
  for (const std::string& argument : entry.arguments) reply.bulk(argument);
  reply.bulk(entry.address);
  reply.bulk(entry.name);
}

}  // namespace

void slowlog_get_command(CommandContext& context) {
  size_t count = kEntriesByDefault;
  if (context.args.size() > 3) {
    return context.reply.error(resp::unknown_subcommand_or_arity(context.args[1], "SLOWLOG"));
  }
  if (context.args.size() == 3) {
    const std::optional<int64_t> given = parse_i64(context.args[2]);
    if (!given || *given < -1) return context.reply.error(resp::kSlowlogCount);
    count = *given < 0 ? std::numeric_limits<size_t>::max() : static_cast<size_t>(*given);
  }
  const std::vector<Slowlog::Entry> entries = context.server.slowlog.newest(count, length_max(context));
  context.reply.array(static_cast<int64_t>(entries.size()));
  for (const Slowlog::Entry& entry : entries) write_entry(context.reply, entry);
}

void slowlog_len_command(CommandContext& context) {
  context.reply.integer(static_cast<int64_t>(context.server.slowlog.size(length_max(context))));
}

void slowlog_reset_command(CommandContext& context) {
  context.server.slowlog.clear();
  context.reply.ok();
}

void slowlog_help_command(CommandContext& context) {
  write_help(context);
}

}  // namespace millrace::commands
