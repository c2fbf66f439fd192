// Stream: choosing ids, deleting, trimming, copying, and its invariants.
#include "streams/stream.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace millrace::streams {
namespace {

constexpr int64_t kNow = 1000;
constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
using Ids = std::vector<StreamId>;

class StreamTest : public testing::Test {
 protected:
  ~StreamTest() override { stream_.check_invariants(); }

  Result<StreamId, AppendError> add_as(const NewId& id, std::string_view value = "v", int64_t now_ms = kNow) {
    const std::string_view elements[] = {"f", value};
    return stream_.append(id, elements, now_ms, limits_);
  }
  Result<StreamId, AppendError> add(StreamId id, std::string_view value = "v") {
    return add_as({NewId::Kind::kExplicit, id, true}, value);
  }
  // 1-0, 2-0, ... in nodes of `per_node`.
  void fill(uint64_t count, int64_t per_node = 100) {
    limits_.entries_max = per_node;
    for (uint64_t ms = 1; ms <= count; ++ms) ASSERT_TRUE(add({ms, 0}).ok());
  }
  Ids ids(StreamId start = kStreamIdMin, StreamId end = kStreamIdMax, bool reverse = false) const {
    return ids_of(stream_, start, end, reverse);
  }
  static Ids ids_of(const Stream& stream, StreamId start = kStreamIdMin, StreamId end = kStreamIdMax,
                    bool reverse = false) {
    Ids ids;
    for (auto it = stream.entries(start, end, reverse); it.valid(); it.next()) ids.push_back(it.id());
    return ids;
  }
  static Ids from_to(uint64_t first, uint64_t last) {
    Ids ids;
    for (uint64_t ms = first; ms <= last; ++ms) ids.push_back({ms, 0});
    return ids;
  }
  uint64_t trim_to_length(uint64_t length_max, RefPolicy policy = RefPolicy::kKeepRef) {
    TrimOptions options;
    options.length_max = length_max;
    options.policy = policy;
    return stream_.trim(options);
  }
  static TrimOptions about(TrimOptions::Strategy strategy, uint64_t bound, uint64_t limit = 0) {
    TrimOptions options;
    options.strategy = strategy;
    options.approximate = true;
    options.length_max = bound;
    options.id_min = {bound, 0};
    options.limit = limit;
    return options;
  }
  Group& group_at(std::string_view name, StreamId last_delivered, int64_t entries_read = kEntriesReadUnknown) {
    return *stream_.create_group(name, last_delivered, entries_read);
  }
  static void deliver(Group& group, StreamId id) {
    const Consumer& consumer = group.ensure_consumer("c", kNow);
    group.pending.put({id, consumer.id, kNow, 1});
    group.last_delivered = std::max(group.last_delivered, id);
  }

  Stream stream_;
  NodeLimits limits_;
};

constexpr auto kMaxLen = TrimOptions::Strategy::kMaxLen;
constexpr auto kMinId = TrimOptions::Strategy::kMinId;

TEST_F(StreamTest, ChoosesIdsThatNeverGoBack) {
  EXPECT_EQ(*add_as({}), (StreamId{1000, 0}));
  EXPECT_EQ(*add_as({}), (StreamId{1000, 1}));
  EXPECT_EQ(*add_as({}, "v", 900), (StreamId{1000, 2}));
  EXPECT_EQ(*add_as({}, "v", 1001), (StreamId{1001, 0}));
  EXPECT_EQ(*add_as({NewId::Kind::kAutoSeq, {1001, 0}, false}), (StreamId{1001, 1}));
  EXPECT_EQ(*add_as({NewId::Kind::kAutoSeq, {2000, 0}, false}), (StreamId{2000, 0}));
  EXPECT_EQ(add_as({NewId::Kind::kAutoSeq, {1999, 0}, false}).error(), AppendError::kIdTooSmall);
  EXPECT_EQ(stream_.length(), 6u);
  EXPECT_EQ(stream_.first_id(), (StreamId{1000, 0}));
}

TEST_F(StreamTest, StartsTheZerothMillisecondAtSequenceOne) {
  EXPECT_EQ(*add_as({NewId::Kind::kAutoSeq, {0, 0}, false}), (StreamId{0, 1}));
}

TEST_F(StreamTest, RefusesIdsThatAreNotAbove) {
  EXPECT_EQ(add({0, 0}).error(), AppendError::kZeroId);
  ASSERT_TRUE(add({5, 5}).ok());
  EXPECT_EQ(add({5, 5}).error(), AppendError::kIdTooSmall);
  EXPECT_EQ(add({5, 4}).error(), AppendError::kIdTooSmall);
  EXPECT_EQ(stream_.entries_added(), 1u);
}

TEST_F(StreamTest, RunsOutOfIds) {
  ASSERT_TRUE(add({5, kMax}).ok());
  EXPECT_EQ(add_as({NewId::Kind::kAutoSeq, {5, 0}, false}).error(), AppendError::kIdTooSmall);
  EXPECT_EQ(*add_as({}, "v", 5), (StreamId{6, 0}));
  ASSERT_TRUE(add(kStreamIdMax).ok());
  EXPECT_EQ(add_as({}).error(), AppendError::kExhausted);
}

TEST_F(StreamTest, RefusesEntriesOfMoreThanOneGiB) {
  const std::string value(1 << 20, 'x');
  std::vector<std::string_view> elements(1026, value);
  EXPECT_EQ(stream_.append({}, elements, kNow, limits_).error(), AppendError::kTooLarge);
  EXPECT_EQ(stream_.length(), 0u);
}

TEST_F(StreamTest, OpensANewNodeByCountAndBySize) {
  fill(7, 3);
  EXPECT_EQ(stream_.node_count(), 3u);
  limits_ = {.bytes_max = 100, .entries_max = 0};
  const std::string value(60, 'x');
  for (uint64_t ms = 8; ms < 12; ++ms) ASSERT_TRUE(add({ms, 0}, value).ok());
  EXPECT_EQ(stream_.node_count(), 6u);
  limits_ = {.bytes_max = 0, .entries_max = 0};
  for (uint64_t ms = 20; ms < 1000; ++ms) ASSERT_TRUE(add({ms, 0}, value).ok());
  EXPECT_EQ(stream_.node_count(), 6u);
}

TEST_F(StreamTest, WalksRangesBothWays) {
  fill(25, 4);
  EXPECT_EQ(ids(), from_to(1, 25));
  EXPECT_EQ(ids({3, 1}, {9, 0}), from_to(4, 9));
  Ids backwards = from_to(4, 9);
  std::reverse(backwards.begin(), backwards.end());
  EXPECT_EQ(ids({3, 1}, {9, 0}, true), backwards);
  EXPECT_TRUE(ids({9, 1}, {9, 5}).empty());
  EXPECT_TRUE(ids({9, 1}, {9, 5}, true).empty());
  EXPECT_TRUE(ids({9, 0}, {8, 0}).empty());
  EXPECT_TRUE(ids({26, 0}).empty());
  EXPECT_TRUE(ids({0, 0}, {0, 5}, true).empty());
}

TEST_F(StreamTest, ErasesEntriesAndEmptyNodes) {
  fill(6, 2);
  EXPECT_TRUE(stream_.erase({3, 0}));
  EXPECT_FALSE(stream_.erase({3, 0}));
  EXPECT_FALSE(stream_.erase({3, 1}));
  EXPECT_EQ(stream_.max_deleted_id(), (StreamId{3, 0}));
  EXPECT_EQ(stream_.node_count(), 3u);
  EXPECT_TRUE(stream_.erase({4, 0}));
  EXPECT_EQ(stream_.node_count(), 2u);
  EXPECT_TRUE(stream_.erase({1, 0}));
  EXPECT_EQ(stream_.first_id(), (StreamId{2, 0}));
  EXPECT_EQ(stream_.max_deleted_id(), (StreamId{4, 0}));
  EXPECT_TRUE(stream_.contains({6, 0}));
  EXPECT_TRUE(stream_.erase({6, 0}));
  EXPECT_EQ(stream_.last_entry_id(), (StreamId{5, 0}));
  EXPECT_TRUE(stream_.erase({2, 0}));
  EXPECT_TRUE(stream_.erase({5, 0}));
  EXPECT_EQ(stream_.first_id(), kStreamIdMin);
  EXPECT_EQ(stream_.node_count(), 0u);
  EXPECT_EQ(stream_.last_id(), (StreamId{6, 0}));
  EXPECT_EQ(stream_.last_entry_id(), std::nullopt);
}

TEST_F(StreamTest, TrimsToALengthExactly) {
  fill(10, 4);
  EXPECT_EQ(trim_to_length(11), 0u);
  EXPECT_EQ(trim_to_length(5), 5u);
  EXPECT_EQ(ids(), from_to(6, 10));
  EXPECT_EQ(stream_.first_id(), (StreamId{6, 0}));
  EXPECT_TRUE(stream_.max_deleted_id().is_zero());
  EXPECT_EQ(trim_to_length(0), 5u);
  EXPECT_EQ(stream_.first_id(), kStreamIdMin);
}

TEST_F(StreamTest, TrimsWholeNodesWhenAskedForAboutALength) {
  fill(10, 4);
  EXPECT_EQ(stream_.trim(about(kMaxLen, 7)), 0u);
  EXPECT_EQ(stream_.trim(about(kMaxLen, 5)), 4u);
  EXPECT_EQ(ids(), from_to(5, 10));
}

TEST_F(StreamTest, TrimsBelowAnId) {
  fill(10, 4);
  EXPECT_EQ(stream_.trim(about(kMinId, 4)), 0u);
  EXPECT_EQ(stream_.trim(about(kMinId, 7)), 4u);
  TrimOptions exact = about(kMinId, 7);
  exact.approximate = false;
  EXPECT_EQ(stream_.trim(exact), 2u);
  EXPECT_EQ(ids(), from_to(7, 10));
}

TEST_F(StreamTest, LeavesNoNodeWithoutLiveEntriesWhenTheLastOneWasDeleted) {
  fill(3, 3);
  ASSERT_TRUE(stream_.erase({3, 0}));
  TrimOptions below_three = about(kMinId, 3);
  EXPECT_EQ(stream_.trim(below_three), 0u);
  below_three.approximate = false;
  EXPECT_EQ(stream_.trim(below_three), 2u);
  EXPECT_EQ(stream_.node_count(), 0u);
}

TEST_F(StreamTest, TrimsNoMoreThanTheLimitNodeByNode) {
  fill(12, 4);
  EXPECT_EQ(stream_.trim(about(kMaxLen, 0, 3)), 0u);
  EXPECT_EQ(stream_.trim(about(kMaxLen, 0, 9)), 8u);
}

TEST_F(StreamTest, KnowsWhatIsReferenced) {
  fill(4);
  EXPECT_FALSE(stream_.is_referenced({1, 0}));
  Group& group = group_at("g", {2, 0});
  EXPECT_FALSE(stream_.is_referenced({2, 0}));
  EXPECT_TRUE(stream_.is_referenced({3, 0}));
  EXPECT_TRUE(stream_.is_referenced({99, 0}));
  deliver(group, {1, 0});
  EXPECT_TRUE(stream_.is_referenced({1, 0}));
}

TEST_F(StreamTest, TrimsOnlyWhatEveryGroupHasDoneWith) {
  fill(8, 3);
  Group& group = group_at("g", {6, 0});
  deliver(group, {2, 0});
  deliver(group, {4, 0});
  EXPECT_EQ(trim_to_length(1, RefPolicy::kAcked), 4u);
  EXPECT_EQ(ids(), (Ids{{2, 0}, {4, 0}, {7, 0}, {8, 0}}));
}

TEST_F(StreamTest, TrimsReferencesAlong) {
  fill(8, 3);
  Group& group = group_at("g", {8, 0});
  deliver(group, {2, 0});
  deliver(group, {7, 0});
  TrimOptions options = about(kMinId, 5);
  options.policy = RefPolicy::kDelRef;
  EXPECT_EQ(stream_.trim(options), 4u);
  EXPECT_EQ(ids(), from_to(5, 8));
  EXPECT_EQ(group.pending.size(), 1u);
}

TEST_F(StreamTest, ErasesUnderAPolicy) {
  fill(4);
  Group& group = group_at("g", {4, 0});
  deliver(group, {2, 0});
  bool purged = true;
  EXPECT_EQ(stream_.erase_with_policy({2, 0}, RefPolicy::kAcked, &purged), EraseOutcome::kReferenced);
  EXPECT_EQ(stream_.erase_with_policy({9, 0}, RefPolicy::kAcked), EraseOutcome::kReferenced);
  EXPECT_EQ(stream_.erase_with_policy({1, 0}, RefPolicy::kAcked), EraseOutcome::kErased);
  EXPECT_EQ(stream_.erase_with_policy({2, 0}, RefPolicy::kKeepRef, &purged), EraseOutcome::kErased);
  EXPECT_FALSE(purged);
  EXPECT_EQ(group.pending.size(), 1u);
  EXPECT_EQ(stream_.erase_with_policy({2, 0}, RefPolicy::kDelRef, &purged), EraseOutcome::kNotFound);
  EXPECT_TRUE(purged);
  EXPECT_EQ(group.pending.size(), 0u);
}

TEST_F(StreamTest, CopiesSharedNodesBeforeItWrites) {
  fill(5, 3);
  Group& group = group_at("g", {5, 0});
  deliver(group, {1, 0});
  const auto copy = stream_.clone();
  const auto shared = stream_.share_nodes();
  ASSERT_TRUE(add({6, 0}).ok());
  ASSERT_TRUE(stream_.erase({1, 0}));
  EXPECT_EQ(trim_to_length(3), 2u);
  copy->check_invariants();
  EXPECT_EQ(ids_of(*copy), from_to(1, 5));
  EXPECT_EQ(ids(), from_to(4, 6));
  EXPECT_EQ(copy->groups().at("g").pending.size(), 1u);
  EXPECT_EQ(copy->last_id(), (StreamId{5, 0}));
  Ids still_shared;
  for (const auto& node : shared) {
    for (EntryIterator it(*node); it.valid(); it.next()) still_shared.push_back(it.id());
  }
  EXPECT_EQ(still_shared, from_to(1, 5));
}

TEST_F(StreamTest, TrimsUpToItsBoundsAndNotOneShort) {
  fill(20, 5);
  EXPECT_EQ(stream_.trim(about(kMaxLen, 0, 10)), 10u);
  EXPECT_EQ(stream_.trim(about(kMaxLen, 5)), 5u);
  EXPECT_EQ(stream_.trim(about(kMinId, 21)), 5u);
}

TEST_F(StreamTest, TrimsAckedEntriesBelowAnIdOnly) {
  fill(6);
  group_at("g", {5, 0});
  TrimOptions options;
  options.strategy = kMinId;
  options.policy = RefPolicy::kAcked;
  options.id_min = {3, 0};
  EXPECT_EQ(stream_.trim(options), 2u);
  options.id_min = {7, 0};
  EXPECT_EQ(stream_.trim(options), 3u);
  EXPECT_EQ(ids(), from_to(6, 6));
}

TEST_F(StreamTest, LagIsUnknownBehindAHole) {
  fill(5);
  const Group& group = group_at("g", {1, 0}, 1);
  stream_.erase({1, 0});
  EXPECT_EQ(stream_.lag(group), 4u);
  stream_.erase({3, 0});
  EXPECT_EQ(stream_.lag(group), std::nullopt);
}

TEST_F(StreamTest, LoadingLeavesAHigherLastId) {
  fill(3);
  Stream loaded;
  loaded.set_last_id({9, 0});
  ASSERT_TRUE(loaded.load_node(stream_.share_nodes().front()));
  EXPECT_EQ(loaded.last_id(), (StreamId{9, 0}));
}

TEST_F(StreamTest, IsLoadedNodeByNode) {
  fill(5, 2);
  ASSERT_TRUE(stream_.erase({1, 0}));
  Stream loaded;
  for (const auto& node : stream_.share_nodes()) {
    ASSERT_TRUE(loaded.load_node(Node::decode(node->master_id(), node->bytes())));
    EXPECT_FALSE(loaded.load_node(Node::decode(node->master_id(), node->bytes())));
  }
  loaded.set_entries_added(5);
  loaded.check_invariants();
  EXPECT_EQ(ids_of(loaded), from_to(2, 5));
  EXPECT_EQ(loaded.first_id(), (StreamId{2, 0}));
  EXPECT_EQ(loaded.last_id(), (StreamId{5, 0}));
}

TEST_F(StreamTest, KeepsGroupsByName) {
  fill(3);
  EXPECT_EQ(group_at("b", {0, 0}, 99).entries_read, 3);
  EXPECT_EQ(group_at("a", {0, 0}).entries_read, kEntriesReadUnknown);
  EXPECT_EQ(stream_.create_group("a", {0, 0}, 0), nullptr);
  EXPECT_EQ(stream_.groups().begin()->first, "a");
  stream_.set_entries_added(3);
  EXPECT_TRUE(stream_.destroy_group("a"));
  EXPECT_FALSE(stream_.destroy_group("a"));
  EXPECT_EQ(stream_.group("a"), nullptr);
}

TEST_F(StreamTest, ClampsWhatGroupsHaveReadWithEntriesAdded) {
  fill(3);
  const Group& group = group_at("g", {3, 0}, 3);
  trim_to_length(1);
  stream_.set_entries_added(2);
  EXPECT_EQ(group.entries_read, 2);
}

TEST_F(StreamTest, EstimatesHowFarAGroupHasRead) {
  EXPECT_EQ(stream_.estimate_entries_read({5, 0}), 0u);
  fill(5);
  EXPECT_EQ(stream_.estimate_entries_read({0, 0}), 0u);
  EXPECT_EQ(stream_.estimate_entries_read({1, 0}), 1u);
  EXPECT_EQ(stream_.estimate_entries_read({2, 0}), std::nullopt);
  EXPECT_EQ(stream_.estimate_entries_read({5, 0}), 5u);
  EXPECT_EQ(stream_.estimate_entries_read({6, 0}), std::nullopt);
  trim_to_length(3);
  EXPECT_EQ(stream_.estimate_entries_read({2, 0}), 2u);
  EXPECT_EQ(stream_.estimate_entries_read({3, 0}), 3u);
  ASSERT_TRUE(stream_.erase({4, 0}));
  EXPECT_EQ(stream_.estimate_entries_read({2, 0}), std::nullopt);
  trim_to_length(0);
  EXPECT_EQ(stream_.estimate_entries_read({2, 0}), 5u);
}

TEST_F(StreamTest, ReportsLag) {
  Group& group = group_at("g", {0, 0}, 0);
  EXPECT_EQ(stream_.lag(group), 0u);
  fill(5);
  EXPECT_EQ(stream_.lag(group), 5u);
  group.last_delivered = {2, 0};
  group.entries_read = 2;
  EXPECT_EQ(stream_.lag(group), 3u);
  ASSERT_TRUE(stream_.erase({4, 0}));
  EXPECT_TRUE(stream_.has_tombstone_from({4, 0}));
  EXPECT_FALSE(stream_.has_tombstone_from({4, 1}));
  EXPECT_EQ(stream_.lag(group), std::nullopt);
  group.last_delivered = {5, 0};
  group.entries_read = kEntriesReadUnknown;
  EXPECT_EQ(stream_.lag(group), 0u);
  trim_to_length(0);
  EXPECT_EQ(stream_.lag(group), 0u);
}

TEST_F(StreamTest, AccountsForItsMemory) {
  const size_t empty = stream_.memory_bytes();
  fill(1000);
  const size_t full = stream_.memory_bytes();
  EXPECT_GT(full, empty + 1000 * 8);
  EXPECT_LT(full, empty + 1000 * 64);
}

}  // namespace
}  // namespace millrace::streams
