// Group: consumers come, go and are copied; their ids and names stay in step with the pending list.
#include "streams/group.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace millrace::streams {
namespace {

class GroupTest : public testing::Test {
 protected:
  ~GroupTest() override { group.check_invariants(); }

  void deliver(uint64_t ms, std::string_view consumer) {
    group.pending.put({{ms, 0}, group.ensure_consumer(consumer, 1).id, 100, 1});
  }

  Group group;
};

TEST_F(GroupTest, AConsumerIsMadeOnce) {
  bool created = false;
  Consumer& alice = group.ensure_consumer("alice", 100, &created);
  EXPECT_TRUE(created);
  EXPECT_EQ(alice.seen_time_ms, 100);
  EXPECT_EQ(alice.active_time_ms, kNeverActive);
  EXPECT_EQ(&group.ensure_consumer("alice", 200, &created), &alice);
  EXPECT_FALSE(created);
  EXPECT_EQ(alice.seen_time_ms, 100);
  EXPECT_EQ(group.consumer("alice"), &alice);
  EXPECT_EQ(group.consumer("bob"), nullptr);
}

TEST_F(GroupTest, OwnersHaveNames) {
  const ConsumerId alice = group.ensure_consumer("alice", 1).id;
  const ConsumerId bob = group.ensure_consumer("bob", 1).id;
  EXPECT_EQ(group.consumer_name(alice), "alice");
  EXPECT_EQ(group.consumer_name(bob), "bob");
  EXPECT_EQ(group.consumer_name(kNoConsumer), "");
}

TEST_F(GroupTest, RemovingAConsumerDropsWhatItOwes) {
  deliver(1, "alice");
  deliver(2, "bob");
  deliver(3, "alice");
  group.pending.put({{4, 0}, kNoConsumer, 0, 1});
  EXPECT_EQ(group.remove_consumer("alice"), 2u);
  EXPECT_EQ(group.remove_consumer("alice"), std::nullopt);
  EXPECT_EQ(group.pending.size(), 2u);
  EXPECT_EQ(group.pending.unowned_count(), 1u);
}

TEST_F(GroupTest, AReusedIdBringsNothingAlong) {
  deliver(1, "alice");
  const ConsumerId id = group.consumer("alice")->id;
  group.remove_consumer("alice");
  EXPECT_EQ(group.ensure_consumer("carol", 1).id, id);
  EXPECT_EQ(group.pending.count_of(id), 0u);
  EXPECT_EQ(group.consumer_name(id), "carol");
}

TEST_F(GroupTest, ComingAndGoingDoesNotUseUpIds) {
  for (int i = 0; i < 1000; ++i) {
    group.ensure_consumer("guest " + std::to_string(i), 1);
    group.remove_consumer("guest " + std::to_string(i));
  }
  EXPECT_EQ(group.ensure_consumer("last", 1).id, 0u);
}

TEST_F(GroupTest, ACopyStandsOnItsOwn) {
  deliver(1, "a consumer with a name too long to be kept in place");
  deliver(2, "bob");
  group.last_delivered = {2, 0};
  group.entries_read = 2;
  auto copy = std::make_unique<Group>(group);
  group.remove_consumer("bob");
  copy->check_invariants();
  EXPECT_EQ(copy->pending.size(), 2u);
  EXPECT_EQ(copy->consumer_name(copy->consumer("bob")->id), "bob");
  EXPECT_EQ(copy->last_delivered, (StreamId{2, 0}));
  EXPECT_EQ(copy->entries_read, 2);
  Group moved(std::move(*copy));
  copy.reset();
  moved.check_invariants();
  EXPECT_EQ(moved.consumer_name(moved.pending.find({2, 0})->consumer), "bob");
}

TEST_F(GroupTest, MemoryGrowsWithConsumersAndNames) {
  const size_t empty = group.memory_bytes();
  group.ensure_consumer("bob", 1);
  const size_t one = group.memory_bytes();
  group.ensure_consumer(std::string(1000, 'x'), 1);
  EXPECT_GT(one, empty);
  EXPECT_GT(group.memory_bytes(), one + 1000);
}

}  // namespace
}  // namespace millrace::streams
