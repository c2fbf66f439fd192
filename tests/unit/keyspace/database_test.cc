// Database: lazy and active expiry, what counts as a hit, and who is told.
#include "keyspace/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "keyspace/partition_locks.h"

namespace millrace::keyspace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class DatabaseTest : public testing::Test {
 protected:
  DatabaseTest() { locks.hold_all(); }

  Database db(int index = 0) { return Database(keyspace, index, {.unix_ms = now_ms}, events); }
  KeyEntry& create(std::string_view key, int index = 0) {
    return db(index).create(key, Value(std::make_unique<streams::Stream>()));
  }
  void create_until(std::string_view key, int64_t at_ms, int index = 0) {
    db(index).set_expiry(create(key, index), at_ms);
  }
  bool exists(std::string_view key, int index = 0) { return db(index).find_to_read(key) != nullptr; }
  Ref<Waiter> wait_for(std::string_view key, int index = 0) {
    const KeyPlace place{index, std::string(key)};
    auto waiter = Ref<Waiter>::make(std::vector<KeyPlace>{place});
    partition_of(key).waiters().add(place, waiter);
    return waiter;
  }
  std::vector<std::string> ready() {
    std::vector<std::string> names;
    for (const KeyPlace& place : events.ready) names.push_back(std::to_string(place.database) + "/" + place.key);
    return names;
  }
  // "event database/key" of every notification, in order.
  std::vector<std::string> told() {
    std::vector<std::string> lines;
    for (const auto& [event, place] : events.notifications) {
      lines.push_back(std::string(event) + " " + std::to_string(place.database) + "/" + place.key);
    }
    return lines;
  }
  Partition& partition_of(std::string_view key) { return keyspace.partition(keyspace.partition_of(key)); }
  size_t expire(size_t limit = 1000) {
    size_t removed = 0;
    for (PartitionIndex i = 0; i < keyspace.partition_count(); ++i) {
      removed += expire_due(keyspace, i, {.unix_ms = now_ms}, limit, events);
    }
    return removed;
  }
  // Remembers one idempotent append at the current time in the stream at `key`.
  void record_append(std::string_view key, uint64_t at_ms) {
    db().find_to_write(key)->value.stream()->idempotency.record("p", "i", {at_ms, 0});
    db().track_idempotency(key);
  }
  size_t records(std::string_view key) { return db().find_to_read(key)->value.stream()->idempotency.record_count(); }

  Keyspace keyspace{{.partitions = 8, .databases = 4, .hash_seed = 11}};
  PartitionLocks locks{keyspace};
  KeyEvents events;
  int64_t now_ms = 1'000'000;
};

TEST_F(DatabaseTest, DatabasesDoNotSeeEachOthersKeys) {
  create("a", 0);
  EXPECT_TRUE(exists("a", 0));
  EXPECT_FALSE(exists("a", 3));
  EXPECT_EQ(db(0).size(), 1u);
  EXPECT_EQ(db(3).size(), 0u);
}

TEST_F(DatabaseTest, SwappedDatabasesHaveEachOthersKeys) {
  create("a", 0);
  create_until("b", 2'000'000, 0);
  create("c", 3);
  db(0).swap(3);
  EXPECT_FALSE(exists("a", 0));
  EXPECT_TRUE(exists("a", 3));
  EXPECT_TRUE(exists("c", 0));
  EXPECT_EQ(db(0).size(), 1u);
  EXPECT_EQ(db(3).size(), 2u);
  EXPECT_EQ(db(0).expiring_size(), 0u);
  EXPECT_EQ(db(3).expiring_size(), 1u);
  db(1).swap(3);
  db(1).swap(1);
  db(1).set_expiry(*db(1).find_to_write("a"), 3'000'000);
  now_ms = 2'000'001;
  events.wanted_events = kEventKeyevent | kEventExpired;
  EXPECT_EQ(expire(), 1u);
  EXPECT_THAT(told(), ElementsAre("expired 1/b"));
  EXPECT_EQ(db(1).clear(), 1u);
  EXPECT_EQ(expire(), 0u);
}

TEST_F(DatabaseTest, ASwapWakesWhoWaitsForAKeyThatWasThereOrIsThereNow) {
  create("left", 0);
  create("came", 1);
  for (const int index : {0, 1, 2}) {
    for (const char* key : {"left", "came", "nowhere"}) wait_for(key, index);
  }
  db(1).swap(0);
  EXPECT_THAT(ready(), UnorderedElementsAre("0/left", "0/came", "1/left", "1/came"));
}

TEST_F(DatabaseTest, IdempotencyRecordsGrowOldInASwappedDatabase) {
  create("s");
  record_append("s", static_cast<uint64_t>(now_ms));
  db(0).swap(2);
  for (int i = 0; i < 3; ++i) {
    now_ms += 200'000;
    expire();
  }
  EXPECT_EQ(db(2).find_to_read("s")->value.stream()->idempotency.record_count(), 0u);
}

TEST_F(DatabaseTest, ReadingCountsHitsAndMisses) {
  create("a");
  exists("a");
  exists("b");
  exists("c");
  EXPECT_EQ(events.hits, 1u);
  EXPECT_EQ(events.misses, 2u);
}

TEST_F(DatabaseTest, WritingCountsNeither) {
  create("a");
  db().find_to_write("a");
  db().find_to_write("b");
  EXPECT_EQ(events.hits + events.misses, 0u);
}

TEST_F(DatabaseTest, OnlyATouchRefreshesTheAccessTime) {
  create("a");
  now_ms += 5000;
  EXPECT_EQ(db().find_to_read("a", /*touch=*/false)->accessed_ms, 1'000'000);
  EXPECT_EQ(db().find_to_read("a")->accessed_ms, 1'005'000);
}

TEST_F(DatabaseTest, AKeyLivesThroughTheMillisecondOfItsExpiry) {
  create_until("a", now_ms + 10);
  now_ms += 10;
  EXPECT_TRUE(exists("a"));
  EXPECT_EQ(expire(), 0u);
  ++now_ms;
  EXPECT_FALSE(exists("a"));
  EXPECT_EQ(events.expired, 1u);
  EXPECT_EQ(db().size(), 0u);
}

TEST_F(DatabaseTest, RemovingAnExpiredKeyIsNoRemoval) {
  create_until("a", now_ms + 10);
  now_ms += 11;
  EXPECT_FALSE(db().remove("a"));
  EXPECT_FALSE(db().remove("b"));
}

TEST_F(DatabaseTest, ExpireDueRemovesWhatIsDueInAnyDatabase) {
  create_until("a", now_ms + 10);
  create_until("b", now_ms + 10, 2);
  create_until("c", now_ms + 20);
  create("d");
  now_ms += 11;
  EXPECT_EQ(expire(), 2u);
  EXPECT_EQ(events.expired, 2u);
  EXPECT_EQ(db(0).size(), 2u);
  EXPECT_EQ(db(0).expiring_size(), 1u);
  EXPECT_EQ(db(2).size(), 0u);
}

TEST_F(DatabaseTest, ExpireDueStopsAtItsLimit) {
  const PartitionIndex index = keyspace.partition_of("a");
  size_t made = 0;
  for (int i = 0; made < 5; ++i) {
    const std::string key = "key:" + std::to_string(i);
    if (keyspace.partition_of(key) != index) continue;
    create_until(key, now_ms);
    ++made;
  }
  ++now_ms;
  EXPECT_EQ(expire_due(keyspace, index, {.unix_ms = now_ms}, 3, events), 3u);
  EXPECT_EQ(expire_due(keyspace, index, {.unix_ms = now_ms}, 3, events), 2u);
}

TEST_F(DatabaseTest, NextExpiryFollowsTheEarliestKey) {
  const auto& next_ms = partition_of("a").next_expiry_ms;
  EXPECT_EQ(next_ms, kNever);
  KeyEntry& entry = create("a");
  db().set_expiry(entry, now_ms + 50);
  EXPECT_EQ(next_ms, now_ms + 51);
  db().set_expiry(entry, now_ms + 20);
  EXPECT_EQ(next_ms, now_ms + 21);
  db().set_expiry(entry, kNoExpiry);
  EXPECT_EQ(next_ms, kNever);
  db().set_expiry(entry, kNever);
  EXPECT_EQ(next_ms, kNever);
  db().remove("a");
  EXPECT_EQ(db().expiring_size(), 0u);
}

TEST_F(DatabaseTest, SignalsReachOnlyKeysThatSomebodyWaitsFor) {
  create("a");
  create("b");
  wait_for("a");
  db().signal_ready("a");
  db().signal_ready("b");
  db(1).signal_ready("a");
  db().signal_ready("a");
  EXPECT_THAT(ready(), ElementsAre("0/a"));
}

TEST_F(DatabaseTest, RemovalAndBothKindsOfExpiryWakeWaiters) {
  wait_for("removed");
  wait_for("looked at");
  wait_for("due");
  create("removed");
  create_until("looked at", now_ms);
  create_until("due", now_ms);
  EXPECT_TRUE(db().remove("removed"));
  ++now_ms;
  exists("looked at");
  expire();
  EXPECT_THAT(ready(), ElementsAre("0/removed", "0/looked at", "0/due"));
}

TEST_F(DatabaseTest, ClearRemovesOneDatabaseAndWakesWaitersOfKeysThatWereThere) {
  create("a");
  create_until("b", now_ms + 10);
  create("a", 1);
  wait_for("a");
  wait_for("b");
  wait_for("absent");
  wait_for("a", 1);
  EXPECT_EQ(db().clear(), 2u);
  EXPECT_THAT(ready(), UnorderedElementsAre("0/a", "0/b"));
  EXPECT_EQ(db().size(), 0u);
  EXPECT_EQ(db().expiring_size(), 0u);
  EXPECT_EQ(db(1).size(), 1u);
  now_ms += 11;
  EXPECT_EQ(expire(), 0u);
}

TEST_F(DatabaseTest, ForEachPassesOverExpiredKeys) {
  create("a");
  create_until("b", now_ms);
  create("c", 1);
  ++now_ms;
  std::vector<std::string> seen;
  db().for_each([&](const KeyEntry& entry) { seen.push_back(entry.key); });
  EXPECT_THAT(seen, ElementsAre("a"));
}

TEST_F(DatabaseTest, ARandomKeyIsNeverAnExpiredOne) {
  for (int i = 0; i < 50; ++i) create_until("old:" + std::to_string(i), now_ms);
  create("a");
  create("b");
  ++now_ms;
  Random random(5);
  std::set<std::string> drawn;
  for (int i = 0; i < 100; ++i) drawn.insert(db().random_entry(random)->key);
  EXPECT_THAT(drawn, ElementsAre("a", "b"));
  db().clear();
  EXPECT_EQ(db().random_entry(random), nullptr);
}

TEST_F(DatabaseTest, NobodyIsToldWhatNobodyWants) {
  create_until("a", now_ms);
  ++now_ms;
  exists("a");
  db().signal_modified("b");
  db().notify(kEventGeneric, "del", "b");
  EXPECT_THAT(events.notifications, IsEmpty());
  EXPECT_THAT(events.modified_keys, IsEmpty());
}

TEST_F(DatabaseTest, OnlyWantedClassesAreNoted) {
  events.wanted_events = kEventKeyspace | kEventGeneric;
  db().notify(kEventGeneric, "del", "a");
  db().notify(kEventStream, "xadd", "a");
  create("b");
  EXPECT_THAT(told(), ElementsAre("del 0/a"));
}

TEST_F(DatabaseTest, NewKeysMissesAndBothKindsOfExpiryAreEventsOfTheKeysDatabase) {
  events.wanted_events = ~0u;
  create_until("looked at", now_ms, 1);
  create_until("due", now_ms, 2);
  ++now_ms;
  exists("looked at", 1);
  db(3).find_to_write("absent");
  db(3).find_to_inspect("absent");
  expire();
  EXPECT_THAT(told(), ElementsAre("new 1/looked at", "new 2/due", "expired 1/looked at", "keymiss 1/looked at",
                                  "expired 2/due"));
}

TEST_F(DatabaseTest, WhatComesGoesAndExpiresIsModified) {
  create_until("looked at", now_ms);
  create_until("due", now_ms, 2);
  events.wants_modified_keys = true;
  create("a");
  db().remove("a");
  db().remove("absent");
  ++now_ms;
  exists("looked at");
  expire();
  EXPECT_THAT(events.modified_keys, ElementsAre("a", "looked at", "due"));
  EXPECT_FALSE(events.was_flushed);
}

TEST_F(DatabaseTest, ClearingNamesNoKeys) {
  events.wanted_events = ~0u & ~kEventNew;
  create("a");
  events.wants_modified_keys = true;
  db().clear();
  EXPECT_TRUE(events.was_flushed);
  EXPECT_THAT(told(), IsEmpty());
  EXPECT_THAT(events.modified_keys, IsEmpty());
}

TEST_F(DatabaseTest, InspectingRefreshesNothing) {
  create("a");
  now_ms += 5000;
  EXPECT_EQ(db().find_to_inspect("a")->accessed_ms, 1'000'000);
  EXPECT_EQ(db().find_to_inspect("b"), nullptr);
  EXPECT_EQ(events.hits, 1u);
  EXPECT_EQ(events.misses, 1u);
}

TEST_F(DatabaseTest, IdempotencyRecordsGrowOldAtTheExpiryCycle) {
  create("a");
  record_append("a", static_cast<uint64_t>(now_ms));
  EXPECT_EQ(partition_of("a").next_expiry_ms, now_ms + Partition::kIdempotencyPeriodMs);
  now_ms += 99'000;
  expire();
  EXPECT_EQ(records("a"), 1u);
  now_ms += 2'000;
  expire();
  EXPECT_EQ(records("a"), 0u);
}

TEST_F(DatabaseTest, AWalkOverIdempotencyRecordsGoesOnWhereItStopped) {
  std::vector<std::string> keys;  // of one partition, in order
  for (char c = 'a'; keys.size() < 3; ++c) {
    if (const std::string key(1, c); keyspace.partition_of(key) == keyspace.partition_of("a")) keys.push_back(key);
  }
  for (const auto& key : keys) create(key);
  now_ms += 1'000'000;
  record_append(keys[0], static_cast<uint64_t>(now_ms));
  record_append(keys[1], 1);
  record_append(keys[2], 1);
  now_ms += Partition::kIdempotencyPeriodMs;
  for (const auto& key : keys) {
    SCOPED_TRACE(key);
    expire(/*limit=*/1);
    EXPECT_EQ(records(key), key == keys[0] ? 1u : 0u);
  }
}

TEST_F(DatabaseTest, AStreamThatWentAwayIsNoLongerTracked) {
  create("a");
  record_append("a", static_cast<uint64_t>(now_ms));
  db().remove("a");
  now_ms += 1000;
  expire();
  EXPECT_EQ(partition_of("a").next_expiry_ms, kNever);
}

TEST_F(DatabaseTest, AgeingWorksInSlices) {
  std::vector<std::string> keys;
  for (int i = 0; keys.size() < 5; ++i) {
    const std::string key = "key:" + std::to_string(i);
    if (keyspace.partition_of(key) != keyspace.partition_of("a")) continue;
    create(key);
    record_append(key, static_cast<uint64_t>(now_ms));
    keys.push_back(key);
  }
  now_ms += 101'000;
  const auto left = [&] {
    size_t total = 0;
    for (const std::string& key : keys) total += records(key);
    return total;
  };
  std::vector<size_t> steps;
  for (int i = 0; i < 3; ++i) {
    expire_due(keyspace, keyspace.partition_of("a"), {.unix_ms = now_ms}, 2, events);
    steps.push_back(left());
  }
  EXPECT_THAT(steps, ElementsAre(3u, 1u, 0u));
}

TEST_F(DatabaseTest, ValuesAreStreams) {
  Value& value = create("a").value;
  EXPECT_EQ(value.type_name(), "stream");
  EXPECT_EQ(value.encoding_name(), "stream");
  EXPECT_NE(value.clone().stream(), value.stream());
  EXPECT_GT(value.memory_bytes(), 0u);
}

TEST_F(DatabaseTest, AHashThatIsKnownIsOfThatKeyOnly) {
  const std::string text = "kkk";
  const std::string_view key(text);
  create(key);
  create("k");
  create("");
  Database view(keyspace, 0, {.unix_ms = now_ms}, events, {key, keyspace.hash_of(key)});
  for (const std::string_view each :
       {key, key.substr(0, 1), key.substr(1, 1), std::string_view("kkk"), std::string_view(), key.substr(0, 0)}) {
    EXPECT_EQ(view.find_to_read(each), db().find_to_read(each)) << each;
    EXPECT_NE(view.find_to_read(each), nullptr) << each;
  }
  EXPECT_EQ(view.with_index(1).find_to_read(key), nullptr);
  Database of_empty(keyspace, 0, {.unix_ms = now_ms}, events, {"", keyspace.hash_of("")});
  EXPECT_NE(of_empty.find_to_read(std::string_view()), nullptr);
}

TEST_F(DatabaseTest, EmptyPartitionsCostLittle) {
  EXPECT_LE(sizeof(Partition), 512u);
}

}  // namespace
}  // namespace millrace::keyspace
