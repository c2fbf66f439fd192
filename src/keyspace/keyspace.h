// Keyspace: all keys of all databases, cut into partitions by a hash of the key.
//
//   Keyspace -> Partition 0..N-1, each { lock, one KeyTable per database, expiry index, waiters }
//
// A key lives in the same partition in every database. Commands run on whatever core they arrive at, under the locks of
// the partitions of their keys (partition_locks.h); a partition's content is touched only with its lock held.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "keyspace/key_table.h"
#include "keyspace/waiters.h"

namespace millrace::keyspace {

using PartitionIndex = uint32_t;

struct KeyspaceOptions {
  uint32_t partitions = 512;  // a power of two
  int databases = 16;
  uint64_t hash_seed = 0;
};

// On its own cache lines, so that a hot partition's lock does not slow its neighbour.
class alignas(64) Partition {
 public:
  Mutex mutex;
  // A lower bound on the next expiry in this partition (unix ms; INT64_MAX if none), readable without the lock.
  std::atomic<int64_t> next_expiry_ms;

  KeyTable& table(int database) REQUIRES(mutex);
  WaiterTable& waiters() REQUIRES(mutex);
};

class Keyspace {
 public:
  explicit Keyspace(const KeyspaceOptions& options);
  ~Keyspace();

  PartitionIndex partition_of(std::string_view key) const;
  Partition& partition(PartitionIndex index);
  uint32_t partition_count() const;
  int database_count() const;
  uint64_t hash_of(std::string_view key) const;
};

}  // namespace millrace::keyspace
