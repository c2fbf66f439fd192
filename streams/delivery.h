// Delivery: what consumer groups do to a stream - hand out, hand over, take back. The semantics of XREADGROUP, XCLAIM,
// XAUTOCLAIM, XACK and XNACK without their syntax or replies.
//
// Whoever formats the reply passes a callable that is handed each entry as it is delivered and says whether it still
// has room. All times are arguments. Partition lock held.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "streams/stream.h"

namespace millrace::streams {

// Asked before each entry: false stops the delivery with that entry neither sent nor marked (MAXSIZE).
using RoomLeft = std::function<bool()>;

// ---- XREADGROUP with '>'
struct NewDelivery {
  uint64_t count = 0;  // 0 = no limit
  bool no_ack = false;
  int64_t now_ms = 0;
};
// Hands out entries behind group.last_delivered: advances it, keeps entries_read, and records them as pending for
// `consumer` (an id that is pending already moves to the caller with its count set to 1). Only a record makes the
// consumer active: with no_ack its active time stays, as Redis counts what was read into a pending list. Returns how
// many.
uint64_t deliver_new(const Stream& stream, Group& group, Consumer& consumer, const NewDelivery& delivery,
                     const RoomLeft& room_left, const std::function<void(EntryIterator&)>& sink);

// ---- XREADGROUP CLAIM: records idle for at least min_idle_ms, NACK zone first, then oldest first.
struct IdleClaim {
  uint64_t count = 0;  // 0 = no limit
  int64_t min_idle_ms = 0;
  int64_t now_ms = 0;
};
struct ClaimedEntry {
  int64_t idle_ms;
  int64_t delivery_count;  // before this delivery
};
uint64_t claim_idle(const Stream& stream, Group& group, Consumer& consumer, const IdleClaim& claim,
                    const RoomLeft& room_left, const std::function<void(EntryIterator&, const ClaimedEntry&)>& sink);
// When claim_idle would next find something (unix ms): oldest delivery + min_idle, or now + min_idle if nothing pends.
// Records whose entry is gone do not count. They are set aside, here and in the other two: each is looked at once.
int64_t next_claim_time_ms(const Stream& stream, Group& group, int64_t min_idle_ms, int64_t now_ms);
// True if claim_idle would deliver at least one entry now.
bool has_claimable(const Stream& stream, Group& group, int64_t min_idle_ms, int64_t now_ms);

// ---- XREADGROUP with an id: the consumer's own pending entries above `after`. Existing entries get count + 1 and time
// now; ones gone from the stream are shown as such (nullptr) and left alone. A count of 0 is no limit.
uint64_t read_history(const Stream& stream, Group& group, Consumer& consumer, StreamId after, uint64_t count,
                      int64_t now_ms, const RoomLeft& room_left,
                      const std::function<void(StreamId, EntryIterator*)>& sink);

// ---- XCLAIM for one id
struct ClaimOptions {
  int64_t min_idle_ms = 0;
  int64_t delivery_time_ms = 0;                       // to set (IDLE and TIME resolved by the caller)
  std::optional<int64_t> retry_count = std::nullopt;  // RETRYCOUNT
  bool force = false;
  bool just_id = false;
  int64_t now_ms = 0;
};
enum class ClaimOutcome { kSkipped, kClaimed, kPurged };  // kPurged: was pending, but the entry is gone
ClaimOutcome claim(const Stream& stream, Group& group, Consumer& consumer, StreamId id, const ClaimOptions& options);

// ---- XAUTOCLAIM
struct AutoClaimOptions {
  StreamId start{};
  int64_t min_idle_ms = 0;
  int64_t count = 100;
  bool just_id = false;
  int64_t now_ms = 0;
};
struct AutoClaimed {
  StreamId next_start;            // 0-0 when the list was walked to its end
  std::vector<StreamId> claimed;  // in id order
  std::vector<StreamId> deleted;  // purged from the pending list
};
AutoClaimed auto_claim(const Stream& stream, Group& group, Consumer& consumer, const AutoClaimOptions& options);

// ---- XNACK for one id
enum class NackMode : uint8_t { kSilent, kFail, kFatal };
// False if the id is not pending and may not be forced in.
bool nack(const Stream& stream, Group& group, StreamId id, NackMode mode, std::optional<int64_t> retry_count,
          bool force);

}  // namespace millrace::streams
