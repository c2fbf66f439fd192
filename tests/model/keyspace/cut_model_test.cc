// Random changes of keys, strings, streams and groups, made as the commands make them, between the slices of cuts. The
// items of a cut are the keys of its moment, each once. The same changes are made in a second keyspace where nothing is
// ever cut: the living keys never differ from those.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "keyspace/cut.h"
#include "keyspace/database.h"
#include "keyspace/partition_locks.h"
#include "streams/delivery.h"
#include "support/random_stream.h"

namespace millrace::keyspace {
namespace {

using streams::Consumer;
using streams::Group;
using streams::Stream;
using streams::StreamId;

constexpr int kDatabases = 3;

using Contents = std::map<KeyPlace, std::string>;

std::string content_of(int64_t expire_at_ms, const Value& value) {
  StringValue::Digits digits;
  const StringValue* const string = value.string();
  return "until " + std::to_string(expire_at_ms) + ": " +
         (string ? std::string(string->text(digits)) : test::content_of(*value.stream()));
}

// A keyspace and whoever changes it. Two of them with the same seed do the same.
class World {
 public:
  explicit World(uint64_t seed) : random_(seed) { locks_.hold_all(); }

  Keyspace& keyspace() { return keyspace_; }
  PartitionLocks& locks() { return locks_; }
  Instant now() const { return {.unix_ms = now_ms_}; }

  void step() {
    Database db = some_database();
    const std::string key = some_key();
    if (random_.one_in(5)) return change_key(db, key);
    if (random_.one_in(12)) return pass_time();
    if (random_.one_in(40)) return db.swap(static_cast<int>(random_.below(kDatabases)));
    if (random_.one_in(5)) return change_string(db, key);
    if (random_.one_in(3)) return change_group(db, key);
    change_stream(db, key);
  }

  Contents contents() {
    Contents all;
    for (int index = 0; index < kDatabases; ++index) {
      Database(keyspace_, index, now(), events_).for_each([&](const KeyEntry& entry) {
        all[{index, entry.key}] = content_of(entry.expire_at_ms, entry.value);
      });
    }
    return all;
  }

 private:
  Database some_database() { return Database(keyspace_, static_cast<int>(random_.below(kDatabases)), now(), events_); }
  std::string some_key() { return "k" + std::to_string(random_.below(population_)); }
  std::string some_name() { return "n" + std::to_string(random_.below(4)); }
  StreamId some_id(const Stream& stream) {
    const StreamId last = stream.last_id();
    return {last.ms - std::min(last.ms, random_.below(30)), random_.below(3)};
  }

  // ---- keys, as their commands change them
  void change_key(Database& db, const std::string& key) {
    switch (random_.below(9)) {
      case 0:
      case 1:
        db.remove(key);
        return;
      case 2:
      case 3:
        return set_expiry(db, key);
      case 4:
        return move(db, key, db, some_key());
      case 5: {
        Database target = some_database();
        return move(db, key, target, key);
      }
      case 6:
        return copy(db, key);
      case 7:
        if (random_.one_in(10)) db.clear();
        return;
      default:
        if (random_.one_in(30)) population_ = 1 + random_.below(random_.one_in(2) ? 10 : 400);
    }
  }
  void set_expiry(Database& db, const std::string& key) {
    KeyEntry* entry = db.find_to_write(key);
    if (!entry) return;
    db.set_expiry(*entry, random_.one_in(4) ? kNoExpiry : now_ms_ + static_cast<int64_t>(random_.below(150)));
  }
  void place(Database& db, const std::string& key, Value value, int64_t expire_at_ms) {
    const bool has_producers = value.stream() && !value.stream()->idempotency.empty();
    db.set_expiry(db.create(key, std::move(value)), expire_at_ms);
    if (has_producers) db.track_idempotency(key);
  }
  void move(Database& from, const std::string& key, Database& to, const std::string& new_key) {
    if (from.index() == to.index() && key == new_key) return;
    KeyEntry* entry = from.find_to_write(key);
    if (!entry) return;
    to.remove(new_key);
    place(to, new_key, std::move(entry->value), entry->expire_at_ms);
    from.remove(key);
  }
  void copy(Database& db, const std::string& key) {
    Database target = some_database();
    const std::string new_key = some_key();
    if (target.index() == db.index() && key == new_key) return;
    const KeyEntry* entry = db.find_to_read(key);
    if (!entry) return;
    target.remove(new_key);
    place(target, new_key, entry->value.clone(), entry->expire_at_ms);
  }
  void pass_time() {
    now_ms_ += static_cast<int64_t>(random_.below(random_.one_in(20) ? 2000 : 8));
    if (random_.one_in(2)) return;
    for (PartitionIndex i = 0; i < keyspace_.partition_count(); ++i) expire_due(keyspace_, i, now(), 5, events_);
  }

  // ---- strings, which now and then take the place of a stream
  void change_string(Database& db, const std::string& key) {
    const std::string text(random_.below(random_.one_in(4) ? 200 : 20), static_cast<char>('0' + random_.below(10)));
    KeyEntry* entry = db.find_to_write(key);
    if (!entry) entry = &db.create(key, Value(StringValue()));
    if (!entry->value.string() && random_.one_in(4)) entry->value = Value(StringValue(text));
    StringValue* const string = entry->value.string();
    if (!string) return;
    switch (random_.below(4)) {
      case 0:
        return string->assign(text);
      case 1:
        return string->assign(static_cast<int64_t>(random_.below(1000)));
      case 2:
        return string->write(random_.below(100), text);
      default:
        return string->append(text);
    }
  }

  // ---- streams, found to be written
  void change_stream(Database& db, const std::string& key) {
    KeyEntry* entry = db.find_to_write(key);
    if (!entry) entry = &db.create(key, Value(std::make_unique<Stream>()));
    if (!entry->value.stream()) return;
    Stream& stream = *entry->value.stream();
    switch (random_.below(12)) {
      case 0:
        return trim(stream);
      case 1:
        stream.erase_with_policy(some_id(stream), static_cast<streams::RefPolicy>(random_.below(3)));
        return;
      case 2:
        stream.create_group(some_name(), some_id(stream), -1);
        return;
      case 3:
        if (random_.one_in(3)) stream.destroy_group(some_name());
        return;
      case 4:
        return record(db, key, stream);
      case 5:
        stream.set_entries_added(stream.entries_added() + random_.below(3));
        return;
      default:
        return append(stream);
    }
  }
  void trim(Stream& stream) {
    streams::TrimOptions options;
    options.length_max = random_.below(12);
    options.approximate = random_.one_in(2);
    stream.trim(options);
  }
  void append(Stream& stream) {
    const std::string text(random_.below(40), 'x');
    const std::vector<std::string_view> elements = {"field", text};
    for (uint64_t left = 1 + random_.below(5); left > 0; --left) {
      ASSERT_TRUE(stream.append({}, elements, now_ms_, {.bytes_max = 300, .entries_max = 5}));
    }
  }
  void record(Database& db, const std::string& key, Stream& stream) {
    if (random_.one_in(5)) stream.idempotency.set_limits({.duration_s = 1, .entries_max = 3});
    stream.idempotency.record(some_name(), std::to_string(random_.below(20)), stream.last_id());
    db.track_idempotency(key);
  }

  // ---- groups, of streams that were found to be read
  void change_group(Database& db, const std::string& key) {
    const KeyEntry* read = db.find_to_read(key);
    if (!read || !read->value.stream() || read->value.stream()->groups().empty()) return;
    Stream& stream = *db.will_change(*read).value.stream();
    auto place = stream.groups().begin();
    std::advance(place, random_.below(stream.groups().size()));
    Group& group = place->second;
    const StreamId id = some_id(stream);
    if (random_.one_in(20)) {
      group.remove_consumer(some_name());
      return;
    }
    if (random_.one_in(4)) {
      group.pending.erase(id);
      return;
    }
    if (random_.one_in(8)) {
      streams::nack(stream, group, id, static_cast<streams::NackMode>(random_.below(3)), std::nullopt, false);
      return;
    }
    Consumer& consumer = group.ensure_consumer(some_name(), now_ms_);
    consumer.seen_time_ms = now_ms_;
    deliver(stream, group, consumer, id);
  }
  void deliver(Stream& stream, Group& group, Consumer& consumer, StreamId id) {
    const auto has_room = [] { return true; };
    switch (random_.below(5)) {
      case 0:
        streams::claim(stream, group, consumer, id, {.delivery_time_ms = now_ms_ - 3, .force = random_.one_in(2)});
        return;
      case 1:
        streams::auto_claim(stream, group, consumer, {.min_idle_ms = 5, .count = 3, .now_ms = now_ms_});
        return;
      case 2:
        streams::claim_idle(stream, group, consumer, {.count = 2, .min_idle_ms = 5, .now_ms = now_ms_}, has_room,
                            [](streams::EntryIterator&, const streams::ClaimedEntry&) {});
        return;
      case 3:
        streams::read_history(stream, group, consumer, {}, 3, now_ms_, has_room,
                              [](StreamId, streams::EntryIterator*) {});
        return;
      default:
        streams::deliver_new(stream, group, consumer, {.count = 1 + random_.below(4), .now_ms = now_ms_}, has_room,
                             [](streams::EntryIterator&) {});
    }
  }

  Random random_;
  Keyspace keyspace_{{.partitions = 4, .databases = kDatabases, .hash_seed = 3}};
  PartitionLocks locks_{keyspace_};
  KeyEvents events_;
  int64_t now_ms_ = 1'000'000;
  uint64_t population_ = 60;
};

// Cuts a world again and again, in slices.
class Cutter {
 public:
  Cutter(World& world, uint64_t seed) : world_(world), cut_(world.keyspace()), random_(seed) {}

  size_t finished() const { return finished_; }
  size_t items() const { return items_; }

  void step() {
    if (!cut_.is_going()) {
      if (random_.one_in(30)) start();
    } else if (random_.one_in(400)) {
      finish();
    } else if (random_.one_in(4)) {
      take_slice();
    }
  }

 private:
  void start() {
    expected_ = world_.contents();
    cut_.start(world_.now());
    left_.clear();
    for (PartitionIndex i = 0; i < world_.keyspace().partition_count(); ++i) left_.push_back(i);
    // Whole partitions are looked at one after the other, or a little of each.
    in_turn_ = random_.one_in(2);
    work_max_ = 1 + random_.below(random_.one_in(2) ? 10 : 300);
  }
  void take_slice() {
    const size_t chosen = in_turn_ ? 0 : random_.below(left_.size());
    std::vector<CutItem> items;
    if (cut_.take(left_[chosen], work_max_, items)) left_.erase(left_.begin() + static_cast<ptrdiff_t>(chosen));
    for (const CutItem& item : items) compare(item);
    items_ += items.size();
    if (!left_.empty()) return;
    EXPECT_TRUE(expected_.empty()) << expected_.begin()->first.key << " was not handed out";
    EXPECT_EQ(cut_.preserved_bytes(), 0u);
    ++finished_;
    finish();
  }
  void compare(const CutItem& item) {
    const auto place = expected_.find({item.database, item.key});
    ASSERT_NE(place, expected_.end()) << item.database << "/" << item.key << " is there twice, or was never";
    EXPECT_EQ(content_of(item.expire_at_ms, item.value), place->second) << item.database << "/" << item.key;
    if (item.value.stream()) item.value.stream()->check_invariants();
    expected_.erase(place);
  }
  void finish() {
    world_.locks().release();
    cut_.finish(world_.locks());
    world_.locks().hold_all();
    EXPECT_EQ(cut_.preserved_bytes(), 0u);
  }

  World& world_;
  Cut cut_;
  Random random_;
  Contents expected_;  // what is still to come
  std::vector<PartitionIndex> left_;
  bool in_turn_ = false;
  size_t work_max_ = 0;
  size_t finished_ = 0;
  size_t items_ = 0;
};

TEST(CutModel, HandsOutTheStateOfItsMoment) {
  size_t finished = 0;
  size_t items = 0;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    World uncut(seed);
    Cutter cutter(world, seed + 1000);
    for (int i = 0; i < 3000; ++i) {
      world.step();
      uncut.step();
      cutter.step();
      if (i % 1000 == 0) {
        EXPECT_EQ(world.contents(), uncut.contents());
      }
    }
    EXPECT_EQ(world.contents(), uncut.contents());
    finished += cutter.finished();
    items += cutter.items();
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(finished, 300u);
  EXPECT_GT(items, 10'000u);
}

}  // namespace
}  // namespace millrace::keyspace
