// See partition_locks.h.
#include "keyspace/partition_locks.h"

#include <algorithm>

#include "base/check.h"

namespace millrace::keyspace {

void PartitionLocks::hold(std::span<const PartitionIndex> partitions) {
  if (is_pinned_) return;
  if (partitions.size() == 1) return hold_one(partitions[0]);
  wanted_.assign(partitions.begin(), partitions.end());
  std::sort(wanted_.begin(), wanted_.end());
  wanted_.erase(std::unique(wanted_.begin(), wanted_.end()), wanted_.end());
  if (!all_ && wanted_ == held_) return;
  release();
  held_.swap(wanted_);
  for (const PartitionIndex index : held_) keyspace_.partition(index).mutex.lock();
}

void PartitionLocks::hold_one(PartitionIndex partition) {
  if (is_pinned_) return CHECK(holds(partition));
  if (!all_ && held_.size() == 1 && held_[0] == partition) return;
  release();
  keyspace_.partition(partition).mutex.lock();
  held_.push_back(partition);
}

void PartitionLocks::hold_all() {
  CHECK(!is_pinned_ || all_);
  if (all_) return;
  release();
  for (PartitionIndex index = 0; index < keyspace_.partition_count(); ++index) keyspace_.partition(index).mutex.lock();
  all_ = true;
}

void PartitionLocks::release() {
  if (is_pinned_) return;
  if (effects_ != nullptr) effects_->settle();
  if (all_) {
    for (PartitionIndex i = 0; i < keyspace_.partition_count(); ++i) keyspace_.partition(i).mutex.unlock();
    all_ = false;
  }
  for (const PartitionIndex index : held_) keyspace_.partition(index).mutex.unlock();
  held_.clear();
}

bool PartitionLocks::holds(PartitionIndex partition) const {
  return all_ || std::binary_search(held_.begin(), held_.end(), partition);
}

}  // namespace millrace::keyspace
