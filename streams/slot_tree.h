// SlotTree: the numbers ("slots") of records that live elsewhere, kept in the order of those records.
//
// A B+ tree. A leaf holds slots only, about four bytes per record; what a slot's key is, KeyOf says by looking at the
// record. Inner nodes copy keys, so that a descent does not touch a record before it reaches its leaf:
//
//   inner   | count | keys[31] | children[31] |   keys[i] <= every key below children[i], > every key left of it;
//                                                 keys[0] is not looked at
//   leaf    | count | slots[62] |                 256 bytes, as each node begins with its reference count
//
// Ascending inserts leave full nodes behind (the last node is not halved when it is appended to). Neighbours are merged
// as soon as they fill half a node together; that keeps the tree shallow and its memory proportional to its content.
//
// The tree remembers where a lookup or an erase ended: walks, and erasing slot after slot, mostly go on from there
// without a descent.
//
// A copy of a tree is a reference to its root. After that either side, before it writes to a node, copies those on the
// way down to it that the other may see. A node with one reference below others that have one each is ours alone.
//
// Invariants: keys strictly increase; no node is empty; two neighbours under one parent fill more than half a node.
// Lookup, insert and erase are O(log n). One thread for each tree; copies of it may be used by others meanwhile.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/check.h"
#include "base/ref.h"

namespace millrace::streams {

inline constexpr uint32_t kNoSlot = 0xffffffff;

// KeyOf: a copyable callable with a type Key (copyable, totally ordered) and `Key operator()(uint32_t slot) const`.
template <typename KeyOf>
class SlotTree {
 public:
  using Key = typename KeyOf::Key;

  explicit SlotTree(KeyOf key_of) : key_of_(key_of) {}
  ~SlotTree() { clear(); }
  // A copy, over records of which `key_of` says the same. What guards changes of `other` must guard this as well.
  SlotTree(const SlotTree& other, KeyOf key_of)
      : key_of_(key_of),
        root_(other.root_),
        height_(other.height_),
        size_(other.size_),
        leaf_count_(other.leaf_count_),
        inner_count_(other.inner_count_) {
    if (root_ != nullptr) root_->references.retain();
    other.owns_last_leaf_ = false;
    other.owns_seen_leaf_ = false;
  }
  SlotTree(const SlotTree&) = delete;
  SlotTree& operator=(const SlotTree&) = delete;

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  size_t memory_bytes() const { return leaf_count_ * sizeof(Leaf) + inner_count_ * sizeof(Inner); }

  // `key` is the slot's. REQUIRES: no slot in the tree has the same.
  void insert(const Key& key, uint32_t slot) {
    if (append(key, slot)) return;
    seen_leaf_ = nullptr;
    if (root_ == nullptr) root_ = make_leaf();
    own(root_, height_);
    const Split split = insert_below(root_, height_, true, key, slot);
    ++size_;
    if (split.right == nullptr) return;
    Inner* top = make_inner();
    put_child(*top, 0, {root_, key});
    put_child(*top, 1, split);
    root_ = top;
    ++height_;
  }

  // REQUIRES: the slot is in the tree, with this key.
  void erase(const Key& key, uint32_t slot) {
    CHECK(root_ != nullptr);
    --size_;
    if (take_seen(slot)) return;
    own(root_, height_);
    erase_below(root_, height_, key, slot);
    while (height_ > 0 && root_->count == 1) {
      Node* const only = as_inner(root_).children[0];
      free_inner(root_);
      root_ = only;
      --height_;
    }
    if (root_->count == 0) clear();
  }

  void clear() {
    if (root_ != nullptr) drop(root_, height_);
    root_ = nullptr;
    last_leaf_ = nullptr;
    seen_leaf_ = nullptr;
    height_ = 0;
    size_ = leaf_count_ = inner_count_ = 0;
  }

  // The first slot whose key is >= key; kNoSlot if there is none.
  uint32_t at_or_after(const Key& key) const {
    const std::span<const uint32_t> run = run_from(key);
    return run.empty() ? kNoSlot : run.front();
  }

  // Slots that follow each other from there on, for walks over many: at least one if there is one. Any change to the
  // tree ends its life.
  std::span<const uint32_t> run_from(const Key& key) const {
    if (is_near(key)) return {seen_leaf_->slots + seen_at_, seen_leaf_->count - seen_at_};
    if (root_ == nullptr) return {};
    Node* node = root_;
    Node* behind = nullptr;  // the subtree that follows `node`, and its height
    uint32_t behind_height = 0;
    for (uint32_t height = height_; height > 0; --height) {
      const Inner& inner = as_inner(node);
      const uint32_t at = child_for(inner, key);
      if (at + 1 < inner.count) {
        behind = inner.children[at + 1];
        behind_height = height - 1;
      }
      node = inner.children[at];
    }
    Leaf* leaf = &as_leaf(node);
    uint32_t place = place_of(*leaf, key);
    if (place == leaf->count) {
      if (behind == nullptr) return {};
      leaf = &first_leaf_below(behind, behind_height);
      place = 0;
    }
    see(*leaf, place, false);
    return {seen_leaf_->slots + seen_at_, seen_leaf_->count - seen_at_};
  }

  // True if no key is as great: quick while slots are being appended.
  bool ends_before(const Key& key) const {
    if (last_leaf_ != nullptr) return last_key_ < key;
    return root_ == nullptr || key_of_(last()) < key;
  }
  uint32_t first() const { return root_ == nullptr ? kNoSlot : first_below(root_, height_); }
  uint32_t last() const {
    if (root_ == nullptr) return kNoSlot;
    const Leaf& leaf = last_leaf_ != nullptr ? *last_leaf_ : *last_leaf();
    return leaf.slots[leaf.count - 1];
  }

  void check_invariants() const {
    std::optional<Key> previous;
    Totals totals;
    if (root_ != nullptr) check_below(root_, height_, previous, totals);
    CHECK(totals.slots == size_);
    CHECK(totals.leaves == leaf_count_);
    CHECK(totals.inners == inner_count_);
    if (last_leaf_ == nullptr) return;
    CHECK(last_leaf_ == last_leaf());
    CHECK(previous && last_key_ == *previous);
  }

 private:
  static constexpr uint32_t kLeafSlots = 62;
  static constexpr uint32_t kInnerChildren = 31;

  struct Node {
    ReferenceCount references;
    uint32_t count = 0;
  };
  struct Leaf : Node {
    uint32_t slots[kLeafSlots];
  };
  struct Inner : Node {
    Key keys[kInnerChildren];
    Node* children[kInnerChildren];
  };
  // A node that has come to stand right of another, and a key that separates them.
  struct Split {
    Node* right = nullptr;
    Key key{};
  };
  struct Totals {
    size_t slots = 0;
    size_t leaves = 0;
    size_t inners = 0;
  };

  static Leaf& as_leaf(Node* node) { return *static_cast<Leaf*>(node); }
  static const Leaf& as_leaf(const Node* node) { return *static_cast<const Leaf*>(node); }
  static Inner& as_inner(Node* node) { return *static_cast<Inner*>(node); }
  static const Inner& as_inner(const Node* node) { return *static_cast<const Inner*>(node); }
  static constexpr uint32_t capacity(uint32_t height) { return height == 0 ? kLeafSlots : kInnerChildren; }

  Leaf* make_leaf() {
    last_leaf_ = nullptr;
    ++leaf_count_;
    return new Leaf;
  }
  Inner* make_inner() {
    ++inner_count_;
    return new Inner;
  }
  // The three free a node that is ours alone; what lies below it has gone elsewhere.
  void free_leaf(Node* node) {
    last_leaf_ = nullptr;
    seen_leaf_ = nullptr;
    --leaf_count_;
    delete &as_leaf(node);
  }
  void free_inner(Node* node) {
    --inner_count_;
    delete &as_inner(node);
  }
  void free_node(Node* node, uint32_t height) { height == 0 ? free_leaf(node) : free_inner(node); }

  // ---- sharing
  // Makes the node in `place` ours alone. REQUIRES: so is the node that `place` is in.
  void own(Node*& place, uint32_t height) {
    if (!place->references.is_unique()) [[unlikely]]
      replace(place, height);
  }
  [[gnu::noinline]] void replace(Node*& place, uint32_t height) {
    Node* const shared = place;
    if (height == 0) {
      place = new Leaf(as_leaf(shared));
      last_leaf_ = nullptr;
      seen_leaf_ = nullptr;
    } else {
      place = new Inner(as_inner(shared));
      for (uint32_t i = 0; i < place->count; ++i) as_inner(place).children[i]->references.retain();
    }
    drop(shared, height);
  }
  // Lets a reference go, and what only it kept alive.
  static void drop(Node* node, uint32_t height) {
    if (!node->references.release()) return;
    if (height == 0) {
      delete &as_leaf(node);
      return;
    }
    for (uint32_t i = 0; i < node->count; ++i) drop(as_inner(node).children[i], height - 1);
    delete &as_inner(node);
  }
  Leaf& own_last_leaf() {
    Node** place = &root_;
    uint32_t height = height_;
    for (own(*place, height); height > 0; own(*place, height)) {
      place = &as_inner(*place).children[(*place)->count - 1];
      --height;
    }
    return as_leaf(*place);
  }

  // ---- finding. The ends come first: most slots are added at the right one and erased at the left one.
  uint32_t child_for(const Inner& inner, const Key& key) const {
    if (inner.keys[inner.count - 1] <= key) return inner.count - 1;
    if (inner.count > 1 && key < inner.keys[1]) return 0;
    const Key* behind = std::upper_bound(inner.keys + 1, inner.keys + inner.count, key);
    return static_cast<uint32_t>(behind - inner.keys) - 1;
  }
  uint32_t place_of(const Leaf& leaf, const Key& key) const {
    if (leaf.count == 0 || key <= key_of_(leaf.slots[0])) return 0;
    const uint32_t* place = std::lower_bound(leaf.slots, leaf.slots + leaf.count, key,
                                             [this](uint32_t slot, const Key& k) { return key_of_(slot) < k; });
    return static_cast<uint32_t>(place - leaf.slots);
  }
  static Leaf& first_leaf_below(Node* node, uint32_t height) {
    for (; height > 0; --height) node = as_inner(node).children[0];
    return as_leaf(node);
  }
  static uint32_t first_below(Node* node, uint32_t height) { return first_leaf_below(node, height).slots[0]; }

  void see(Leaf& leaf, uint32_t at, bool is_owned) const {
    seen_leaf_ = &leaf;
    seen_at_ = at;
    owns_seen_leaf_ = is_owned;
  }
  // True if the key is that of the slot last found, or is for the one behind it in the same leaf: as walks ask for.
  bool is_near(const Key& key) const {
    if (seen_leaf_ == nullptr) return false;
    const Key seen = key_of_(seen_leaf_->slots[seen_at_]);
    if (!(seen < key)) return seen == key;
    if (seen_at_ + 1 == seen_leaf_->count || key_of_(seen_leaf_->slots[seen_at_ + 1]) < key) return false;
    ++seen_at_;
    return true;
  }

  // REQUIRES: the tree is not empty.
  Leaf* last_leaf() const {
    Node* node = root_;
    for (uint32_t height = height_; height > 0; --height) node = as_inner(node).children[node->count - 1];
    return &as_leaf(node);
  }

  // ---- inserting. The greatest key so far needs no descent while there is room in the last leaf.
  bool append(const Key& key, uint32_t slot) {
    if (root_ == nullptr) return false;
    if (last_leaf_ == nullptr) {
      last_leaf_ = last_leaf();
      last_key_ = key_of_(last_leaf_->slots[last_leaf_->count - 1]);
      owns_last_leaf_ = false;
    }
    if (last_leaf_->count == kLeafSlots || !(last_key_ < key)) return false;
    if (!owns_last_leaf_) last_leaf_ = &own_last_leaf();
    owns_last_leaf_ = true;
    last_leaf_->slots[last_leaf_->count++] = slot;
    last_key_ = key;
    ++size_;
    return true;
  }

  // `rightmost`: no node of the same height stands behind this one; appending to it when it is full
  // leaves it full. Elsewhere the lone new node could be too small for its neighbour.
  // REQUIRES: the node is ours alone; in erase_below as well.
  Split insert_below(Node* node, uint32_t height, bool rightmost, const Key& key, uint32_t slot) {
    if (height == 0) return insert_in_leaf(as_leaf(node), rightmost, key, slot);
    Inner& inner = as_inner(node);
    const uint32_t at = child_for(inner, key);
    const bool last = rightmost && at + 1 == inner.count;
    own(inner.children[at], height - 1);
    const Split split = insert_below(inner.children[at], height - 1, last, key, slot);
    return split.right == nullptr ? Split{} : insert_in_inner(inner, rightmost, at + 1, split);
  }

  Split insert_in_leaf(Leaf& leaf, bool rightmost, const Key& key, uint32_t slot) {
    const uint32_t at = &leaf == last_leaf_ && last_key_ < key ? leaf.count : place_of(leaf, key);
    if (leaf.count < kLeafSlots) {
      put_slot(leaf, at, slot);
      return {};
    }
    Leaf* right = make_leaf();
    if (rightmost && at == kLeafSlots) {
      put_slot(*right, 0, slot);
      return {right, key};
    }
    constexpr uint32_t kHalf = (kLeafSlots + 1) / 2;
    std::copy(leaf.slots + kHalf, leaf.slots + kLeafSlots, right->slots);
    right->count = kLeafSlots - kHalf;
    leaf.count = kHalf;
    at <= kHalf ? put_slot(leaf, at, slot) : put_slot(*right, at - kHalf, slot);
    return {right, key_of_(right->slots[0])};
  }

  Split insert_in_inner(Inner& inner, bool rightmost, uint32_t at, const Split& child) {
    if (inner.count < kInnerChildren) {
      put_child(inner, at, child);
      return {};
    }
    Inner* right = make_inner();
    if (rightmost && at == kInnerChildren) {
      put_child(*right, 0, child);
      return {right, child.key};
    }
    constexpr uint32_t kHalf = (kInnerChildren + 1) / 2;
    std::copy(inner.keys + kHalf, inner.keys + kInnerChildren, right->keys);
    std::copy(inner.children + kHalf, inner.children + kInnerChildren, right->children);
    right->count = kInnerChildren - kHalf;
    inner.count = kHalf;
    at <= kHalf ? put_child(inner, at, child) : put_child(*right, at - kHalf, child);
    return {right, right->keys[0]};
  }

  static void put_slot(Leaf& leaf, uint32_t at, uint32_t slot) {
    std::copy_backward(leaf.slots + at, leaf.slots + leaf.count, leaf.slots + leaf.count + 1);
    leaf.slots[at] = slot;
    ++leaf.count;
  }
  static void put_child(Inner& inner, uint32_t at, const Split& child) {
    std::copy_backward(inner.keys + at, inner.keys + inner.count, inner.keys + inner.count + 1);
    std::copy_backward(inner.children + at, inner.children + inner.count, inner.children + inner.count + 1);
    inner.keys[at] = child.key;
    inner.children[at] = child.right;
    ++inner.count;
  }

  // ---- erasing
  void erase_below(Node* node, uint32_t height, const Key& key, uint32_t slot) {
    if (height == 0) return take_slot(as_leaf(node), slot);
    Inner& inner = as_inner(node);
    const uint32_t at = child_for(inner, key);
    own(inner.children[at], height - 1);
    erase_below(inner.children[at], height - 1, key, slot);
    const uint32_t left = inner.children[at]->count;
    if (left == 0) {
      take_child(inner, at, height - 1);
    } else if (left < capacity(height - 1) / 2) {
      merge_with_next(inner, at, height - 1);
      if (at > 0) merge_with_next(inner, at - 1, height - 1);
    }
  }

  // Looks for the number: reading through a leaf is quicker than asking for keys.
  void take_slot(Leaf& leaf, uint32_t slot) {
    const uint32_t* const end = leaf.slots + leaf.count;
    const uint32_t* const place = std::find(std::cbegin(leaf.slots), end, slot);
    CHECK(place != end);
    see(leaf, static_cast<uint32_t>(place - leaf.slots), true);
    take_seen();
  }
  void take_seen() {
    Leaf& leaf = *seen_leaf_;
    std::copy(leaf.slots + seen_at_ + 1, leaf.slots + leaf.count, leaf.slots + seen_at_);
    --leaf.count;
    if (seen_at_ < leaf.count) return;
    seen_leaf_ = nullptr;
    if (&leaf == last_leaf_) last_leaf_ = nullptr;
  }
  // True if the slot was the one last seen, or the one behind a slot that was erased, and could be taken out of its
  // leaf without a look at other nodes.
  bool take_seen(uint32_t slot) {
    if (seen_leaf_ == nullptr || !owns_seen_leaf_ || seen_leaf_->slots[seen_at_] != slot) return false;
    if (seen_leaf_->count <= (height_ == 0 ? 1 : kLeafSlots / 2)) return false;
    take_seen();
    return true;
  }
  void take_child(Inner& inner, uint32_t at, uint32_t child_height) {
    free_node(inner.children[at], child_height);
    std::copy(inner.keys + at + 1, inner.keys + inner.count, inner.keys + at);
    std::copy(inner.children + at + 1, inner.children + inner.count, inner.children + at);
    --inner.count;
  }

  // Joins two children if together they fill at most half a node. Where inner nodes are joined, their outermost
  // children become neighbours and may have to be joined as well.
  void merge_with_next(Inner& inner, uint32_t at, uint32_t child_height) {
    if (at + 1 >= inner.count) return;
    if (inner.children[at]->count + inner.children[at + 1]->count > capacity(child_height) / 2) return;
    own(inner.children[at], child_height);
    own(inner.children[at + 1], child_height);
    Node* const left = inner.children[at];
    Node* const right = inner.children[at + 1];
    const uint32_t seam = left->count;
    if (child_height == 0) {
      std::copy(as_leaf(right).slots, as_leaf(right).slots + right->count, as_leaf(left).slots + seam);
    } else {
      as_inner(right).keys[0] = inner.keys[at + 1];
      std::copy(as_inner(right).keys, as_inner(right).keys + right->count, as_inner(left).keys + seam);
      std::copy(as_inner(right).children, as_inner(right).children + right->count, as_inner(left).children + seam);
    }
    left->count += right->count;
    take_child(inner, at + 1, child_height);
    if (child_height > 0) merge_with_next(as_inner(left), seam - 1, child_height - 1);
  }

  // ---- checking: `previous` is the greatest key seen so far
  void check_below(const Node* node, uint32_t height, std::optional<Key>& previous, Totals& totals) const {
    CHECK(node->count > 0 && node->count <= capacity(height));
    if (height > 0) return check_inner(as_inner(node), height, previous, totals);
    ++totals.leaves;
    totals.slots += node->count;
    for (uint32_t i = 0; i < node->count; ++i) {
      const Key key = key_of_(as_leaf(node).slots[i]);
      CHECK(!previous || *previous < key);
      previous = key;
    }
  }
  void check_inner(const Inner& inner, uint32_t height, std::optional<Key>& previous, Totals& totals) const {
    ++totals.inners;
    for (uint32_t i = 0; i < inner.count; ++i) {
      if (i > 0) {
        CHECK(*previous < inner.keys[i]);
        CHECK(inner.keys[i] <= key_of_(first_below(inner.children[i], height - 1)));
        CHECK(inner.children[i - 1]->count + inner.children[i]->count > capacity(height - 1) / 2);
      }
      check_below(inner.children[i], height - 1, previous, totals);
    }
  }

  KeyOf key_of_;
  Node* root_ = nullptr;
  Leaf* last_leaf_ = nullptr;            // nullptr: to be looked up
  Key last_key_{};                       // its last one
  mutable bool owns_last_leaf_ = false;  // all nodes on the way to it are ours alone
  mutable Leaf* seen_leaf_ = nullptr;    // where a lookup or an erase ended; nullptr: unknown
  mutable uint32_t seen_at_ = 0;
  mutable bool owns_seen_leaf_ = false;  // as owns_last_leaf_
  uint32_t height_ = 0;                  // inner levels above the leaves
  size_t size_ = 0;
  size_t leaf_count_ = 0;
  size_t inner_count_ = 0;
};

}  // namespace millrace::streams
