// Payloads that were cut, flipped or made by hand, with a checksum that fits: refused, or a stream that keeps every
// invariant whatever is then done to it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "persistence/crc64.h"
#include "persistence/dump.h"
#include "persistence/rdb_encoder.h"
#include "persistence/stream_writer.h"
#include "streams/delivery.h"
#include "support/random_stream.h"

namespace millrace::persistence {
namespace {

using test::content_of;
using test::random_stream;

using namespace streams;

constexpr size_t kFooterSize = 10;

std::string sealed(std::string value, char version = 14) {
  value.push_back(version);
  value.push_back('\0');
  const uint64_t checksum = crc64(0, value);
  return value.append(reinterpret_cast<const char*>(&checksum), sizeof checksum);
}

// Does a little of everything, so that what was let in is walked through.
void exercise(Stream& stream) {
  stream.check_invariants();
  content_of(stream);
  const std::string_view elements[] = {"field", "value"};
  (void)stream.append({}, elements, 5, {});
  for (auto& [name, group] : stream.groups()) {
    Consumer& consumer = group.ensure_consumer("new", 7);
    const auto room = [] { return true; };
    deliver_new(stream, group, consumer, {.count = 3, .now_ms = 8}, room, [](EntryIterator&) {});
    claim_idle(stream, group, consumer, {.count = 3, .min_idle_ms = 0, .now_ms = 9}, room,
               [](EntryIterator&, const ClaimedEntry&) {});
    auto_claim(stream, group, consumer, {.now_ms = 10});
    (void)stream.lag(group);
    (void)next_claim_time_ms(stream, group, 100, 11);
  }
  stream.idempotency.expire(1'700'000'000'000);
  TrimOptions half;
  half.length_max = stream.length() / 2;
  stream.trim(half);
  stream.check_invariants();
}

class Hostile : public testing::Test {
 protected:
  // True if it was let in.
  bool offer(const std::string& payload) {
    EXPECT_TRUE(is_sound_dump(payload));
    auto value = restore_value(payload, {});
    if (!value.ok()) return false;
    if (!value->stream) return true;
    exercise(*value->stream);
    const auto again = restore_value(dump_value(*value->stream, 14, false), {});
    EXPECT_TRUE(again.ok());
    return true;
  }
  static std::string value_of(const std::string& payload) { return payload.substr(0, payload.size() - kFooterSize); }
  static std::string small_payload(uint64_t seed, bool compress) {
    Random random(seed);
    for (;;) {
      const auto stream = random_stream(random, {.steps = 60});
      std::string payload = dump_value(*stream, 14, compress);
      if (payload.size() < 900) return payload;
    }
  }
};

TEST_F(Hostile, EveryTruncationIsRefused) {
  for (uint64_t seed = 0; seed < 6; ++seed) {
    const std::string value = value_of(small_payload(seed, seed % 2 == 0));
    for (size_t size = 0; size < value.size(); ++size) ASSERT_FALSE(offer(sealed(value.substr(0, size)))) << size;
    EXPECT_TRUE(offer(sealed(value)));
    EXPECT_FALSE(offer(sealed(value + '\0')));
  }
}

TEST_F(Hostile, EveryFlippedBitIsRefusedOrHarmless) {
  for (uint64_t seed = 0; seed < 6; ++seed) {
    const std::string value = value_of(small_payload(seed, seed % 2 == 0));
    int let_in = 0;
    for (size_t bit = 0; bit < 8 * value.size(); ++bit) {
      std::string flipped = value;
      flipped[bit / 8] ^= static_cast<char>(1 << bit % 8);
      let_in += offer(sealed(flipped)) ? 1 : 0;
    }
    EXPECT_GT(let_in, 0);
  }
}

TEST_F(Hostile, MutatedPayloadsAreRefusedOrHarmless) {
  const uint64_t rounds = std::getenv("MILLRACE_TEST_FULL") != nullptr ? 200'000 : 3'000;
  Random random(11);
  std::vector<std::string> values;
  for (uint64_t seed = 0; seed < 20; ++seed) values.push_back(value_of(small_payload(100 + seed, seed % 3 == 0)));
  for (uint64_t round = 0; round < rounds; ++round) {
    std::string value = values[random.below(values.size())];
    for (uint64_t left = 1 + random.below(4); left > 0 && !value.empty(); --left) {
      const size_t at = random.below(value.size());
      if (random.one_in(4)) {
        value.erase(at, 1 + random.below(20));
      } else if (random.one_in(3)) {
        value.insert(at, value.substr(random.below(value.size()), random.below(20)));
      } else {
        value[at] = static_cast<char>(random.next());
      }
    }
    SCOPED_TRACE(round);
    offer(sealed(value));
  }
}

TEST_F(Hostile, APayloadNeedsItsChecksumAndAVersionWeRead) {
  const std::string payload = small_payload(1, true);
  EXPECT_TRUE(is_sound_dump(payload));
  for (size_t bit = 0; bit < 8 * payload.size(); ++bit) {
    std::string flipped = payload;
    flipped[bit / 8] ^= static_cast<char>(1 << bit % 8);
    ASSERT_FALSE(is_sound_dump(flipped));
  }
  EXPECT_TRUE(is_sound_dump(sealed(value_of(payload), 15)));
  EXPECT_FALSE(is_sound_dump(sealed(value_of(payload), 16)));
  EXPECT_FALSE(is_sound_dump(""));
  EXPECT_FALSE(is_sound_dump("123456789"));
}

// ---- values made by hand: one consumer group, piece by piece

// Of a string, behind its type.
std::optional<RdbFault> fault_of_string(std::string_view value) {
  const auto restored = restore_value(sealed(std::string(1, '\0') + std::string(value)), {});
  return restored.ok() ? std::nullopt : std::optional(restored.error().fault);
}

TEST(HostileStrings, AreRefusedBeforeMemoryIsTakenForThem) {
  const auto raw = [](const char* bytes, size_t size) { return std::string_view(bytes, size); };
  EXPECT_EQ(fault_of_string(raw("\x03xyz", 4)), std::nullopt);
  EXPECT_EQ(fault_of_string(""), RdbFault::kTruncated);
  EXPECT_EQ(fault_of_string(raw("\x03xy", 3)), RdbFault::kTruncated);
  EXPECT_EQ(fault_of_string(raw("\x03xyzz", 5)), RdbFault::kTrailing);
  EXPECT_EQ(fault_of_string(raw("\x81\x7f\xff\xff\xff\xff\xff\xff\xffx", 10)), RdbFault::kTruncated);
  EXPECT_EQ(fault_of_string(raw("\x81\xff\xff\xff\xff\xff\xff\xff\xffx", 10)), RdbFault::kTruncated);
  EXPECT_EQ(fault_of_string(raw("\x80\xff\xff\xff\xff", 5)), RdbFault::kTruncated);
  EXPECT_EQ(fault_of_string(raw("\x82", 1)), RdbFault::kLength);
  EXPECT_EQ(fault_of_string(raw("\xc4", 1)), RdbFault::kString);
  EXPECT_EQ(fault_of_string(raw("\xc2\x01\x02", 3)), RdbFault::kTruncated);
  // LZF: no bytes, far too long a text, a distance before the start, not as long as it says.
  EXPECT_EQ(fault_of_string(raw("\xc3\x00\x00", 3)), RdbFault::kCompressed);
  EXPECT_EQ(fault_of_string(raw("\xc3\x02\x80\xff\xff\xff\xff\x00x", 9)), RdbFault::kCompressed);
  EXPECT_EQ(fault_of_string(raw("\xc3\x02\x03\x20\x09", 5)), RdbFault::kCompressed);
  EXPECT_EQ(fault_of_string(raw("\xc3\x02\x05\x00x", 5)), RdbFault::kCompressed);
  EXPECT_EQ(fault_of_string(raw("\xc3\x02\x01\x00x", 5)), std::nullopt);
}

class HandMade : public testing::Test {
 protected:
  HandMade() {
    out_.byte(27);
    out_.length(0);         // nodes
    out_.length(0);         // length
    out_.split_id({9, 9});  // last id
    out_.split_id({0, 0});
    out_.split_id({5, 0});
    out_.length(7);  // entries added
    out_.length(1);  // groups
    out_.string("group");
    out_.split_id({9, 9});
    out_.length(7);
  }
  void pending(const std::vector<StreamId>& ids, int64_t time_ms = 1000, uint64_t count = 1) {
    out_.length(ids.size());
    for (const StreamId id : ids) {
      out_.id(id);
      out_.little_endian64(time_ms);
      out_.length(count);
    }
  }
  void consumers(uint64_t count) { out_.length(count); }
  void consumer(const std::string& name, const std::vector<StreamId>& ids, int64_t seen_ms = 1, int64_t active_ms = 2) {
    out_.string(name);
    out_.little_endian64(seen_ms);
    out_.little_endian64(active_ms);
    unowned(ids);
  }
  void unowned(const std::vector<StreamId>& ids) {
    out_.length(ids.size());
    for (const StreamId id : ids) out_.id(id);
  }
  void idempotency(uint64_t duration_s = 100, uint64_t entries_max = 2) {
    out_.length(duration_s);
    out_.length(entries_max);
  }
  void producer(const std::string& name, const std::vector<std::string>& ids) {
    out_.string(name);
    out_.length(ids.size());
    for (const std::string& id : ids) {
      out_.string(id);
      out_.split_id({1, 1});
    }
  }
  void no_producers() {
    idempotency();
    out_.length(0);
    counters();
  }
  void counters() {
    out_.length(3);
    out_.length(4);
  }
  std::optional<RdbFault> fault() {
    auto value = restore_value(sealed(std::string(bytes_.view())), {});
    if (!value.ok()) return value.error().fault;
    value->stream->check_invariants();
    return std::nullopt;
  }

  Buffer bytes_;
  RdbEncoder out_{bytes_, false};
};

TEST_F(HandMade, AreLetInIfNothingIsWrong) {
  pending({{1, 0}, {2, 0}, {3, 0}});
  consumers(2);
  consumer("a", {{2, 0}});
  consumer("b", {{3, 0}}, 1, kNeverActive);
  unowned({{1, 0}});
  idempotency();
  out_.length(1);
  producer("p", {"x", "y"});
  counters();
  EXPECT_EQ(fault(), std::nullopt);
}

TEST_F(HandMade, APendingEntryHasOneOwner) {
  pending({{1, 0}});
  consumers(2);
  consumer("a", {{1, 0}});
  consumer("b", {{1, 0}});
  unowned({});
  no_producers();
  EXPECT_EQ(fault(), RdbFault::kOwner);
}

TEST_F(HandMade, AConsumerOwnsAnEntryOnce) {
  pending({{1, 0}});
  consumers(1);
  consumer("a", {{1, 0}, {1, 0}});
  EXPECT_EQ(fault(), RdbFault::kOwner);
}

TEST_F(HandMade, AConsumerOwnsOnlyWhatTheGroupHas) {
  pending({{1, 0}});
  consumers(1);
  consumer("a", {{2, 0}});
  EXPECT_EQ(fault(), RdbFault::kOwner);
}

TEST_F(HandMade, AnEntryWithoutAnOwnerIsListed) {
  pending({{1, 0}});
  consumers(0);
  unowned({});
  no_producers();
  EXPECT_EQ(fault(), RdbFault::kUnowned);
}

TEST_F(HandMade, AListedEntryHasNoOwner) {
  pending({{1, 0}, {2, 0}});
  consumers(1);
  consumer("a", {{1, 0}});
  unowned({{2, 0}, {1, 0}});
  EXPECT_EQ(fault(), RdbFault::kUnowned);
}

TEST_F(HandMade, AnEntryIsListedOnce) {
  pending({{1, 0}, {2, 0}});
  consumers(0);
  unowned({{2, 0}, {2, 0}});
  EXPECT_EQ(fault(), RdbFault::kUnowned);
}

TEST_F(HandMade, PendingIdsIncrease) {
  pending({{2, 0}, {1, 0}});
  EXPECT_EQ(fault(), RdbFault::kPendingOrder);
}

TEST_F(HandMade, DeliveryTimesAreTimes) {
  pending({{1, 0}}, -1);
  EXPECT_EQ(fault(), RdbFault::kPendingTime);
}

TEST_F(HandMade, DeliveryTimesAreNotBeyondAllTime) {
  pending({{1, 0}}, INT64_MAX);
  EXPECT_EQ(fault(), RdbFault::kPendingTime);
}

TEST_F(HandMade, DeliveryCountsAreCounts) {
  pending({{1, 0}}, 1, uint64_t{1} << 63);
  EXPECT_EQ(fault(), RdbFault::kPendingCount);
}

TEST_F(HandMade, ConsumersHaveDifferentNames) {
  pending({});
  consumers(2);
  consumer("a", {});
  consumer("a", {});
  EXPECT_EQ(fault(), RdbFault::kConsumer);
}

TEST_F(HandMade, ConsumersWereSeenAtATime) {
  pending({});
  consumers(1);
  consumer("a", {}, -5);
  EXPECT_EQ(fault(), RdbFault::kConsumerTime);
}

TEST_F(HandMade, LimitsOfProducersAreInRange) {
  pending({});
  consumers(0);
  unowned({});
  idempotency(86'401);
  EXPECT_EQ(fault(), RdbFault::kIdempotencyLimits);
}

TEST_F(HandMade, ProducersHaveNoMoreRecordsThanAllowed) {
  pending({});
  consumers(0);
  unowned({});
  idempotency(100, 1);
  out_.length(1);
  producer("p", {"x", "y"});
  EXPECT_EQ(fault(), RdbFault::kProducer);
}

TEST_F(HandMade, RecordsOfAProducerDiffer) {
  pending({});
  consumers(0);
  unowned({});
  idempotency();
  out_.length(1);
  producer("p", {"x", "x"});
  EXPECT_EQ(fault(), RdbFault::kRecord);
}

}  // namespace
}  // namespace millrace::persistence
