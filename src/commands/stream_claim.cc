// XCLAIM and XAUTOCLAIM: pending entries change hands.
#include <algorithm>
#include <limits>

#include "base/check.h"
#include "base/numbers.h"
#include "commands/handlers.h"
#include "commands/stream_args.h"
#include "commands/stream_effects.h"
#include "commands/stream_replies.h"
#include "resp/errors.h"
#include "streams/delivery.h"

namespace millrace::commands {

using streams::StreamId;

namespace {

struct XclaimOptions {
  streams::ClaimOptions claim;
  StreamId last_id;
};

// The options of XCLAIM behind the ids. Each may come several times; the last one counts.
class XclaimReader {
 public:
  XclaimReader(CommandContext& context, size_t at, XclaimOptions& options)
      : reply_(context.reply),
        args_(context.args),
        now_ms_(context.now.unix_ms),
        is_replay_(context.db.is_replay()),
        at_(at),
        options_(options) {}

  bool read() {
    for (; at_ < args_.size(); ++at_) {
      if (!read_option()) return false;
    }
    return true;
  }

 private:
  bool at_word(std::string_view word, size_t arguments) const {
    return args_.size() - at_ - 1 >= arguments && same_word(args_[at_], word);
  }

  bool read_option() {
    streams::ClaimOptions& claim = options_.claim;
    if (at_word("FORCE", 0)) return claim.force = true;
    if (at_word("JUSTID", 0)) return claim.just_id = true;
    if (at_word("IDLE", 1)) return read_idle();
    if (at_word("TIME", 1)) return read_time();
    if (at_word("RETRYCOUNT", 1)) return read_retry_count();
    if (at_word("LASTID", 1)) return read_last_id();
    reply_.error(resp::unrecognized_xclaim_option(args_[at_]));
    return false;
  }

  // A time before the epoch or in the future makes no sense and becomes now. In a journal it was now once; the clock
  // may have been turned back since.
  bool read_idle() {
    const auto idle = read_integer(reply_, args_[++at_], resp::kXclaimIdle);
    if (!idle) return false;
    options_.claim.delivery_time_ms = *idle < 0 || *idle > now_ms_ ? now_ms_ : now_ms_ - *idle;
    return true;
  }

  bool read_time() {
    const auto time = read_integer(reply_, args_[++at_], resp::kXclaimTime);
    if (!time) return false;
    options_.claim.delivery_time_ms = *time < 0 || (*time > now_ms_ && !is_replay_) ? now_ms_ : *time;
    return true;
  }

  bool read_retry_count() {
    const auto count = read_integer(reply_, args_[++at_], resp::kXclaimRetryCount);
    if (!count) return false;
    options_.claim.retry_count = *count < 0 ? std::nullopt : count;
    return true;
  }

  bool read_last_id() {
    const auto id = read_id(reply_, args_[++at_]);
    if (id) options_.last_id = *id;
    return id.has_value();
  }

  resp::ReplyWriter& reply_;
  const Args args_;
  const int64_t now_ms_;
  const bool is_replay_;
  size_t at_;
  XclaimOptions& options_;
};

// The ids from args[5] on: as many as can be read as such.
std::vector<StreamId> leading_ids(Args args) {
  std::vector<StreamId> ids;
  for (const std::string_view arg : args.subspan(5)) {
    const auto parsed = streams::parse_stream_id(arg, 0);
    if (!parsed) break;
    ids.push_back(parsed->id);
  }
  return ids;
}

void write_claimed(resp::ReplyWriter& reply, const streams::Stream& stream, StreamId id, bool just_id) {
  if (just_id) return write_id(reply, id);
  auto entry = stream.entries(id, id);
  CHECK(entry.valid());
  write_entry(reply, entry);
}

// XCLAIM and XAUTOCLAIM: key group consumer ...
GroupName group_name(const CommandContext& context) {
  return {context.args[1], context.args[2]};
}

// What these two did is an effect, never the command.
void note_outcome(CommandContext& context, const streams::Group& group, std::span<const StreamId> claimed,
                  std::span<const StreamId> purged) {
  if (keyspace::Effects* const effects = context.db.effects()) effects->says_it_all();
  note_claimed(context.db, group_name(context), group, context.args[3], claimed);
  note_purged(context.db, group_name(context), purged);
}

struct AutoClaimReader {
  CommandContext& context;
  streams::AutoClaimOptions& options;

  // key group consumer min-idle-time start [COUNT n] [JUSTID]. False after an error reply.
  bool read() {
    const auto min_idle = read_integer(context.reply, context.args[4], resp::kXautoclaimMinIdle);
    if (!min_idle) return false;
    options.min_idle_ms = std::max<int64_t>(*min_idle, 0);
    const auto start = read_range_start(context.reply, context.args[5]);
    if (!start) return false;
    options.start = *start;
    for (size_t at = 6; at < context.args.size(); ++at) {
      if (same_word(context.args[at], "COUNT") && at + 1 < context.args.size()) {
        if (!read_count(context.args[++at])) return false;
      } else if (same_word(context.args[at], "JUSTID")) {
        options.just_id = true;
      } else {
        context.reply.error(resp::kSyntax);
        return false;
      }
    }
    return true;
  }

  bool read_count(std::string_view arg) {
    constexpr int64_t kCountMax = std::numeric_limits<int64_t>::max() / 16;
    const auto count = parse_i64(arg);
    if (!count || *count < 1 || *count > kCountMax) {
      context.reply.error(resp::kCountNotPositive);
      return false;
    }
    options.count = *count;
    return true;
  }
};

}  // namespace

void xclaim_command(CommandContext& context) {
  const GroupLookup found = find_group_to_change(context, context.args[1], context.args[2]);
  if (found.wrong_type) return;
  if (found.group == nullptr) return context.reply.error(resp::no_group(context.args[1], context.args[2]));
  const auto min_idle = read_integer(context.reply, context.args[4], resp::kXclaimMinIdle);
  if (!min_idle) return;
  const std::vector<StreamId> ids = leading_ids(context.args);
  XclaimOptions options;
  options.claim.min_idle_ms = std::max<int64_t>(*min_idle, 0);
  options.claim.now_ms = context.now.unix_ms;
  options.claim.delivery_time_ms = context.now.unix_ms;
  if (!XclaimReader(context, 5 + ids.size(), options).read()) return;
  const bool moves_group = options.last_id > found.group->last_delivered;
  if (moves_group) {
    found.group->last_delivered = options.last_id;
    context.db.count_change();
  }

  streams::Consumer& consumer = see_consumer(context.db, group_name(context), *found.group, context.args[3]);
  const size_t array = context.reply.begin_array(static_cast<int64_t>(ids.size()));
  std::vector<StreamId> claimed;
  std::vector<StreamId> purged;
  for (const StreamId id : ids) {
    const auto outcome = streams::claim(*found.stream, *found.group, consumer, id, options.claim);
    if (outcome == streams::ClaimOutcome::kSkipped) continue;
    context.db.count_change();
    (outcome == streams::ClaimOutcome::kClaimed ? claimed : purged).push_back(id);
    if (outcome == streams::ClaimOutcome::kClaimed) {
      write_claimed(context.reply, *found.stream, id, options.claim.just_id);
    }
  }
  context.reply.end_array(array, static_cast<int64_t>(claimed.size()));
  note_outcome(context, *found.group, claimed, purged);
  if (moves_group && claimed.empty()) note_position(context.db, group_name(context), *found.group);
}

void xautoclaim_command(CommandContext& context) {
  streams::AutoClaimOptions options;
  options.now_ms = context.now.unix_ms;
  if (!AutoClaimReader{context, options}.read()) return;
  const GroupLookup found = find_group_to_change(context, context.args[1], context.args[2]);
  if (found.wrong_type) return;
  if (found.group == nullptr) return context.reply.error(resp::no_group(context.args[1], context.args[2]));

  streams::Consumer& consumer = see_consumer(context.db, group_name(context), *found.group, context.args[3]);
  const streams::AutoClaimed done = streams::auto_claim(*found.stream, *found.group, consumer, options);
  context.db.count_change(done.claimed.size() + done.deleted.size());
  context.reply.array(3);
  write_id(context.reply, done.next_start);
  context.reply.array(static_cast<int64_t>(done.claimed.size()));
  for (const StreamId id : done.claimed) write_claimed(context.reply, *found.stream, id, options.just_id);
  context.reply.array(static_cast<int64_t>(done.deleted.size()));
  for (const StreamId id : done.deleted) write_id(context.reply, id);
  note_outcome(context, *found.group, done.claimed, done.deleted);
}

}  // namespace millrace::commands
