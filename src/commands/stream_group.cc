// XGROUP: makes, moves and drops consumer groups and their consumers.

#include <algorithm>

#include "commands/handlers.h"
#include "commands/help.h"
#include "commands/stream_args.h"
#include "resp/errors.h"

namespace millrace::commands {

using streams::StreamId;

namespace {

struct GroupOptions {
  bool mkstream = false;
  int64_t entries_read = streams::kEntriesReadUnknown;
};

void refuse_shape(CommandContext& context) {
  context.reply.error(resp::unknown_subcommand_or_arity(context.args[1], "XGROUP"));
}

// [MKSTREAM] [ENTRIESREAD n] from args[5]. False after an error reply.
bool read_options(CommandContext& context, bool mkstream_allowed, GroupOptions& options) {
  for (size_t at = 5; at < context.args.size(); ++at) {
    if (mkstream_allowed && same_word(context.args[at], "MKSTREAM")) {
      options.mkstream = true;
    } else if (same_word(context.args[at], "ENTRIESREAD") && at + 1 < context.args.size()) {
      const auto count = read_integer(context.reply, context.args[++at]);
      if (!count) return false;
      if (*count < streams::kEntriesReadUnknown) {
        context.reply.error(resp::kEntriesRead);
        return false;
      }
      options.entries_read = *count;
    } else {
      refuse_shape(context);
      return false;
    }
  }
  return true;
}

// The stream of a subcommand that needs one; nullptr after an error reply.
streams::Stream* require_stream(CommandContext& context) {
  const StreamLookup found = find_stream_to_write(context, context.args[2]);
  if (found.stream == nullptr && !found.wrong_type) context.reply.error(resp::kXgroupNeedsKey);
  return found.stream;
}

// As above, and the group has to be there, too.
GroupLookup require_group(CommandContext& context) {
  GroupLookup found;
  found.stream = require_stream(context);
  if (found.stream == nullptr) return found;
  found.group = found.stream->group(context.args[3]);
  if (found.group == nullptr) context.reply.error(resp::no_consumer_group(context.args[3], context.args[2]));
  return found;
}

// XGROUP CREATE key group id [MKSTREAM] [ENTRIESREAD n]
void note_created(CommandContext& context, const streams::Group& group, bool makes_stream) {
  keyspace::Effects* const effects = context.db.effects();
  if (effects == nullptr) return;
  const bool counts = group.entries_read != streams::kEntriesReadUnknown;
  effects->begin_command(context.db.index(), 5 + (makes_stream ? 1 : 0) + (counts ? 2 : 0));
  for (const std::string_view word : context.args.first(4)) effects->word(word);
  effects->word(group.last_delivered);
  if (makes_stream) effects->word("MKSTREAM");
  if (!counts) return;
  effects->word("ENTRIESREAD");
  effects->word(group.entries_read);
}

// Not more than were added.
int64_t settled_entries_read(const streams::Stream& stream, int64_t entries_read) {
  return std::min(entries_read, static_cast<int64_t>(stream.entries_added()));
}

}  // namespace

void xgroup_create_command(CommandContext& context) {
  constexpr size_t kArgumentsMax = 8;
  GroupOptions options;
  if (!read_options(context, /*mkstream_allowed=*/true, options)) return;
  const std::string_view key = context.args[2];
  const StreamLookup found = find_stream_to_write(context, key);
  if (found.wrong_type) return;
  if (found.stream == nullptr && !options.mkstream) return context.reply.error(resp::kXgroupNeedsKey);
  if (context.args.size() > kArgumentsMax) return refuse_shape(context);
  StreamId last_delivered;
  if (context.args[4] != "$") {
    const auto id = read_id(context.reply, context.args[4]);
    if (!id) return;
    last_delivered = *id;
  } else if (found.stream != nullptr) {
    last_delivered = found.stream->last_id();
  }
  streams::Stream& stream = found.stream == nullptr ? create_stream(context, key) : *found.stream;
  const streams::Group* const group = stream.create_group(context.args[3], last_delivered, options.entries_read);
  if (group == nullptr) return context.reply.error(resp::kBusyGroup);
  context.db.count_change();
  context.db.notify(keyspace::kEventStream, "xgroup-create", key);
  note_created(context, *group, found.stream == nullptr);
  context.reply.ok();
}

void xgroup_setid_command(CommandContext& context) {
  constexpr size_t kArgumentsMax = 7;
  GroupOptions options;
  if (!read_options(context, /*mkstream_allowed=*/false, options)) return;
  const GroupLookup found = require_group(context);
  if (found.group == nullptr) return;
  if (context.args.size() > kArgumentsMax) return refuse_shape(context);
  StreamId id = found.stream->last_id();
  if (context.args[4] != "$") {
    const auto given = read_id_or_edge(context.reply, context.args[4], 0);
    if (!given) return;
    id = *given;
  }
  found.group->last_delivered = id;
  found.group->entries_read = settled_entries_read(*found.stream, options.entries_read);
  note_position(context.db, {context.args[2], context.args[3]}, *found.group);
  context.db.count_change();
  context.db.notify(keyspace::kEventStream, "xgroup-setid", context.args[2]);
  context.reply.ok();
}

void xgroup_destroy_command(CommandContext& context) {
  streams::Stream* stream = require_stream(context);
  if (stream == nullptr) return;
  const bool destroyed = stream->destroy_group(context.args[3]);
  context.reply.integer(destroyed ? 1 : 0);
  if (!destroyed) return;
  context.db.count_change();
  context.db.notify(keyspace::kEventStream, "xgroup-destroy", context.args[2]);
  context.db.signal_ready(context.args[2]);  // its blocked readers end with NOGROUP
}

void xgroup_createconsumer_command(CommandContext& context) {
  const GroupLookup found = require_group(context);
  if (found.group == nullptr) return;
  bool created = false;
  ensure_consumer(context.db, {context.args[2], context.args[3]}, *found.group, context.args[4], &created);
  context.reply.integer(created ? 1 : 0);
}

void xgroup_delconsumer_command(CommandContext& context) {
  const GroupLookup found = require_group(context);
  if (found.group == nullptr) return;
  const auto dropped = found.group->remove_consumer(context.args[4]);
  context.reply.integer(static_cast<int64_t>(dropped.value_or(0)));
  if (!dropped) return;
  context.db.count_change();
  context.db.notify(keyspace::kEventStream, "xgroup-delconsumer", context.args[2]);
}

void xgroup_help_command(CommandContext& context) {
  write_help(context);
}

}  // namespace millrace::commands
