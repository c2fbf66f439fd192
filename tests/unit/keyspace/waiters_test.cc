// Queues of waiters, and that a waiter is claimed once.
#include "keyspace/waiters.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace millrace::keyspace {
namespace {

Ref<Waiter> waiter_for(const KeyPlace& place) {
  return Ref<Waiter>::make(std::vector<KeyPlace>{place});
}

TEST(WaiterTable, QueuesAreFirstInFirstOut) {
  WaiterTable table;
  const KeyPlace place{0, "a"};
  const auto first = waiter_for(place);
  const auto second = waiter_for(place);
  table.add(place, first);
  table.add(place, second);
  ASSERT_NE(table.find(0, "a"), nullptr);
  EXPECT_EQ(table.find(0, "a")->front(), first);
  EXPECT_EQ(table.find(0, "a")->back(), second);
}

TEST(WaiterTable, PlacesDifferInDatabaseOrKey) {
  WaiterTable table;
  table.add({1, "a"}, waiter_for({1, "a"}));
  EXPECT_EQ(table.find(0, "a"), nullptr);
  EXPECT_EQ(table.find(1, "b"), nullptr);
  EXPECT_NE(table.find(1, "a"), nullptr);
}

TEST(WaiterTable, TheLastWaiterTakesTheQueueWithIt) {
  WaiterTable table;
  const KeyPlace place{0, "a"};
  const auto first = waiter_for(place);
  const auto second = waiter_for(place);
  table.add(place, first);
  table.add(place, second);
  table.remove(place, *first);
  EXPECT_EQ(table.find(0, "a")->size(), 1u);
  table.remove(place, *second);
  EXPECT_TRUE(table.empty());
  table.remove(place, *second);
}

TEST(WaiterTable, SweepForgetsClaimedWaitersOnly) {
  WaiterTable table;
  const KeyPlace place{0, "a"};
  const auto first = waiter_for(place);
  const auto second = waiter_for(place);
  table.add(place, first);
  table.add(place, second);
  first->claim();
  table.sweep(place);
  ASSERT_EQ(table.find(0, "a")->size(), 1u);
  EXPECT_EQ(table.find(0, "a")->front(), second);
  second->claim();
  table.sweep(place);
  EXPECT_TRUE(table.empty());
}

TEST(Waiter, ExactlyOneOfManyThreadsClaimsIt) {
  for (int round = 0; round < 200; ++round) {
    const auto waiter = waiter_for({0, "a"});
    std::atomic<int> winners{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] { winners += waiter->claim(); });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(winners, 1);
    EXPECT_FALSE(waiter->is_waiting());
  }
}

}  // namespace
}  // namespace millrace::keyspace
