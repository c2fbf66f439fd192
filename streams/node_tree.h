// NodeTree: the radix tree over 128-bit ids, as 16 big-endian bytes, that finds a stream's nodes by master id.
//
// An inner node branches on one byte and skips the bytes all its keys share; it has room for 4, 8, 16, 48 or 256
// children and changes size as they come and go. Leaves lie in the child slots themselves: a slot is a pointer to an
// inner node, or to a stream node with the lowest bit set.
//
//   slot -> | references | kind | skipped bytes (0..15) | branch bytes | slot | slot | ...
//                                                                         |      +-> Node (leaf)
//                                                                         +-> inner node
//
// There are no iterators: a walk asks for the neighbour of the key it stands on, so it survives changes.
//
// A copy of a tree is a reference to its root. After that either side, before it writes, copies what the other may see
// of the way down: inner nodes for changes of the tree, and the stream node for changes of its entries (writable).
//
// Invariants: every inner node has at least two children; keys are distinct. Each slot holds one reference. An inner
// node or a stream node is ours alone if it has one reference, and so has each inner node above it; the count of a node
// says nothing without those. One thread (partition lock) for each tree; copies of it may be read, changed and
// destroyed by others meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/ref.h"
#include "streams/node.h"
#include "streams/stream_id.h"

namespace millrace::streams {

class NodeTree {
 public:
  NodeTree() = default;
  // A copy, of the tree and of all nodes. REQUIRES: what guards changes of `other` is held.
  NodeTree(const NodeTree& other);
  NodeTree& operator=(const NodeTree&) = delete;
  ~NodeTree();

  size_t size() const { return size_; }
  size_t inner_count() const { return inner_count_; }
  size_t memory_bytes() const { return inner_bytes_; }  // of the tree, without the nodes

  // Each returns nullptr if there is no such node.
  Node* find(StreamId id) const;
  Node* floor(StreamId id) const;  // the greatest key <= id
  Node* below(StreamId id) const;  // the greatest key < id
  Node* above(StreamId id) const;  // the least key > id
  Node* first() const;
  Node* last() const;

  // REQUIRES: no node with this master id.
  void insert(Ref<Node> node);
  // The node with this master id, no longer shared with anybody: a copy takes its place if need be. REQUIRES: there is
  // one.
  Node& writable(StreamId id);
  // Puts the node in the place of the one with its master id, which is dropped. REQUIRES: there is one.
  void replace(Ref<Node> node);
  // REQUIRES: there is one.
  void erase(StreamId id);
  void check_invariants() const;

 private:
  using Slot = uintptr_t;  // 0 = nothing
  enum class Side : bool { kBelow, kAbove };
  struct Inner;
  template <int kCapacity>
  struct Sorted;
  struct Indexed;
  struct Direct;
  struct Listing;
  struct Key;

  template <typename Use>
  static auto by_kind(Inner& inner, Use use);
  static Inner* inner_node(Slot slot);
  static size_t inner_size(Inner& inner);
  static Slot* child(Inner& inner, uint8_t byte);
  static Slot nearest(Inner& inner, int byte, Side side);
  static Node* edge(Slot slot, Side side);
  static void list(Inner& inner, Listing& listing);
  static void own(Slot& slot);
  static void retain(Slot slot);
  static void drop(Slot slot);
  static void put(Inner& inner, uint8_t byte, Slot slot);
  static void free_shell(Inner& inner);

  Node* neighbour(StreamId id, Side side, bool inclusive) const;
  Slot* descend(StreamId id, Slot** parent, uint8_t* byte);
  Inner* make_inner(int kind, const uint8_t* prefix, size_t prefix_size);
  void free_inner(Inner* inner);
  void change_kind(Slot& slot, int kind);
  void add_child(Slot& slot, uint8_t byte, Slot added);
  void remove_child(Slot& slot, uint8_t byte);
  void branch(Slot& slot, const Key& key, size_t depth, size_t common, uint8_t old_byte, Slot leaf);
  void check_slot(Slot slot, Key& path, size_t depth, size_t& leaves, size_t& inners) const;

  Slot root_ = 0;
  size_t size_ = 0;
  size_t inner_count_ = 0;
  size_t inner_bytes_ = 0;
};

}  // namespace millrace::streams
