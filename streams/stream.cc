// See stream.h.
#include "streams/stream.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace millrace::streams {
namespace {

constexpr size_t kGiB = size_t{1} << 30;
constexpr size_t kElementsMax = size_t{1} << 26;  // keeps a node of 1 GiB and one more entry below 4 GiB
constexpr size_t kPreallocatedMax = 4096;
constexpr uint64_t kEntriesAddedMax = std::numeric_limits<int64_t>::max();
constexpr size_t kNodesSampled = 16;
// A stream has at least so many times what a block of it holds: what is not in use of its first and its last block, and
// cannot be given back, is a small part then.
constexpr size_t kBlocksMin = 32;
// A place in a block has to save at least one part in so many: about as much of a block is lost.
constexpr size_t kPlaceSavingMin = 32;
// A stream is long beside one of its blocks if it has more than so many times as many nodes as that has places.
constexpr size_t kLongBeside = 8;

size_t node_bytes_max(const NodeLimits& limits) {
  if (limits.bytes_max <= 0) return kGiB;
  return std::min(static_cast<size_t>(limits.bytes_max), kGiB);
}

bool is_full(const Node& node, size_t added_bytes, const NodeLimits& limits) {
  if (node.size() + added_bytes >= node_bytes_max(limits)) return true;
  return limits.entries_max > 0 && node.live() + node.deleted() >= static_cast<uint64_t>(limits.entries_max);
}

std::optional<size_t> storable_bytes(Elements elements) {
  size_t total = 0;
  for (const std::string_view element : elements) total += element.size();
  if (total > kGiB || elements.size() > kElementsMax) return std::nullopt;
  return total;
}

}  // namespace

// ---- Appending

Result<StreamId, AppendError> Stream::next_id(const NewId& id, int64_t now_ms) const {
  if (id.kind == NewId::Kind::kExplicit && id.id.is_zero()) return AppendError::kZeroId;
  const auto after_last = successor(last_id_);
  if (!after_last) return AppendError::kExhausted;
  StreamId chosen = id.id;
  if (id.kind == NewId::Kind::kAuto) {
    const uint64_t now = now_ms < 0 ? 0 : static_cast<uint64_t>(now_ms);
    chosen = now > last_id_.ms ? StreamId{now, 0} : *after_last;
  } else if (id.kind == NewId::Kind::kAutoSeq) {
    chosen = id.id.ms == last_id_.ms ? *after_last : StreamId{id.id.ms, 0};
    if (chosen.ms != id.id.ms) return AppendError::kIdTooSmall;
  }
  if (chosen <= last_id_) return AppendError::kIdTooSmall;
  return chosen;
}

Result<StreamId, AppendError> Stream::append(const NewId& id, Elements elements, int64_t now_ms,
                                             const NodeLimits& limits) {
  const auto chosen = next_id(id, now_ms);
  if (!chosen) return chosen;
  const auto bytes = storable_bytes(elements);
  if (!bytes) return AppendError::kTooLarge;
  writable_tail(elements, *bytes, *chosen, limits).append(*chosen, elements);
  last_id_ = *chosen;
  if (++length_ == 1) first_id_ = last_id_;
  if (entries_added_ < kEntriesAddedMax) ++entries_added_;
  return chosen;
}

// The node the entry goes to. The first node of a stream starts small, as most streams of a big keyspace never have
// another; the following ones get at once what a full node needs.
Node& Stream::writable_tail(Elements elements, size_t elements_bytes, StreamId id, const NodeLimits& limits) {
  if (tail_ != nullptr) {
    if (!is_full(*tail_, elements_bytes, limits)) return unshared(*tail_);
    if (owns_tail_way_ && tail_->is_unique()) close_tail();
  }
  const size_t usual = tail_ == nullptr ? 0 : std::min(kPreallocatedMax, node_bytes_max(limits));
  add_node(Ref<Node>::make(id, elements, std::max(usual, Node::encoded_size_max(elements))));
  return *tail_;
}

// REQUIRES: nobody else can see it.
void Stream::close_tail() {
  if (Ref<Node> closed = tail_->close(block_for(tail_->size()))) replace_node(*tail_, std::move(closed));
}

// ---- Nodes

// The node itself if nobody else can see it, else a copy that has taken its place in this stream.
Node& Stream::unshared(Node& node) {
  const bool is_tail = tail_ == &node;
  if ((is_tail ? owns_tail_way_ : written_ == &node) && node.is_unique()) return node;
  Node& result = nodes_.writable(node.master_id());
  written_ = &result;
  if (is_tail) {
    tail_ = &result;
    owns_tail_way_ = true;
  }
  return result;
}

void Stream::add_node(Ref<Node> node) {
  tail_ = node.get();
  nodes_.insert(std::move(node));
  owns_tail_way_ = true;
}

void Stream::replace_node(const Node& node, Ref<Node> equal) {
  if (written_ == &node) written_ = nullptr;
  if (tail_ == &node) tail_ = equal.get();
  nodes_.replace(std::move(equal));
}

// Other nodes may move: of its block, and of the stream's first.
void Stream::drop_node(const Node& node) {
  const StreamId id = node.master_id();
  const Ref<NodeBlock> block(node.block());
  const bool was_tail = tail_ == &node;
  if (written_ == &node) written_ = nullptr;
  nodes_.erase(id);
  if (was_tail) {
    tail_ = nodes_.last();
    owns_tail_way_ = false;
  }
  if (block) thin_out(*block, id);
  const Node* const first = nodes_.first();
  const Ref<NodeBlock> first_block(first == nullptr ? nullptr : first->block());
  if (first_block && nodes_.size() == kLongBeside * first_block->places()) thin_out(*first_block, kStreamIdMin);
}

NodeBlock* Stream::block_for(size_t node_bytes) {
  const size_t size = Node::place_size(node_bytes);
  const size_t place_bytes = NodeBlock::place_bytes(size) * (kPlaceSavingMin + 1) / kPlaceSavingMin;
  const size_t places = nodes_.size() / kBlocksMin;
  if (places < 2 || !NodeBlock::fits(size) || place_bytes > Node::bytes_alone(node_bytes)) return nullptr;
  if (!block_ || !block_->has_room(size)) block_ = NodeBlock::make(places, size);
  return block_.get();
}

// A block of which a node has gone is not filled any more. When little of it is left, that moves out: a few nodes that
// stay for long would keep the memory of all. They are near the one that has gone, as blocks are filled in order. At
// the beginning of a long stream they are left alone: it is a small part of that, and most likely the next to go. When
// the stream has become short, they are looked at again. What a clone holds counts as in use: when that has gone,
// nobody looks before the next node of the block goes.
void Stream::thin_out(NodeBlock& block, StreamId gone) {
  if (block_.get() == &block) block_ = nullptr;
  if (!block.is_sparse()) return;
  const size_t places = block.places();
  const Node* const first = nodes_.first();
  if (first == nullptr || (first->block() == &block && nodes_.size() > kLongBeside * places)) return;
  for (Node* (NodeTree::*neighbour)(StreamId) const : {&NodeTree::below, &NodeTree::above}) {
    const Node* node = (nodes_.*neighbour)(gone);
    for (size_t steps = 0; node != nullptr && steps < places; ++steps) {
      const StreamId id = node->master_id();
      if (node->block() == &block) replace_node(*node, node->closed_copy(nullptr));
      node = (nodes_.*neighbour)(id);
    }
  }
}

// The node that holds `id` if any does.
Node* Stream::node_for(StreamId id) const {
  if (tail_ != nullptr && id >= tail_->master_id()) return tail_;
  return nodes_.floor(id);
}

bool Stream::load_node(Ref<Node> node) {
  if (node->live() == 0) return true;
  if (tail_ != nullptr && node->master_id() <= tail_->last_id()) return false;
  length_ += node->live();
  last_id_ = std::max(last_id_, node->last_id());
  const bool is_first = tail_ == nullptr;
  add_node(std::move(node));
  if (is_first) find_first_id();
  return true;
}

std::vector<Ref<Node>> Stream::share_nodes() const {
  std::vector<Ref<Node>> shared;
  shared.reserve(nodes_.size());
  for (Node* node = nodes_.first(); node != nullptr; node = nodes_.above(node->master_id())) shared.emplace_back(node);
  return shared;
}

std::unique_ptr<Stream> Stream::clone() const {
  owns_tail_way_ = false;
  written_ = nullptr;
  std::unique_ptr<Stream> copy(new Stream(*this));
  copy->block_ = nullptr;
  return copy;
}

size_t Stream::memory_bytes() const {
  size_t sampled = 0;
  size_t sampled_bytes = 0;
  for (const Node* node = nodes_.first(); node != nullptr && sampled < kNodesSampled; ++sampled) {
    sampled_bytes += node->memory_bytes();
    node = nodes_.above(node->master_id());
  }
  size_t bytes = sizeof(*this) + nodes_.memory_bytes() + idempotency.memory_bytes();
  for (const auto& [name, group] : groups_) bytes += sizeof(name) + name.capacity() + group.memory_bytes();
  return bytes + (sampled > 0 ? sampled_bytes * nodes_.size() / sampled : 0);
}

size_t Stream::clone_bytes() const {
  size_t bytes = sizeof(*this) + idempotency.clone_bytes();
  for (const auto& [name, group] : groups_) bytes += sizeof(name) + name.capacity() + group.clone_bytes();
  return bytes;
}

size_t Stream::piece_count() const {
  size_t count = 1 + idempotency.producer_count();
  for (const auto& [name, group] : groups_) count += 1 + group.consumers().size() + group.pending.piece_count();
  return count;
}

// ---- Entries

EntryIterator Stream::entries(StreamId start, StreamId end, bool reverse) const {
  const Node* node = node_for(reverse ? end : start);
  if (node == nullptr && !reverse) node = nodes_.first();
  return EntryIterator(&nodes_, node, start, end, reverse);
}

bool Stream::contains(StreamId id) const {
  const Node* const node = node_for(id);
  if (node == nullptr) return false;
  EntryCursor entry(*node);
  return entry.seek(id) && !entry.deleted();
}

std::optional<StreamId> Stream::last_entry_id() const {
  const auto last = entries(kStreamIdMin, kStreamIdMax, true);
  if (!last.valid()) return std::nullopt;
  return last.id();
}

void Stream::find_first_id() {
  first_id_ = kStreamIdMin;
  const Node* const node = nodes_.first();
  if (node == nullptr) return;
  EntryCursor entry(*node);
  entry.to_front();
  first_id_ = entry.id();
}

bool Stream::erase(StreamId id) {
  Node* const node = node_for(id);
  if (node == nullptr) return false;
  EntryCursor entry(*node);
  if (!entry.seek(id) || entry.deleted()) return false;
  erase_at(*node, entry);
  max_deleted_id_ = std::max(max_deleted_id_, id);
  if (id == first_id_) find_first_id();
  return true;
}

// Removes the live entry of the node under the cursor. The cursor is put on what has become of it in the node returned,
// which may be another one; nullptr if the whole node went.
Node* Stream::erase_at(Node& node, EntryCursor& entry) {
  --length_;
  if (node.live() == 1) {
    drop_node(node);
    return nullptr;
  }
  const size_t offset = entry.offset();
  Node& written = unshared(node);
  const ptrdiff_t moved = written.erase(offset);
  entry = EntryCursor(written, offset + static_cast<size_t>(moved));
  return &written;
}

EraseOutcome Stream::erase_with_policy(StreamId id, RefPolicy policy, bool* references_purged) {
  if (policy == RefPolicy::kAcked && is_referenced(id)) return EraseOutcome::kReferenced;
  const bool purged = policy == RefPolicy::kDelRef && purge_references(id);
  if (references_purged != nullptr) *references_purged = purged;
  return erase(id) ? EraseOutcome::kErased : EraseOutcome::kNotFound;
}

// ---- Groups

Group* Stream::group(std::string_view name) {
  const auto found = groups_.find(name);
  return found == groups_.end() ? nullptr : &found->second;
}

const Group* Stream::group(std::string_view name) const {
  const auto found = groups_.find(name);
  return found == groups_.end() ? nullptr : &found->second;
}

Group* Stream::create_group(std::string_view name, StreamId last_delivered, int64_t entries_read) {
  const auto [place, created] = groups_.try_emplace(std::string(name));
  if (!created) return nullptr;
  place->second.last_delivered = last_delivered;
  place->second.entries_read = std::min(entries_read, static_cast<int64_t>(entries_added_));
  return &place->second;
}

bool Stream::destroy_group(std::string_view name) {
  const auto found = groups_.find(name);
  if (found == groups_.end()) return false;
  groups_.erase(found);
  return true;
}

void Stream::set_last_id(StreamId id) {
  if (id < last_id_) {
    for (auto& [name, group] : groups_) group.pending.recall_all();
  }
  last_id_ = id;
}

void Stream::set_entries_added(uint64_t count) {
  entries_added_ = std::min(count, kEntriesAddedMax);
  for (auto& [name, group] : groups_) {
    group.entries_read = std::min(group.entries_read, static_cast<int64_t>(entries_added_));
  }
}

bool Stream::is_referenced(StreamId id) const {
  return std::any_of(groups_.begin(), groups_.end(), [id](const auto& named) {
    return id > named.second.last_delivered || named.second.pending.find(id).has_value();
  });
}

bool Stream::purge_references(StreamId id) {
  bool purged = false;
  for (auto& [name, group] : groups_) purged |= group.pending.erase(id);
  return purged;
}

// ---- How far a group is

bool Stream::has_tombstone_from(StreamId from) const {
  return !max_deleted_id_.is_zero() && from <= max_deleted_id_;
}

std::optional<uint64_t> Stream::estimate_entries_read(StreamId id) const {
  if (entries_added_ == 0) return 0;
  if (length_ == 0 && id <= last_id_) return entries_added_;
  if (!id.is_zero() && id < max_deleted_id_) return std::nullopt;
  if (id == last_id_) return entries_added_;
  if (id > last_id_) return std::nullopt;
  const bool gap_free = max_deleted_id_.is_zero() || max_deleted_id_ < first_id_;
  if (!gap_free || id > first_id_) return std::nullopt;
  return entries_added_ - length_ + (id == first_id_ ? 1 : 0);
}

std::optional<uint64_t> Stream::lag(const Group& group) const {
  if (entries_added_ == 0 || length_ == 0) return 0;
  if (group.last_delivered < first_id_ && max_deleted_id_ < first_id_) return length_;
  if (group.entries_read != kEntriesReadUnknown && !has_tombstone_from(group.last_delivered)) {
    return entries_added_ - std::min(entries_added_, static_cast<uint64_t>(group.entries_read));
  }
  const auto read = estimate_entries_read(group.last_delivered);
  if (!read) return std::nullopt;
  return entries_added_ - *read;
}

// ---- Invariants

void Stream::check_invariants() const {
  nodes_.check_invariants();
  CHECK(tail_ == nodes_.last());
  uint64_t live = 0;
  const Node* before = nullptr;
  for (const Ref<Node>& node : share_nodes()) {
    node->check_invariants();
    CHECK(node->live() > 0);
    CHECK(before == nullptr || before->last_id() < node->master_id());
    live += node->live();
    before = node.get();
  }
  CHECK(live == length_);
  const auto first = entries(kStreamIdMin, kStreamIdMax);
  CHECK(first_id_ == (first.valid() ? first.id() : kStreamIdMin));
  CHECK(tail_ == nullptr || tail_->last_id() <= last_id_);
  CHECK(max_deleted_id_ <= last_id_);
  CHECK(entries_added_ >= length_);
  for (const auto& [name, group] : groups_) group.check_invariants();
}

}  // namespace millrace::streams
