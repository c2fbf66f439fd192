// XINFO: a stream, its groups and its consumers from the inside.
//
// The shape of these replies is frozen per Redis version, and clients count fields: what is newer than the version the
// server claims to be (compat-version) is left out.
#include <algorithm>

#include "commands/handlers.h"
#include "commands/help.h"
#include "commands/stream_args.h"
#include "commands/stream_replies.h"
#include "resp/errors.h"

namespace millrace::commands {

using streams::Consumer;
using streams::Group;
using streams::Pending;
using streams::Stream;

namespace {

constexpr uint32_t kActiveTimeSince = 0x00070200;
constexpr uint32_t kIdempotencySince = 0x00080600;
constexpr uint32_t kNackedCountSince = 0x00080800;

constexpr uint64_t kFullCountDefault = 10;

class InfoWriter {
 public:
  explicit InfoWriter(CommandContext& context)
      : reply_(context.reply), now_ms_(context.now.unix_ms), version_(context.server.settings.compat_version()) {}

  void write_stream(const Stream& stream);
  // `count` limits entries and pending lists; 0 = no limit.
  void write_full_stream(const Stream& stream, uint64_t count);
  void write_groups(const Stream& stream);
  void write_consumers(const Group& group);

 private:
  bool has(uint32_t since) const { return version_ >= since; }
  void field(std::string_view name, int64_t value) {
    reply_.bulk(name);
    reply_.integer(value);
  }
  void field(std::string_view name, size_t value) { field(name, static_cast<int64_t>(value)); }
  void field(std::string_view name, streams::StreamId id) {
    reply_.bulk(name);
    write_id(reply_, id);
  }

  int64_t common_fields() const { return has(kIdempotencySince) ? 13 : 7; }
  void write_common(const Stream& stream);
  void write_idempotency(const streams::Idempotency& idempotency);
  void write_end_entry(std::string_view name, const Stream& stream, bool reverse);
  void write_progress(const Stream& stream, const Group& group);
  void write_full_group(const Stream& stream, std::string_view name, const Group& group, uint64_t count);
  void write_group_pending(const Group& group, uint64_t count);
  void write_full_consumer(std::string_view name, const Consumer& consumer, const Group& group, uint64_t count);
  void write_consumer_pending(const Consumer& consumer, const Group& group, uint64_t count);

  resp::ReplyWriter& reply_;
  const int64_t now_ms_;
  const uint32_t version_;
};

int64_t limited(size_t size, uint64_t count) {
  return static_cast<int64_t>(count == 0 ? size : std::min<uint64_t>(size, count));
}

// ---- the stream

void InfoWriter::write_common(const Stream& stream) {
  field("length", stream.length());
  field("radix-tree-keys", stream.node_count());
  // Redis counts leaves and a root that is there from the start; our tree keeps neither as nodes of its own.
  field("radix-tree-nodes", stream.tree_node_count() + stream.node_count() + 1);
  field("last-generated-id", stream.last_id());
  field("max-deleted-entry-id", stream.max_deleted_id());
  field("entries-added", stream.entries_added());
  field("recorded-first-entry-id", stream.first_id());
  if (has(kIdempotencySince)) write_idempotency(stream.idempotency);
}

void InfoWriter::write_idempotency(const streams::Idempotency& idempotency) {
  field("idmp-duration", idempotency.limits().duration_s);
  field("idmp-maxsize", idempotency.limits().entries_max);
  field("pids-tracked", idempotency.producer_count());
  field("iids-tracked", idempotency.record_count());
  field("iids-added", idempotency.records_added());
  field("iids-duplicates", idempotency.duplicates());
}

void InfoWriter::write_end_entry(std::string_view name, const Stream& stream, bool reverse) {
  reply_.bulk(name);
  auto entry = stream.entries(streams::kStreamIdMin, streams::kStreamIdMax, reverse);
  if (entry.valid()) {
    write_entry(reply_, entry);
  } else {
    reply_.null();
  }
}

void InfoWriter::write_stream(const Stream& stream) {
  reply_.map(common_fields() + 3);
  write_common(stream);
  field("groups", stream.groups().size());
  write_end_entry("first-entry", stream, /*reverse=*/false);
  write_end_entry("last-entry", stream, /*reverse=*/true);
}

void InfoWriter::write_full_stream(const Stream& stream, uint64_t count) {
  reply_.map(common_fields() + 2);
  write_common(stream);
  reply_.bulk("entries");
  write_entries(reply_, stream, streams::kStreamIdMin, streams::kStreamIdMax, /*reverse=*/false, count);
  reply_.bulk("groups");
  reply_.array(static_cast<int64_t>(stream.groups().size()));
  for (const auto& [name, group] : stream.groups()) write_full_group(stream, name, group, count);
}

// ---- groups

void InfoWriter::write_progress(const Stream& stream, const Group& group) {
  field("last-delivered-id", group.last_delivered);
  reply_.bulk("entries-read");
  if (group.entries_read == streams::kEntriesReadUnknown) {
    reply_.null();
  } else {
    reply_.integer(group.entries_read);
  }
  reply_.bulk("lag");
  if (const auto lag = stream.lag(group)) {
    reply_.integer(static_cast<int64_t>(*lag));
  } else {
    reply_.null();
  }
}

void InfoWriter::write_groups(const Stream& stream) {
  reply_.array(static_cast<int64_t>(stream.groups().size()));
  for (const auto& [name, group] : stream.groups()) {
    reply_.map(6);
    reply_.bulk("name");
    reply_.bulk(name);
    field("consumers", group.consumers().size());
    field("pending", group.pending.size());
    write_progress(stream, group);
  }
}

void InfoWriter::write_full_group(const Stream& stream, std::string_view name, const Group& group, uint64_t count) {
  const bool shows_nacked = has(kNackedCountSince);
  reply_.map(shows_nacked ? 8 : 7);
  reply_.bulk("name");
  reply_.bulk(name);
  write_progress(stream, group);
  field("pel-count", group.pending.size());
  if (shows_nacked) field("nacked-count", group.pending.unowned_count());
  write_group_pending(group, count);
  reply_.bulk("consumers");
  reply_.array(static_cast<int64_t>(group.consumers().size()));
  for (const auto& [consumer_name, consumer] : group.consumers()) {
    write_full_consumer(consumer_name, consumer, group, count);
  }
}

void InfoWriter::write_group_pending(const Group& group, uint64_t count) {
  int64_t left = limited(group.pending.size(), count);
  reply_.bulk("pending");
  reply_.array(left);
  for (auto pending = group.pending.first(); left > 0; pending = group.pending.after(pending->id), --left) {
    reply_.array(4);
    write_id(reply_, pending->id);
    reply_.bulk(group.consumer_name(pending->consumer));
    reply_.integer(pending->delivery_time_ms);
    reply_.integer(pending->delivery_count);
  }
}

// ---- consumers

void InfoWriter::write_consumers(const Group& group) {
  const bool shows_inactive = has(kActiveTimeSince);
  reply_.array(static_cast<int64_t>(group.consumers().size()));
  for (const auto& [name, consumer] : group.consumers()) {
    reply_.map(shows_inactive ? 4 : 3);
    reply_.bulk("name");
    reply_.bulk(name);
    field("pending", group.pending.count_of(consumer.id));
    field("idle", std::max<int64_t>(now_ms_ - consumer.seen_time_ms, 0));
    if (!shows_inactive) continue;
    const bool never = consumer.active_time_ms == streams::kNeverActive;
    field("inactive", never ? -1 : std::max<int64_t>(now_ms_ - consumer.active_time_ms, 0));
  }
}

void InfoWriter::write_full_consumer(std::string_view name, const Consumer& consumer, const Group& group,
                                     uint64_t count) {
  const bool shows_active = has(kActiveTimeSince);
  reply_.map(shows_active ? 5 : 4);
  reply_.bulk("name");
  reply_.bulk(name);
  field("seen-time", consumer.seen_time_ms);
  if (shows_active) field("active-time", consumer.active_time_ms);
  field("pel-count", group.pending.count_of(consumer.id));
  write_consumer_pending(consumer, group, count);
}

void InfoWriter::write_consumer_pending(const Consumer& consumer, const Group& group, uint64_t count) {
  int64_t left = limited(group.pending.count_of(consumer.id), count);
  reply_.bulk("pending");
  reply_.array(left);
  auto from = std::optional(streams::kStreamIdMin);
  for (; left > 0; --left) {
    const auto pending = group.pending.at_or_after(consumer.id, *from);
    reply_.array(3);
    write_id(reply_, pending->id);
    reply_.integer(pending->delivery_time_ms);
    reply_.integer(pending->delivery_count);
    from = successor(pending->id);
  }
}

// ---- arguments

// The stream at args[2]; nullptr after an error reply.
const Stream* require_stream(CommandContext& context) {
  const StreamView found = find_stream_to_read(context, context.args[2]);
  if (found.stream == nullptr && !found.wrong_type) context.reply.error(resp::kNoSuchKey);
  return found.stream;
}

// FULL [COUNT n] from args[3]: how many entries to show. Nothing after an error reply.
std::optional<uint64_t> read_full_count(CommandContext& context) {
  const Args words = context.args.subspan(3);
  const bool shape_ok =
      same_word(words[0], "FULL") && (words.size() == 1 || (words.size() == 3 && same_word(words[1], "COUNT")));
  if (!shape_ok) {
    context.reply.error(resp::unknown_subcommand_or_arity(context.args[1], "XINFO"));
    return std::nullopt;
  }
  if (words.size() == 1) return kFullCountDefault;
  const auto count = read_integer(context.reply, words[2]);
  if (!count) return std::nullopt;
  return *count < 0 ? kFullCountDefault : static_cast<uint64_t>(*count);
}

}  // namespace

void xinfo_stream_command(CommandContext& context) {
  const Stream* stream = require_stream(context);
  if (stream == nullptr) return;
  if (context.args.size() == 3) return InfoWriter(context).write_stream(*stream);
  const auto count = read_full_count(context);
  if (count) InfoWriter(context).write_full_stream(*stream, *count);
}

void xinfo_groups_command(CommandContext& context) {
  const Stream* stream = require_stream(context);
  if (stream != nullptr) InfoWriter(context).write_groups(*stream);
}

void xinfo_consumers_command(CommandContext& context) {
  const Stream* stream = require_stream(context);
  if (stream == nullptr) return;
  const Group* group = stream->group(context.args[3]);
  if (group == nullptr) return context.reply.error(resp::no_consumer_group(context.args[3], context.args[2]));
  InfoWriter(context).write_consumers(*group);
}

void xinfo_help_command(CommandContext& context) {
  write_help(context);
}

}  // namespace millrace::commands
