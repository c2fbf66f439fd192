// TrackingTable against a plain map, from a seed; and the table of prefixes.
#include "pubsub/tracking_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "pubsub/prefix_table.h"

namespace millrace::pubsub {
namespace {

using Ids = std::vector<uint64_t>;

constexpr uint64_t kHashSeed = 77;

bool nobody_is_gone(uint64_t) {
  return false;
}

class Holders {
 public:
  TrackingTable::Visit visit() {
    return [this](std::string_view key, std::span<const uint64_t> ids) {
      keys.emplace_back(key);
      EXPECT_TRUE(clients.emplace(std::string(key), Ids(ids.begin(), ids.end())).second);
    };
  }
  std::vector<std::string> keys;
  std::map<std::string, Ids> clients;
};

Ids invalidated(TrackingTable& table, const std::string& key) {
  Holders holders;
  table.invalidate(key, holders.visit());
  return holders.keys.empty() ? Ids() : holders.clients.at(key);
}

TEST(TrackingTable, ShowsTheHoldersOfAKeyOnceById) {
  TrackingTable table(kHashSeed);
  for (const uint64_t id : {7, 3, 7, 5, 3}) table.remember("k", id, nobody_is_gone);
  table.remember("other", 9, nobody_is_gone);
  EXPECT_EQ(table.key_count(), 2u);
  EXPECT_EQ(table.item_count(), 4u);
  EXPECT_EQ(invalidated(table, "k"), (Ids{3, 5, 7}));
  EXPECT_EQ(invalidated(table, "k"), Ids());
  EXPECT_EQ(table.key_count(), 1u);
  EXPECT_EQ(table.item_count(), 1u);
}

TEST(TrackingTable, EvictsOneKeyAfterTheOther) {
  TrackingTable table(kHashSeed);
  Random random(1);
  std::set<std::string> keys;
  for (int i = 0; i < 500; i++) keys.insert("key" + std::to_string(i));
  for (const std::string& key : keys) table.remember(key, key.size(), nobody_is_gone);
  Holders evicted;
  while (table.evict(random, evicted.visit())) {
  }
  EXPECT_EQ(std::set<std::string>(evicted.keys.begin(), evicted.keys.end()), keys);
  EXPECT_FALSE(std::is_sorted(evicted.keys.begin(), evicted.keys.end()));
  EXPECT_EQ(table.key_count(), 0u);
  EXPECT_EQ(table.item_count(), 0u);
}

TEST(TrackingTable, ClientsThatHaveGoneDoNotPileUp) {
  TrackingTable table(kHashSeed);
  constexpr uint64_t kStays = 4;
  for (uint64_t id = 1; id <= 10'000; id++) {
    table.remember("k", id, [&](uint64_t other) { return other > kStays && other < id; });
  }
  EXPECT_LT(table.item_count(), 100u);
  const Ids left = invalidated(table, "k");
  EXPECT_EQ(Ids(left.begin(), left.begin() + kStays), (Ids{1, 2, 3, 4}));
  EXPECT_EQ(left.back(), 10'000u);
}

class AgainstAModel : public testing::TestWithParam<uint64_t> {
 protected:
  std::string any_key() { return std::string(random_.below(3), 'k') + std::to_string(random_.below(200)); }

  void remember() {
    const std::string key = any_key();
    const uint64_t id = 1 + random_.below(20);
    table_.remember(key, id, nobody_is_gone);
    model_[key].insert(id);
  }
  void invalidate() {
    const std::string key = any_key();
    const std::set<uint64_t> expected = model_[key];
    EXPECT_EQ(invalidated(table_, key), Ids(expected.begin(), expected.end()));
    model_.erase(key);
  }
  void evict() {
    Holders evicted;
    ASSERT_EQ(table_.evict(random_, evicted.visit()), !model_.empty());
    for (const auto& [key, ids] : evicted.clients) {
      EXPECT_EQ(ids, Ids(model_[key].begin(), model_[key].end()));
      model_.erase(key);
    }
  }
  void clear() {
    table_.clear();
    model_.clear();
  }
  void expect_same_counts() {
    size_t items = 0;
    for (const auto& [key, ids] : model_) items += ids.size();
    ASSERT_EQ(table_.key_count(), model_.size());
    ASSERT_EQ(table_.item_count(), items);
  }

  Random random_{GetParam()};
  TrackingTable table_{GetParam()};
  std::map<std::string, std::set<uint64_t>> model_;
};

TEST_P(AgainstAModel, HoldsWhatWasRemembered) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  for (int step = 0; step < 20'000; step++) {
    const uint64_t choice = random_.below(1000);
    if (choice < 600)
      remember();
    else if (choice < 900)
      invalidate();
    else if (choice < 999)
      evict();
    else
      clear();
    ASSERT_NO_FATAL_FAILURE(expect_same_counts());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, AgainstAModel, testing::Values(1, 2, 3));

// Whoever is remembered is shown exactly once, whichever thread takes the key.
TEST(TrackingTable, ThreadsLoseNothing) {
  TrackingTable table(kHashSeed);
  std::atomic<size_t> shown{0};
  const auto count = [&](std::string_view, std::span<const uint64_t> ids) { shown += ids.size(); };
  constexpr uint64_t kRounds = 5000;
  std::vector<std::thread> threads;
  for (uint64_t thread = 0; thread < 3; thread++) {
    threads.emplace_back([&, thread] {
      for (uint64_t i = 0; i < kRounds; i++) {
        table.remember("k" + std::to_string(i % 7), thread * kRounds + i, nobody_is_gone);
        table.invalidate("k" + std::to_string(i % 5), count);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 7; i++) table.invalidate("k" + std::to_string(i), count);
  EXPECT_EQ(shown, 3 * kRounds);
  EXPECT_EQ(table.item_count(), 0u);
}

class Listener : public Subscriber {};

TEST(PrefixTable, WalksPrefixesAndClientsInOrder) {
  PrefixTable table;
  Listener one;
  Listener two;
  table.add("b", 1, one);
  table.add("a", 2, two);
  table.add("a", 1, one);
  table.add("a", 1, one);
  EXPECT_EQ(table.size(), 2u);
  std::vector<std::pair<std::string, Ids>> walked;
  const std::vector<std::string_view> keys = {"a1", "b", "bb"};
  const auto walk = [&] {
    walked.clear();
    table.for_each_of(keys, [&](std::string_view prefix, const PrefixTable::Clients& clients) {
      walked.emplace_back(prefix, Ids());
      for (const auto& [id, client] : clients) {
        walked.back().second.push_back(id);
        EXPECT_EQ(client, id == 1 ? &one : &two);
      }
    });
    return walked;
  };
  EXPECT_EQ(walk(), (decltype(walked){{"a", {1, 2}}, {"b", {1}}}));
  table.remove("a", 1);
  table.remove("b", 2);
  table.remove("c", 2);
  EXPECT_EQ(walk(), (decltype(walked){{"a", {2}}, {"b", {1}}}));
  table.remove("a", 2);
  EXPECT_EQ(walk(), (decltype(walked){{"b", {1}}}));
  EXPECT_EQ(table.size(), 1u);
}

std::string random_word(Random& random, size_t length_max) {
  std::string word(random.below(length_max + 1), '\0');
  for (char& c : word) c = "ab\xff"[random.below(3)];
  return word;
}

TEST(PrefixTable, FindsThePrefixesOfKeysAsALookAtAllOfThemDoes) {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    PrefixTable table;
    Listener client;
    std::set<std::string> prefixes;
    for (size_t i = random.below(20); i > 0; --i) prefixes.insert(random_word(random, 6));
    for (const std::string& prefix : prefixes) table.add(prefix, 1, client);
    std::set<std::string> keys;
    for (size_t i = random.below(5); i > 0; --i) keys.insert(random_word(random, 8));

    std::vector<std::string> expected;
    for (const std::string& prefix : prefixes) {
      if (std::ranges::any_of(keys, [&](const std::string& key) { return key.starts_with(prefix); })) {
        expected.push_back(prefix);
      }
    }
    std::vector<std::string> found;
    const std::vector<std::string_view> views(keys.begin(), keys.end());
    table.for_each_of(views, [&](std::string_view prefix, const PrefixTable::Clients&) { found.emplace_back(prefix); });
    ASSERT_EQ(found, expected);
  }
}

}  // namespace
}  // namespace millrace::pubsub
