// Cut: what it hands out, whoever changes what meanwhile.
#include "keyspace/cut.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "keyspace/database.h"
#include "support/random_stream.h"

namespace millrace::keyspace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr size_t kAtOnce = 1'000'000;

class CutTest : public testing::Test {
 protected:
  CutTest() { locks.hold_all(); }

  Database db(int index = 0) { return Database(keyspace, index, {.unix_ms = now_ms}, events); }
  KeyEntry& create(std::string_view key, int index = 0, int entries = 1) {
    KeyEntry& entry = db(index).create(key, Value(std::make_unique<streams::Stream>()));
    for (int i = 0; i < entries; ++i) append(entry);
    return entry;
  }
  void append(KeyEntry& entry) {
    const std::vector<std::string_view> elements = {"f", "v"};
    ASSERT_TRUE(entry.value.stream()->append({}, elements, now_ms, {}));
  }
  void append(std::string_view key) { append(*db().find_to_write(key)); }
  void record_append(std::string_view key) {
    db().find_to_write(key)->value.stream()->idempotency.record("p", "i", {static_cast<uint64_t>(now_ms), 0});
    db().track_idempotency(key);
  }
  void expire() {
    for (PartitionIndex i = 0; i < keyspace.partition_count(); ++i) {
      expire_due(keyspace, i, {.unix_ms = now_ms}, 1000, events);
    }
  }
  void start() { cut.start({.unix_ms = now_ms}); }

  // Walks to the end: "database/key length", with " until t" behind it for keys that expire, in order.
  std::vector<std::string> take_all() {
    std::multimap<std::string, std::string> lines;
    for (PartitionIndex i = 0; i < keyspace.partition_count(); ++i) {
      std::vector<CutItem> items;
      while (!cut.take(i, 5, items)) {
      }
      for (const CutItem& item : items) lines.emplace(std::to_string(item.database) + "/" + item.key, text_of(item));
    }
    std::vector<std::string> texts;
    for (const auto& [place, text] : lines) texts.push_back(place + " " + text);
    return texts;
  }
  static std::string text_of(const CutItem& item) {
    const std::string length = std::to_string(item.value.stream()->length());
    return item.expire_at_ms == kNoExpiry ? length : length + " until " + std::to_string(item.expire_at_ms);
  }
  void finish() {
    locks.release();
    cut.finish(locks);
    locks.hold_all();
  }

  Keyspace keyspace{{.partitions = 4, .databases = 3, .hash_seed = 5}};
  PartitionLocks locks{keyspace};
  KeyEvents events;
  Cut cut{keyspace};
  int64_t now_ms = 1'000'000;
};

TEST_F(CutTest, HandsOutEveryKeyOfEveryDatabase) {
  create("a");
  create("b", 0, 3);
  db(2).set_expiry(create("a", 2, 2), 2'000'000);
  start();
  EXPECT_THAT(take_all(), ElementsAre("0/a 1", "0/b 3", "2/a 2 until 2000000"));
  EXPECT_THAT(take_all(), IsEmpty());
}

TEST_F(CutTest, ChangedKeysAreHandedOutAsTheyWere) {
  create("appended");
  KeyEntry& expiring = create("expiring");
  create("persistent");
  db().set_expiry(*db().find_to_write("persistent"), 3'000'000);
  create("read");
  start();
  append("appended");
  append("appended");
  db().set_expiry(expiring, 2'000'000);
  db().set_expiry(*db().find_to_write("persistent"), kNoExpiry);
  append(db().will_change(*db().find_to_read("read")));
  EXPECT_THAT(take_all(), ElementsAre("0/appended 1", "0/expiring 1", "0/persistent 1 until 3000000", "0/read 1"));
}

TEST_F(CutTest, KeysThatGoAreHandedOut) {
  create("removed");
  db().set_expiry(create("expired"), now_ms + 5);
  create("flushed", 1, 2);
  start();
  EXPECT_TRUE(db().remove("removed"));
  now_ms += 6;
  expire();
  EXPECT_EQ(db(1).clear(), 1u);
  EXPECT_THAT(take_all(), ElementsAre("0/expired 1 until 1000005", "0/removed 1", "1/flushed 2"));
}

TEST_F(CutTest, KeysThatComeAreNoPartOfIt) {
  create("replaced");
  start();
  create("new");
  db().remove("replaced");
  create("replaced", 0, 7);
  db().remove("replaced");
  create("replaced", 0, 8);
  EXPECT_THAT(take_all(), ElementsAre("0/replaced 1"));
}

TEST_F(CutTest, SwappedDatabasesAreHandedOutUnderTheNumbersTheyHad) {
  create("a", 0);
  create("b", 1);
  create("preserved", 0);
  db(0).swap(1);  // an earlier swap counts
  start();
  db(1).swap(2);
  append(*db(2).find_to_write("preserved"));
  db(0).remove("b");
  create("b", 0, 5);
  db(2).swap(0);
  EXPECT_THAT(take_all(), ElementsAre("0/b 1", "1/a 1", "1/preserved 1"));
  finish();
  start();
  EXPECT_THAT(take_all(), ElementsAre("0/a 1", "0/preserved 2", "2/b 5"));
}

TEST_F(CutTest, WhatHadExpiredAtTheMomentIsLeftOut) {
  db().set_expiry(create("expired"), now_ms - 1);
  db().set_expiry(create("touched"), now_ms - 1);
  db().set_expiry(create("last moment"), now_ms);
  start();
  EXPECT_EQ(db().find_to_write("touched"), nullptr);
  now_ms += 1000;
  EXPECT_THAT(take_all(), ElementsAre("0/last moment 1 until 1000000"));
}

TEST_F(CutTest, CountsAreThoseOfTheMoment) {
  create("a");
  db().set_expiry(create("b"), 2'000'000);
  db(1).set_expiry(create("a", 1), 2'000'000);
  start();
  create("c");
  db(1).clear();
  ASSERT_EQ(cut.counts().size(), 3u);
  EXPECT_EQ(cut.counts()[0].keys, 2u);
  EXPECT_EQ(cut.counts()[0].expiring_keys, 1u);
  EXPECT_EQ(cut.counts()[1].keys, 1u);
  EXPECT_EQ(cut.counts()[1].expiring_keys, 1u);
  EXPECT_EQ(cut.counts()[2].keys, 0u);
}

TEST_F(CutTest, ASliceTakesLittle) {
  constexpr int kKeys = 1000;
  for (int i = 0; i < kKeys; ++i) create("k" + std::to_string(i));
  start();
  size_t taken = 0;
  for (PartitionIndex i = 0; i < keyspace.partition_count(); ++i) {
    bool done = false;
    while (!done) {
      std::vector<CutItem> items;
      done = cut.take(i, 10, items);
      EXPECT_LE(items.size(), 10u);
      taken += items.size();
    }
  }
  EXPECT_EQ(taken, static_cast<size_t>(kKeys));
}

TEST_F(CutTest, ALargeStreamFillsASlice) {
  for (int i = 0; i < 100; ++i) create("k" + std::to_string(i), 0, 1000);
  start();
  std::vector<CutItem> items;
  EXPECT_FALSE(cut.take(keyspace.partition_of("k0"), 10, items));
  EXPECT_LT(items.size(), 5u);
}

TEST_F(CutTest, TablesMayGrowAndShrinkDuringTheWalk) {
  constexpr int kKeys = 500;
  for (int i = 0; i < kKeys; ++i) create("k" + std::to_string(i));
  start();
  std::map<std::string, int> times;
  int step = 0;
  for (PartitionIndex i = 0; i < keyspace.partition_count(); ++i) {
    bool done = false;
    while (!done) {
      std::vector<CutItem> items;
      done = cut.take(i, 20, items);
      for (const CutItem& item : items) ++times[item.key];
      for (int n = 0; n < 200; ++n, ++step) {
        const std::string key = "new" + std::to_string(step % 4000);
        if (step / 4000 % 2 == 0) {
          create(key, 0, 0);
        } else {
          db().remove(key);
        }
      }
    }
  }
  EXPECT_GT(step, 8000);
  EXPECT_EQ(times.size(), static_cast<size_t>(kKeys));
  for (const auto& [key, count] : times) EXPECT_EQ(count, 1) << key;
}

TEST_F(CutTest, RecordsThatGrowOldArePreserved) {
  record_append(create("old").key);
  start();
  now_ms += 200'000;
  expire();
  EXPECT_EQ(db().find_to_read("old")->value.stream()->idempotency.record_count(), 0u);
  std::vector<CutItem> items;
  for (PartitionIndex i = 0; i < keyspace.partition_count(); ++i) EXPECT_TRUE(cut.take(i, kAtOnce, items));
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(items[0].value.stream()->idempotency.record_count(), 1u);
}

TEST_F(CutTest, WhatDoesNotChangeIsNotPreserved) {
  record_append(create("young").key);
  create("read");
  start();
  now_ms += 2000;
  expire();
  db().find_to_read("read");
  db().find_to_inspect("read");
  create("new", 0, 10);
  append("new");
  EXPECT_EQ(cut.preserved_bytes(), 0u);
}

TEST_F(CutTest, OnlyTheFirstChangeOfAKeyIsPreserved) {
  create("a", 0, 1000);
  start();
  append("a");
  const size_t once = cut.preserved_bytes();
  EXPECT_GT(once, 0u);
  for (int i = 0; i < 100; ++i) append("a");
  db().remove("a");
  EXPECT_EQ(cut.preserved_bytes(), once);
}

TEST_F(CutTest, PreservedBytesAreThoseThatNobodyElseHolds) {
  create("appended", 0, 10'000);
  create("removed", 0, 10'000);
  const size_t whole = db().find_to_read("removed")->value.memory_bytes();
  start();
  append("appended");
  EXPECT_LT(cut.preserved_bytes(), whole / 2);
  db().remove("removed");
  EXPECT_GT(cut.preserved_bytes(), whole);
  take_all();
  EXPECT_EQ(cut.preserved_bytes(), 0u);
}

TEST_F(CutTest, OfAStringAllOfItIsPreserved) {
  const std::string text(10'000, 'x');
  for (const std::string_view key : {"edited", "replaced"}) db().create(key, Value(StringValue(text)));
  start();
  db().find_to_write("edited")->value.string()->append("y");
  EXPECT_GT(cut.preserved_bytes(), text.size());
  db().find_to_write("replaced")->value.string()->assign("y");
  EXPECT_GT(cut.preserved_bytes(), 2 * text.size());
}

TEST_F(CutTest, WhereTheWalkHasPassedNothingIsPreserved) {
  create("a");
  start();
  take_all();
  append("a");
  db().set_expiry(*db().find_to_write("a"), 2'000'000);
  create("b");
  db().remove("b");
  db().clear();
  EXPECT_EQ(cut.preserved_bytes(), 0u);
  EXPECT_FALSE(keyspace.partition(0).cut().is_going());
}

TEST_F(CutTest, AnAbandonedCutIsForgotten) {
  create("a");
  create("b");
  start();
  append("a");
  std::vector<CutItem> items;
  cut.take(keyspace.partition_of("b"), kAtOnce, items);
  EXPECT_TRUE(cut.is_going());
  finish();
  EXPECT_FALSE(cut.is_going());
  EXPECT_EQ(cut.preserved_bytes(), 0u);
  EXPECT_THAT(take_all(), IsEmpty());
  append("b");
  EXPECT_EQ(cut.preserved_bytes(), 0u);
}

TEST_F(CutTest, TheNextCutStartsAfresh) {
  create("a");
  create("b");
  start();
  append("a");
  create("c");
  take_all();
  finish();
  create("d");
  start();
  append("a");
  append("c");
  EXPECT_THAT(take_all(), ElementsAre("0/a 2", "0/b 1", "0/c 1", "0/d 1"));
}

TEST_F(CutTest, ItemsAreReadWithoutTheLock) {
  create("a", 0, 5000);
  db().find_to_write("a")->value.stream()->create_group("g", {}, 0);
  const std::string before = test::content_of(*db().find_to_read("a")->value.stream());
  start();
  std::vector<CutItem> items;
  for (PartitionIndex i = 0; i < keyspace.partition_count(); ++i) EXPECT_TRUE(cut.take(i, kAtOnce, items));
  ASSERT_EQ(items.size(), 1u);
  std::string seen;
  std::thread reader([&] {
    seen = test::content_of(*items[0].value.stream());
    items.clear();
  });
  streams::Stream& stream = *db().find_to_write("a")->value.stream();
  for (int i = 0; i < 1000; ++i) {
    append("a");
    stream.erase(stream.first_id());
  }
  stream.destroy_group("g");
  reader.join();
  EXPECT_EQ(seen, before);
}

TEST_F(CutTest, OneCutAtATime) {
  start();
  EXPECT_DEATH(start(), "is_going");
}

}  // namespace
}  // namespace millrace::keyspace
