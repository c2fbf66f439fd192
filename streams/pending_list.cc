// PendingList: records in a slab, and three kinds of SlotTree over their slots.
//
//   slab         slot -> | ms | seq | time | order | owner | count |
//   by_id        all slots in id order
//   by_consumer  consumer -> its slots in id order; one tree each, so that every consumer's appends fill their nodes
//   by_time      all slots not set aside: unowned ones first, in the order of their sequence; then by time, then by
//                sequence
//
// The sequence numbers every put, which makes "in the order they were set" a key like any other; `order` is it and a
// bit that says whether the record is set aside. The slab packs what is alike, and the numbers of records that are
// handed out together are: they take some bytes. An empty list has no Impl.
//
// A copy has a slab and trees of its own, and these share their parts with the original's (slot_slab.h, slot_tree.h).
// Slots mean the same in both.
#include "streams/pending_list.h"

#include <algorithm>
#include <compare>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "streams/slot_slab.h"
#include "streams/slot_tree.h"

namespace millrace::streams {
namespace {

enum Column : uint32_t { kMs, kSeq, kTime, kOrder, kOwner, kCount };
static_assert(kCount + 1 == PackedChunk::kColumns);

// Numbers of one column are best near each other: that nobody owns a record is an owner like the first, and times lie
// around the middle.
constexpr uint64_t kTimeZero = uint64_t{1} << 63;
constexpr uint64_t kAside = 1;
uint64_t packed_owner(ConsumerId consumer) {
  return static_cast<ConsumerId>(consumer + 1);
}

SlotSlab::Row row_of(const Pending& pending, uint64_t sequence) {
  return {pending.id.ms,
          pending.id.seq,
          static_cast<uint64_t>(pending.delivery_time_ms) ^ kTimeZero,
          sequence << 1,
          packed_owner(pending.consumer),
          static_cast<uint64_t>(pending.delivery_count)};
}
StreamId id_of(const SlotSlab::Row& row) {
  return {row[kMs], row[kSeq]};
}
ConsumerId owner_of(const SlotSlab::Row& row) {
  return static_cast<ConsumerId>(row[kOwner] - 1);
}
bool is_aside(const SlotSlab::Row& row) {
  return row[kOrder] & kAside;
}
Pending pending_of(const SlotSlab::Row& row) {
  return {id_of(row), owner_of(row), static_cast<int64_t>(row[kTime] ^ kTimeZero), static_cast<int64_t>(row[kCount])};
}

struct TimeKey {
  uint64_t time = 0;      // 0 for unowned records, whatever time they carry
  uint64_t sequence = 0;  // with the top bit for owned ones, which follow even if their time is 0

  friend constexpr auto operator<=>(const TimeKey&, const TimeKey&) = default;
};
TimeKey time_key_of(const SlotSlab::Row& row) {
  const uint64_t sequence = row[kOrder] >> 1;
  if (row[kOwner] == packed_owner(kNoConsumer)) return {0, sequence};
  return {row[kTime], sequence | uint64_t{1} << 63};
}

struct IdOf {
  using Key = StreamId;
  const SlotSlab* slab;
  Key operator()(uint32_t slot) const { return {slab->number(slot, kMs), slab->number(slot, kSeq)}; }
};
struct TimeOf {
  using Key = TimeKey;
  const SlotSlab* slab;
  Key operator()(uint32_t slot) const { return time_key_of(slab->row(slot)); }
};

}  // namespace

struct PendingList::Impl {
  using IdTree = SlotTree<IdOf>;

  Impl() = default;
  Impl(const Impl& other)
      : slab(other.slab),
        by_id(other.by_id, IdOf{&slab}),
        by_time(other.by_time, TimeOf{&slab}),
        next_sequence(other.next_sequence),
        aside_count(other.aside_count) {
    by_consumer.reserve(other.by_consumer.size());
    for (const auto& [consumer, tree] : other.by_consumer) by_consumer.try_emplace(consumer, tree, IdOf{&slab});
  }
  Impl& operator=(const Impl&) = delete;

  SlotSlab slab;
  IdTree by_id{IdOf{&slab}};
  std::unordered_map<ConsumerId, IdTree> by_consumer;
  IdTree* last_tree = nullptr;  // that of last_consumer, if any
  ConsumerId last_consumer = kNoConsumer;
  SlotTree<TimeOf> by_time{TimeOf{&slab}};
  uint64_t next_sequence = 0;
  size_t aside_count = 0;

  uint32_t find(StreamId id) const {
    if (by_id.ends_before(id)) return kNoSlot;  // as for every new delivery
    const uint32_t slot = by_id.at_or_after(id);
    return slot != kNoSlot && IdOf{&slab}(slot) == id ? slot : kNoSlot;
  }

  std::optional<Pending> at(uint32_t slot) const {
    if (slot == kNoSlot) return std::nullopt;
    return pending_of(slab.row(slot));
  }

  size_t copy_run(std::span<const uint32_t> slots, std::span<Pending> out) const {
    const size_t count = std::min(slots.size(), out.size());
    for (size_t i = 0; i < count; ++i) out[i] = pending_of(slab.row(slots[i]));
    return count;
  }

  void add(const Pending& pending) {
    const SlotSlab::Row row = row_of(pending, next_sequence++);
    const uint32_t slot = slab.add(row);
    by_id.insert(pending.id, slot);
    tree_of(pending.consumer).insert(pending.id, slot);
    by_time.insert(time_key_of(row), slot);
  }

  void change(uint32_t slot, const Pending& pending) {
    const SlotSlab::Row before = slab.row(slot);
    const SlotSlab::Row after = row_of(pending, next_sequence++);
    leave_time_order(slot, before);
    const bool moves = before[kOwner] != after[kOwner];
    if (moves) leave_consumer(slot, before);
    slab.replace(slot, after);
    if (moves) tree_of(pending.consumer).insert(pending.id, slot);
    by_time.insert(time_key_of(after), slot);
  }

  void remove(uint32_t slot) {
    const SlotSlab::Row row = slab.row(slot);
    leave_time_order(slot, row);
    leave_consumer(slot, row);
    by_id.erase(id_of(row), slot);
    slab.erase(slot);
  }

  // Mostly it is the one that was last asked for.
  IdTree& tree_of(ConsumerId consumer) {
    if (last_tree == nullptr || last_consumer != consumer) {
      last_tree = &by_consumer.try_emplace(consumer, IdOf{&slab}).first->second;
      last_consumer = consumer;
    }
    return *last_tree;
  }
  void leave_consumer(uint32_t slot, const SlotSlab::Row& row) {
    IdTree& tree = tree_of(owner_of(row));
    tree.erase(id_of(row), slot);
    if (!tree.empty()) return;
    by_consumer.erase(owner_of(row));
    last_tree = nullptr;
  }
  void leave_time_order(uint32_t slot, const SlotSlab::Row& row) {
    is_aside(row) ? (void)--aside_count : by_time.erase(time_key_of(row), slot);
  }

  // Out of the time order, and back.
  void set_aside(uint32_t slot) {
    SlotSlab::Row row = slab.row(slot);
    if (is_aside(row)) return;
    by_time.erase(time_key_of(row), slot);
    row[kOrder] |= kAside;
    slab.replace(slot, row);
    ++aside_count;
  }
  void recall(uint32_t slot) {
    SlotSlab::Row row = slab.row(slot);
    if (!is_aside(row)) return;
    row[kOrder] &= ~kAside;
    slab.replace(slot, row);
    by_time.insert(time_key_of(row), slot);
    --aside_count;
  }

  size_t count_of(ConsumerId consumer) const {
    const auto tree = by_consumer.find(consumer);
    return tree == by_consumer.end() ? 0 : tree->second.size();
  }

  size_t memory_bytes() const;
  size_t clone_bytes() const;
  size_t piece_count() const { return 1 + slab.page_count() + by_consumer.size(); }
  void check_invariants() const;
};

constexpr size_t kHashNodeOverhead = 2 * sizeof(void*);  // its link and its bucket

size_t PendingList::Impl::memory_bytes() const {
  size_t bytes = sizeof(Impl) + slab.memory_bytes() + by_id.memory_bytes() + by_time.memory_bytes();
  for (const auto& [consumer, tree] : by_consumer) {
    bytes += tree.memory_bytes() + sizeof(std::pair<ConsumerId, IdTree>) + kHashNodeOverhead;
  }
  return bytes;
}

size_t PendingList::Impl::clone_bytes() const {
  return sizeof(Impl) + slab.clone_bytes() +
         by_consumer.size() * (sizeof(std::pair<ConsumerId, IdTree>) + kHashNodeOverhead);
}

void PendingList::Impl::check_invariants() const {
  CHECK(!by_id.empty());
  CHECK(by_time.size() + aside_count == by_id.size());
  by_id.check_invariants();
  by_time.check_invariants();
  size_t owned_by_someone = 0;
  for (const auto& [consumer, tree] : by_consumer) {
    CHECK(!tree.empty());
    tree.check_invariants();
    owned_by_someone += tree.size();
  }
  CHECK(owned_by_someone == by_id.size());
  size_t aside = 0;
  for (uint32_t slot = by_id.first(); slot != kNoSlot;) {
    const SlotSlab::Row row = slab.row(slot);
    CHECK(by_consumer.at(owner_of(row)).at_or_after(id_of(row)) == slot);
    CHECK((by_time.at_or_after(time_key_of(row)) == slot) != is_aside(row));
    aside += is_aside(row);
    CHECK(row[kOrder] >> 1 < next_sequence);
    const auto next = successor(id_of(row));
    slot = next ? by_id.at_or_after(*next) : kNoSlot;
  }
  CHECK(aside == aside_count);
}

PendingList::PendingList() : impl_(nullptr) {}
PendingList::~PendingList() {
  clear();
}
PendingList::PendingList(PendingList&& other) noexcept : impl_(std::exchange(other.impl_, nullptr)) {}

PendingList::PendingList(const PendingList& other) : impl_(other.impl_ == nullptr ? nullptr : new Impl(*other.impl_)) {}

PendingList& PendingList::operator=(PendingList&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}

size_t PendingList::size() const {
  return impl_ == nullptr ? 0 : impl_->by_id.size();
}
size_t PendingList::unowned_count() const {
  return count_of(kNoConsumer);
}
size_t PendingList::count_of(ConsumerId consumer) const {
  return impl_ == nullptr ? 0 : impl_->count_of(consumer);
}
size_t PendingList::memory_bytes() const {
  return impl_ == nullptr ? 0 : impl_->memory_bytes();
}
size_t PendingList::clone_bytes() const {
  return impl_ == nullptr ? 0 : impl_->clone_bytes();
}
size_t PendingList::piece_count() const {
  return impl_ == nullptr ? 0 : impl_->piece_count();
}

std::optional<Pending> PendingList::find(StreamId id) const {
  if (impl_ == nullptr) return std::nullopt;
  return impl_->at(impl_->find(id));
}

void PendingList::put(const Pending& pending) {
  if (impl_ == nullptr) impl_ = new Impl;
  const uint32_t slot = impl_->find(pending.id);
  slot == kNoSlot ? impl_->add(pending) : impl_->change(slot, pending);
}

bool PendingList::erase(StreamId id) {
  if (impl_ == nullptr) return false;
  const uint32_t slot = impl_->find(id);
  if (slot == kNoSlot) return false;
  impl_->remove(slot);
  if (empty()) clear();
  return true;
}

size_t PendingList::erase_consumer(ConsumerId consumer) {
  const size_t count = count_of(consumer);
  while (const auto pending = at_or_after(consumer, kStreamIdMin)) erase(pending->id);
  return count;
}

void PendingList::clear() {
  delete impl_;
  impl_ = nullptr;
}

std::optional<Pending> PendingList::first() const {
  if (impl_ == nullptr) return std::nullopt;
  return impl_->at(impl_->by_id.first());
}

std::optional<Pending> PendingList::last() const {
  if (impl_ == nullptr) return std::nullopt;
  return impl_->at(impl_->by_id.last());
}

std::optional<Pending> PendingList::at_or_after(StreamId id) const {
  if (impl_ == nullptr) return std::nullopt;
  return impl_->at(impl_->by_id.at_or_after(id));
}

std::optional<Pending> PendingList::after(StreamId id) const {
  const auto next = successor(id);
  return next ? at_or_after(*next) : std::nullopt;
}

std::optional<Pending> PendingList::at_or_after(ConsumerId consumer, StreamId id) const {
  if (impl_ == nullptr) return std::nullopt;
  const auto tree = impl_->by_consumer.find(consumer);
  if (tree == impl_->by_consumer.end()) return std::nullopt;
  return impl_->at(tree->second.at_or_after(id));
}

size_t PendingList::copy_from(StreamId id, std::span<Pending> out) const {
  return impl_ == nullptr ? 0 : impl_->copy_run(impl_->by_id.run_from(id), out);
}

size_t PendingList::copy_from(ConsumerId consumer, StreamId id, std::span<Pending> out) const {
  if (impl_ == nullptr) return 0;
  const auto tree = impl_->by_consumer.find(consumer);
  return tree == impl_->by_consumer.end() ? 0 : impl_->copy_run(tree->second.run_from(id), out);
}

std::optional<Pending> PendingList::oldest() const {
  if (impl_ == nullptr) return std::nullopt;
  return impl_->at(impl_->by_time.first());
}

std::optional<Pending> PendingList::next_oldest(StreamId id) const {
  if (impl_ == nullptr) return std::nullopt;
  const uint32_t slot = impl_->find(id);
  if (slot == kNoSlot) return std::nullopt;
  TimeKey key = TimeOf{&impl_->slab}(slot);
  ++key.sequence;
  return impl_->at(impl_->by_time.at_or_after(key));
}

void PendingList::set_aside(StreamId id) {
  const uint32_t slot = impl_ == nullptr ? kNoSlot : impl_->find(id);
  if (slot != kNoSlot) impl_->set_aside(slot);
}

void PendingList::recall_all() {
  if (impl_ == nullptr || impl_->aside_count == 0) return;
  for (auto pending = first(); pending; pending = after(pending->id)) impl_->recall(impl_->find(pending->id));
}

void PendingList::check_invariants() const {
  if (impl_ != nullptr) impl_->check_invariants();
}

}  // namespace millrace::streams
