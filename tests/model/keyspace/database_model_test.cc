// Random operations on databases beside a plain map of what they should hold.
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "keyspace/database.h"
#include "keyspace/partition_locks.h"

namespace millrace::keyspace {
namespace {

constexpr int kDatabases = 2;

class Model {
 public:
  explicit Model(uint64_t seed) : random_(seed) { locks_.hold_all(); }

  void step() {
    const int index = static_cast<int>(random_.below(kDatabases));
    const std::string key = "k" + std::to_string(random_.below(population_));
    Database db(keyspace_, index, {.unix_ms = now_ms_}, events_);
    switch (random_.below(8)) {
      case 0:
      case 1:
        return create(db, key);
      case 2:
        return remove(db, key);
      case 3:
        return set_expiry(db, key);
      case 4:
        return find(db, key);
      case 5:
        now_ms_ += static_cast<int64_t>(random_.below(5));
        return;
      case 6:
        return expire();
      default:
        return change_course(db);
    }
  }

  void check() {
    for (int index = 0; index < kDatabases; ++index) {
      Database db(keyspace_, index, {.unix_ms = now_ms_}, events_);
      std::map<std::string, int64_t> seen;
      db.for_each([&](const KeyEntry& entry) { EXPECT_TRUE(seen.emplace(entry.key, entry.expire_at_ms).second); });
      forget_expired();
      EXPECT_EQ(seen, expected_[index]);
    }
  }

  // Once everything is looked at, nothing expired is left and all counters agree.
  void settle() {
    expire();
    for (int index = 0; index < kDatabases; ++index) {
      Database db(keyspace_, index, {.unix_ms = now_ms_}, events_);
      size_t expiring = 0;
      for (const auto& [key, at_ms] : expected_[index]) expiring += at_ms != kNoExpiry;
      EXPECT_EQ(db.size(), expected_[index].size());
      EXPECT_EQ(db.expiring_size(), expiring);
    }
    for (PartitionIndex i = 0; i < keyspace_.partition_count(); ++i)
      EXPECT_GT(keyspace_.partition(i).next_expiry_ms, now_ms_);
  }

 private:
  void create(Database& db, const std::string& key) {
    if (db.find_to_write(key)) return;
    db.create(key, Value(std::make_unique<streams::Stream>()));
    expected_[db.index()][key] = kNoExpiry;
  }
  void remove(Database& db, const std::string& key) {
    forget_expired();
    EXPECT_EQ(db.remove(key), expected_[db.index()].erase(key) == 1) << key;
  }
  void set_expiry(Database& db, const std::string& key) {
    KeyEntry* entry = db.find_to_write(key);
    if (!entry) return;
    const int64_t at_ms = random_.one_in(4) ? kNoExpiry : now_ms_ + static_cast<int64_t>(random_.below(300));
    db.set_expiry(*entry, at_ms);
    expected_[db.index()][key] = at_ms;
  }
  void find(Database& db, const std::string& key) {
    forget_expired();
    const KeyEntry* entry = db.find_to_read(key);
    const auto at = expected_[db.index()].find(key);
    ASSERT_EQ(entry != nullptr, at != expected_[db.index()].end()) << key;
    if (entry) {
      EXPECT_EQ(entry->expire_at_ms, at->second);
    }
  }
  void expire() {
    for (PartitionIndex i = 0; i < keyspace_.partition_count(); ++i) {
      const size_t limit = 1 + random_.below(20);
      while (expire_due(keyspace_, i, {.unix_ms = now_ms_}, limit, events_) == limit) {
      }
    }
    forget_expired();
  }
  // Sometimes empties a database, sometimes lets the number of keys in play rise or fall, so that tables resize.
  void change_course(Database& db) {
    if (random_.one_in(200)) {
      db.clear();
      expected_[db.index()].clear();
    } else if (random_.one_in(100)) {
      const int other = static_cast<int>(random_.below(kDatabases));
      db.swap(other);
      std::swap(expected_[db.index()], expected_[other]);
    } else if (random_.one_in(100)) {
      population_ = 1 + random_.below(random_.one_in(2) ? 20 : 3000);
    }
  }
  void forget_expired() {
    for (auto& keys : expected_) {
      std::erase_if(keys, [&](const auto& key) { return key.second != kNoExpiry && key.second < now_ms_; });
    }
  }

  Random random_;
  Keyspace keyspace_{{.partitions = 4, .databases = kDatabases, .hash_seed = 3}};
  PartitionLocks locks_{keyspace_};
  KeyEvents events_;
  int64_t now_ms_ = 1'000'000;
  uint64_t population_ = 3000;
  std::map<std::string, int64_t> expected_[kDatabases];
};

TEST(DatabaseModel, AgreesWithAMap) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Model model(seed);
    for (int i = 0; i < 8000; ++i) {
      model.step();
      if (i % 500 == 0) model.check();
    }
    model.check();
    model.settle();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace millrace::keyspace
