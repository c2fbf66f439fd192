// XREAD and XREADGROUP: serving. See stream_read.h.
#include "commands/stream_read.h"

#include <algorithm>

#include "base/check.h"
#include "commands/handlers.h"
#include "commands/stream_args.h"
#include "commands/stream_blocked.h"
#include "commands/stream_replies.h"
#include "streams/delivery.h"

namespace millrace::commands {

using streams::ClaimedEntry;
using streams::EntryIterator;
using streams::Stream;
using streams::StreamId;

namespace {

bool has_entry_after(const Stream& stream, StreamId id) {
  const auto last = stream.last_entry_id();
  return last && *last > id;
}

}  // namespace

bool is_ready(const ReadOptions& options, const ReadTarget& target, int64_t now_ms) {
  if (target.stream == nullptr) return false;
  switch (target.point.kind) {
    case ReadPoint::Kind::kAfter:
      return options.in_group || has_entry_after(*target.stream, target.point.after);
    case ReadPoint::Kind::kLast:
      return target.stream->length() > 0;
    case ReadPoint::Kind::kNew:
      break;
  }
  if (has_entry_after(*target.stream, target.group->last_delivered)) return true;
  return target.claims && streams::has_claimable(*target.stream, *target.group, *options.min_idle_ms, now_ms);
}

// ---- the budget

uint64_t ReadReply::count_left() const {
  if (options_.count_all == 0) return options_.count;
  const uint64_t left = options_.count_all - entries_;
  return options_.count == 0 ? left : std::min(options_.count, left);
}

// MAXSIZE is soft: the first entry of the reply always fits.
bool ReadReply::has_room() const {
  if (options_.bytes_max == 0 || entries_ == 0) return true;
  return reply_.size() - start_ - unfilled_bytes_ < options_.bytes_max;
}

bool ReadReply::takes_more_streams() const {
  return has_room() && (options_.count_all == 0 || entries_ < options_.count_all);
}

// ---- the reply

ReadReply::OpenArray ReadReply::open_array(uint64_t length_hint) {
  const size_t before = reply_.size();
  OpenArray array;
  array.token = reply_.begin_array(static_cast<int64_t>(length_hint));
  array.header_bytes = reply_.size() - before;
  unfilled_bytes_ += array.header_bytes;
  return array;
}

void ReadReply::serve(keyspace::Database& db, const ReadTarget& target, streams::Consumer* consumer) {
  DCHECK(takes_more_streams());
  collects_ = options_.in_group && db.effects() != nullptr;
  if (streams_ == 0) outer_ = open_array(1);
  ++streams_;
  if (!reply_.is_resp3()) reply_.array(2);
  reply_.bulk(target.key);

  const uint64_t expected = target.stream->length();
  const OpenArray array = open_array(count_left() == 0 ? expected : std::min(count_left(), expected));
  const uint64_t before = entries_;
  if (!options_.in_group) {
    write_after(target);
  } else if (target.point.kind == ReadPoint::Kind::kAfter) {
    write_history(db, target, *consumer);
  } else {
    write_new(db, target, *consumer);
  }
  reply_.end_array(array.token, static_cast<int64_t>(entries_ - before));
  unfilled_bytes_ -= array.header_bytes;
}

bool ReadReply::finish() {
  if (streams_ == 0) return false;
  if (reply_.is_resp3()) {
    reply_.end_map(outer_.token, streams_);
  } else {
    reply_.end_array(outer_.token, streams_);
  }
  return true;
}

void ReadReply::write_after(const ReadTarget& target) {
  StreamId start;
  if (target.point.kind == ReadPoint::Kind::kLast) {
    start = target.stream->last_entry_id().value_or(streams::kStreamIdMax);
  } else {
    start = successor(target.point.after).value_or(streams::kStreamIdMax);
  }
  const uint64_t limit = count_left();
  uint64_t written = 0;
  for (auto entry = target.stream->entries(start, streams::kStreamIdMax); entry.valid() && has_room(); entry.next()) {
    write_entry(reply_, entry);
    ++entries_;
    if (++written == limit) break;
  }
}

void ReadReply::write_history(keyspace::Database& db, const ReadTarget& target, streams::Consumer& consumer) {
  collected_.clear();
  const uint64_t read = streams::read_history(
      *target.stream, *target.group, consumer, target.point.after, count_left(), db.now().unix_ms,
      [this] { return has_room(); },
      [this](StreamId id, EntryIterator* entry) {
        ++entries_;
        if (entry == nullptr) return write_missing_entry(reply_, id);
        collect(id);
        write_entry(reply_, *entry);
      });
  if (read > 0) db.count_change();
  note_claimed(db, name_of(target), *target.group, options_.consumer, collected_);
}

// Claimed entries first; new ones fill what is left of the count.
void ReadReply::write_new(keyspace::Database& db, const ReadTarget& target, streams::Consumer& consumer) {
  streams::NewDelivery delivery;
  delivery.count = count_left();
  delivery.no_ack = options_.no_ack;
  delivery.now_ms = db.now().unix_ms;
  if (target.claims) {
    const uint64_t claimed = write_claimed(db, target, consumer);
    if (delivery.count != 0 && claimed >= delivery.count) return;
    if (delivery.count != 0) delivery.count -= claimed;
  }
  collected_.clear();
  const uint64_t delivered = streams::deliver_new(
      *target.stream, *target.group, consumer, delivery, [this] { return has_room(); },
      [this, &target](EntryIterator& entry) {
        ++entries_;
        collect(entry.id());
        target.claims ? write_entry(reply_, entry, 0, 0) : write_entry(reply_, entry);
      });
  if (delivered == 0) return;
  db.count_change();
  if (!options_.no_ack) note_delivered(db, name_of(target), *target.group, options_.consumer, collected_);
  note_position(db, name_of(target), *target.group);
}

uint64_t ReadReply::write_claimed(keyspace::Database& db, const ReadTarget& target, streams::Consumer& consumer) {
  streams::IdleClaim claim;
  claim.count = count_left();
  claim.min_idle_ms = *options_.min_idle_ms;
  claim.now_ms = db.now().unix_ms;
  collected_.clear();
  const uint64_t claimed = streams::claim_idle(
      *target.stream, *target.group, consumer, claim, [this] { return has_room(); },
      [this](EntryIterator& entry, const ClaimedEntry& before) {
        ++entries_;
        collect(entry.id());
        write_entry(reply_, entry, before.idle_ms, before.delivery_count);
      });
  if (claimed > 0) db.count_change();
  note_claimed(db, name_of(target), *target.group, options_.consumer, collected_);
  return claimed;
}

// ---- the commands

namespace {

void read_streams(CommandContext& context, bool in_group) {
  ReadRequest request;
  if (!read_request(context, in_group, request)) return;
  ReadReply reply(context.reply, request.options);
  for (const ReadTarget& target : request.targets) {
    if (!reply.takes_more_streams()) break;
    // Redis looks for the key again when it comes to serve it, and misses it a second time.
    if (target.stream == nullptr) context.db.note_miss(target.key);
    streams::Consumer* consumer = nullptr;
    if (in_group) {
      const GroupName name{target.key, request.options.group};
      consumer = &see_consumer(context.db, name, *target.group, request.options.consumer);
    }
    if (is_ready(request.options, target, context.now.unix_ms)) reply.serve(context.db, target, consumer);
  }
  if (reply.finish()) return;
  if (!request.options.block_ms) return context.reply.null_array();
  context.block(Ref<BlockedRead>::make(context, request));
}

}  // namespace

void xread_command(CommandContext& context) {
  read_streams(context, /*in_group=*/false);
}

// What it hands out is an effect, never the command.
void xreadgroup_command(CommandContext& context) {
  if (keyspace::Effects* const effects = context.db.effects()) effects->says_it_all();
  read_streams(context, /*in_group=*/true);
}

}  // namespace millrace::commands
