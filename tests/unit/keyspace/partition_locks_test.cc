// PartitionLocks: holding exactly what was asked for last, by one thread and by several.
#include "keyspace/partition_locks.h"

#include <gtest/gtest.h>

#include <array>
#include <thread>
#include <vector>

#include "base/random.h"

namespace millrace::keyspace {
namespace {

constexpr uint32_t kPartitions = 8;

class PartitionLocksTest : public testing::Test {
 protected:
  std::vector<PartitionIndex> held() const {
    std::vector<PartitionIndex> indexes;
    for (PartitionIndex i = 0; i < kPartitions; ++i) {
      if (locks.holds(i)) indexes.push_back(i);
    }
    return indexes;
  }
  void hold(std::vector<PartitionIndex> partitions) { locks.hold(partitions); }

  Keyspace keyspace{{.partitions = kPartitions}};
  PartitionLocks locks{keyspace};
};

using Indexes = std::vector<PartitionIndex>;

TEST_F(PartitionLocksTest, HoldsExactlyWhatWasAskedForLast) {
  EXPECT_EQ(held(), Indexes{});
  hold({5, 2, 5});
  EXPECT_EQ(held(), (Indexes{2, 5}));
  hold({2});
  EXPECT_EQ(held(), Indexes{2});
  locks.hold_one(7);
  EXPECT_EQ(held(), Indexes{7});
  locks.hold_all();
  EXPECT_EQ(held().size(), kPartitions);
  locks.hold_one(3);
  EXPECT_EQ(held(), Indexes{3});
  hold({});
  EXPECT_EQ(held(), Indexes{});
}

TEST_F(PartitionLocksTest, AskingAgainForTheSameChangesNothing) {
  for (int i = 0; i < 2; ++i) {
    hold({4, 1});
    EXPECT_EQ(held(), (Indexes{1, 4}));
  }
  for (int i = 0; i < 2; ++i) locks.hold_all();
  locks.release();
  locks.release();
  EXPECT_EQ(held(), Indexes{});
}

TEST_F(PartitionLocksTest, DestructionLetsGo) {
  {
    PartitionLocks others(keyspace);
    others.hold_all();
  }
  locks.hold_all();
  EXPECT_EQ(held().size(), kPartitions);
}

TEST_F(PartitionLocksTest, WhatIsPinnedStays) {
  locks.hold(Indexes{1, 3, 5});
  locks.pin();
  locks.hold_one(3);
  locks.hold(Indexes{5, 1});
  locks.release();
  EXPECT_EQ(held(), (Indexes{1, 3, 5}));
  locks.unpin();
  locks.release();
  EXPECT_EQ(held(), Indexes{});
  locks.hold_all();
  locks.pin();
  locks.hold_all();
  locks.hold_one(2);
  EXPECT_EQ(held().size(), kPartitions);
  locks.unpin();
}

// Plain counters beside the partitions: a thread sanitizer, or a wrong sum, shows a lock that was not held. A deadlock
// shows as a timeout.
TEST_F(PartitionLocksTest, ThreadsNeverShareAPartition) {
  constexpr size_t kRounds = 20000;
  std::array<size_t, kPartitions> counters{};
  std::array<size_t, 3> counted{};
  const auto hammer = [&](size_t thread) {
    Random random(thread);
    PartitionLocks mine(keyspace);
    for (size_t round = 0; round < kRounds; ++round) {
      const auto kind = random.below(100);
      Indexes wanted;
      for (uint64_t i = 0; i <= random.below(4); ++i) wanted.push_back(static_cast<PartitionIndex>(random.below(8)));
      if (kind == 0) {
        mine.hold_all();
      } else if (kind < 50) {
        mine.hold_one(wanted[0]);
      } else {
        mine.hold(wanted);
      }
      for (PartitionIndex i = 0; i < kPartitions; ++i) {
        if (!mine.holds(i)) continue;
        ++counters[i];
        ++counted[thread];
      }
      if (random.one_in(4)) mine.release();
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 0; i < counted.size(); ++i) threads.emplace_back(hammer, i);
  for (std::thread& thread : threads) thread.join();
  size_t total = 0;
  for (size_t counter : counters) total += counter;
  EXPECT_EQ(total, counted[0] + counted[1] + counted[2]);
}

}  // namespace
}  // namespace millrace::keyspace
