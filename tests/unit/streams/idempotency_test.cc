// Idempotency: remembering, forgetting, counting, and the id made from content.
#include "streams/idempotency.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace millrace::streams {
namespace {

using ::testing::ElementsAre;

constexpr StreamId kFirst{1000, 1};
constexpr StreamId kSecond{2000, 2};

TEST(IdempotencyTest, RemembersPairs) {
  Idempotency known;
  EXPECT_TRUE(known.empty());
  EXPECT_FALSE(known.find("p", "i"));
  known.record("p", "i", kFirst);
  known.record("q", "i", kSecond);
  EXPECT_EQ(known.find("p", "i"), kFirst);
  EXPECT_EQ(known.find("q", "i"), kSecond);
  EXPECT_FALSE(known.find("p", "j"));
  EXPECT_FALSE(known.find("r", "i"));
  EXPECT_EQ(known.producer_count(), 2u);
  EXPECT_EQ(known.record_count(), 2u);
  EXPECT_EQ(known.records_added(), 2u);
}

TEST(IdempotencyTest, NamesAreBinary) {
  Idempotency known;
  const std::string with_zero("a\0b", 3);
  known.record(with_zero, with_zero, kFirst);
  EXPECT_EQ(known.find(with_zero, with_zero), kFirst);
  EXPECT_FALSE(known.find("a", with_zero) || known.find(with_zero, "a"));
}

TEST(IdempotencyTest, AKnownPairStaysAsItIs) {
  Idempotency known;
  known.record("p", "i", kFirst);
  known.record("p", "i", kSecond);
  EXPECT_EQ(known.find("p", "i"), kFirst);
  EXPECT_EQ(known.record_count(), 1u);
  EXPECT_EQ(known.records_added(), 1u);
}

TEST(IdempotencyTest, BeyondTheMaximumTheOldestGoes) {
  Idempotency known({.duration_s = 100, .entries_max = 3});
  for (uint64_t n = 0; n < 5; ++n) known.record("p", std::to_string(n), {n, 0});
  known.record("q", "0", kFirst);
  EXPECT_FALSE(known.find("p", "0") || known.find("p", "1"));
  EXPECT_TRUE(known.find("p", "2") && known.find("p", "4") && known.find("q", "0"));
  EXPECT_EQ(known.record_count(), 4u);
  EXPECT_EQ(known.records_added(), 6u);
}

TEST(IdempotencyTest, ExpiryGoesByTheEntrysTimeAndIncludesTheLastMillisecond) {
  Idempotency known({.duration_s = 10, .entries_max = 100});
  known.record("p", "old", {5000, 0});
  known.record("p", "new", {5001, 0});
  known.record("q", "old", {5000, 7});
  EXPECT_FALSE(known.expire(14999));
  EXPECT_EQ(known.record_count(), 3u);
  EXPECT_TRUE(known.expire(15000));
  EXPECT_FALSE(known.find("p", "old"));
  EXPECT_TRUE(known.find("p", "new"));
  EXPECT_EQ(known.producer_count(), 1u);
  EXPECT_TRUE(known.expire(15001));
  EXPECT_TRUE(known.empty());
  EXPECT_EQ(known.record_count(), 0u);
  EXPECT_EQ(known.records_added(), 3u);
}

TEST(IdempotencyTest, ExpiryStopsAtTheFirstRecordThatIsYoungEnough) {
  Idempotency known({.duration_s = 1, .entries_max = 100});
  known.record("p", "young", {9000, 0});
  known.record("p", "old", {1000, 0});
  EXPECT_FALSE(known.expire(5000));
  EXPECT_TRUE(known.find("p", "old"));
}

TEST(IdempotencyTest, NothingExpiresBeforeTheClockReachesTheDuration) {
  Idempotency known({.duration_s = 100, .entries_max = 100});
  known.record("p", "i", {0, 1});
  EXPECT_FALSE(known.expire(99999));
  EXPECT_TRUE(known.expire(100000));
}

TEST(IdempotencyTest, ATouchedProducerCountsUntilTheNextExpiry) {
  Idempotency known;
  known.touch_producer("p");
  EXPECT_EQ(known.producer_count(), 1u);
  EXPECT_EQ(known.record_count(), 0u);
  EXPECT_FALSE(known.expire(0));
  EXPECT_TRUE(known.empty());
}

TEST(IdempotencyTest, OtherLimitsForgetEverythingButTheCounters) {
  Idempotency known;
  known.record("p", "i", kFirst);
  known.count_duplicate();
  EXPECT_FALSE(known.set_limits({.duration_s = 100, .entries_max = 100}));
  EXPECT_TRUE(known.find("p", "i"));
  EXPECT_TRUE(known.set_limits({.duration_s = 100, .entries_max = 99}));
  EXPECT_TRUE(known.empty());
  EXPECT_EQ(known.record_count(), 0u);
  EXPECT_EQ(known.limits().entries_max, 99);
  EXPECT_EQ(known.records_added(), 1u);
  EXPECT_EQ(known.duplicates(), 1u);
}

TEST(IdempotencyTest, ACopyIsEqualAndIndependent) {
  auto known = std::make_unique<Idempotency>();
  known->record("p", "short", kFirst);
  known->record("p", std::string(100, 'x'), kSecond);
  known->count_duplicate();
  Idempotency copy(*known);
  known.reset();
  EXPECT_EQ(copy.find("p", "short"), kFirst);
  EXPECT_EQ(copy.find("p", std::string(100, 'x')), kSecond);
  EXPECT_EQ(copy.duplicates(), 1u);
  const Idempotency moved(std::move(copy));
  EXPECT_EQ(moved.record_count(), 2u);
}

TEST(IdempotencyTest, AVisitSeesProducersInOrderAndRecordsOldestFirst) {
  Idempotency known;
  known.record("q", "z", kFirst);
  known.record("q", "a", kSecond);
  known.touch_producer("p");
  std::vector<std::string> seen;
  known.visit({.producer = [&](auto name, size_t n) { seen.push_back(std::string(name) + std::to_string(n)); },
               .record = [&](auto, auto id, StreamId) { seen.emplace_back(id); }});
  EXPECT_THAT(seen, ElementsAre("p0", "q2", "z", "a"));
}

TEST(IdempotencyTest, MemoryFollowsTheRecords) {
  Idempotency known;
  const size_t empty = known.memory_bytes();
  known.record("p", std::string(500, 'x'), kFirst);
  EXPECT_GT(known.memory_bytes(), empty + 500);
  known.expire(int64_t{1} << 40);
  EXPECT_EQ(known.memory_bytes(), empty);
}

std::string content_hex(const std::vector<std::string_view>& elements) {
  std::string hex;
  for (const char byte : content_id(elements)) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    hex += kDigits[static_cast<uint8_t>(byte) >> 4];
    hex += kDigits[static_cast<uint8_t>(byte) & 15];
  }
  return hex;
}

TEST(ContentIdTest, KnownAnswers) {
  EXPECT_EQ(content_hex({"field", "value"}), "626368b66e85051415a2b01bf8e32dc5");
  EXPECT_EQ(content_hex({"a", "1", "b", "2"}), "c5b282935f77a53123e1ff7a302a11f2");
  EXPECT_EQ(content_hex({"", ""}), "1a9f7ebbaea1d61d30b6b8daa3e38da7");
}

TEST(ContentIdTest, PairsMayChangePlacesButRolesMayNot) {
  EXPECT_EQ(content_hex({"a", "1", "b", "2"}), content_hex({"b", "2", "a", "1"}));
  EXPECT_NE(content_hex({"a", "1", "b", "2"}), content_hex({"1", "a", "2", "b"}));
  EXPECT_NE(content_hex({"a", "1", "b", "2"}), content_hex({"a", "2", "b", "1"}));
}

TEST(ContentIdTest, TheBorderBetweenFieldAndValueMatters) {
  EXPECT_NE(content_hex({"ab", "c"}), content_hex({"a", "bc"}));
  EXPECT_NE(content_hex({"a", "1"}), content_hex({"a", "1", "a", "1"}));
}

}  // namespace
}  // namespace millrace::streams
