// Cut: all keys of all databases as of one moment, for a snapshot, while commands go on.
//
//   start()     all partitions are held for a moment, some 0.1 ms; nothing is copied
//   take()      partition by partition, in slices: items leave with the partition held, and are encoded without it
//   finish()    forgets what is left, whether the walk got to its end or not
//
// From start() until the walk has passed its partition, an entry that is about to change is preserved first
// (partition_cut.h). So the items handed out are exactly the keys of that moment, each once, as they were.
//
// What it costs others: while no cut goes on in a partition, one comparison per change. While one does, the first
// change of a key that was not yet taken clones its value, as taking it does, with the partition held: a stream in some
// microseconds, and about 0.1 us for each consumer and idempotent producer. Later changes copy the small parts of the
// stream that they write to, once each; a string is replaced or copied as a whole. Keys that are removed, expire or
// are flushed are not cloned.
//
// One cut at a time. start() and finish() are called by whoever makes the snapshot; take() by any core.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/clock.h"
#include "keyspace/keyspace.h"
#include "keyspace/partition_locks.h"

namespace millrace::keyspace {

class Cut {
 public:
  struct Counts {
    uint64_t keys = 0;
    uint64_t expiring_keys = 0;  // of them, those with an expiry
  };

  explicit Cut(Keyspace& keyspace) : keyspace_(keyspace) {}
  Cut(const Cut&) = delete;
  Cut& operator=(const Cut&) = delete;

  // REQUIRES: all partitions are held, and is_going() is false.
  void start(Instant now);
  bool is_going() const { return is_going_.load(std::memory_order_acquire); }
  int64_t moment_ms() const { return moment_ms_; }
  // By database, at the moment of the cut. Keys that had expired without being touched count, but are not handed out.
  std::span<const Counts> counts() const { return counts_; }

  // Appends items of the partition, which must be held, to `out`, in no order: all that was preserved, and about
  // `work_max` pieces of others (Value::piece_count) - one of which may be larger. True when the partition has no
  // more. The items of one partition may be of any database. REQUIRES: work_max > 0; 1000 take about 0.2 ms.
  bool take(PartitionIndex partition, size_t work_max, std::vector<CutItem>& out);
  // Holds one partition after the other, and none afterwards. Items that were handed out live on.
  void finish(PartitionLocks& locks);

  // Roughly the memory that preserved items keep beside the keyspace, until they are taken (INFO).
  size_t preserved_bytes() const;

 private:
  Keyspace& keyspace_;
  std::atomic<bool> is_going_{false};
  int64_t moment_ms_ = 0;
  std::vector<Counts> counts_;
};

}  // namespace millrace::keyspace
