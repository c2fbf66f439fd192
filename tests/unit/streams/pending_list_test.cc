// PendingList: one behaviour of the contract per test. Random histories are in tests/model/streams.
#include "streams/pending_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iterator>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace millrace::streams {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr ConsumerId kAlice = 0;
constexpr ConsumerId kBob = 1;
constexpr int64_t kCountMax = std::numeric_limits<int64_t>::max();

class PendingListTest : public testing::Test {
 protected:
  ~PendingListTest() override { list.check_invariants(); }

  void deliver(uint64_t ms, ConsumerId consumer, int64_t time_ms, int64_t count = 1) {
    list.put({{ms, 0}, consumer, time_ms, count});
  }
  void nack(uint64_t ms) { list.put({{ms, 0}, kNoConsumer, 0, 1}); }

  static std::vector<uint64_t> by_id(const PendingList& list) {
    std::vector<uint64_t> ids;
    for (auto p = list.first(); p; p = list.after(p->id)) ids.push_back(p->id.ms);
    return ids;
  }
  static std::vector<uint64_t> by_time(const PendingList& list) {
    std::vector<uint64_t> ids;
    for (auto p = list.oldest(); p; p = list.next_oldest(p->id)) ids.push_back(p->id.ms);
    return ids;
  }
  std::vector<uint64_t> of(ConsumerId consumer) const {
    std::vector<uint64_t> ids;
    for (auto p = list.at_or_after(consumer, kStreamIdMin); p;) {
      ids.push_back(p->id.ms);
      p = list.at_or_after(consumer, *successor(p->id));
    }
    return ids;
  }

  PendingList list;
};

TEST_F(PendingListTest, AnEmptyListAnswersEverythingWithNothing) {
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.memory_bytes(), 0u);
  EXPECT_FALSE(list.first() || list.last() || list.oldest());
  EXPECT_FALSE(list.find({1, 0}) || list.at_or_after({0, 0}) || list.at_or_after(kAlice, {0, 0}));
  EXPECT_FALSE(list.next_oldest({1, 0}));
  Pending copies[2];
  EXPECT_EQ(list.copy_from(kStreamIdMin, copies) + list.copy_from(kAlice, kStreamIdMin, copies), 0u);
  EXPECT_FALSE(list.erase({1, 0}));
  EXPECT_EQ(list.erase_consumer(kAlice), 0u);
}

TEST_F(PendingListTest, KeepsTheThreeOrders) {
  deliver(3, kAlice, 100);
  deliver(1, kBob, 300);
  deliver(2, kAlice, 200);
  EXPECT_THAT(by_id(list), ElementsAre(1, 2, 3));
  EXPECT_THAT(by_time(list), ElementsAre(3, 2, 1));
  EXPECT_THAT(of(kAlice), ElementsAre(2, 3));
  EXPECT_THAT(of(kBob), ElementsAre(1));
  EXPECT_EQ(list.last()->id, (StreamId{3, 0}));
}

TEST_F(PendingListTest, PutReplacesOwnerTimeAndCount) {
  deliver(1, kAlice, 100);
  deliver(2, kAlice, 200);
  deliver(1, kBob, 300, 7);
  const auto moved = list.find({1, 0});
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->consumer, kBob);
  EXPECT_EQ(moved->delivery_time_ms, 300);
  EXPECT_EQ(moved->delivery_count, 7);
  EXPECT_THAT(by_time(list), ElementsAre(2, 1));
  EXPECT_THAT(of(kAlice), ElementsAre(2));
  EXPECT_EQ(list.count_of(kBob), 1u);
}

TEST_F(PendingListTest, EqualTimesKeepTheOrderInWhichTheyWereSet) {
  for (const uint64_t ms : {5, 3, 4}) deliver(ms, kAlice, 100);
  deliver(5, kAlice, 100);
  EXPECT_THAT(by_time(list), ElementsAre(3, 4, 5));
}

TEST_F(PendingListTest, UnownedRecordsComeFirstAndFirstInFirstOut) {
  deliver(1, kAlice, -50);
  deliver(2, kAlice, 100);
  deliver(3, kAlice, 100);
  nack(3);
  nack(2);
  EXPECT_THAT(by_time(list), ElementsAre(3, 2, 1));
  nack(3);
  EXPECT_THAT(by_time(list), ElementsAre(2, 3, 1));
  EXPECT_EQ(list.unowned_count(), 2u);
  EXPECT_THAT(of(kNoConsumer), ElementsAre(2, 3));
}

TEST_F(PendingListTest, AnOlderTimeIsPutInItsPlace) {
  for (uint64_t ms = 1; ms <= 5; ++ms) deliver(ms, kAlice, static_cast<int64_t>(ms) * 100);
  deliver(9, kBob, 250);
  EXPECT_THAT(by_time(list), ElementsAre(1, 2, 9, 3, 4, 5));
}

TEST_F(PendingListTest, CountsSurviveUpToTheGreatest) {
  for (const int64_t count : {int64_t{0}, int64_t{4294967294}, int64_t{4294967295}, kCountMax}) {
    deliver(1, kAlice, 100, count);
    EXPECT_EQ(list.find({1, 0})->delivery_count, count);
    list.check_invariants();
  }
  list.erase({1, 0});
  deliver(2, kAlice, 100, 3);
  EXPECT_EQ(list.find({2, 0})->delivery_count, 3);
}

TEST_F(PendingListTest, ErasingAConsumerLeavesTheOthers) {
  for (uint64_t ms = 1; ms <= 1000; ++ms) deliver(ms, ms % 3 == 0 ? kAlice : kBob, 100);
  nack(3);
  EXPECT_EQ(list.erase_consumer(kAlice), 332u);
  EXPECT_EQ(list.size(), 668u);
  EXPECT_THAT(of(kAlice), IsEmpty());
  EXPECT_TRUE(list.find({3, 0}));
  EXPECT_EQ(list.erase_consumer(kAlice), 0u);
}

TEST_F(PendingListTest, WalksAllowChangesOnTheWay) {
  for (uint64_t ms = 1; ms <= 300; ++ms) deliver(ms, kAlice, 100);
  uint64_t seen = 0;
  for (auto p = list.at_or_after({1, 0}); p; p = list.after(p->id)) {
    ++seen;
    if (p->id.ms % 2 == 0) list.erase(p->id);
  }
  EXPECT_EQ(seen, 300u);
  EXPECT_EQ(list.size(), 150u);
}

TEST_F(PendingListTest, TheGreatestIdHasNothingBehindIt) {
  list.put({kStreamIdMax, kAlice, 1, 1});
  EXPECT_FALSE(list.after(kStreamIdMax));
  EXPECT_EQ(list.at_or_after(kStreamIdMax)->id, kStreamIdMax);
}

TEST_F(PendingListTest, ACopyIsEqualAndIndependent) {
  for (const uint64_t ms : {4, 2, 3, 1}) deliver(ms, ms % 2 == 0 ? kAlice : kBob, 100, kCountMax);
  nack(3);
  const PendingList copy(list);
  copy.check_invariants();
  EXPECT_EQ(by_time(copy), by_time(list));
  EXPECT_EQ(copy.find({4, 0})->delivery_count, kCountMax);
  list.erase({4, 0});
  EXPECT_THAT(by_id(copy), ElementsAre(1, 2, 3, 4));
}

// Where a lookup ended is remembered, but not beyond the life of what was shared.
TEST_F(PendingListTest, ForgetsWhatOnlyACopyHolds) {
  for (uint64_t ms = 1; ms <= 10; ++ms) deliver(ms, kAlice, 100);
  std::optional<PendingList> copy(list);
  EXPECT_TRUE(list.find({5, 0}));
  deliver(11, kAlice, 100);
  copy.reset();
  EXPECT_TRUE(list.find({6, 0}));
}

TEST_F(PendingListTest, MovingLeavesAUsableList) {
  deliver(1, kAlice, 100);
  PendingList other(std::move(list));
  EXPECT_EQ(other.size(), 1u);
  list = PendingList();
  deliver(2, kAlice, 100);
  EXPECT_THAT(by_id(list), ElementsAre(2));
  other = std::move(list);
  EXPECT_THAT(by_id(other), ElementsAre(2));
  list = PendingList();
}

TEST_F(PendingListTest, MemoryIsTensOfBytesARecordAndIsGivenBack) {
  constexpr uint64_t kRecords = 20000;
  for (uint64_t ms = 1; ms <= kRecords; ++ms) deliver(ms, kAlice, 100);
  EXPECT_LT(list.memory_bytes(), kRecords * 20);
  for (uint64_t ms = 1; ms <= kRecords - 100; ++ms) list.erase({ms, 0});
  EXPECT_LT(list.memory_bytes(), 40000u);
  for (uint64_t ms = kRecords - 99; ms <= kRecords; ++ms) list.erase({ms, 0});
  EXPECT_EQ(list.memory_bytes(), 0u);
}

// As wide as they come: what somebody may ask for who means no good.
TEST_F(PendingListTest, KeepsWhateverNumbersRecordsHave) {
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  constexpr int64_t kTimeMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kTimeMax = std::numeric_limits<int64_t>::max();
  const Pending wide[] = {
      {kStreamIdMin, kNoConsumer - 1, kTimeMin, kCountMax},
      {{0, kMax}, kAlice, kTimeMax, 0},
      {{1, 0}, kNoConsumer, kTimeMin, 1},
      {{kMax, 0}, kBob, 0, -1},
      {kStreamIdMax, kAlice, -1, kCountMax - 1},
  };
  for (const Pending& pending : wide) list.put(pending);
  const PendingList copy(list);
  for (const Pending& pending : wide) list.put({pending.id, kAlice, 100, 1});
  for (const Pending& pending : wide) {
    const auto found = copy.find(pending.id);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->consumer, pending.consumer);
    EXPECT_EQ(found->delivery_time_ms, pending.delivery_time_ms);
    EXPECT_EQ(found->delivery_count, pending.delivery_count);
  }
  EXPECT_THAT(by_time(copy), ElementsAre(1, 0, kMax, kMax, 0));
  EXPECT_EQ(list.count_of(kAlice), std::size(wide));
  copy.check_invariants();
}

TEST_F(PendingListTest, WideRecordsTakeWhatTheyAreWide) {
  constexpr uint64_t kRecords = 20000;
  for (uint64_t n = 0; n < kRecords; ++n) {
    const uint64_t mixed = n * 0x9e3779b97f4a7c15;
    list.put({{n, mixed},
              static_cast<ConsumerId>(mixed >> 62),
              static_cast<int64_t>(mixed),
              static_cast<int64_t>(mixed >> 1)});
  }
  EXPECT_LT(list.memory_bytes(), kRecords * 64);
  for (uint64_t n = 0; n < kRecords; ++n)
    ASSERT_EQ(list.find({n, n * 0x9e3779b97f4a7c15})->delivery_time_ms, static_cast<int64_t>(n * 0x9e3779b97f4a7c15));
}

TEST_F(PendingListTest, FillsItsNodesWhenManyConsumersTakeTurns) {
  constexpr uint64_t kRecords = 20000;
  for (uint64_t ms = 1; ms <= kRecords; ++ms) deliver(ms, static_cast<ConsumerId>(ms % 10), 100);
  EXPECT_LT(list.memory_bytes(), kRecords * 21);
}

}  // namespace
}  // namespace millrace::streams
