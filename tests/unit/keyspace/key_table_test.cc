// KeyTable: look-ups through resizes, and the guarantee of a scan.
#include "keyspace/key_table.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/hash.h"

namespace millrace::keyspace {
namespace {

class KeyTableTest : public testing::Test {
 protected:
  static uint64_t hash(std::string_view key) { return hash_bytes(key, 7); }
  static std::string name(size_t number) { return "key:" + std::to_string(number); }

  KeyEntry* find(std::string_view key) { return table.find(hash(key), key); }
  KeyEntry& insert(std::string_view key) {
    return table.insert(hash(key), key, Value(std::make_unique<streams::Stream>()));
  }
  void insert_many(size_t count) {
    for (size_t i = 0; i < count; ++i) insert(name(i));
  }
  void erase(std::string_view key) { table.erase(*find(key)); }
  std::multiset<std::string> walk() {
    std::multiset<std::string> seen;
    uint64_t cursor = 0;
    do cursor = table.scan(cursor, [&](KeyEntry& entry) { seen.insert(entry.key); });
    while (cursor != 0);
    return seen;
  }

  KeyTable table;
};

TEST_F(KeyTableTest, AnEmptyTableHasNothing) {
  EXPECT_EQ(find("a"), nullptr);
  EXPECT_TRUE(walk().empty());
  Random random(1);
  EXPECT_EQ(table.random_entry(random), nullptr);
  EXPECT_EQ(table.bucket_count(), 0u);
}

TEST_F(KeyTableTest, FindsWhatWasInsertedAndNotWhatWasErased) {
  KeyEntry& a = insert("a");
  insert("b");
  EXPECT_EQ(find("a"), &a);
  erase("a");
  EXPECT_EQ(find("a"), nullptr);
  EXPECT_NE(find("b"), nullptr);
  EXPECT_EQ(table.size(), 1u);
}

TEST_F(KeyTableTest, KeysMayHoldAnyBytes) {
  const std::string zero("\0", 1);
  insert("");
  insert(zero);
  EXPECT_EQ(find("")->key, "");
  EXPECT_EQ(find(zero)->key, zero);
}

TEST_F(KeyTableTest, EntriesStayWhereTheyAreThroughResizes) {
  KeyEntry* first = &insert("first");
  insert_many(5000);
  EXPECT_EQ(find("first"), first);
  for (size_t i = 0; i < 5000; ++i) erase(name(i));
  EXPECT_EQ(find("first"), first);
}

TEST_F(KeyTableTest, KeysOfOneHashLiveTogether) {
  for (const char* key : {"a", "b", "c"}) table.insert(42, key, Value(nullptr));
  table.erase(*table.find(42, "b"));
  EXPECT_EQ(table.find(42, "b"), nullptr);
  EXPECT_EQ(table.find(42, "a")->key, "a");
  EXPECT_EQ(table.find(42, "c")->key, "c");
}

TEST_F(KeyTableTest, GrowsWithItsKeysAndShrinksWithoutThem) {
  insert_many(10000);
  const size_t large = table.bucket_count();
  EXPECT_GE(large, 10000u);
  EXPECT_LE(large, 3 * 16384u);
  for (size_t i = 0; i < 9990; ++i) erase(name(i));
  for (size_t i = 0; i < 2000; ++i) find(name(9999));
  EXPECT_FALSE(table.is_resizing());
  EXPECT_LE(table.bucket_count(), 128u);
}

TEST_F(KeyTableTest, GivesAllMemoryBackWithItsLastKey) {
  // However many keys there were, and so wherever the last shrink stood.
  for (size_t count : {1u, 5u, 1000u, 10000u, 20000u}) {
    insert_many(count);
    for (size_t i = 0; i < count; ++i) erase(name(i));
    EXPECT_EQ(table.bucket_count(), 0u) << count;
  }
}

TEST_F(KeyTableTest, KeysErasedDuringAShrinkAreShrunkForToo) {
  for (size_t count = 100; count < 3000; count += 50) {
    std::vector<KeyEntry*> entries;  // erased without being looked up, as expiry does: that moves the least
    for (size_t i = 0; i < count; ++i) entries.push_back(&insert(name(i)));
    for (size_t i = 1; i < count; ++i) table.erase(*entries[i]);
    for (size_t i = 0; i < count; ++i) find(name(0));
    EXPECT_LE(table.bucket_count(), 8u) << count;
    table.clear();
  }
}

TEST_F(KeyTableTest, AResizeEndsLongBeforeTheNextOne) {
  size_t since_start = 0;
  for (size_t i = 0; i < 20000; ++i) {
    insert(name(i));
    since_start = table.is_resizing() ? since_start + 1 : 0;
    ASSERT_LE(since_start, i / 4 + 2) << "at " << i;
  }
}

TEST_F(KeyTableTest, NoOperationMovesManyEntries) {
  // A resize of 2^16 buckets that moved more than a few per insert would be over sooner than this.
  size_t number = 0;
  while (table.size() < 65536) insert(name(number++));
  insert(name(number++));
  ASSERT_TRUE(table.is_resizing());
  size_t operations = 0;
  for (; table.is_resizing(); ++operations) insert(name(number++));
  EXPECT_GE(operations, 65536u / 8 - 2);
  EXPECT_LE(operations, 65536u / 8 + 2);
}

TEST_F(KeyTableTest, AWalkVisitsEachEntryOnceWhileNothingChanges) {
  for (size_t count : {1u, 5u, 70u, 1030u}) {  // the last two while a resize is under way
    while (table.size() < count) insert(name(table.size()));
    const auto seen = walk();
    EXPECT_EQ(seen.size(), count);
    EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), count);
  }
}

TEST_F(KeyTableTest, AnyCursorIsHarmless) {
  insert_many(1030);
  for (uint64_t cursor : {~uint64_t{0}, uint64_t{1} << 63, uint64_t{0xdeadbeefdeadbeef}}) {
    size_t calls = 0;
    do cursor = table.scan(cursor, [](KeyEntry&) {});
    while (cursor != 0 && ++calls < 10000);
    EXPECT_EQ(cursor, 0u);
  }
}

TEST_F(KeyTableTest, ClearForgetsEverythingAndTheTableGoesOn) {
  insert_many(1030);
  table.clear();
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(find(name(3)), nullptr);
  insert("a");
  EXPECT_NE(find("a"), nullptr);
}

TEST_F(KeyTableTest, ARandomEntryIsAnyOfThemAboutEquallyOften) {
  insert_many(100);
  Random random(3);
  std::map<std::string, size_t> drawn;
  for (size_t i = 0; i < 100000; ++i) ++drawn[table.random_entry(random)->key];
  EXPECT_EQ(drawn.size(), 100u);
  for (const auto& [key, times] : drawn) {
    EXPECT_GT(times, 100u) << key;
    EXPECT_LT(times, 4000u) << key;
  }
}

TEST_F(KeyTableTest, ARandomEntryIsFoundInTheMiddleOfAResize) {
  insert_many(1025);
  ASSERT_TRUE(table.is_resizing());
  Random random(4);
  std::set<std::string> drawn;
  for (size_t i = 0; i < 50000; ++i) drawn.insert(table.random_entry(random)->key);
  EXPECT_EQ(drawn.size(), 1025u);
}

}  // namespace
}  // namespace millrace::keyspace
