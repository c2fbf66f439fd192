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
// Invariants: live and deleted equal a scan and the master entry; ids strictly increase from master_id on.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/ref.h"
#include "streams/listpack.h"
#include "streams/stream_id.h"

namespace millrace::streams {

// Field, value, field, value.
using Elements = std::span<const std::string_view>;

class Node : public RefCounted<Node> {
 private:
  // Only decode() may make a node before its bytes have been looked at.
  struct Outside {};

 public:
  static constexpr int64_t kDeleted = 1;
  static constexpr int64_t kSameFields = 2;

  // A node without entries whose master entry has the fields of `elements`. `capacity` bytes are allocated at once.
  Node(StreamId master_id, Elements elements, size_t capacity);
  Node(const Node& other);
  Node(Outside, StreamId master_id, std::string_view bytes);
  // A node from outside: nullptr unless the bytes satisfy every invariant. It may have no live entries.
  static Ref<Node> decode(StreamId master_id, std::string_view bytes);
  // Bounds what a node of this one entry takes.
  static size_t encoded_size_max(Elements elements);

  StreamId master_id() const { return master_id_; }
  StreamId last_id() const { return last_id_; }  // of the last entry, deleted or not
  uint64_t live() const { return live_; }
  uint64_t deleted() const { return deleted_; }
  size_t size() const { return listpack_.size(); }
  std::string_view bytes() const { return listpack_.view(); }
  size_t memory_bytes() const { return sizeof(*this) + listpack_.capacity(); }

  // REQUIRES: id above last_id (or any id from master_id on if there are no entries).
  void append(StreamId id, Elements elements);
  // Marks the live entry at the offset (EntryCursor::offset) as deleted. Returns by how many bytes it and what follows
  // moved: the counters at the front may have become wider or narrower.
  ptrdiff_t erase(size_t offset);
  // No more entries will come: gives spare memory back.
  void close() { listpack_.shrink(); }
  void check_invariants() const;

 private:
  friend class EntryCursor;

  struct Scan;

  void find_front();
  bool has_master_fields(Elements elements) const;
  ptrdiff_t write_counters(uint64_t live, uint64_t deleted);
  bool scan(Scan& scan) const;

  Listpack listpack_;
  StreamId master_id_;
  StreamId last_id_;
  uint64_t live_ = 0;
  uint64_t deleted_ = 0;
  size_t field_count_ = 0;     // of the master entry
  size_t fields_offset_ = 0;   // its first field
  size_t entries_offset_ = 0;  // the first entry
  size_t front_offset_ = 0;    // the first live entry; without any the last one, or where the first would be
};

}  // namespace millrace::streams
