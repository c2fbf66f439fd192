// SCAN over all partitions: cursors, complete walks, and cursors nobody gave out.
#include "keyspace/scan.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "keyspace/database.h"

namespace millrace::keyspace {
namespace {

class ScanTest : public testing::Test {
 protected:
  void create(size_t count, int database = 0) {
    locks.hold_all();
    Database db(keyspace, database, {}, events);
    for (size_t i = 0; i < count; ++i) {
      db.create("key:" + std::to_string(i), Value(std::make_unique<streams::Stream>()));
    }
    locks.release();
  }
  uint64_t step(uint64_t cursor, size_t count = 10, int database = 0) {
    visited = 0;
    return scan(keyspace, locks, database, cursor, count, [&](const KeyEntry& entry) {
      seen.insert(entry.key);
      ++visited;
    });
  }

  Keyspace keyspace{{.partitions = 64, .databases = 2, .hash_seed = 5}};
  PartitionLocks locks{keyspace};
  KeyEvents events;
  std::multiset<std::string> seen;
  size_t visited = 0;
};

TEST_F(ScanTest, AnEmptyDatabaseIsWalkedInOneCall) {
  create(100, 1);
  EXPECT_EQ(step(0), 0u);
  EXPECT_EQ(visited, 0u);
}

TEST_F(ScanTest, AFewKeysAreWalkedInOneCall) {
  create(9);
  EXPECT_EQ(step(0), 0u);
  EXPECT_EQ(seen.size(), 9u);
}

TEST_F(ScanTest, AWalkVisitsEachKeyOnceWhileNothingChanges) {
  create(5000);
  uint64_t cursor = 0;
  size_t calls = 0;
  do {
    cursor = step(cursor);
    ++calls;
    EXPECT_LT(visited, 40u);
  } while (cursor != 0);
  EXPECT_EQ(seen.size(), 5000u);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 5000u);
  EXPECT_GT(calls, 100u);
}

TEST_F(ScanTest, AHugeCountWalksEverythingAtOnce) {
  create(500);
  EXPECT_EQ(step(0, SIZE_MAX), 0u);
  EXPECT_EQ(seen.size(), 500u);
}

TEST_F(ScanTest, AnyCursorIsHarmless) {
  create(500);
  for (uint64_t cursor : {~uint64_t{0}, uint64_t{63}, uint64_t{1} << 63, uint64_t{0xdeadbeefdeadbeef}}) {
    size_t calls = 0;
    do cursor = step(cursor);
    while (cursor != 0 && ++calls < 1000);
    EXPECT_EQ(cursor, 0u);
  }
  EXPECT_EQ(step(~uint64_t{0}), 0u);
}

TEST_F(ScanTest, NothingIsHeldAfterwards) {
  create(500);
  step(0);
  for (PartitionIndex i = 0; i < keyspace.partition_count(); ++i) EXPECT_FALSE(locks.holds(i));
}

}  // namespace
}  // namespace millrace::keyspace
