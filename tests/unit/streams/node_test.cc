// Node: its bytes as in Redis, walks in both directions, deletion in place.
#include "streams/node.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "streams/entry.h"

namespace millrace::streams {
namespace {

using Texts = std::vector<std::string_view>;

class NodeTest : public testing::Test {
 protected:
  void start(StreamId master_id, const Texts& texts) {
    node_ = Ref<Node>::make(master_id, Elements(texts), size_t{0});
    append(master_id, texts);
  }
  void append(StreamId id, const Texts& texts) {
    node_->append(id, Elements(texts));
    node_->check_invariants();
  }
  void erase(StreamId id) {
    EntryCursor entry(*node_);
    ASSERT_TRUE(entry.seek(id));
    node_->erase(entry.offset());
    node_->check_invariants();
  }
  // Every entry with its elements, as text; deleted ones in brackets.
  std::vector<std::string> listing() const {
    std::vector<std::string> lines;
    EntryCursor entry(*node_);
    for (bool inside = entry.to_first(); inside; inside = entry.to_next()) {
      char id[kStreamIdTextMax];
      std::string line(id, format_stream_id(entry.id(), id));
      for (size_t i = 0; i < entry.pair_count(); ++i) {
        const auto [field, value] = entry.next_pair();
        line += ' ' + std::string(field) + '=' + std::string(value);
      }
      lines.push_back(entry.deleted() ? '[' + line + ']' : line);
    }
    return lines;
  }
  static std::string hex(std::string_view bytes) {
    std::string text;
    for (const char c : bytes) {
      text += "0123456789abcdef"[static_cast<uint8_t>(c) >> 4];
      text += "0123456789abcdef"[c & 15];
    }
    return text;
  }

  Ref<Node> node_;
};

// Bytes of a node that Redis 7.0 wrote for XADD s 1-1 a 1 / XADD s 2-0 a x / XADD s 2-1 b 300 c y / XDEL s 2-0.
constexpr char kRedisBytes[] =
    "3e0000001800"
    "0201"
    "0101"
    "0101"
    "816102"
    "0001"
    "0201"
    "0001"
    "0001"
    "0101"
    "0401"
    "0301"
    "0101"
    "dfff02"
    "817802"
    "0401"
    "0001"
    "0101"
    "0001"
    "0201"
    "816202"
    "c12c02"
    "816302"
    "817902"
    "0801"
    "ff";

TEST_F(NodeTest, HasTheBytesOfRedis) {
  start({1, 1}, {"a", "1"});
  append({2, 0}, {"a", "x"});
  append({2, 1}, {"b", "300", "c", "y"});
  erase({2, 0});
  EXPECT_EQ(hex(node_->bytes()), kRedisBytes);
}

TEST_F(NodeTest, HandsOutEntriesInBothDirections) {
  start({10, 5}, {"temperature", "21", "unit", "C"});
  append({10, 6}, {"temperature", "22", "unit", "C"});
  append({11, 0}, {"temperature", "22"});
  append({12, 0}, {"unit", "C", "temperature", "23"});
  EXPECT_EQ(listing(), (std::vector<std::string>{"10-5 temperature=21 unit=C", "10-6 temperature=22 unit=C",
                                                 "11-0 temperature=22", "12-0 unit=C temperature=23"}));
  EntryCursor entry(*node_);
  std::vector<StreamId> ids;
  for (bool inside = entry.to_last(); inside; inside = entry.to_previous()) ids.push_back(entry.id());
  EXPECT_EQ(ids, (std::vector<StreamId>{{12, 0}, {11, 0}, {10, 6}, {10, 5}}));
}

TEST_F(NodeTest, MarksDeletedEntriesInPlace) {
  start({1, 0}, {"f", "a"});
  append({2, 0}, {"f", "b"});
  erase({1, 0});
  EXPECT_EQ(listing(), (std::vector<std::string>{"[1-0 f=a]", "2-0 f=b"}));
  EXPECT_EQ(node_->live(), 1u);
  EXPECT_EQ(node_->deleted(), 1u);
}

TEST_F(NodeTest, TheFrontMovesOnOverDeletedEntries) {
  start({1, 0}, {"f", "a"});
  append({2, 0}, {"f", "b"});
  append({3, 0}, {"f", "c"});
  EntryCursor entry(*node_);
  const auto front = [&entry] { return entry.to_front() ? entry.id().ms : 0; };
  erase({2, 0});
  EXPECT_EQ(front(), 1u);
  erase({1, 0});
  EXPECT_EQ(front(), 3u);
  ASSERT_TRUE(entry.seek_at_or_after({1, 5}));
  EXPECT_EQ(entry.id().ms, 3u);
  EXPECT_FALSE(entry.seek({1, 0}));
  erase({3, 0});
  EXPECT_EQ(front(), 3u);
  EXPECT_TRUE(entry.deleted());
  append({4, 0}, {"f", "d"});
  EXPECT_EQ(front(), 4u);
}

TEST_F(NodeTest, KeepsItsPlacesWhenTheCountersGrowWider) {
  start({1, 0}, {"f", "v"});
  for (uint64_t ms = 2; ms <= 300; ++ms) append({ms, 0}, {"f", "v"});
  for (uint64_t ms = 1; ms < 300; ++ms) erase({ms, 0});
  EXPECT_EQ(node_->live(), 1u);
  EXPECT_EQ(node_->deleted(), 299u);
  EXPECT_EQ(listing().back(), "300-0 f=v");
}

TEST_F(NodeTest, FindsIdsFromEitherEnd) {
  start({1000, 0}, {"f", "v"});
  for (uint64_t i = 1; i < 50; ++i) append({1000 + 10 * i * i, i}, {"f", "v"});
  for (uint64_t i = 0; i < 50; ++i) {
    const StreamId id{1000 + 10 * i * i, i};
    EntryCursor entry(*node_);
    ASSERT_TRUE(entry.seek(id));
    ASSERT_EQ(entry.id(), id);
    ASSERT_FALSE(entry.seek({id.ms, id.seq + 1}));
    ASSERT_TRUE(entry.seek_at_or_before({id.ms, id.seq + 1}));
    ASSERT_EQ(entry.id(), id);
    ASSERT_TRUE(entry.seek_at_or_after({id.ms - 1, 0}));
    ASSERT_EQ(entry.id(), id);
  }
  EntryCursor entry(*node_);
  EXPECT_FALSE(entry.seek_at_or_before({999, 0}));
  EXPECT_FALSE(entry.seek_at_or_after(kStreamIdMax));
}

TEST_F(NodeTest, TakesIdsOfTheWholeRange) {
  start({0, 1}, {"f", "v"});
  append({0, std::numeric_limits<uint64_t>::max()}, {"f", "v"});
  append({5, 0}, {"f", "v"});
  append(kStreamIdMax, {"f", "v"});
  EXPECT_EQ(listing().back(), "18446744073709551615-18446744073709551615 f=v");
}

TEST_F(NodeTest, IsTheSameOnceItIsClosedAndNeverLarger) {
  int replaced = 0;
  int kept = 0;
  for (size_t length = 0; length < 600; length += 7) {
    const std::string value(length, 'v');
    node_ = Ref<Node>::make(StreamId{1, 0}, Elements(Texts{"f", value}), size_t{4096});
    for (uint64_t ms = 1; ms <= 4; ++ms) append({ms, 0}, {"f", value});
    erase({1, 0});
    erase({4, 0});
    const auto before = listing();
    const size_t bytes_before = sizeof(Node) + size_class(node_->size());
    Ref<Node> closed = node_->close(nullptr);
    ++(closed ? replaced : kept);
    if (closed) node_ = std::move(closed);
    node_->check_invariants();
    ASSERT_EQ(listing(), before);
    ASSERT_LE(node_->memory_bytes(), bytes_before);
  }
  EXPECT_GT(replaced, 20);
  EXPECT_GT(kept, 20);
}

TEST_F(NodeTest, GrowsOutOfItsPlaceOnceItIsClosed) {
  start({1, 0}, {"f", "v"});
  for (uint64_t ms = 2; ms <= 129; ++ms) append({ms, 0}, {"f", std::string(4, 'v')});
  node_ = node_->close(nullptr);
  ASSERT_TRUE(node_);
  const Ref<Node> copy = Ref<Node>::make(*node_);
  const auto before = listing();
  for (uint64_t ms = 1; ms < 129; ++ms) erase({ms, 0});
  EXPECT_EQ(node_->deleted(), 128u);
  EXPECT_EQ(listing().back(), "129-0 f=vvvv");
  node_ = copy;
  node_->check_invariants();
  EXPECT_EQ(listing(), before);
}

TEST_F(NodeTest, IsDecodedFromItsBytes) {
  start({7, 7}, {"f", "1", "g", "2"});
  append({8, 0}, {"h", "3"});
  append({9, 0}, {"f", "4", "g", "5"});
  erase({8, 0});
  const auto before = listing();
  const std::string bytes(node_->bytes());
  node_ = Node::decode({7, 7}, bytes);
  ASSERT_TRUE(node_);
  node_->check_invariants();
  EXPECT_EQ(listing(), before);
  append({10, 0}, {"f", "6", "g", "7"});
  EXPECT_EQ(listing().back(), "10-0 f=6 g=7");
}

TEST_F(NodeTest, RefusesBytesThatBreakItsInvariants) {
  start({7, 7}, {"f", "1"});
  append({8, 0}, {"f", "2"});
  const std::string good(node_->bytes());
  ASSERT_TRUE(Node::decode({7, 7}, good));
  const auto with = [&good](size_t place, char byte) {
    std::string changed = good;
    changed[place] = byte;
    return changed;
  };
  EXPECT_FALSE(Node::decode({7, 7}, with(6, 3)));   // live
  EXPECT_FALSE(Node::decode({7, 7}, with(8, 1)));   // deleted
  EXPECT_FALSE(Node::decode({7, 7}, with(10, 2)));  // number of fields
  EXPECT_FALSE(Node::decode({7, 7}, with(17, 4)));  // unknown flag
  EXPECT_FALSE(Node::decode({7, 7}, with(17, 0)));  // fields of its own, but none there
  EXPECT_FALSE(Node::decode({7, 7}, with(25, 5)));  // pieces
  EXPECT_FALSE(Node::decode({7, 7}, with(19, 9)));  // ids out of order
  EXPECT_FALSE(Node::decode({7, 7}, ""));
  EXPECT_FALSE(Node::decode({7, 7}, Listpack().view()));
}

TEST_F(NodeTest, SurvivesRandomDamage) {
  constexpr uint64_t kSeed = 7;
  Random random(kSeed);
  start({7, 7}, {"field", "1", "g", "two"});
  for (uint64_t ms = 8; ms < 14; ++ms) append({ms, ms}, ms % 3 ? Texts{"field", "12345", "g", ""} : Texts{"x", "-7"});
  erase({9, 9});
  const std::string good(node_->bytes());
  int accepted = 0;
  for (int round = 0; round < 50000; ++round) {
    const auto copy = std::make_unique<char[]>(good.size());
    std::copy(good.begin(), good.end(), copy.get());
    for (uint64_t left = 1 + random.below(3); left > 0; --left) {
      char& byte = copy[random.below(good.size())];
      byte = static_cast<char>(random.one_in(2) ? random.next() : static_cast<uint64_t>(byte) + random.below(3) - 1);
    }
    node_ = Node::decode({7, 7}, {copy.get(), good.size()});
    if (!node_) continue;
    ++accepted;
    node_->check_invariants();
    ASSERT_EQ(listing().size(), node_->live() + node_->deleted()) << "seed " << kSeed << " round " << round;
  }
  EXPECT_GT(accepted, 100);
}

}  // namespace
}  // namespace millrace::streams
