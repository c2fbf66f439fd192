// scan(): the walk of SCAN over all partitions of one database.
//
// A cursor says which partition comes next and where inside its table:
//
//   63                      bits        0      bits = log2 of the partition count
//   +-----------------------+-----------+
//   | cursor of KeyTable    | partition |
//   +-----------------------+-----------+
//
// Partitions are walked in ascending order, each from table cursor 0 back to 0; cursor 0 begins and ends the walk. A
// key never changes its partition, so the guarantee of KeyTable::scan() holds for the whole walk: what is there from
// the first to the last call is visited at least once. Any number is a valid cursor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "keyspace/keyspace.h"
#include "keyspace/partition_locks.h"

namespace millrace::keyspace {

// Visits about `count` entries, expired ones included, and returns the next cursor. A call looks at no more than ten
// buckets for each entry asked for; empty partitions are passed over at the cost of their lock, so that a small
// database is walked in one call. Holds one partition at a time and none afterwards.
uint64_t scan(Keyspace& keyspace, PartitionLocks& locks, int database, uint64_t cursor, size_t count,
              const std::function<void(const KeyEntry&)>& visit);

}  // namespace millrace::keyspace
