// NodeTree: growing and shrinking inner nodes, neighbours, skipped bytes.
#include "streams/node_tree.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "base/random.h"

namespace millrace::streams {
namespace {

Ref<Node> node_at(StreamId id) {
  const std::string_view elements[] = {"f", "v"};
  return Ref<Node>::make(id, elements, size_t{0});
}

// A tree and the plain map it must agree with.
class NodeTreeTest : public testing::Test {
 protected:
  void insert(StreamId id) {
    Ref<Node> node = node_at(id);
    twin_[id] = node.get();
    tree_.insert(std::move(node));
  }
  void erase(StreamId id) {
    tree_.erase(id);
    twin_.erase(id);
  }
  void expect_agreement_at(StreamId id) const {
    const auto at = twin_.find(id);
    ASSERT_EQ(tree_.find(id), at == twin_.end() ? nullptr : at->second);
    const auto above = twin_.upper_bound(id);
    ASSERT_EQ(tree_.above(id), above == twin_.end() ? nullptr : above->second);
    ASSERT_EQ(tree_.floor(id), above == twin_.begin() ? nullptr : std::prev(above)->second);
    const auto from = twin_.lower_bound(id);
    ASSERT_EQ(tree_.below(id), from == twin_.begin() ? nullptr : std::prev(from)->second);
  }
  void expect_agreement() const {
    tree_.check_invariants();
    ASSERT_EQ(tree_.size(), twin_.size());
    ASSERT_EQ(tree_.first(), twin_.empty() ? nullptr : twin_.begin()->second);
    ASSERT_EQ(tree_.last(), twin_.empty() ? nullptr : twin_.rbegin()->second);
    const Node* node = tree_.first();
    for (const auto& [id, expected] : twin_) {
      ASSERT_EQ(node, expected);
      node = tree_.above(id);
    }
    ASSERT_EQ(node, nullptr);
  }
  // Grows to `size` keys drawn by `draw` and shrinks to nothing again, with queries all along.
  template <typename Draw>
  void run(uint64_t seed, size_t size, Draw draw) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    std::vector<StreamId> keys;
    for (bool growing = true; growing || !keys.empty();) {
      if (random.below(100) < (growing ? 75u : 25u)) {
        const StreamId id = draw(random);
        if (!twin_.contains(id)) {
          insert(id);
          keys.push_back(id);
        }
      } else if (!keys.empty()) {
        std::swap(keys[random.below(keys.size())], keys.back());
        erase(keys.back());
        keys.pop_back();
      }
      expect_agreement_at(draw(random));
      if (!keys.empty()) expect_agreement_at(keys[random.below(keys.size())]);
      if (HasFatalFailure()) return;
      if (random.one_in(64)) expect_agreement();
      if (keys.size() >= size) growing = false;
    }
    expect_agreement();
    EXPECT_EQ(tree_.inner_count(), 0u);
    EXPECT_EQ(tree_.memory_bytes(), 0u);
  }

  NodeTree tree_;
  std::map<StreamId, Node*> twin_;
};

TEST_F(NodeTreeTest, IsEmptyAtFirst) {
  expect_agreement();
  expect_agreement_at({1, 1});
}

TEST_F(NodeTreeTest, KeepsASingleKeyWithoutInnerNodes) {
  insert({5, 5});
  EXPECT_EQ(tree_.inner_count(), 0u);
  for (const StreamId id : {kStreamIdMin, StreamId{5, 4}, StreamId{5, 5}, StreamId{5, 6}, kStreamIdMax}) {
    expect_agreement_at(id);
  }
}

TEST_F(NodeTreeTest, PassesThroughAllKindsOfInnerNodes) {
  for (uint64_t seq = 0; seq < 256; ++seq) {
    insert({7, seq});
    expect_agreement();
    EXPECT_EQ(tree_.inner_count(), seq == 0 ? 0u : 1u);
  }
  for (uint64_t seq = 0; seq < 256; ++seq) {
    erase({7, seq});
    expect_agreement();
  }
}

TEST_F(NodeTreeTest, JoinsSkippedBytesWhenABranchGoes) {
  insert({0x0102030405060708, 1});
  insert({0x0102030405060708, 2});
  insert({0x0102ff0405060708, 1});
  EXPECT_EQ(tree_.inner_count(), 2u);
  erase({0x0102ff0405060708, 1});
  EXPECT_EQ(tree_.inner_count(), 1u);
  expect_agreement();
  expect_agreement_at({0x0102030405060708, 2});
}

TEST_F(NodeTreeTest, PutsAnotherNodeInThePlaceOfOne) {
  for (uint64_t seq = 0; seq < 20; ++seq) insert({7, seq});
  insert({8, 0});
  for (const StreamId id : {StreamId{7, 0}, StreamId{7, 19}, StreamId{8, 0}}) {
    Ref<Node> node = node_at(id);
    twin_[id] = node.get();
    tree_.replace(std::move(node));
    expect_agreement();
    EXPECT_TRUE(tree_.find(id)->is_unique());
  }
}

TEST_F(NodeTreeTest, CopiesANodeThatSomebodyElseHolds) {
  insert({1, 1});
  insert({1, 2});
  Node* const node = tree_.find({1, 2});
  EXPECT_EQ(&tree_.writable({1, 2}), node);
  const Ref<Node> held(node);
  Node& copy = tree_.writable({1, 2});
  EXPECT_NE(&copy, node);
  EXPECT_EQ(tree_.find({1, 2}), &copy);
  EXPECT_TRUE(held->is_unique());
}

TEST_F(NodeTreeTest, CopiesWhatACopyOfTheTreeHolds) {
  for (uint64_t seq = 0; seq < 300; ++seq) insert({7, seq});
  const NodeTree copy(tree_);
  Node* const shared = twin_.at({7, 5});
  Node& written = tree_.writable({7, 5});
  EXPECT_NE(&written, shared);
  EXPECT_EQ(&tree_.writable({7, 5}), &written);
  EXPECT_EQ(copy.find({7, 5}), shared);
  EXPECT_EQ(copy.find({7, 6}), tree_.find({7, 6}));
}

// Two trees of common descent, each with the keys of its own.
TEST_F(NodeTreeTest, CopiesAgreeEachWithItsOwnSet) {
  constexpr uint64_t kSeed = 9;
  Random random(kSeed);
  struct Side {
    std::unique_ptr<NodeTree> tree = std::make_unique<NodeTree>();
    std::set<StreamId> keys;
  };
  Side sides[2];
  for (int step = 0; step < 20'000; ++step) {
    Side& side = sides[random.below(2)];
    const StreamId id{random.below(4) << (8 * random.below(8)), random.below(300)};
    if (random.one_in(200)) {
      Side& other = &side == sides ? sides[1] : sides[0];
      other.tree = std::make_unique<NodeTree>(*side.tree);
      other.keys = side.keys;
    } else if (side.keys.contains(id)) {
      random.one_in(4) ? (void)side.tree->writable(id) : side.tree->erase(id);
      if (side.tree->find(id) == nullptr) side.keys.erase(id);
    } else {
      side.tree->insert(node_at(id));
      side.keys.insert(id);
    }
    if (!random.one_in(50)) continue;
    for (const Side& each : sides) {
      each.tree->check_invariants();
      ASSERT_EQ(each.tree->size(), each.keys.size());
      const Node* node = each.tree->first();
      for (const StreamId key : each.keys) {
        ASSERT_TRUE(node != nullptr && node->master_id() == key);
        node = each.tree->above(key);
      }
    }
  }
}

TEST_F(NodeTreeTest, AgreesWithAMapForDenseIds) {
  run(1, 3000, [](Random& random) { return StreamId{1700000000000, random.below(12000)}; });
}

TEST_F(NodeTreeTest, AgreesWithAMapForSparseIds) {
  run(2, 2000, [](Random& random) { return StreamId{random.next(), random.next()}; });
}

TEST_F(NodeTreeTest, AgreesWithAMapForTimes) {
  run(3, 3000, [](Random& random) { return StreamId{1700000000000 + random.below(1000000), random.below(2)}; });
}

TEST_F(NodeTreeTest, AgreesWithAMapForIdsOfFewDistinctBytes) {
  constexpr uint8_t kBytes[] = {0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff};
  run(4, 2000, [&](Random& random) {
    StreamId id{0, 0};
    for (int i = 0; i < 8; ++i) id.ms = id.ms << 8 | kBytes[random.below(random.one_in(3) ? 6 : 1)];
    for (int i = 0; i < 8; ++i) id.seq = id.seq << 8 | kBytes[random.below(random.one_in(3) ? 6 : 1)];
    return id;
  });
}

}  // namespace
}  // namespace millrace::streams
