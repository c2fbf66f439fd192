// XSETID, XCFGSET and XIDMPRECORD: a stream's own numbers and records.
#include "commands/handlers.h"
#include "commands/stream_args.h"
#include "commands/stream_effects.h"
#include "resp/errors.h"

namespace millrace::commands {

using streams::StreamId;

namespace {

struct SetIdOptions {
  StreamId id;
  std::optional<uint64_t> entries_added;
  StreamId max_deleted_id;  // 0-0: leave it
};

// id [ENTRIESADDED n] [MAXDELETEDID id] from args[2]. False after an error reply.
bool read_setid_options(CommandContext& context, SetIdOptions& options) {
  const auto refuse = [&context](std::string_view error) {
    context.reply.error(error);
    return false;
  };
  const auto id = read_id(context.reply, context.args[2]);
  if (!id) return false;
  options.id = *id;
  for (size_t at = 3; at < context.args.size(); at += 2) {
    if (at + 1 == context.args.size()) return refuse(resp::kSyntax);
    const std::string_view argument = context.args[at + 1];
    if (same_word(context.args[at], "ENTRIESADDED")) {
      const auto count = read_integer(context.reply, argument);
      if (!count) return false;
      if (*count < 0) return refuse(resp::kEntriesAddedNegative);
      options.entries_added = static_cast<uint64_t>(*count);
    } else if (same_word(context.args[at], "MAXDELETEDID")) {
      const auto max_deleted = read_id(context.reply, argument);
      if (!max_deleted) return false;
      if (options.id < *max_deleted) return refuse(resp::kXsetidBelowGivenMaxDeleted);
      options.max_deleted_id = *max_deleted;
    } else {
      return refuse(resp::kSyntax);
    }
  }
  return true;
}

// Why the stream cannot take these numbers; empty if it can.
std::string_view conflict(const streams::Stream& stream, const SetIdOptions& options) {
  if (options.id < stream.max_deleted_id()) return resp::kXsetidBelowMaxDeleted;
  const auto top = stream.last_entry_id();
  if (!top) return {};
  if (options.id < *top) return resp::kXsetidBelowTop;
  if (options.entries_added && stream.length() > *options.entries_added) return resp::kXsetidBelowLength;
  return {};
}

// Fewer entries added take groups back that had read more. redis-server 7.0 leaves them, so the journal says where they
// are.
void note_groups_at_end(CommandContext& context, const streams::Stream& stream) {
  keyspace::Effects* const effects = context.db.effects();
  if (effects == nullptr) return;
  effects->add(context.db.index(), context.args);
  for (const auto& [name, group] : stream.groups()) {
    if (group.entries_read != static_cast<int64_t>(stream.entries_added())) continue;
    note_position(context.db, {context.args[1], name}, group);
  }
}

// One of XCFGSET's parameters.
struct Limit {
  std::string_view word;
  std::string_view twice;
  std::string_view out_of_range;
  int64_t max;
  int64_t streams::IdempotencyLimits::*member;
};
constexpr Limit kLimits[] = {
    {"IDMP-DURATION", resp::kIdmpDurationTwice, resp::kIdmpDurationRange, 86400,
     &streams::IdempotencyLimits::duration_s},
    {"IDMP-MAXSIZE", resp::kIdmpMaxSizeTwice, resp::kIdmpMaxSizeRange, 10000, &streams::IdempotencyLimits::entries_max},
};

const Limit* find_limit(std::string_view arg) {
  for (const Limit& limit : kLimits) {
    if (same_word(arg, limit.word)) return &limit;
  }
  return nullptr;
}

// [IDMP-DURATION seconds] [IDMP-MAXSIZE entries] from args[2]. False after an error reply.
bool read_limits(CommandContext& context, streams::IdempotencyLimits& limits) {
  const auto refuse = [&context](std::string_view error) {
    context.reply.error(error);
    return false;
  };
  const Limit* first = nullptr;
  const Limit* second = nullptr;
  for (size_t at = 2; at < context.args.size(); at += 2) {
    const Limit* limit = at + 1 < context.args.size() ? find_limit(context.args[at]) : nullptr;
    if (limit == nullptr) return refuse(resp::kSyntax);
    if (limit == first || limit == second) return refuse(limit->twice);
    (first == nullptr ? first : second) = limit;
    const auto value = read_integer(context.reply, context.args[at + 1]);
    if (!value) return false;
    if (*value < 1 || *value > limit->max) return refuse(limit->out_of_range);
    limits.*limit->member = *value;
  }
  return first != nullptr || refuse(resp::kXcfgsetNothing);
}

}  // namespace

void xsetid_command(CommandContext& context) {
  SetIdOptions options;
  if (!read_setid_options(context, options)) return;
  const StreamLookup found = find_stream_to_write(context, context.args[1]);
  if (found.wrong_type) return;
  if (found.stream == nullptr) return context.reply.error(resp::kNoSuchKey);
  const std::string_view problem = conflict(*found.stream, options);
  if (!problem.empty()) return context.reply.error(problem);
  const bool fewer_added = options.entries_added && *options.entries_added < found.stream->entries_added();
  found.stream->set_last_id(options.id);
  if (options.entries_added) found.stream->set_entries_added(*options.entries_added);
  if (!options.max_deleted_id.is_zero()) found.stream->set_max_deleted_id(options.max_deleted_id);
  if (fewer_added) note_groups_at_end(context, *found.stream);
  context.db.count_change();
  context.db.notify(keyspace::kEventStream, "xsetid", context.args[1]);
  context.reply.ok();
}

void xcfgset_command(CommandContext& context) {
  const StreamLookup found = find_stream_to_write(context, context.args[1]);
  if (found.wrong_type) return;
  if (found.stream == nullptr) return context.reply.error(resp::kNoSuchKey);
  streams::IdempotencyLimits limits = found.stream->idempotency.limits();
  if (!read_limits(context, limits)) return;
  if (found.stream->idempotency.set_limits(limits)) context.db.count_change();
  context.reply.ok();
}

void xidmprecord_command(CommandContext& context) {
  const auto id = read_id(context.reply, context.args[4]);
  if (!id) return;
  const std::string_view producer = context.args[2];
  const std::string_view idempotent_id = context.args[3];
  if (producer.empty()) return context.reply.error(resp::kEmptyProducerId);
  if (idempotent_id.empty()) return context.reply.error(resp::kEmptyIdempotentId);
  const StreamLookup found = find_stream_to_write(context, context.args[1]);
  if (found.wrong_type) return;
  if (found.stream == nullptr) return context.reply.error(resp::kNoSuchKey);
  if (!found.stream->contains(*id)) return context.reply.error(resp::kNoSuchMessage);
  // What a journal records was not there when it was written.
  if (context.db.is_replay()) found.stream->idempotency.forget_up_to(producer, idempotent_id);
  const auto known = found.stream->idempotency.find(producer, idempotent_id);
  if (known && *known != *id) return context.reply.error(resp::kIdempotentIdTaken);
  if (!known) {
    found.stream->idempotency.record(producer, idempotent_id, *id);
    context.db.track_idempotency(context.args[1]);
    context.db.count_change();
  }
  context.reply.ok();
}

}  // namespace millrace::commands
