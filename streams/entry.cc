// See entry.h.
#include "streams/entry.h"

#include "base/check.h"
#include "streams/node_tree.h"

namespace millrace::streams {

EntryCursor::EntryCursor(const Node& node) : node_(&node) {
  const uint8_t* const count = node.field_count();
  master_pair_count_ = static_cast<size_t>(listpack::integer(count));
  master_fields_ = listpack::next(count);
}

void EntryCursor::decode(const uint8_t* entry) {
  entry_ = entry;
  const int64_t flags = listpack::integer(entry);
  const uint8_t* p = listpack::next(entry);
  id_.ms = node_->master_id_.ms + static_cast<uint64_t>(listpack::integer(p));
  p = listpack::next(p);
  id_.seq = node_->master_id_.seq + static_cast<uint64_t>(listpack::integer(p));
  p = listpack::next(p);
  deleted_ = flags & Node::kDeleted;
  if (flags & Node::kSameFields) {
    pair_count_ = pieces_left_ = master_pair_count_;
    field_ = master_fields_;
  } else {
    pair_count_ = static_cast<size_t>(listpack::integer(p));
    pieces_left_ = 2 * pair_count_;
    field_ = nullptr;
    p = listpack::next(p);
  }
  piece_ = p;
}

// The place after the current entry.
const uint8_t* EntryCursor::behind() const {
  const uint8_t* p = piece_;
  for (size_t left = pieces_left_; left > 0; --left) p = listpack::next(p);
  return listpack::next(p);
}

size_t EntryCursor::offset() const {
  return static_cast<size_t>(entry_ - node_->listpack_.at(0));
}

bool EntryCursor::to_first() {
  decode(node_->listpack_.at(node_->entries_offset_));
  return true;
}

bool EntryCursor::to_front() {
  decode(node_->listpack_.at(node_->front_offset_));
  return true;
}

bool EntryCursor::to_last() {
  decode(node_->listpack_.at(node_->last_offset_));
  return true;
}

bool EntryCursor::to_next() {
  const uint8_t* const entry = behind();
  if (entry == node_->listpack_.end()) return false;
  decode(entry);
  return true;
}

bool EntryCursor::to_previous() {
  if (entry_ == node_->listpack_.at(node_->entries_offset_)) return false;
  const uint8_t* p = listpack::previous(entry_);
  for (int64_t pieces = listpack::integer(p); pieces > 0; --pieces) p = listpack::previous(p);
  decode(p);
  return true;
}

// Ids within a node grow about evenly, so their distance tells from which end the walk is shorter: from `first` up or
// from the last one down.
bool EntryCursor::nearer_to_last(StreamId first, StreamId id) const {
  const StreamId last = node_->last_id();
  if (id <= first) return false;
  if (last.ms != first.ms) return id.ms - first.ms > (last.ms - first.ms) / 2;
  return id.ms > first.ms || id.seq - first.seq > (last.seq - first.seq) / 2;
}

bool EntryCursor::seek_at_or_after(StreamId target) {
  if (node_->last_id() < target) return false;
  to_front();
  if (id_ < target && nearer_to_last(id_, target)) {
    to_last();
    while (id_ > target) to_previous();
    return id_ == target || to_next();
  }
  while (id_ < target) to_next();
  return true;
}

bool EntryCursor::seek_at_or_before(StreamId target) {
  if (nearer_to_last(node_->master_id_, target)) {
    to_last();
    while (id_ > target) {
      if (!to_previous()) return false;
    }
    return true;
  }
  to_first();
  if (id_ > target) return false;
  while (id_ < target && to_next()) {
  }
  return id_ <= target || to_previous();
}

bool EntryCursor::seek(StreamId target) {
  return seek_at_or_after(target) && id_ == target;
}

EntryPair EntryCursor::next_pair() {
  DCHECK(pieces_left_ > 0);
  EntryPair pair;
  const uint8_t*& field = field_ != nullptr ? field_ : piece_;
  pair.field = listpack::text(field, field_scratch_);
  field = listpack::next(field);
  pair.value = listpack::text(piece_, value_scratch_);
  piece_ = listpack::next(piece_);
  pieces_left_ -= field_ != nullptr ? 1 : 2;
  return pair;
}

EntryIterator::EntryIterator(const NodeTree* tree, const Node* node, StreamId start, StreamId end, bool reverse)
    : tree_(tree), start_(start), end_(end), reverse_(reverse) {
  if (node == nullptr || start > end) return;
  cursor_ = EntryCursor(*node);
  settle(reverse ? cursor_.seek_at_or_before(end) : cursor_.seek_at_or_after(start));
}

void EntryIterator::next() {
  DCHECK(valid_);
  settle(step());
}

bool EntryIterator::enter_next_node() {
  if (tree_ == nullptr) return false;
  const StreamId key = cursor_.node()->master_id();
  const Node* const node = reverse_ ? tree_->below(key) : tree_->above(key);
  if (node == nullptr) return false;
  cursor_ = EntryCursor(*node);
  return reverse_ ? cursor_.to_last() : cursor_.to_front();
}

void EntryIterator::settle(bool on) {
  valid_ = false;
  while (on || enter_next_node()) {
    if (reverse_ ? cursor_.id() < start_ : cursor_.id() > end_) return;
    if (!cursor_.deleted()) {
      valid_ = true;
      return;
    }
    on = step();
  }
}

}  // namespace millrace::streams
