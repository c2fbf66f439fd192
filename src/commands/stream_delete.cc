// XDEL, XDELEX, XACKDEL and XTRIM: entries leave the stream. The key stays when the last one has gone.
#include "commands/handlers.h"
#include "commands/stream_args.h"
#include "commands/stream_effects.h"
#include "resp/errors.h"

namespace millrace::commands {

using streams::EraseOutcome;

namespace {

constexpr int64_t kNotFound = static_cast<int64_t>(EraseOutcome::kNotFound);
constexpr int64_t kDone = static_cast<int64_t>(EraseOutcome::kErased);
constexpr int64_t kKept = static_cast<int64_t>(EraseOutcome::kReferenced);

void tell_of_deletion(CommandContext& context) {
  context.db.signal_modified(context.args[1]);
  context.db.notify(keyspace::kEventStream, "xdel", context.args[1]);
}

void write_all_not_found(resp::ReplyWriter& reply, size_t count) {
  reply.array(static_cast<int64_t>(count));
  for (size_t i = 0; i < count; ++i) reply.integer(kNotFound);
}

}  // namespace

void xdel_command(CommandContext& context) {
  const StreamLookup found = find_stream_to_write(context, context.args[1]);
  if (found.wrong_type) return;
  if (found.stream == nullptr) return context.reply.integer(0);
  const auto ids = read_ids(context.reply, context.args.subspan(2));
  if (!ids) return;
  int64_t erased = 0;
  for (const streams::StreamId id : *ids) erased += found.stream->erase(id) ? 1 : 0;
  context.db.count_change(static_cast<uint64_t>(erased));
  if (erased > 0) tell_of_deletion(context);
  context.reply.integer(erased);
}

void xdelex_command(CommandContext& context) {
  const StreamLookup found = find_stream_to_write(context, context.args[1]);
  if (found.wrong_type) return;
  const auto options = read_delete_options(context.reply, context.args.subspan(2));
  if (!options) return;
  if (found.stream == nullptr) return write_all_not_found(context.reply, options->ids.size());
  const auto ids = read_ids(context.reply, options->ids);
  if (!ids) return;
  context.reply.array(static_cast<int64_t>(ids->size()));
  bool any_erased = false;
  for (const streams::StreamId id : *ids) {
    bool purged = false;
    const EraseOutcome outcome = found.stream->erase_with_policy(id, options->policy, &purged);
    if (outcome == EraseOutcome::kErased || purged) context.db.count_change();
    any_erased |= outcome == EraseOutcome::kErased;
    context.reply.integer(static_cast<int64_t>(outcome));
  }
  if (any_erased) tell_of_deletion(context);
}

void xackdel_command(CommandContext& context) {
  const GroupLookup found = find_group_to_change(context, context.args[1], context.args[2]);
  if (found.wrong_type) return;
  const auto options = read_delete_options(context.reply, context.args.subspan(3));
  if (!options) return;
  if (found.group == nullptr) return write_all_not_found(context.reply, options->ids.size());
  const auto ids = read_ids(context.reply, options->ids);
  if (!ids) return;
  context.reply.array(static_cast<int64_t>(ids->size()));
  bool any_erased = false;
  for (const streams::StreamId id : *ids) {
    if (!found.group->pending.erase(id)) {
      context.reply.integer(kNotFound);
      continue;
    }
    context.db.count_change();
    // Whether somebody else still refers to it is asked after the acknowledgement. An entry that has already gone
    // counts as done.
    const EraseOutcome outcome = found.stream->erase_with_policy(id, options->policy);
    any_erased |= outcome == EraseOutcome::kErased;
    context.reply.integer(outcome == EraseOutcome::kReferenced ? kKept : kDone);
  }
  if (any_erased) tell_of_deletion(context);
}

void xtrim_command(CommandContext& context) {
  AddOrTrimOptions options;
  if (!read_xtrim_options(context, options)) return;
  const std::string_view key = context.args[1];
  const StreamLookup found = find_stream_to_write(context, key);
  if (found.wrong_type) return;
  const uint64_t removed = found.stream == nullptr ? 0 : found.stream->trim(options.trim);
  context.reply.integer(static_cast<int64_t>(removed));
  if (removed == 0) return;
  context.db.count_change(removed);
  context.db.signal_modified(key);
  context.db.notify(keyspace::kEventStream, "xtrim", key);
  keyspace::Effects* const effects = context.db.effects();
  if (effects == nullptr) return;
  const TrimEffect trim{options.trim.policy, found.stream->length()};
  effects->begin_command(context.db.index(), 2 + trim.word_count());
  effects->word("XTRIM");
  effects->word(key);
  trim.write(*effects);
}

}  // namespace millrace::commands
