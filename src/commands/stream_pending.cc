// XPENDING: what a group has handed out and nobody has acknowledged, in sum or entry by entry.
#include <algorithm>

#include "commands/handlers.h"
#include "commands/stream_args.h"
#include "commands/stream_replies.h"
#include "resp/errors.h"

namespace millrace::commands {

using streams::Consumer;
using streams::Group;
using streams::Pending;
using streams::StreamId;

namespace {

struct RangeOptions {
  int64_t min_idle_ms = 0;
  StreamId start;
  StreamId end;
  uint64_t count = 0;
  std::optional<std::string_view> consumer;
};

// [IDLE min-idle-time] start end count [consumer] from args[3]. Words behind those are not looked at, as in Redis.
// Nothing after an error reply.
std::optional<RangeOptions> read_range_options(CommandContext& context) {
  RangeOptions options;
  const Args args = context.args;
  size_t at = 3;
  if (same_word(args[at], "IDLE")) {
    const auto idle = read_integer(context.reply, args[at + 1]);
    if (!idle) return std::nullopt;
    if (args.size() < 8) {
      context.reply.error(resp::kSyntax);
      return std::nullopt;
    }
    options.min_idle_ms = *idle;
    at += 2;
  }
  const auto count = read_integer(context.reply, args[at + 2]);
  if (!count) return std::nullopt;
  options.count = static_cast<uint64_t>(std::max<int64_t>(*count, 0));
  const auto start = read_range_start(context.reply, args[at]);
  if (!start) return std::nullopt;
  const auto end = read_range_end(context.reply, args[at + 1]);
  if (!end) return std::nullopt;
  options.start = *start;
  options.end = *end;
  if (at + 3 < args.size()) options.consumer = args[at + 3];
  return options;
}

// total, smallest id, greatest id, and who has how many. Entries that nobody owns count in the total only.
void write_summary(resp::ReplyWriter& reply, const Group& group) {
  reply.array(4);
  reply.integer(static_cast<int64_t>(group.pending.size()));
  if (group.pending.empty()) {
    reply.null();
    reply.null();
    reply.null_array();
    return;
  }
  write_id(reply, group.pending.first()->id);
  write_id(reply, group.pending.last()->id);
  const size_t array = reply.begin_array(static_cast<int64_t>(group.consumers().size()));
  int64_t owners = 0;
  for (const auto& [name, consumer] : group.consumers()) {
    const size_t owned = group.pending.count_of(consumer.id);
    if (owned == 0) continue;
    reply.array(2);
    reply.bulk(name);
    reply.bulk_integer(static_cast<int64_t>(owned));
    ++owners;
  }
  reply.end_array(array, owners);
}

void write_pending(resp::ReplyWriter& reply, const Group& group, const Pending& pending, int64_t now_ms) {
  const bool owned = pending.consumer != streams::kNoConsumer;
  reply.array(4);
  write_id(reply, pending.id);
  reply.bulk(group.consumer_name(pending.consumer));
  reply.integer(owned ? std::max<int64_t>(now_ms - pending.delivery_time_ms, 0) : -1);
  reply.integer(pending.delivery_count);
}

// The records of the range, of one consumer if it is given. They are copied out of the list some at a time, but no more
// than are asked for: often it is a single one.
class RangeWalk {
 public:
  RangeWalk(const streams::PendingList& list, const Consumer* consumer, const RangeOptions& options)
      : list_(list),
        consumer_(consumer),
        from_(options.start),
        end_(options.end),
        room_(some_, options.min_idle_ms > 0 ? kCopiedAtOnce : std::min<uint64_t>(options.count, kCopiedAtOnce)) {}

  // nullptr behind the last one.
  const Pending* next() {
    if (at_ == copied_ && !copy_more()) return nullptr;
    const Pending& pending = some_[at_++];
    return pending.id <= end_ ? &pending : nullptr;
  }

 private:
  static constexpr size_t kCopiedAtOnce = 32;

  bool copy_more() {
    if (!from_) return false;
    at_ = 0;
    copied_ = consumer_ == nullptr ? list_.copy_from(*from_, room_) : list_.copy_from(consumer_->id, *from_, room_);
    from_ = copied_ == 0 ? std::nullopt : successor(some_[copied_ - 1].id);
    return copied_ != 0;
  }

  const streams::PendingList& list_;
  const Consumer* const consumer_;
  std::optional<StreamId> from_;
  const StreamId end_;
  const std::span<Pending> room_;
  Pending some_[kCopiedAtOnce];
  size_t at_ = 0;
  size_t copied_ = 0;
};

void write_range(resp::ReplyWriter& reply, const Group& group, const RangeOptions& options, int64_t now_ms) {
  const Consumer* consumer = options.consumer ? group.consumer(*options.consumer) : nullptr;
  if (options.consumer && consumer == nullptr) return reply.array(0);
  const size_t array = reply.begin_array(static_cast<int64_t>(std::min<uint64_t>(options.count, group.pending.size())));
  RangeWalk walk(group.pending, consumer, options);
  uint64_t written = 0;
  while (written < options.count) {
    const Pending* const pending = walk.next();
    if (pending == nullptr) break;
    const bool owned = pending->consumer != streams::kNoConsumer;
    if (options.min_idle_ms > 0 && owned && now_ms - pending->delivery_time_ms < options.min_idle_ms) continue;
    write_pending(reply, group, *pending, now_ms);
    ++written;
  }
  reply.end_array(array, static_cast<int64_t>(written));
}

}  // namespace

void xpending_command(CommandContext& context) {
  const size_t size = context.args.size();
  const bool summary = size == 3;
  if (!summary && (size < 6 || size > 9)) return context.reply.error(resp::kSyntax);
  std::optional<RangeOptions> options;
  if (!summary) {
    options = read_range_options(context);
    if (!options) return;
  }
  const GroupView found = find_group_to_read(context, context.args[1], context.args[2]);
  if (found.wrong_type) return;
  if (found.group == nullptr) return context.reply.error(resp::no_group(context.args[1], context.args[2]));
  if (summary) return write_summary(context.reply, *found.group);
  write_range(context.reply, *found.group, *options, context.now.unix_ms);
}

}  // namespace millrace::commands
