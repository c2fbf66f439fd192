// PendingList: the entries a consumer group has handed out and nobody has acknowledged.
//
// One packed structure with three orders over the same records:
//   by id                 XACK, XPENDING, XCLAIM, XAUTOCLAIM
//   by consumer, then id  history reads, XPENDING <consumer>, XINFO
//   by delivery time      XREADGROUP CLAIM, XNACK: unowned records first (the NACK zone, a FIFO), then oldest delivery
//                         first; equal times in the order they were set. Records can be set aside from this order.
// Every operation is O(log n) or better. A record costs about 20 bytes, three times that if its numbers are as wide as
// can be. Consumers are small numbers given out by Group; kNoConsumer owns the NACKed records.
//
// A copy costs microseconds: it shares the records, and either side copies what it writes to, some kilobytes per write.
//
// Invariant: each record is in all three orders exactly once (one set aside in the first two); consumer counts equal a
// scan. One thread (partition lock) for each list, for looking as well: copies of it may be read, changed and destroyed
// by others meanwhile.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "streams/stream_id.h"

namespace millrace::streams {

using ConsumerId = uint32_t;
inline constexpr ConsumerId kNoConsumer = 0xffffffff;

struct Pending {
  StreamId id;
  ConsumerId consumer = kNoConsumer;
  int64_t delivery_time_ms = 0;
  int64_t delivery_count = 0;  // saturates at 2^63-1
};

class PendingList {
 public:
  PendingList();
  ~PendingList();
  // REQUIRES: what guards changes of `other` is held.
  PendingList(const PendingList& other);
  PendingList(PendingList&& other) noexcept;
  PendingList& operator=(PendingList&& other) noexcept;

  size_t size() const;
  bool empty() const { return size() == 0; }
  size_t unowned_count() const;
  size_t count_of(ConsumerId consumer) const;
  size_t memory_bytes() const;  // with all that is shared
  size_t clone_bytes() const;   // what a copy takes beside that
  size_t piece_count() const;   // about how many things a copy touches: one for 4000 records, one for each consumer

  std::optional<Pending> find(StreamId id) const;
  // Adds the record or replaces what is there (owner, time, count), moving it in the consumer and time orders. With
  // consumer == kNoConsumer it goes to the end of the NACK zone.
  void put(const Pending& pending);
  bool erase(StreamId id);
  // Drops all records of the consumer; returns how many there were.
  size_t erase_consumer(ConsumerId consumer);
  void clear();

  // Walks. Each returns the first record at or behind the place, so a loop may change the list as it goes:
  //   for (auto p = list.at_or_after(start); p && p->id <= end; p = list.after(p->id)) ...
  std::optional<Pending> first() const;
  std::optional<Pending> last() const;
  std::optional<Pending> at_or_after(StreamId id) const;
  std::optional<Pending> after(StreamId id) const;
  std::optional<Pending> at_or_after(ConsumerId consumer, StreamId id) const;  // in the consumer's own list
  // Walks over many: copies records that follow each other from `id` on, at most as many as fit and at least one if
  // there is one; returns how many.
  size_t copy_from(StreamId id, std::span<Pending> out) const;
  size_t copy_from(ConsumerId consumer, StreamId id, std::span<Pending> out) const;
  // The time order. `oldest` starts it; `next_oldest` continues behind a record that is still in the list.
  std::optional<Pending> oldest() const;
  std::optional<Pending> next_oldest(StreamId id) const;

  // Leaves the record out of the time order until it is put() again: its entry has gone, so nobody who looks for
  // something to claim need meet it a second time.
  void set_aside(StreamId id);
  // Back to their places with all that were set aside.
  void recall_all();

  void check_invariants() const;

 private:
  struct Impl;
  Impl* impl_;  // nullptr while the list is empty: idle groups cost nothing, and a drained one gives its memory back
};

}  // namespace millrace::streams
