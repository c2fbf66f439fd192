// EntryCursor and EntryIterator: read-only looks at stream entries, inside one node and along a stream.
//
// Views point into the node's listpack (or into the cursor's own scratch, for elements stored as integers) and live
// until the next call on the same iterator or any change to the stream. Neither allocates; both may be copied.
#pragma once

#include <cstdint>
#include <string_view>

#include "streams/node.h"
#include "streams/stream_id.h"

namespace millrace::streams {

class NodeTree;

struct EntryPair {
  std::string_view field;
  std::string_view value;
};

// Stands on one entry of one node, deleted ones included. The moves return false when they leave the node; after that
// only another move to an end or a seek is allowed.
class EntryCursor {
 public:
  EntryCursor() = default;
  // REQUIRES: the node has entries.
  explicit EntryCursor(const Node& node);
  // On the entry at an offset that offset() once told.
  EntryCursor(const Node& node, size_t offset) : EntryCursor(node) { decode(node.listpack_.at(offset)); }

  bool to_first();
  bool to_last();
  bool to_next();
  bool to_previous();
  // To the first live entry; if there is none, to the last entry. Costs no walk.
  bool to_front();
  // To the first entry >= id, the last entry <= id, exactly there. Entries before the front may be passed over.
  bool seek_at_or_after(StreamId id);
  bool seek_at_or_before(StreamId id);
  bool seek(StreamId id);

  const Node* node() const { return node_; }
  StreamId id() const { return id_; }
  bool deleted() const { return deleted_; }
  size_t pair_count() const { return pair_count_; }
  size_t offset() const;
  // REQUIRES: fewer than pair_count() calls since the last move.
  EntryPair next_pair();

 private:
  bool nearer_to_last(StreamId first, StreamId id) const;
  void decode(const uint8_t* entry);
  const uint8_t* behind() const;

  const Node* node_ = nullptr;
  const uint8_t* master_fields_ = nullptr;
  size_t master_pair_count_ = 0;
  const uint8_t* entry_ = nullptr;  // its flags
  const uint8_t* piece_ = nullptr;  // the next element to hand out
  const uint8_t* field_ = nullptr;  // the next field of the master entry; nullptr if the entry has its own
  StreamId id_;
  size_t pair_count_ = 0;
  size_t pieces_left_ = 0;  // elements from piece_ on, without the count at the end
  bool deleted_ = false;
  char field_scratch_[listpack::kScratchSize];
  char value_scratch_[listpack::kScratchSize];
};

// Live entries of a range, in order. Elements come in the order field, value, field, value. Usage:
//   for (auto it = stream.entries(a, b); it.valid(); it.next()) {
//     use(it.id(), it.pair_count());
//     for (size_t i = 0; i < it.pair_count(); ++i) { auto [field, value] = it.next_pair(); ... }
//   }
class EntryIterator {
 public:
  using Pair = EntryPair;

  // Nothing.
  EntryIterator() = default;
  // [start, end] along a stream, beginning in `node`: the one where the first entry of the walk would be, if any.
  EntryIterator(const NodeTree* tree, const Node* node, StreamId start, StreamId end, bool reverse);
  // The live entries of one node, for holders of shared nodes. The node must outlive the iterator.
  explicit EntryIterator(const Node& node) : EntryIterator(nullptr, &node, kStreamIdMin, kStreamIdMax, false) {}

  bool valid() const { return valid_; }
  void next();
  StreamId id() const { return cursor_.id(); }
  size_t pair_count() const { return cursor_.pair_count(); }
  // The following pair of the current entry; REQUIRES fewer than pair_count() calls since valid()/next().
  Pair next_pair() { return cursor_.next_pair(); }

 private:
  // Accepts the entry the cursor is on (if `on`), or moves along to the next live one in the range.
  void settle(bool on);
  bool step() { return reverse_ ? cursor_.to_previous() : cursor_.to_next(); }
  bool enter_next_node();

  const NodeTree* tree_ = nullptr;
  EntryCursor cursor_;
  StreamId start_;
  StreamId end_;
  bool reverse_ = false;
  bool valid_ = false;
};

}  // namespace millrace::streams
