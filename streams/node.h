// Node: one listpack of stream entries, reference-counted. Whoever writes must be the only holder (is_unique); the
// stream copies a shared node before it changes it.
//
// The listpack holds a master entry and then the entries, deleted ones included, in the encoding of Redis:
//
//   master  | live | deleted | fields | field 1 | ... | field n | 0 |
//   entry   | flags | ms delta | seq delta | fields | field 1 | value 1 | ... | field n | value n | pieces |
//   entry   | flags | ms delta | seq delta | value 1 | ... | value n | pieces |        with flag 2: the master's fields
//
// The master entry carries the fields of the first entry ever put here, and its id is the node's key. Deltas are taken
// modulo 2^64 from it: the seq delta wraps when the ms has moved on. `pieces` counts the elements of the entry before
// itself, to walk backwards. flags: 1 deleted, 2 same fields as the master.
//
// A node that no more entries are expected for (closed, or loaded) lies in a block together with others of its stream
// (node_block.h), or in one allocation with its listpack, where that takes less memory. Nodes are made with new.
//
// Invariants: the master entry's live and deleted equal a scan; ids strictly increase from master_id on.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/ref.h"
#include "streams/listpack.h"
#include "streams/node_block.h"
#include "streams/stream_id.h"

namespace millrace::streams {

// Field, value, field, value.
using Elements = std::span<const std::string_view>;

class Node : public RefCounted<Node> {
 public:
  static constexpr int64_t kDeleted = 1;
  static constexpr int64_t kSameFields = 2;

  // A node without entries whose master entry has the fields of `elements`. `capacity` bytes are allocated at once.
  Node(StreamId master_id, Elements elements, size_t capacity);
  Node(const Node& other);
  // A node from outside: nullptr unless the bytes satisfy every invariant. It may have no live entries. `block`: as for
  // close().
  static Ref<Node> decode(StreamId master_id, std::string_view bytes, NodeBlock* block = nullptr);
  // Bounds what a node of this one entry takes.
  static size_t encoded_size_max(Elements elements);

  StreamId master_id() const { return master_id_; }
  StreamId last_id() const;  // of the last entry, deleted or not
  uint64_t live() const { return static_cast<uint64_t>(listpack::integer(listpack_.begin())); }
  uint64_t deleted() const { return static_cast<uint64_t>(listpack::integer(listpack::next(listpack_.begin()))); }
  size_t size() const { return listpack_.size(); }
  std::string_view bytes() const { return listpack_.view(); }
  // What has been left behind by a closed node that grew is not counted.
  size_t memory_bytes() const;

  // REQUIRES: id above last_id (or any id from master_id on if there are no entries).
  void append(StreamId id, Elements elements);
  // Marks the live entry at the offset (EntryCursor::offset) as deleted. Returns by how many bytes it and what follows
  // moved: the counters at the front may have become wider or narrower.
  ptrdiff_t erase(size_t offset);
  // No more entries will come: gives spare memory back. If there is an equal node that takes less, it is returned.
  // `block`: where it is to lie, or nullptr: in none. REQUIRES: the block has room for place_size(size()).
  Ref<Node> close(NodeBlock* block);
  // An equal node, closed. `block`: as for close().
  Ref<Node> closed_copy(NodeBlock* block) const;
  // What a closed node of so many bytes asks of a block; and what it takes by itself.
  static size_t place_size(size_t bytes) { return sizeof(Node) + bytes; }
  static size_t bytes_alone(size_t bytes) {
    return fits_behind(bytes) ? size_class(place_size(bytes)) : size_class(sizeof(Node)) + size_class(bytes);
  }
  NodeBlock* block() const { return NodeBlock::of(this); }  // nullptr: it lies in none
  [[gnu::noinline]] static void* operator new(size_t size);
  static void operator delete(void* node);
  void check_invariants() const;

 private:
  friend class EntryCursor;

  struct Scan;
  struct Behind {};

  static void* operator new(size_t, void* place) { return place; }
  // With the bytes right behind it, where there has to be room for them.
  Node(Behind, StreamId master_id, std::string_view bytes);
  Node(StreamId master_id, std::string_view bytes) : listpack_(bytes), master_id_(master_id) {}
  static Ref<Node> make_closed(StreamId master_id, std::string_view bytes, NodeBlock* block);
  static bool fits_behind(size_t bytes);
  uint8_t* behind() { return reinterpret_cast<uint8_t*>(this) + sizeof(*this); }

  void find_front();
  bool has_master_fields(const uint8_t* field_count, Elements elements) const;
  ptrdiff_t write_counters(uint64_t live, uint64_t deleted);
  bool scan(Scan& scan) const;
  const uint8_t* field_count() const { return listpack::next(listpack::next(listpack_.begin())); }

  // Small, as there is one for each few kilobytes: what takes a few steps in the listpack is looked up there.
  uint32_t front_offset_ = 0;  // the first live entry; without any the last one, or where the first would be
  Listpack listpack_;
  StreamId master_id_;
  uint32_t entries_offset_ = 0;  // the first entry
  uint32_t last_offset_ = 0;     // the last entry, or where the first would be
};

static_assert(sizeof(Node) == 48);
static_assert(alignof(Node) <= sizeof(NodeBlock*), "a place of a block begins behind a pointer");

}  // namespace millrace::streams
