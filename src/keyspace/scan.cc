// See scan.h.
#include "keyspace/scan.h"

#include <limits>

namespace millrace::keyspace {

namespace {

constexpr size_t kBucketsPerEntry = 10;

// One call of scan(): how much of it is left.
struct Slice {
  size_t entries;
  size_t buckets;

  bool is_over() const { return entries == 0 || buckets == 0; }
};

// Walks one partition's table from `cursor` until it or the slice ends; the partition is held.
uint64_t scan_table(KeyTable& table, uint64_t cursor, Slice& slice, const std::function<void(const KeyEntry&)>& visit) {
  do {
    cursor = table.scan(cursor, [&](KeyEntry& entry) {
      visit(entry);
      if (slice.entries > 0) --slice.entries;
    });
    --slice.buckets;
  } while (cursor != 0 && !slice.is_over());
  return cursor;
}

}  // namespace

uint64_t scan(Keyspace& keyspace, PartitionLocks& locks, int database, uint64_t cursor, size_t count,
              const std::function<void(const KeyEntry&)>& visit) {
  constexpr size_t kMost = std::numeric_limits<size_t>::max();
  Slice slice{.entries = count, .buckets = count > kMost / kBucketsPerEntry ? kMost : count * kBucketsPerEntry};
  auto index = static_cast<PartitionIndex>(cursor & (keyspace.partition_count() - 1));
  uint64_t table_cursor = cursor >> keyspace.partition_bits();
  while (index < keyspace.partition_count() && !slice.is_over()) {
    locks.hold_one(index);
    Partition& partition = keyspace.partition(index);
    partition.mutex.assert_held();
    KeyTable* table = partition.existing_table(database);
    if (table && table->size() > 0) {
      table_cursor = scan_table(*table, table_cursor, slice, visit);
    } else {
      table_cursor = 0;
    }
    if (table_cursor == 0) ++index;
  }
  locks.release();
  return index == keyspace.partition_count() ? 0 : (table_cursor << keyspace.partition_bits()) | index;
}

}  // namespace millrace::keyspace
