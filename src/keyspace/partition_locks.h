// PartitionLocks: the set of partitions one core has locked at the moment.
//
// hold() takes a set in ascending order, which rules out deadlock between cores; asking for a set that is already held
// costs nothing, so a run of pipelined commands on one stream locks once. Before partitions are let go, what was done
// under their locks goes to the journal. While the set is pinned it stays as it is, whatever is asked for: so EXEC
// keeps what all its commands need, though each of them holds and releases as if it were alone. One object per core;
// never shared.
#pragma once

#include <span>
#include <vector>

#include "keyspace/effects.h"
#include "keyspace/keyspace.h"

namespace millrace::keyspace {

class PartitionLocks {
 public:
  // `effects`: of those who change keys under these locks; nullptr if nobody does, or no journal is to know.
  explicit PartitionLocks(Keyspace& keyspace, Effects* effects = nullptr) : keyspace_(keyspace), effects_(effects) {}
  ~PartitionLocks() { release(); }
  PartitionLocks(const PartitionLocks&) = delete;
  PartitionLocks& operator=(const PartitionLocks&) = delete;

  // Afterwards exactly the given partitions are held (in any order, duplicates allowed).
  void hold(std::span<const PartitionIndex> partitions) NO_THREAD_SAFETY_ANALYSIS;
  void hold_one(PartitionIndex partition) NO_THREAD_SAFETY_ANALYSIS;
  void hold_all() NO_THREAD_SAFETY_ANALYSIS;
  void release() NO_THREAD_SAFETY_ANALYSIS;
  bool holds(PartitionIndex partition) const;
  // From pin() to unpin() the above change nothing. REQUIRES: what is asked for meanwhile is held.
  void pin() { is_pinned_ = true; }
  void unpin() { is_pinned_ = false; }

 private:
  Keyspace& keyspace_;
  Effects* const effects_;
  std::vector<PartitionIndex> held_;    // ascending, unique; empty if all_
  std::vector<PartitionIndex> wanted_;  // scratch of hold()
  bool all_ = false;
  bool is_pinned_ = false;
};

}  // namespace millrace::keyspace
