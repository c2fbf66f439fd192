// Delivery: what each group command does to pending records, consumers and the group's place in the stream. Where Redis
// 7.0 has the command, the numbers here were taken from it.
#include "streams/delivery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

namespace millrace::streams {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kCountMax = std::numeric_limits<int64_t>::max();

StreamId at(uint64_t ms) {
  return {ms, 0};
}

class DeliveryTest : public testing::Test {
 protected:
  DeliveryTest() { group_ = stream_.create_group("g", kStreamIdMin, 0); }
  ~DeliveryTest() override {
    stream_.check_invariants();
    group().check_invariants();
  }

  Group& group() { return *group_; }
  Consumer& consumer(std::string_view name) { return group().ensure_consumer(name, now_ms); }

  void add(uint64_t from, uint64_t to) {
    const std::vector<std::string_view> elements = {"field", "value"};
    for (uint64_t ms = from; ms <= to; ++ms) {
      ASSERT_TRUE(stream_.append({NewId::Kind::kExplicit, at(ms), true}, elements, now_ms, {}).ok());
    }
  }
  bool remove(uint64_t ms) { return stream_.erase(at(ms)); }

  std::vector<uint64_t> read(std::string_view name, uint64_t count = 0, bool no_ack = false) {
    std::vector<uint64_t> ids;
    deliver_new(stream_, group(), consumer(name), {count, no_ack, now_ms}, room(),
                [&](EntryIterator& entry) { ids.push_back(entry.id().ms); });
    return ids;
  }
  std::vector<std::string> claim_idle_as(std::string_view name, int64_t min_idle_ms, uint64_t count = 0) {
    std::vector<std::string> seen;
    claim_idle(stream_, group(), consumer(name), {count, min_idle_ms, now_ms}, room(),
               [&](EntryIterator& entry, const ClaimedEntry& claimed) {
                 seen.push_back(std::to_string(entry.id().ms) + " idle " + std::to_string(claimed.idle_ms) + " count " +
                                std::to_string(claimed.delivery_count));
               });
    return seen;
  }
  std::vector<std::string> history(std::string_view name, uint64_t after, uint64_t count = 0) {
    std::vector<std::string> seen;
    read_history(stream_, group(), consumer(name), at(after), count, now_ms, room(),
                 [&](StreamId id, EntryIterator* entry) {
                   seen.push_back(std::to_string(id.ms) + (entry == nullptr ? " gone" : ""));
                 });
    return seen;
  }
  ClaimOutcome claim_as(std::string_view name, uint64_t ms, ClaimOptions options) {
    options.now_ms = now_ms;
    options.delivery_time_ms = now_ms;
    return claim(stream_, group(), consumer(name), at(ms), options);
  }
  AutoClaimed auto_claim_as(std::string_view name, AutoClaimOptions options) {
    options.now_ms = now_ms;
    return auto_claim(stream_, group(), consumer(name), options);
  }
  bool nack_one(uint64_t ms, NackMode mode, std::optional<int64_t> retry_count = std::nullopt, bool force = false) {
    return nack(stream_, group(), at(ms), mode, retry_count, force);
  }

  RoomLeft room() {
    return [this] { return room_left == 0 ? false : (--room_left, true); };
  }
  // "owner time count", or "" if the id is not pending.
  std::string pending(uint64_t ms) {
    const auto found = group().pending.find(at(ms));
    if (!found) return "";
    return std::string(group().consumer_name(found->consumer)) + " " + std::to_string(found->delivery_time_ms) + " " +
           std::to_string(found->delivery_count);
  }
  int64_t count_of(uint64_t ms) { return group().pending.find(at(ms)).value_or(Pending{}).delivery_count; }

  int64_t now_ms = 1000;
  uint64_t room_left = std::numeric_limits<uint64_t>::max();
  Stream stream_;

 private:
  Group* group_;
};

// ---- New entries

TEST_F(DeliveryTest, NewEntriesGoToOneConsumerEach) {
  add(1, 5);
  EXPECT_THAT(read("alice", 2), ElementsAre(1, 2));
  EXPECT_THAT(read("bob"), ElementsAre(3, 4, 5));
  EXPECT_THAT(read("alice"), IsEmpty());
  EXPECT_EQ(pending(2), "alice 1000 1");
  EXPECT_EQ(pending(3), "bob 1000 1");
  EXPECT_EQ(group().last_delivered, at(5));
  EXPECT_EQ(group().entries_read, 5);
}

TEST_F(DeliveryTest, NoAckLeavesNothingPending) {
  add(1, 2);
  EXPECT_THAT(read("alice", 0, true), ElementsAre(1, 2));
  EXPECT_TRUE(group().pending.empty());
  EXPECT_EQ(group().last_delivered, at(2));
}

TEST_F(DeliveryTest, ActiveTimeMovesOnlyWithADelivery) {
  read("alice");
  EXPECT_EQ(consumer("alice").active_time_ms, kNeverActive);
  add(1, 1);
  now_ms = 2000;
  read("alice");
  EXPECT_EQ(consumer("alice").active_time_ms, 2000);
}

TEST_F(DeliveryTest, WhatHasNoRoomIsNeitherSentNorMarked) {
  add(1, 3);
  room_left = 2;
  EXPECT_THAT(read("alice"), ElementsAre(1, 2));
  EXPECT_EQ(group().last_delivered, at(2));
  EXPECT_EQ(pending(3), "");
}

TEST_F(DeliveryTest, AfterARewindARecordMovesAndStartsAgainAtOne) {
  add(1, 1);
  read("alice");
  history("alice", 0);
  EXPECT_EQ(pending(1), "alice 1000 2");
  group().last_delivered = kStreamIdMin;
  now_ms = 3000;
  EXPECT_THAT(read("bob"), ElementsAre(1));
  EXPECT_EQ(pending(1), "bob 3000 1");
  EXPECT_EQ(group().pending.size(), 1u);
}

TEST_F(DeliveryTest, EntriesReadIsFoundAgainAtTheStreamsEnd) {
  add(1, 5);
  remove(3);
  read("alice", 1);
  EXPECT_EQ(group().entries_read, kEntriesReadUnknown);
  read("alice");
  EXPECT_EQ(group().entries_read, 5);
}

TEST_F(DeliveryTest, EntriesReadCountsOnBehindTheTombstones) {
  add(1, 4);
  read("alice", 2);
  remove(1);
  read("alice", 1);
  EXPECT_EQ(group().entries_read, 3);
}

TEST_F(DeliveryTest, NothingComesAfterTheGreatestId) {
  group().last_delivered = kStreamIdMax;
  EXPECT_THAT(read("alice"), IsEmpty());
}

// ---- Claiming what is idle

TEST_F(DeliveryTest, IdleEntriesAreClaimedOldestFirst) {
  add(1, 3);
  read("alice", 1);
  now_ms = 1500;
  read("alice", 1);
  now_ms = 1900;
  read("alice", 1);
  now_ms = 2500;
  EXPECT_THAT(claim_idle_as("bob", 1000), ElementsAre("1 idle 1500 count 1", "2 idle 1000 count 1"));
  EXPECT_EQ(pending(1), "bob 2500 2");
  EXPECT_EQ(pending(3), "alice 1900 1");
  EXPECT_EQ(consumer("bob").active_time_ms, 2500);
}

TEST_F(DeliveryTest, NackedEntriesComeFirstAndAreIdleSinceTheEpoch) {
  add(1, 3);
  read("alice");
  nack_one(3, NackMode::kFail);
  nack_one(2, NackMode::kFail);
  EXPECT_THAT(claim_idle_as("bob", 5000), ElementsAre("3 idle 1000 count 1", "2 idle 1000 count 1"));
}

TEST_F(DeliveryTest, OneClaimTakesNothingTwiceEvenAtOnce) {
  add(1, 3);
  read("alice");
  EXPECT_EQ(claim_idle_as("alice", 0).size(), 3u);
  EXPECT_EQ(pending(1), "alice 1000 2");
  now_ms = 500;  // the clock jumps back: deliveries lie in the future
  EXPECT_THAT(claim_idle_as("alice", 0), IsEmpty());
  nack_one(2, NackMode::kFail);
  EXPECT_THAT(claim_idle_as("alice", 0), ElementsAre("2 idle 500 count 2"));
}

TEST_F(DeliveryTest, EntriesGoneAreSkippedAndStay) {
  add(1, 3);
  read("alice");
  remove(1);
  now_ms = 2000;
  EXPECT_THAT(claim_idle_as("bob", 1, 1), ElementsAre("2 idle 1000 count 1"));
  EXPECT_EQ(pending(1), "alice 1000 1");
}

TEST_F(DeliveryTest, AClaimStopsWhereTheRoomEnds) {
  add(1, 3);
  read("alice");
  room_left = 1;
  EXPECT_EQ(claim_idle_as("bob", 0).size(), 1u);
  EXPECT_EQ(pending(2), "alice 1000 1");
}

TEST_F(DeliveryTest, CountsDoNotGrowPastTheGreatest) {
  add(1, 1);
  read("alice");
  nack_one(1, NackMode::kFatal);
  claim_idle_as("bob", 0);
  EXPECT_EQ(count_of(1), kCountMax);
  history("bob", 0);
  claim_as("alice", 1, {});
  auto_claim_as("alice", {});
  EXPECT_EQ(count_of(1), kCountMax);
}

TEST_F(DeliveryTest, TheNextClaimIsDueWhenTheOldestExistingEntryIs) {
  EXPECT_EQ(next_claim_time_ms(stream_, group(), 300, now_ms), 1300);
  add(1, 2);
  read("alice", 1);
  now_ms = 1100;
  read("alice", 1);
  now_ms = 1200;
  EXPECT_EQ(next_claim_time_ms(stream_, group(), 300, now_ms), 1300);
  remove(1);
  EXPECT_EQ(next_claim_time_ms(stream_, group(), 300, now_ms), 1400);
  nack_one(2, NackMode::kFail);
  EXPECT_EQ(next_claim_time_ms(stream_, group(), 300, now_ms), 300);
  EXPECT_EQ(next_claim_time_ms(stream_, group(), kCountMax, 5), kCountMax);
}

TEST_F(DeliveryTest, TrimmedEntriesCountAsRead) {
  add(1, 5);
  TrimOptions options;
  options.length_max = 2;
  stream_.trim(options);
  read("alice", 1);
  EXPECT_EQ(group().entries_read, 4);
}

TEST_F(DeliveryTest, RecordsOfEntriesThatHaveGoneAreMetOnce) {
  add(1, 4);
  read("alice");
  remove(1);
  remove(3);
  nack_one(3, NackMode::kFail);
  EXPECT_TRUE(has_claimable(stream_, group(), 0, now_ms));
  EXPECT_EQ(group().pending.oldest()->id, at(2));
  EXPECT_FALSE(group().pending.next_oldest(at(4)));
  const PendingList copy(group().pending);
  EXPECT_TRUE(copy.find(at(1)) && copy.find(at(3)));
  EXPECT_THAT(claim_idle_as("bob", 0), ElementsAre("2 idle 0 count 1", "4 idle 0 count 1"));
  EXPECT_THAT(history("alice", 0), ElementsAre("1 gone"));
}

TEST_F(DeliveryTest, AnEntryAddedAgainAfterXsetidIsClaimableAgain) {
  add(1, 2);
  read("alice");
  stream_.trim({});
  EXPECT_FALSE(has_claimable(stream_, group(), 0, now_ms));
  stream_.set_last_id(kStreamIdMin);
  add(2, 2);
  EXPECT_TRUE(has_claimable(stream_, group(), 0, now_ms));
  EXPECT_THAT(claim_idle_as("bob", 0), ElementsAre("2 idle 0 count 1"));
}

TEST_F(DeliveryTest, WhatIsNotPutOnThePendingListMakesNobodyActive) {
  add(1, 2);
  read("alice", 1, /*no_ack=*/true);
  EXPECT_EQ(consumer("alice").active_time_ms, kNeverActive);
  read("alice", 1);
  EXPECT_EQ(consumer("alice").active_time_ms, now_ms);
}

TEST_F(DeliveryTest, ClaimableMeansIdleEnoughAndThere) {
  EXPECT_FALSE(has_claimable(stream_, group(), 0, now_ms));
  add(1, 2);
  read("alice");
  EXPECT_FALSE(has_claimable(stream_, group(), 100, 1099));
  EXPECT_TRUE(has_claimable(stream_, group(), 100, 1100));
  remove(1);
  EXPECT_TRUE(has_claimable(stream_, group(), 100, 1100));
  remove(2);
  EXPECT_FALSE(has_claimable(stream_, group(), 100, 1100));
}

// ---- History

TEST_F(DeliveryTest, HistoryShowsTheConsumersOwnAndCountsAgain) {
  add(1, 4);
  read("alice", 1);
  read("bob", 1);
  read("alice");
  now_ms = 4000;
  EXPECT_THAT(history("alice", 0, 2), ElementsAre("1", "3"));
  EXPECT_THAT(history("alice", 3), ElementsAre("4"));
  EXPECT_EQ(pending(1), "alice 4000 2");
  EXPECT_EQ(pending(2), "bob 1000 1");
  EXPECT_EQ(consumer("alice").active_time_ms, 1000);
}

TEST_F(DeliveryTest, HistoryShowsEntriesGoneAndLeavesTheirRecords) {
  add(1, 2);
  read("alice");
  remove(1);
  now_ms = 4000;
  EXPECT_THAT(history("alice", 0), ElementsAre("1 gone", "2"));
  EXPECT_EQ(pending(1), "alice 1000 1");
  EXPECT_EQ(pending(2), "alice 4000 2");
}

TEST_F(DeliveryTest, HistoryStopsWhereTheRoomEndsAndAtTheGreatestId) {
  add(1, 2);
  read("alice");
  room_left = 1;
  EXPECT_THAT(history("alice", 0), ElementsAre("1"));
  EXPECT_EQ(pending(2), "alice 1000 1");
  EXPECT_EQ(read_history(stream_, group(), consumer("alice"), kStreamIdMax, 0, now_ms, room(), {}), 0u);
}

// ---- XCLAIM

TEST_F(DeliveryTest, AClaimMovesTheRecordAndCounts) {
  add(1, 1);
  read("alice");
  now_ms = 1500;
  EXPECT_EQ(claim_as("bob", 1, {.min_idle_ms = 501}), ClaimOutcome::kSkipped);
  EXPECT_EQ(claim_as("bob", 1, {.min_idle_ms = 500}), ClaimOutcome::kClaimed);
  EXPECT_EQ(pending(1), "bob 1500 2");
  EXPECT_EQ(consumer("bob").active_time_ms, 1500);
}

TEST_F(DeliveryTest, JustIdKeepsTheCountAndRetryCountSetsIt) {
  add(1, 1);
  read("alice");
  claim_as("bob", 1, {.just_id = true});
  EXPECT_EQ(count_of(1), 1);
  claim_as("bob", 1, {.retry_count = 7, .just_id = true});
  EXPECT_EQ(count_of(1), 7);
  claim_as("bob", 1, {.retry_count = 0});
  EXPECT_EQ(count_of(1), 0);
}

TEST_F(DeliveryTest, ForceMakesARecordOnlyForAnEntryThatExists) {
  add(1, 3);
  EXPECT_EQ(claim_as("bob", 1, {}), ClaimOutcome::kSkipped);
  EXPECT_EQ(claim_as("bob", 1, {.min_idle_ms = 99999, .force = true}), ClaimOutcome::kClaimed);
  EXPECT_EQ(pending(1), "bob 1000 2");
  claim_as("bob", 2, {.force = true, .just_id = true});
  EXPECT_EQ(pending(2), "bob 1000 1");
  EXPECT_EQ(claim_as("bob", 9, {.force = true}), ClaimOutcome::kSkipped);
  EXPECT_EQ(pending(9), "");
}

TEST_F(DeliveryTest, AClaimOfAnEntryGonePurgesItWhateverItsAge) {
  add(1, 1);
  read("alice");
  remove(1);
  EXPECT_EQ(claim_as("bob", 1, {.min_idle_ms = 99999}), ClaimOutcome::kPurged);
  EXPECT_EQ(pending(1), "");
  EXPECT_EQ(claim_as("bob", 1, {}), ClaimOutcome::kSkipped);
}

TEST_F(DeliveryTest, AMinimumOfZeroClaimsDeliveriesInTheFuture) {
  add(1, 1);
  read("alice");
  now_ms = 10;
  EXPECT_EQ(claim_as("bob", 1, {.min_idle_ms = 1}), ClaimOutcome::kSkipped);
  EXPECT_EQ(claim_as("bob", 1, {}), ClaimOutcome::kClaimed);
}

TEST_F(DeliveryTest, NackedRecordsAreClaimableWhateverTheMinimum) {
  add(1, 2);
  read("alice");
  nack_one(1, NackMode::kFail);
  nack_one(2, NackMode::kFail);
  EXPECT_EQ(claim_as("bob", 1, {.min_idle_ms = 99999}), ClaimOutcome::kClaimed);
  EXPECT_THAT(auto_claim_as("bob", {.min_idle_ms = 99999}).claimed, ElementsAre(at(2)));
}

TEST_F(DeliveryTest, ExtremeTimesDoNotOverflow) {
  add(1, 2);
  group().pending.put({at(1), consumer("alice").id, std::numeric_limits<int64_t>::min(), 1});
  group().pending.put({at(2), consumer("alice").id, std::numeric_limits<int64_t>::max(), 1});
  EXPECT_THAT(claim_idle_as("bob", 1), ElementsAre("1 idle 9223372036854775807 count 1"));
  now_ms = -5;
  EXPECT_EQ(claim_as("bob", 2, {.min_idle_ms = 1}), ClaimOutcome::kSkipped);
}

// ---- XAUTOCLAIM

TEST_F(DeliveryTest, AutoClaimGoesByIdAndSaysWhereToGoOn) {
  add(1, 5);
  read("alice");
  nack_one(4, NackMode::kFail);
  const AutoClaimed first = auto_claim_as("bob", {.count = 2});
  EXPECT_THAT(first.claimed, ElementsAre(at(1), at(2)));
  EXPECT_EQ(first.next_start, at(3));
  const AutoClaimed rest = auto_claim_as("bob", {.start = first.next_start, .count = 3, .just_id = true});
  EXPECT_THAT(rest.claimed, ElementsAre(at(3), at(4), at(5)));
  EXPECT_EQ(rest.next_start, kStreamIdMin);
  EXPECT_EQ(pending(1), "bob 1000 2");
  EXPECT_EQ(pending(3), "bob 1000 1");
}

TEST_F(DeliveryTest, AutoClaimPurgesEntriesGoneAndThatUsesUpTheCount) {
  add(1, 4);
  read("alice");
  remove(1);
  remove(3);
  const AutoClaimed claimed = auto_claim_as("bob", {.count = 3});
  EXPECT_THAT(claimed.deleted, ElementsAre(at(1), at(3)));
  EXPECT_THAT(claimed.claimed, ElementsAre(at(2)));
  EXPECT_EQ(claimed.next_start, at(4));
  EXPECT_EQ(group().pending.size(), 2u);
}

TEST_F(DeliveryTest, AutoClaimLooksAtTenRecordsPerEntryItMayReturn) {
  add(1, 25);
  read("alice");
  const AutoClaimed none = auto_claim_as("bob", {.min_idle_ms = 1, .count = 2});
  EXPECT_THAT(none.claimed, IsEmpty());
  EXPECT_EQ(none.next_start, at(21));
  EXPECT_EQ(consumer("bob").active_time_ms, kNeverActive);
  EXPECT_EQ(auto_claim_as("bob", {.count = kCountMax}).claimed.size(), 25u);
}

// ---- XNACK

TEST_F(DeliveryTest, NackModesAdjustTheCount) {
  add(1, 4);
  read("alice");
  history("alice", 0);
  EXPECT_TRUE(nack_one(1, NackMode::kSilent) && nack_one(2, NackMode::kFail));
  EXPECT_TRUE(nack_one(3, NackMode::kFatal) && nack_one(4, NackMode::kFatal, 9));
  EXPECT_EQ(pending(1), " 0 1");
  EXPECT_EQ(pending(2), " 0 2");
  EXPECT_EQ(count_of(3), kCountMax);
  EXPECT_EQ(pending(4), " 0 9");
  nack_one(1, NackMode::kSilent);
  nack_one(1, NackMode::kSilent);
  EXPECT_EQ(pending(1), " 0 0");
  EXPECT_EQ(group().pending.unowned_count(), 4u);
  EXPECT_THAT(history("alice", 0), IsEmpty());
}

TEST_F(DeliveryTest, NackForceNeedsTheEntry) {
  add(1, 3);
  EXPECT_FALSE(nack_one(1, NackMode::kFail));
  EXPECT_TRUE(nack_one(1, NackMode::kSilent, std::nullopt, true));
  EXPECT_TRUE(nack_one(2, NackMode::kFatal, std::nullopt, true));
  EXPECT_FALSE(nack_one(9, NackMode::kFail, std::nullopt, true));
  EXPECT_EQ(pending(1), " 0 0");
  EXPECT_EQ(count_of(2), kCountMax);
  EXPECT_EQ(group().last_delivered, kStreamIdMin);
}

TEST_F(DeliveryTest, AnEntryGoneCanStillBeNacked) {
  add(1, 1);
  read("alice");
  remove(1);
  EXPECT_TRUE(nack_one(1, NackMode::kFail));
  EXPECT_THAT(claim_idle_as("bob", 0), IsEmpty());
}

}  // namespace
}  // namespace millrace::streams
