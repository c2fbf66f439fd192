// See node_tree.h.
#include "streams/node_tree.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"

namespace millrace::streams {
namespace {

constexpr size_t kKeySize = 16;
constexpr uintptr_t kLeafBit = 1;

// The kinds of inner nodes: how many children fit, and at how many it becomes the next smaller kind.
struct KindLimits {
  int capacity;
  int shrink_at;
};
constexpr KindLimits kKinds[] = {{4, 0}, {8, 3}, {16, 6}, {48, 12}, {256, 36}};
enum Kind : int { kSorted4, kSorted8, kSorted16, kIndexed, kDirect };

bool is_leaf(uintptr_t slot) {
  return slot & kLeafBit;
}
Node* leaf_node(uintptr_t slot) {
  return reinterpret_cast<Node*>(slot & ~kLeafBit);
}
uintptr_t leaf_slot(Node* node) {
  return reinterpret_cast<uintptr_t>(node) | kLeafBit;
}

}  // namespace

struct NodeTree::Key {
  std::array<uint8_t, kKeySize> bytes;

  Key() = default;
  explicit Key(StreamId id) {
    const uint64_t halves[] = {__builtin_bswap64(id.ms), __builtin_bswap64(id.seq)};
    std::memcpy(bytes.data(), halves, kKeySize);
  }
  // Length of the run from `depth` on that `other` (`size` bytes) shares.
  size_t common(size_t depth, const uint8_t* other, size_t size) const {
    size_t length = 0;
    while (length < size && bytes[depth + length] == other[length]) ++length;
    return length;
  }
};

struct NodeTree::Inner {
  ReferenceCount references;
  uint8_t kind;
  uint8_t prefix_size;
  uint16_t count;
  uint8_t prefix[kKeySize - 1];
};

// The children of an inner node in order, on the way from one kind to another.
struct NodeTree::Listing {
  uint8_t bytes[256];
  Slot slots[256];
  int count = 0;

  void add(int byte, Slot slot) {
    bytes[count] = static_cast<uint8_t>(byte);
    slots[count++] = slot;
  }
};

// Branch bytes in order; children[i] belongs to bytes[i].
template <int kCapacity>
struct NodeTree::Sorted : Inner {
  uint8_t bytes[kCapacity];
  Slot children[kCapacity];

  // The place of the first branch byte >= byte.
  int lower_bound(int byte) const {
    int i = 0;
    while (i < count && bytes[i] < byte) ++i;
    return i;
  }
  Slot* child(uint8_t byte) {
    const int i = lower_bound(byte);
    return i < count && bytes[i] == byte ? &children[i] : nullptr;
  }
  Slot nearest(int byte, Side side) const {
    const int i = side == Side::kBelow ? lower_bound(byte) - 1 : lower_bound(byte + 1);
    return i >= 0 && i < count ? children[i] : 0;
  }
  void put(uint8_t byte, Slot slot) {
    const int i = lower_bound(byte);
    std::copy_backward(bytes + i, bytes + count, bytes + count + 1);
    std::copy_backward(children + i, children + count, children + count + 1);
    bytes[i] = byte;
    children[i] = slot;
  }
  void take(uint8_t byte) {
    const int i = lower_bound(byte);
    std::copy(bytes + i + 1, bytes + count, bytes + i);
    std::copy(children + i + 1, children + count, children + i);
  }
  void list(Listing& listing) const {
    for (int i = 0; i < count; ++i) listing.add(bytes[i], children[i]);
  }
};

// places[byte] is one more than the place of the child, or 0.
struct NodeTree::Indexed : Inner {
  static constexpr int kCapacity = 48;
  uint8_t places[256];
  Slot children[kCapacity];

  Slot at(int byte) const { return places[byte] == 0 ? 0 : children[places[byte] - 1]; }
  Slot* child(uint8_t byte) { return places[byte] == 0 ? nullptr : &children[places[byte] - 1]; }
  void put(uint8_t byte, Slot slot) {
    int place = 0;
    while (children[place] != 0) ++place;
    children[place] = slot;
    places[byte] = static_cast<uint8_t>(place + 1);
  }
  void take(uint8_t byte) {
    children[places[byte] - 1] = 0;
    places[byte] = 0;
  }
  void list(Listing& listing) const {
    for (int byte = 0; byte < 256; ++byte) {
      if (at(byte) != 0) listing.add(byte, at(byte));
    }
  }
};

struct NodeTree::Direct : Inner {
  Slot children[256];

  Slot at(int byte) const { return children[byte]; }
  Slot* child(uint8_t byte) { return children[byte] == 0 ? nullptr : &children[byte]; }
  void put(uint8_t byte, Slot slot) { children[byte] = slot; }
  void take(uint8_t byte) { children[byte] = 0; }
  void list(Listing& listing) const {
    for (int byte = 0; byte < 256; ++byte) {
      if (at(byte) != 0) listing.add(byte, at(byte));
    }
  }
};

// Calls `use` with the inner node as what it is.
template <typename Use>
auto NodeTree::by_kind(Inner& inner, Use use) {
  switch (inner.kind) {
    case kSorted4:
      return use(static_cast<Sorted<4>&>(inner));
    case kSorted8:
      return use(static_cast<Sorted<8>&>(inner));
    case kSorted16:
      return use(static_cast<Sorted<16>&>(inner));
    case kIndexed:
      return use(static_cast<Indexed&>(inner));
    default:
      return use(static_cast<Direct&>(inner));
  }
}

NodeTree::Inner* NodeTree::inner_node(Slot slot) {
  return reinterpret_cast<Inner*>(slot);
}

NodeTree::Slot* NodeTree::child(Inner& inner, uint8_t byte) {
  return by_kind(inner, [byte](auto& node) { return node.child(byte); });
}

// The child with the greatest branch byte below, or the least above, `byte` (-1 and 256 are beyond the ends).
NodeTree::Slot NodeTree::nearest(Inner& inner, int byte, Side side) {
  if (inner.kind == kSorted4) return static_cast<Sorted<4>&>(inner).nearest(byte, side);
  if (inner.kind == kSorted8) return static_cast<Sorted<8>&>(inner).nearest(byte, side);
  if (inner.kind == kSorted16) return static_cast<Sorted<16>&>(inner).nearest(byte, side);
  const int step = side == Side::kBelow ? -1 : 1;
  for (int i = byte + step; i >= 0 && i < 256; i += step) {
    const Slot slot = inner.kind == kIndexed ? static_cast<Indexed&>(inner).at(i) : static_cast<Direct&>(inner).at(i);
    if (slot != 0) return slot;
  }
  return 0;
}

// The outermost leaf of a subtree: the greatest for kBelow, the least for kAbove.
Node* NodeTree::edge(Slot slot, Side side) {
  while (slot != 0 && !is_leaf(slot)) {
    slot = side == Side::kBelow ? nearest(*inner_node(slot), 256, side) : nearest(*inner_node(slot), -1, side);
  }
  return slot == 0 ? nullptr : leaf_node(slot);
}

Node* NodeTree::neighbour(StreamId id, Side side, bool inclusive) const {
  struct Step {
    Inner* inner;
    uint8_t byte;
  };
  const Key key(id);
  Step path[kKeySize];
  int steps = 0;
  size_t depth = 0;
  for (Slot slot = root_; slot != 0;) {
    if (is_leaf(slot)) {
      Node* const node = leaf_node(slot);
      const auto order = node->master_id() <=> id;
      if (order == 0 ? inclusive : (order < 0) == (side == Side::kBelow)) return node;
      break;
    }
    Inner& inner = *inner_node(slot);
    const int order = std::memcmp(inner.prefix, &key.bytes[depth], inner.prefix_size);
    if (order != 0) {
      if ((order < 0) == (side == Side::kBelow)) return edge(slot, side);
      break;
    }
    depth += inner.prefix_size;
    path[steps++] = {&inner, key.bytes[depth]};
    const Slot* const next = child(inner, key.bytes[depth++]);
    slot = next == nullptr ? 0 : *next;
  }
  while (steps > 0) {
    const Step& step = path[--steps];
    const Slot sibling = nearest(*step.inner, step.byte, side);
    if (sibling != 0) return edge(sibling, side);
  }
  return nullptr;
}

Node* NodeTree::floor(StreamId id) const {
  return neighbour(id, Side::kBelow, true);
}
Node* NodeTree::below(StreamId id) const {
  return neighbour(id, Side::kBelow, false);
}
Node* NodeTree::above(StreamId id) const {
  return neighbour(id, Side::kAbove, false);
}
Node* NodeTree::first() const {
  return edge(root_, Side::kAbove);
}
Node* NodeTree::last() const {
  return edge(root_, Side::kBelow);
}

Node* NodeTree::find(StreamId id) const {
  Node* const node = floor(id);
  return node != nullptr && node->master_id() == id ? node : nullptr;
}

NodeTree::Inner* NodeTree::make_inner(int kind, const uint8_t* prefix, size_t prefix_size) {
  Inner* inner = nullptr;
  switch (kind) {
    case kSorted4:
      inner = new Sorted<4>();
      break;
    case kSorted8:
      inner = new Sorted<8>();
      break;
    case kSorted16:
      inner = new Sorted<16>();
      break;
    case kIndexed:
      inner = new Indexed();
      break;
    default:
      inner = new Direct();
  }
  inner->kind = static_cast<uint8_t>(kind);
  inner->prefix_size = static_cast<uint8_t>(prefix_size);
  std::memcpy(inner->prefix, prefix, prefix_size);
  ++inner_count_;
  inner_bytes_ += inner_size(*inner);
  return inner;
}

size_t NodeTree::inner_size(Inner& inner) {
  return by_kind(inner, [](auto& node) { return sizeof(node); });
}

// Frees an inner node of ours whose children have gone elsewhere.
void NodeTree::free_inner(Inner* inner) {
  --inner_count_;
  inner_bytes_ -= inner_size(*inner);
  free_shell(*inner);
}

void NodeTree::free_shell(Inner& inner) {
  by_kind(inner, [](auto& node) { delete &node; });
}

// ---- Sharing

NodeTree::NodeTree(const NodeTree& other)
    : root_(other.root_), size_(other.size_), inner_count_(other.inner_count_), inner_bytes_(other.inner_bytes_) {
  if (root_ != 0) retain(root_);
}

NodeTree::~NodeTree() {
  if (root_ != 0) drop(root_);
}

void NodeTree::retain(Slot slot) {
  is_leaf(slot) ? leaf_node(slot)->retain() : inner_node(slot)->references.retain();
}

// Lets a reference go, and what only it kept alive.
void NodeTree::drop(Slot slot) {
  if (is_leaf(slot)) return leaf_node(slot)->release();
  Inner& inner = *inner_node(slot);
  if (!inner.references.release()) return;
  Listing listing;
  list(inner, listing);
  for (int i = 0; i < listing.count; ++i) drop(listing.slots[i]);
  free_shell(inner);
}

// Makes what is in the slot ours alone. REQUIRES: so is the inner node that the slot is in.
void NodeTree::own(Slot& slot) {
  const Slot shared = slot;
  if (is_leaf(shared)) {
    if (leaf_node(shared)->is_unique()) return;
    slot = leaf_slot(new Node(*leaf_node(shared)));
  } else {
    if (inner_node(shared)->references.is_unique()) return;
    Listing listing;
    list(*inner_node(shared), listing);
    for (int i = 0; i < listing.count; ++i) retain(listing.slots[i]);
    slot = by_kind(*inner_node(shared),
                   [](const auto& node) { return reinterpret_cast<Slot>(static_cast<Inner*>(new auto(node))); });
  }
  drop(shared);
}

void NodeTree::change_kind(Slot& slot, int kind) {
  Inner& old = *inner_node(slot);
  Listing listing;
  list(old, listing);
  Inner& changed = *make_inner(kind, old.prefix, old.prefix_size);
  for (int i = 0; i < listing.count; ++i) put(changed, listing.bytes[i], listing.slots[i]);
  free_inner(&old);
  slot = reinterpret_cast<Slot>(&changed);
}

void NodeTree::list(Inner& inner, Listing& listing) {
  by_kind(inner, [&listing](auto& node) { node.list(listing); });
}

void NodeTree::put(Inner& inner, uint8_t byte, Slot slot) {
  by_kind(inner, [byte, slot](auto& node) { node.put(byte, slot); });
  ++inner.count;
}

void NodeTree::add_child(Slot& slot, uint8_t byte, Slot added) {
  const int kind = inner_node(slot)->kind;
  if (inner_node(slot)->count == kKinds[kind].capacity) change_kind(slot, kind + 1);
  put(*inner_node(slot), byte, added);
}

// A single child left takes the place of its parent, which hands down the bytes it skipped and branched on. REQUIRES:
// the inner node is ours alone, as in all functions that change one.
void NodeTree::remove_child(Slot& slot, uint8_t byte) {
  Inner& inner = *inner_node(slot);
  by_kind(inner, [byte](auto& node) { node.take(byte); });
  --inner.count;
  if (inner.count > 1) {
    if (inner.count <= kKinds[inner.kind].shrink_at) change_kind(slot, inner.kind - 1);
    return;
  }
  Listing listing;
  list(inner, listing);
  Slot heir = listing.slots[0];
  if (!is_leaf(heir)) {
    own(heir);
    Inner& lower = *inner_node(heir);
    const size_t added = inner.prefix_size + 1u;
    std::memmove(lower.prefix + added, lower.prefix, lower.prefix_size);
    std::memcpy(lower.prefix, inner.prefix, inner.prefix_size);
    lower.prefix[inner.prefix_size] = listing.bytes[0];
    lower.prefix_size = static_cast<uint8_t>(lower.prefix_size + added);
  }
  free_inner(&inner);
  slot = heir;
}

// Puts a new inner node above `slot`: both it and `leaf` share key[depth, depth + common) and part there.
void NodeTree::branch(Slot& slot, const Key& key, size_t depth, size_t common, uint8_t old_byte, Slot leaf) {
  Inner& inner = *make_inner(kSorted4, &key.bytes[depth], common);
  put(inner, old_byte, slot);
  put(inner, key.bytes[depth + common], leaf);
  slot = reinterpret_cast<Slot>(&inner);
}

void NodeTree::insert(Ref<Node> node) {
  const Key key(node->master_id());
  node->retain();
  const Slot leaf = leaf_slot(node.get());
  ++size_;
  Slot* slot = &root_;
  for (size_t depth = 0;;) {
    if (*slot == 0) {
      *slot = leaf;
      return;
    }
    if (is_leaf(*slot)) {
      const Key other(leaf_node(*slot)->master_id());
      const size_t common = key.common(depth, &other.bytes[depth], kKeySize - depth);
      CHECK(depth + common < kKeySize);
      return branch(*slot, key, depth, common, other.bytes[depth + common], leaf);
    }
    own(*slot);
    Inner& inner = *inner_node(*slot);
    const size_t common = key.common(depth, inner.prefix, inner.prefix_size);
    if (common < inner.prefix_size) {
      branch(*slot, key, depth, common, inner.prefix[common], leaf);
      inner.prefix_size = static_cast<uint8_t>(inner.prefix_size - common - 1);
      std::memmove(inner.prefix, inner.prefix + common + 1, inner.prefix_size);
      return;
    }
    depth += inner.prefix_size;
    Slot* const next = child(inner, key.bytes[depth]);
    if (next == nullptr) return add_child(*slot, key.bytes[depth], leaf);
    slot = next;
    ++depth;
  }
}

// Walks down to the leaf of `id`, which must be there, and makes the inner nodes on the way ours alone. `parent` gets
// the slot of the inner node above it, if any.
NodeTree::Slot* NodeTree::descend(StreamId id, Slot** parent, uint8_t* byte) {
  const Key key(id);
  Slot* slot = &root_;
  for (size_t depth = 0; slot != nullptr && *slot != 0 && !is_leaf(*slot); ++depth) {
    own(*slot);
    Inner& inner = *inner_node(*slot);
    depth += inner.prefix_size;
    CHECK(depth < kKeySize);
    *parent = slot;
    *byte = key.bytes[depth];
    slot = child(inner, *byte);
  }
  CHECK(slot != nullptr && *slot != 0 && leaf_node(*slot)->master_id() == id);
  return slot;
}

Node& NodeTree::writable(StreamId id) {
  Slot* parent = nullptr;
  uint8_t byte = 0;
  Slot* const slot = descend(id, &parent, &byte);
  own(*slot);
  return *leaf_node(*slot);
}

void NodeTree::replace(Ref<Node> node) {
  Slot* parent = nullptr;
  uint8_t byte = 0;
  Slot* const slot = descend(node->master_id(), &parent, &byte);
  drop(*slot);
  node->retain();
  *slot = leaf_slot(node.get());
}

void NodeTree::erase(StreamId id) {
  Slot* parent = nullptr;
  uint8_t byte = 0;
  Slot* const slot = descend(id, &parent, &byte);
  Node* const node = leaf_node(*slot);
  if (parent == nullptr) {
    root_ = 0;
  } else {
    remove_child(*parent, byte);
  }
  --size_;
  node->release();
}

// `path` holds the `depth` bytes that lead to `slot`.
void NodeTree::check_slot(Slot slot, Key& path, size_t depth, size_t& leaves, size_t& inners) const {
  if (is_leaf(slot)) {
    const Key key(leaf_node(slot)->master_id());
    CHECK(std::equal(path.bytes.begin(), path.bytes.begin() + static_cast<ptrdiff_t>(depth), key.bytes.begin()));
    ++leaves;
    return;
  }
  Inner& inner = *inner_node(slot);
  ++inners;
  Listing listing;
  list(inner, listing);
  CHECK(listing.count == inner.count && inner.count >= 2);
  CHECK(inner.count <= kKinds[inner.kind].capacity && inner.count > kKinds[inner.kind].shrink_at);
  CHECK(depth + inner.prefix_size < kKeySize);
  std::memcpy(&path.bytes[depth], inner.prefix, inner.prefix_size);
  depth += inner.prefix_size;
  for (int i = 0; i < listing.count; ++i) {
    CHECK(i == 0 || listing.bytes[i - 1] < listing.bytes[i]);
    path.bytes[depth] = listing.bytes[i];
    check_slot(listing.slots[i], path, depth + 1, leaves, inners);
  }
}

void NodeTree::check_invariants() const {
  size_t leaves = 0;
  size_t inners = 0;
  Key path;
  if (root_ != 0) check_slot(root_, path, 0, leaves, inners);
  CHECK(leaves == size_);
  CHECK(inners == inner_count_);
}

}  // namespace millrace::streams
