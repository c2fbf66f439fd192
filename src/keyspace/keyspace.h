// Keyspace: all keys of all databases, cut into partitions by a hash of the key.
//
//   Keyspace -> Partition 0..N-1, each { lock, one KeyTable per database, expiry index, waiters, watches }
//
// A key lives in the same partition in every database. Commands run on whatever core they arrive at, under the locks of
// the partitions of their keys (partition_locks.h); a partition's content is touched only with its lock held.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <set>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/mutex.h"
#include "keyspace/expiry_index.h"
#include "keyspace/key_table.h"
#include "keyspace/partition_cut.h"
#include "keyspace/waiters.h"
#include "keyspace/watches.h"

namespace millrace::keyspace {

using PartitionIndex = uint32_t;

inline constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

struct KeyspaceOptions {
  uint32_t partitions = 512;  // a power of two
  int databases = 16;
  uint64_t hash_seed = 0;
};

// On its own cache lines, so that a hot partition's lock does not slow its neighbour.
class alignas(64) Partition {
 public:
  Mutex mutex;
  // When expire_due() next has something to do here (unix ms; kNever if nothing will), readable without the lock.
  std::atomic<int64_t> next_expiry_ms{kNever};

  // Tables are made when first written to: most databases of most partitions are never used.
  KeyTable& table(int database) REQUIRES(mutex);
  KeyTable* existing_table(int database) REQUIRES(mutex);
  WaiterTable& waiters() REQUIRES(mutex) { return waiters_; }
  WatchTable& watches() REQUIRES(mutex) { return watches_; }

  // ---- what keeps tables, expiry index and cut in step
  KeyEntry& insert(int database, uint64_t hash, std::string_view key, Value value) REQUIRES(mutex);
  void erase(int database, KeyEntry& entry) REQUIRES(mutex);
  size_t clear(int database) REQUIRES(mutex);  // returns how many keys there were
  void set_expiry(int database, KeyEntry& entry, int64_t at_ms) REQUIRES(mutex);
  size_t expiring_size(int database) const REQUIRES(mutex) { return expiry_.size(slot_of(database)); }
  // The mean of the times at which they expire.
  int64_t mean_expiry_ms(int database) const REQUIRES(mutex) { return expiry_.mean_ms(slot_of(database)); }
  // The next key to expire; no entry if none will.
  ExpiryIndex::Item next_to_expire() const REQUIRES(mutex);
  // Each of the two databases has the other's keys from now on. Costs nothing, however many there are.
  void swap(int a, int b) REQUIRES(mutex);
  // To be called before the entry's value is changed.
  void will_change(int database, KeyEntry& entry) REQUIRES(mutex) {
    if (cut_.is_uncut(entry)) cut_.preserve(slot_of(database), entry);
  }

  // ---- the cut (cut.h)
  PartitionCut& cut() REQUIRES(mutex) { return cut_; }
  void begin_cut(int64_t moment_ms) REQUIRES(mutex);
  bool take_cut(size_t work_max, std::vector<CutItem>& out) REQUIRES(mutex) {
    return cut_.take(tables_, work_max, out);
  }
  size_t preserved_bytes() const { return cut_.preserved_bytes(); }

  // ---- streams with idempotency records: all of them are looked at once in kIdempotencyPeriodMs
  static constexpr int64_t kIdempotencyPeriodMs = 1000;
  void track_idempotency(int database, std::string_view key, int64_t now_ms) REQUIRES(mutex);
  // Ages the records of up to `limit` streams, if it is time; a walk that does not get through goes on next time.
  void age_idempotency(int64_t now_ms, size_t limit, uint64_t hash_seed) REQUIRES(mutex);

 private:
  // Where a database's keys are: tables, the expiry index and the cut know slots only, which SWAPDB does not change.
  int slot_of(int database) const REQUIRES(mutex) {
    const auto at = static_cast<size_t>(database);
    return at < slots_.size() ? slots_[at] : database;
  }
  int database_of(int slot) const REQUIRES(mutex);
  KeyTable* table_in(int slot) REQUIRES(mutex);
  void preserve_all(int slot, KeyTable& table) REQUIRES(mutex);
  bool age_idempotency_at(const KeyPlace& place, int64_t now_ms, uint64_t hash_seed) REQUIRES(mutex);
  void update_next_expiry() REQUIRES(mutex);

  std::vector<std::unique_ptr<KeyTable>> tables_ GUARDED_BY(mutex);  // by slot; absent ones are nullptr or beyond
  std::vector<int> slots_ GUARDED_BY(mutex);                         // by database; beyond its end they are the same
  ExpiryIndex expiry_ GUARDED_BY(mutex);
  WaiterTable waiters_ GUARDED_BY(mutex);
  WatchTable watches_ GUARDED_BY(mutex);
  PartitionCut cut_;  // guarded by mutex, but for what it allows to read without
  std::set<KeyPlace, KeyPlaceOrder> idempotent_ GUARDED_BY(mutex);  // with slots for databases
  KeyPlace idempotent_done_ GUARDED_BY(mutex) = {-1, {}};           // the unfinished walk got this far
  int64_t idempotent_look_ms_ GUARDED_BY(mutex) = kNever;
};

struct HashedKey {
  std::string_view key;
  uint64_t hash = 0;
};

class Keyspace {
 public:
  explicit Keyspace(const KeyspaceOptions& options);
  ~Keyspace();

  PartitionIndex partition_of(std::string_view key) const { return partition_of_hash(hash_of(key)); }
  // The high bits of the hash; key tables use the low ones.
  PartitionIndex partition_of_hash(uint64_t hash) const {
    return partition_bits_ == 0 ? 0 : static_cast<PartitionIndex>(hash >> (64 - partition_bits_));
  }
  Partition& partition(PartitionIndex index) { return partitions_[index]; }
  uint32_t partition_count() const { return options_.partitions; }
  int partition_bits() const { return partition_bits_; }
  int database_count() const { return options_.databases; }
  uint64_t hash_seed() const { return options_.hash_seed; }
  uint64_t hash_of(std::string_view key) const { return hash_bytes(key, options_.hash_seed); }
  WatchCounts& watch_counts() { return watch_counts_; }
  const WatchCounts& watch_counts() const { return watch_counts_; }

 private:
  const KeyspaceOptions options_;
  const int partition_bits_;
  const std::unique_ptr<Partition[]> partitions_;
  WatchCounts watch_counts_;
};

}  // namespace millrace::keyspace
