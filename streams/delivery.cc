// Delivery: each function walks a pending list or a stream, and for each entry decides, records and hands out, in that
// order. Walks go by id or by time from the last record seen, so that records may move under them.
#include "streams/delivery.h"

#include <algorithm>
#include <limits>

namespace millrace::streams {
namespace {

constexpr int64_t kCountMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kScansPerClaim = 10;       // XAUTOCLAIM looks at so many records per entry it may return
constexpr int64_t kForcedDeliveryCount = 1;  // what XCLAIM FORCE starts a record with, as Redis does

int64_t saturating_increment(int64_t count) {
  return count == kCountMax ? count : count + 1;
}

int64_t saturating_add(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::min();
}

// NACKed records count as last delivered at time zero.
int64_t delivered_ms(const Pending& pending) {
  return pending.consumer == kNoConsumer ? 0 : pending.delivery_time_ms;
}

int64_t idle_ms(const Pending& pending, int64_t now_ms) {
  int64_t idle = 0;
  if (!__builtin_sub_overflow(now_ms, delivered_ms(pending), &idle)) return idle;
  return now_ms > 0 ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::min();
}

bool idle_enough(const Pending& pending, int64_t min_idle_ms, int64_t now_ms) {
  return pending.consumer == kNoConsumer || idle_ms(pending, now_ms) >= min_idle_ms;
}

// XCLAIM and XAUTOCLAIM take a minimum of zero as "do not look", which matters for deliveries in the future.
bool claimable(const Pending& pending, int64_t min_idle_ms, int64_t now_ms) {
  return min_idle_ms <= 0 || idle_enough(pending, min_idle_ms, now_ms);
}

// Accounts for the delivery of `id`, the next entry behind last_delivered. Where the group was said to have read more
// than it had, it would come out above all that were added: files with that are refused or put right by who loads them.
void advance(const Stream& stream, Group& group, StreamId id) {
  const bool countable = group.entries_read != kEntriesReadUnknown && group.last_delivered >= stream.first_id() &&
                         !stream.has_tombstone_from(group.last_delivered);
  if (countable) {
    group.entries_read =
        std::min(saturating_increment(group.entries_read), static_cast<int64_t>(stream.entries_added()));
  } else {
    const auto estimate = stream.estimate_entries_read(id);
    group.entries_read = estimate ? static_cast<int64_t>(*estimate) : kEntriesReadUnknown;
  }
  group.last_delivered = id;
}

// The first record from `pending` on, in time order, whose entry exists.
std::optional<Pending> next_existing(const Stream& stream, Group& group, std::optional<Pending> pending) {
  while (pending && !stream.contains(pending->id)) {
    const StreamId gone = pending->id;
    pending = group.pending.next_oldest(gone);
    group.pending.set_aside(gone);
  }
  return pending;
}

std::optional<Pending> oldest_existing(const Stream& stream, Group& group) {
  return next_existing(stream, group, group.pending.oldest());
}

}  // namespace

uint64_t deliver_new(const Stream& stream, Group& group, Consumer& consumer, const NewDelivery& delivery,
                     const RoomLeft& room_left, const std::function<void(EntryIterator&)>& sink) {
  const auto start = successor(group.last_delivered);
  if (!start) return 0;
  uint64_t delivered = 0;
  for (auto entry = stream.entries(*start, kStreamIdMax); entry.valid(); entry.next()) {
    if (delivery.count != 0 && delivered == delivery.count) break;
    if (!room_left()) break;
    advance(stream, group, entry.id());
    if (!delivery.no_ack) {
      group.pending.put({entry.id(), consumer.id, delivery.now_ms, 1});
      consumer.active_time_ms = delivery.now_ms;
    }
    ++delivered;
    sink(entry);
  }
  return delivered;
}

uint64_t claim_idle(const Stream& stream, Group& group, Consumer& consumer, const IdleClaim& claim,
                    const RoomLeft& room_left, const std::function<void(EntryIterator&, const ClaimedEntry&)>& sink) {
  uint64_t claimed = 0;
  StreamId first_claimed;
  for (auto pending = oldest_existing(stream, group); pending;) {
    // What this call claimed stands behind everything it may still claim: at `now`, or only the future follows.
    if (claimed > 0 && pending->id == first_claimed) break;
    if (claim.count != 0 && claimed == claim.count) break;
    if (!idle_enough(*pending, claim.min_idle_ms, claim.now_ms)) break;
    if (!room_left()) break;
    const auto next = next_existing(stream, group, group.pending.next_oldest(pending->id));
    auto entry = stream.entries(pending->id, pending->id);
    if (claimed == 0) first_claimed = pending->id;
    ++claimed;
    group.pending.put({pending->id, consumer.id, claim.now_ms, saturating_increment(pending->delivery_count)});
    consumer.active_time_ms = claim.now_ms;
    sink(entry, {idle_ms(*pending, claim.now_ms), pending->delivery_count});
    pending = next;
  }
  return claimed;
}

int64_t next_claim_time_ms(const Stream& stream, Group& group, int64_t min_idle_ms, int64_t now_ms) {
  const auto oldest = oldest_existing(stream, group);
  return saturating_add(oldest ? delivered_ms(*oldest) : now_ms, min_idle_ms);
}

bool has_claimable(const Stream& stream, Group& group, int64_t min_idle_ms, int64_t now_ms) {
  const auto oldest = oldest_existing(stream, group);
  return oldest && idle_enough(*oldest, min_idle_ms, now_ms);
}

uint64_t read_history(const Stream& stream, Group& group, Consumer& consumer, StreamId after, uint64_t count,
                      int64_t now_ms, const RoomLeft& room_left,
                      const std::function<void(StreamId, EntryIterator*)>& sink) {
  uint64_t served = 0;
  StreamId last = after;
  while (count == 0 || served < count) {
    const auto start = successor(last);
    auto pending = start ? group.pending.at_or_after(consumer.id, *start) : std::nullopt;
    if (!pending || !room_left()) break;
    last = pending->id;
    ++served;
    auto entry = stream.entries(last, last);
    if (entry.valid()) {
      group.pending.put({last, consumer.id, now_ms, saturating_increment(pending->delivery_count)});
    }
    sink(last, entry.valid() ? &entry : nullptr);
  }
  return served;
}

ClaimOutcome claim(const Stream& stream, Group& group, Consumer& consumer, StreamId id, const ClaimOptions& options) {
  auto pending = group.pending.find(id);
  if (!stream.contains(id)) return group.pending.erase(id) ? ClaimOutcome::kPurged : ClaimOutcome::kSkipped;
  if (!pending) {
    if (!options.force) return ClaimOutcome::kSkipped;
    pending = Pending{.id = id, .consumer = kNoConsumer, .delivery_count = kForcedDeliveryCount};
  }
  if (!claimable(*pending, options.min_idle_ms, options.now_ms)) return ClaimOutcome::kSkipped;
  pending->consumer = consumer.id;
  pending->delivery_time_ms = options.delivery_time_ms;
  if (options.retry_count) {
    pending->delivery_count = *options.retry_count;
  } else if (!options.just_id) {
    pending->delivery_count = saturating_increment(pending->delivery_count);
  }
  group.pending.put(*pending);
  consumer.active_time_ms = options.now_ms;
  return ClaimOutcome::kClaimed;
}

AutoClaimed auto_claim(const Stream& stream, Group& group, Consumer& consumer, const AutoClaimOptions& options) {
  AutoClaimed result;
  int64_t room = options.count;
  int64_t scans = options.count > kCountMax / kScansPerClaim ? kCountMax : options.count * kScansPerClaim;
  auto pending = group.pending.at_or_after(options.start);
  for (; pending && room > 0 && scans > 0; pending = group.pending.after(pending->id)) {
    --scans;
    if (!stream.contains(pending->id)) {
      group.pending.erase(pending->id);
      result.deleted.push_back(pending->id);
      --room;
    } else if (claimable(*pending, options.min_idle_ms, options.now_ms)) {
      const int64_t count = pending->delivery_count;
      group.pending.put(
          {pending->id, consumer.id, options.now_ms, options.just_id ? count : saturating_increment(count)});
      consumer.active_time_ms = options.now_ms;
      result.claimed.push_back(pending->id);
      --room;
    }
  }
  if (pending) result.next_start = pending->id;
  return result;
}

bool nack(const Stream& stream, Group& group, StreamId id, NackMode mode, std::optional<int64_t> retry_count,
          bool force) {
  auto pending = group.pending.find(id);
  if (!pending) {
    if (!force || !stream.contains(id)) return false;
    pending = Pending{.id = id};
  }
  pending->consumer = kNoConsumer;
  pending->delivery_time_ms = 0;
  if (retry_count) {
    pending->delivery_count = *retry_count;
  } else if (mode == NackMode::kFatal) {
    pending->delivery_count = kCountMax;
  } else if (mode == NackMode::kSilent) {
    pending->delivery_count = pending->delivery_count > 0 ? pending->delivery_count - 1 : 0;
  }
  group.pending.put(*pending);
  return true;
}

}  // namespace millrace::streams
