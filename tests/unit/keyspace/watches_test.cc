// Watched keys: what counts as a change, which watchers it touches, and what is counted.
#include "keyspace/watches.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "keyspace/database.h"
#include "keyspace/partition_locks.h"

namespace millrace::keyspace {
namespace {

class WatchesTest : public testing::Test {
 protected:
  WatchesTest() { locks.hold_all(); }

  Database db(int index = 0) { return Database(keyspace, index, {.unix_ms = now_ms}, events); }
  KeyEntry& create(std::string_view key, int index = 0) {
    return db(index).create(key, Value(std::make_unique<streams::Stream>()));
  }
  void create_until(std::string_view key, int64_t at_ms) { db().set_expiry(create(key), at_ms); }
  Ref<Watcher> watch(std::string_view key, int index = 0) {
    auto watcher = Ref<Watcher>::make();
    db(index).watch(key, watcher);
    return watcher;
  }
  void unwatch(std::string_view key, const Watcher& watcher, int index = 0) {
    Partition& partition = keyspace.partition(keyspace.partition_of(key));
    partition.watches().remove({index, std::string(key)}, watcher, keyspace.watch_counts());
  }
  size_t watched_keys() const { return keyspace.watch_counts().keys; }

  Keyspace keyspace{KeyspaceOptions{.partitions = 4}};
  KeyEvents events;
  int64_t now_ms = 1000;
  PartitionLocks locks{keyspace};
};

TEST_F(WatchesTest, EveryChangeTouches) {
  const auto created = watch("created");
  create("created");
  EXPECT_TRUE(created->is_touched());

  create("changed");
  const auto changed = watch("changed");
  db().signal_modified("changed");
  EXPECT_TRUE(changed->is_touched());

  create("removed");
  const auto removed = watch("removed");
  db().remove("removed");
  EXPECT_TRUE(removed->is_touched());

  create_until("expired", 2000);
  const auto expired = watch("expired");
  now_ms = 3000;
  EXPECT_EQ(db().find_to_read("expired"), nullptr);
  EXPECT_TRUE(expired->is_touched());
  EXPECT_EQ(watched_keys(), 0u);
}

TEST_F(WatchesTest, WhatIsNoChangeTouchesNobody) {
  create("a");
  const auto a = watch("a");
  const auto missing = watch("missing");
  db().find_to_read("a");
  db().find_to_write("a");
  db().remove("missing");
  create("b");
  create("a", 1);
  EXPECT_FALSE(a->is_touched());
  EXPECT_FALSE(missing->is_touched());
}

TEST_F(WatchesTest, AllWatchersOfAKeyAreTouched) {
  const auto first = watch("a");
  const auto second = watch("a");
  const auto other = watch("b");
  EXPECT_EQ(watched_keys(), 2u);
  create("a");
  EXPECT_TRUE(first->is_touched() && second->is_touched());
  EXPECT_FALSE(other->is_touched());
  EXPECT_EQ(watched_keys(), 1u);
}

TEST_F(WatchesTest, WhoStoppedWatchingIsNotTouched) {
  const auto first = watch("a");
  const auto second = watch("a");
  unwatch("a", *first);
  unwatch("a", *first);
  create("a");
  EXPECT_FALSE(first->is_touched());
  EXPECT_TRUE(second->is_touched());
  EXPECT_EQ(watched_keys(), 0u);
}

TEST_F(WatchesTest, AFlushTouchesOnlyWhatIsThere) {
  create("a");
  create("b", 1);
  const auto a = watch("a");
  const auto b = watch("b", 1);
  const auto missing = watch("missing");
  db().clear();
  EXPECT_TRUE(a->is_touched());
  EXPECT_FALSE(b->is_touched());
  EXPECT_FALSE(missing->is_touched());
}

TEST_F(WatchesTest, ASwapTouchesWhatBecomesAnother) {
  create("both");
  create("both", 1);
  create("here");
  create("there", 1);
  const auto both = watch("both", 1);
  const auto here = watch("here");
  const auto there = watch("there");
  const auto neither = watch("neither");
  const auto elsewhere = watch("both", 2);
  db().swap(1);
  EXPECT_TRUE(both->is_touched() && here->is_touched() && there->is_touched());
  EXPECT_FALSE(neither->is_touched() || elsewhere->is_touched());
}

TEST_F(WatchesTest, ASwapWithWhatIsAsGoodAsAbsentIsNoChange) {
  create_until("a", 2000);
  now_ms = 3000;
  const auto expired_then_absent = watch("a");
  const auto absent_then_expired = watch("a", 1);
  db().swap(1);
  EXPECT_FALSE(expired_then_absent->is_touched() || absent_then_expired->is_touched());
  EXPECT_EQ(db(1).find_to_read("a"), nullptr);
  EXPECT_FALSE(absent_then_expired->is_touched());
  create("a", 1);
  EXPECT_TRUE(absent_then_expired->is_touched());
}

// Its removal is no change, in whichever way it comes; what is made there afterwards is one.
TEST_F(WatchesTest, AKeyWhoseTimeHasComeCountsAsAbsent) {
  for (const bool flushed : {false, true}) {
    create_until("a", 2000);
    now_ms = 3000;
    const auto watcher = watch("a");
    EXPECT_FALSE(db().has_expired_for("a", *watcher));
    flushed ? db().clear() : size_t{db().find_to_read("a") != nullptr};
    EXPECT_FALSE(watcher->is_touched());
    create("a");
    EXPECT_TRUE(watcher->is_touched());
    db().remove("a");
    now_ms = 1000;
  }
}

TEST_F(WatchesTest, AKeyWhoseTimeComesWhileItIsWatchedHasChanged) {
  create_until("a", 2000);
  const auto watcher = watch("a");
  EXPECT_FALSE(db().has_expired_for("a", *watcher));
  now_ms = 2001;
  EXPECT_FALSE(watcher->is_touched());
  EXPECT_TRUE(db().has_expired_for("a", *watcher));
  EXPECT_FALSE(db().has_expired_for("a", *Ref<Watcher>::make()));
}

}  // namespace
}  // namespace millrace::keyspace
