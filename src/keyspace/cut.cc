// See cut.h.
#include "keyspace/cut.h"

#include "base/check.h"

namespace millrace::keyspace {

void Cut::start(Instant now) {
  CHECK(!is_going());
  moment_ms_ = now.unix_ms;
  counts_.assign(static_cast<size_t>(keyspace_.database_count()), {});
  for (PartitionIndex i = 0; i < keyspace_.partition_count(); ++i) {
    Partition& partition = keyspace_.partition(i);
    partition.mutex.assert_held();
    partition.begin_cut(moment_ms_);
    for (int database = 0; database < keyspace_.database_count(); ++database) {
      const KeyTable* const table = partition.existing_table(database);
      if (table == nullptr) continue;
      Counts& counts = counts_[static_cast<size_t>(database)];
      counts.keys += table->size();
      counts.expiring_keys += partition.expiring_size(database);
    }
  }
  is_going_.store(true, std::memory_order_release);
}

bool Cut::take(PartitionIndex index, size_t work_max, std::vector<CutItem>& out) {
  Partition& partition = keyspace_.partition(index);
  partition.mutex.assert_held();
  return partition.take_cut(work_max, out);
}

void Cut::finish(PartitionLocks& locks) {
  for (PartitionIndex i = 0; i < keyspace_.partition_count(); ++i) {
    locks.hold_one(i);
    Partition& partition = keyspace_.partition(i);
    partition.mutex.assert_held();
    const std::vector<CutItem> in_vain = partition.cut().end();
    locks.release();
  }
  is_going_.store(false, std::memory_order_release);
}

size_t Cut::preserved_bytes() const {
  size_t bytes = 0;
  for (PartitionIndex i = 0; i < keyspace_.partition_count(); ++i) {
    bytes += keyspace_.partition(i).preserved_bytes();
  }
  return bytes;
}

}  // namespace millrace::keyspace
