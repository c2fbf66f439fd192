// The promise of SCAN: what is there from the first to the last call is seen, whatever comes and goes in between.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "keyspace/database.h"
#include "keyspace/partition_locks.h"
#include "keyspace/scan.h"

namespace millrace::keyspace {
namespace {

class ScanModel {
 public:
  ScanModel(uint64_t seed, uint32_t partitions)
      : random_(seed), keyspace_({.partitions = partitions, .databases = 1}) {}

  // Walks while other keys come or go; `growing` says which of the two is likelier.
  void walk(bool growing) {
    std::set<std::string> seen;
    uint64_t cursor = 0;
    size_t calls = 0;
    do {
      const size_t count = 1 + random_.below(20);
      cursor = scan(keyspace_, locks_, 0, cursor, count, [&](const KeyEntry& entry) { seen.insert(entry.key); });
      change(growing);
      ASSERT_LT(++calls, 100'000u);
    } while (cursor != 0);
    for (const std::string& key : staying_) ASSERT_TRUE(seen.contains(key)) << key;
  }

  void keep(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      staying_.push_back("stay:" + std::to_string(random_.next()));
      create(staying_.back());
    }
  }
  void add_passing(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      passing_.push_back("pass:" + std::to_string(random_.next()));
      create(passing_.back());
    }
  }
  size_t size() const { return staying_.size() + passing_.size(); }

 private:
  void change(bool growing) {
    const size_t amount = random_.below(60);
    if (random_.below(10) < (growing ? 8u : 2u)) return add_passing(amount);
    for (size_t i = 0; i < amount && !passing_.empty(); ++i) {
      std::swap(passing_[random_.below(passing_.size())], passing_.back());
      remove(passing_.back());
      passing_.pop_back();
    }
  }
  void create(const std::string& key) {
    locks_.hold_one(keyspace_.partition_of(key));
    Database(keyspace_, 0, {}, events_).create(key, Value(std::make_unique<streams::Stream>()));
    locks_.release();
  }
  void remove(const std::string& key) {
    locks_.hold_one(keyspace_.partition_of(key));
    EXPECT_TRUE(Database(keyspace_, 0, {}, events_).remove(key));
    locks_.release();
  }

  Random random_;
  Keyspace keyspace_;
  PartitionLocks locks_{keyspace_};
  KeyEvents events_;
  std::vector<std::string> staying_;
  std::vector<std::string> passing_;
};

void run(uint32_t partitions) {
  for (uint64_t seed = 1; seed <= 15; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", partitions " + std::to_string(partitions));
    ScanModel model(seed, partitions);
    model.keep(50);
    model.walk(/*growing=*/true);
    model.add_passing(3000);
    model.walk(/*growing=*/false);
    model.walk(/*growing=*/false);
    model.walk(/*growing=*/true);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(ScanModel, OneTableThatGrowsAndShrinks) {
  run(1);
}
TEST(ScanModel, ManyTables) {
  run(16);
}

}  // namespace
}  // namespace millrace::keyspace
