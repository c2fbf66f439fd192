// SlotTree: shapes that random histories hardly ever take. The rest is tested through PendingList.
#include "streams/slot_tree.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace millrace::streams {
namespace {

// The slot is its own key.
struct Itself {
  using Key = uint32_t;
  Key operator()(uint32_t slot) const { return slot; }
};

class SlotTreeTest : public testing::Test {
 protected:
  static constexpr uint32_t kGap = 10;  // between two keys, for others to come
  static constexpr uint32_t kLeafSlots = 62;
  static constexpr uint32_t kInnerChildren = 31;
  static constexpr size_t kLeafBytes = 256;
  static constexpr size_t kInnerBytes = 384;

  // Of the leaf with that number, as ascending inserts fill leaves.
  static constexpr uint32_t first_key(uint32_t leaf) { return leaf * kLeafSlots * kGap; }

  void fill_leaves(uint32_t count) {
    for (uint32_t key = 0; key < first_key(count); key += kGap) tree.insert(key, key);
  }
  void erase_leaves(uint32_t from, uint32_t to) {
    for (uint32_t key = first_key(from); key < first_key(to); key += kGap) tree.erase(key, key);
  }
  void expect_nodes(size_t leaves, size_t inners) const {
    EXPECT_EQ(tree.memory_bytes(), leaves * kLeafBytes + inners * kInnerBytes);
  }

  SlotTree<Itself> tree{Itself{}};
};

// An inner node does not look at its first key, which therefore may be too great: its first child was erased, and
// smaller keys came into the next. Once the node is joined to its left neighbour that key separates two children.
//
//            [ A | B ]                          [ A0 .. A4   B1' B1'' B2 .. B9 ]
//   [ A0 .. A30 ]   [ B0 .. B9 ]      ->                     ^ begins with B0's smallest key, not with B1's
TEST_F(SlotTreeTest, JoinedInnerNodesAreSeparatedByTheKeyOfTheirParent) {
  constexpr uint32_t kLeaves = kInnerChildren + 10;
  constexpr uint32_t kLowest = first_key(kInnerChildren);
  fill_leaves(kLeaves);
  expect_nodes(kLeaves, 3);
  erase_leaves(kInnerChildren, kInnerChildren + 1);
  tree.insert(kLowest + 1, kLowest + 1);
  tree.insert(kLowest + 2, kLowest + 2);
  expect_nodes(kLeaves, 3);
  erase_leaves(0, kInnerChildren - 5);
  expect_nodes(15, 1);

  EXPECT_EQ(tree.at_or_after(kLowest + 1), kLowest + 1);
  EXPECT_EQ(tree.at_or_after(kLowest + 2), kLowest + 2);
  tree.check_invariants();
  tree.erase(kLowest + 2, kLowest + 2);
  tree.erase(kLowest + 1, kLowest + 1);
  tree.check_invariants();
}

}  // namespace
}  // namespace millrace::streams
