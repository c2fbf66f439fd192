// PendingList: records in a slab, and three kinds of SlotTree over their slots.
//
//   slab         slot -> | id (16) | delivery time (8) | sequence, is_aside (8) | consumer (4) | count (4) |
//   by_id        all slots in id order
//   by_consumer  consumer -> its slots in id order; one tree each, so that every consumer's appends fill their nodes
//   by_time      all slots not set aside: unowned ones first, in the order of their sequence; then by time, then by
//                sequence
//
// The sequence numbers every put, which makes "in the order they were set" a key like any other. A count that does not
// fit 32 bits (hand-made RETRYCOUNTs, so hardly ever) is in a side table, but for the greatest, which XNACK FATAL sets.
// An empty list has no Impl.
//
// A copy has a slab and trees of its own, and these share their parts with the original's (slot_slab.h, slot_tree.h).
// Slots mean the same in both. The side table is shared as a whole, and copied as a whole.
#include "streams/pending_list.h"

#include <algorithm>
#include <compare>
#include <limits>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/ref.h"
#include "streams/slot_slab.h"
#include "streams/slot_tree.h"

namespace millrace::streams {
namespace {

constexpr int64_t kCountMax = std::numeric_limits<int64_t>::max();
// What a record's count says instead of a number.
constexpr uint32_t kCountInSideTable = std::numeric_limits<uint32_t>::max();
constexpr uint32_t kCountIsMax = kCountInSideTable - 1;

struct Record {
  StreamId id;
  int64_t delivery_time_ms;
  uint64_t sequence : 63;
  uint64_t is_aside : 1;
  ConsumerId consumer;
  uint32_t count;
};
static_assert(sizeof(Record) == 40);

using Slab = SlotSlab<Record>;

struct IdOf {
  using Key = StreamId;
  const Slab* slab;
  Key operator()(uint32_t slot) const { return (*slab)[slot].id; }
};

struct TimeKey {
  bool owned = false;
  int64_t time_ms = 0;  // 0 for unowned records, whatever time they carry
  uint64_t sequence = 0;

  friend constexpr auto operator<=>(const TimeKey&, const TimeKey&) = default;
};

struct TimeOf {
  using Key = TimeKey;
  const Slab* slab;
  Key operator()(uint32_t slot) const {
    const Record& record = (*slab)[slot];
    const bool owned = record.consumer != kNoConsumer;
    return {owned, owned ? record.delivery_time_ms : 0, record.sequence};
  }
};

struct LargeCounts : RefCounted<LargeCounts> {
  std::unordered_map<uint32_t, int64_t> of_slot;
};

}  // namespace

struct PendingList::Impl {
  using IdTree = SlotTree<IdOf>;

  Impl() = default;
  Impl(const Impl& other)
      : slab(other.slab),
        by_id(other.by_id, IdOf{&slab}),
        by_time(other.by_time, TimeOf{&slab}),
        large_counts(other.large_counts),
        next_sequence(other.next_sequence),
        aside_count(other.aside_count) {
    by_consumer.reserve(other.by_consumer.size());
    for (const auto& [consumer, tree] : other.by_consumer) by_consumer.try_emplace(consumer, tree, IdOf{&slab});
  }
  Impl& operator=(const Impl&) = delete;

  Slab slab;
  IdTree by_id{IdOf{&slab}};
  std::unordered_map<ConsumerId, IdTree> by_consumer;
  SlotTree<TimeOf> by_time{TimeOf{&slab}};
  Ref<LargeCounts> large_counts;  // nullptr while there are none
  uint64_t next_sequence = 0;
  size_t aside_count = 0;

  uint32_t find(StreamId id) const {
    const uint32_t last = by_id.last();
    if (last == kNoSlot || slab[last].id < id) return kNoSlot;  // as for every new delivery
    const uint32_t slot = by_id.at_or_after(id);
    return slot != kNoSlot && slab[slot].id == id ? slot : kNoSlot;
  }

  int64_t count_at(uint32_t slot) const {
    const uint32_t count = slab[slot].count;
    if (count < kCountIsMax) return count;
    return count == kCountIsMax ? kCountMax : large_counts->of_slot.at(slot);
  }

  std::optional<Pending> at(uint32_t slot) const {
    if (slot == kNoSlot) return std::nullopt;
    const Record& record = slab[slot];
    return Pending{record.id, record.consumer, record.delivery_time_ms, count_at(slot)};
  }

  size_t copy_run(std::span<const uint32_t> slots, std::span<Pending> out) const {
    const size_t count = std::min(slots.size(), out.size());
    for (size_t i = 0; i < count; ++i) out[i] = *at(slots[i]);
    return count;
  }

  std::unordered_map<uint32_t, int64_t>& writable_large_counts() {
    if (!large_counts || !large_counts->is_unique()) {
      auto copy = Ref<LargeCounts>::make();
      if (large_counts) copy->of_slot = large_counts->of_slot;
      large_counts = std::move(copy);
    }
    return large_counts->of_slot;
  }

  void forget_large_count(uint32_t slot, const Record& record) {
    if (record.count != kCountInSideTable) return;
    writable_large_counts().erase(slot);
    if (large_counts->of_slot.empty()) large_counts = nullptr;
  }

  // `record` is the one at the slot, and writable.
  void set_count(uint32_t slot, Record& record, int64_t count) {
    forget_large_count(slot, record);
    const bool fits = count >= 0 && count < kCountIsMax;
    record.count = fits ? static_cast<uint32_t>(count) : count == kCountMax ? kCountIsMax : kCountInSideTable;
    if (record.count == kCountInSideTable) writable_large_counts()[slot] = count;
  }

  void add(const Pending& pending) {
    const uint32_t slot = slab.take();
    Record& record = slab.writable(slot);
    record = {pending.id, pending.delivery_time_ms, next_sequence++, 0, pending.consumer, 0};
    set_count(slot, record, pending.delivery_count);
    by_id.insert(slot);
    join_consumer(slot, pending.consumer);
    by_time.insert(slot);
  }

  void change(uint32_t slot, const Pending& pending) {
    leave_time_order(slot);
    Record& record = slab.writable(slot);
    const bool moves = record.consumer != pending.consumer;
    if (moves) leave_consumer(slot);
    record.consumer = pending.consumer;
    record.delivery_time_ms = pending.delivery_time_ms;
    record.sequence = next_sequence++;
    set_count(slot, record, pending.delivery_count);
    if (moves) join_consumer(slot, pending.consumer);
    by_time.insert(slot);
  }

  void join_consumer(uint32_t slot, ConsumerId consumer) {
    by_consumer.try_emplace(consumer, IdOf{&slab}).first->second.insert(slot);
  }
  void leave_consumer(uint32_t slot) {
    const auto tree = by_consumer.find(slab[slot].consumer);
    CHECK(tree != by_consumer.end());
    tree->second.erase(slot);
    if (tree->second.empty()) by_consumer.erase(tree);
  }

  void leave_time_order(uint32_t slot) {
    if (slab[slot].is_aside) {
      slab.writable(slot).is_aside = 0;
      --aside_count;
    } else {
      by_time.erase(slot);
    }
  }

  void remove(uint32_t slot) {
    leave_time_order(slot);
    leave_consumer(slot);
    by_id.erase(slot);
    forget_large_count(slot, slab[slot]);
    slab.give_back(slot);
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
  if (large_counts) {
    bytes += large_counts->of_slot.size() * (sizeof(std::pair<uint32_t, int64_t>) + kHashNodeOverhead);
  }
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
  size_t large = 0;
  size_t aside = 0;
  const TimeOf time_of{&slab};
  for (uint32_t slot = by_id.first(); slot != kNoSlot;) {
    const Record& record = slab[slot];
    CHECK(by_consumer.at(record.consumer).at_or_after(record.id) == slot);
    CHECK((by_time.at_or_after(time_of(slot)) == slot) != record.is_aside);
    aside += record.is_aside;
    CHECK(record.sequence < next_sequence);
    if (record.count == kCountInSideTable) CHECK(large_counts && large_counts->of_slot.contains(slot));
    large += record.count == kCountInSideTable;
    const auto next = successor(record.id);
    slot = next ? by_id.at_or_after(*next) : kNoSlot;
  }
  CHECK(large_counts ? large > 0 && large == large_counts->of_slot.size() : large == 0);
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
  if (slot == kNoSlot || impl_->slab[slot].is_aside) return;
  impl_->by_time.erase(slot);
  impl_->slab.writable(slot).is_aside = 1;
  ++impl_->aside_count;
}

void PendingList::recall_all() {
  if (impl_ == nullptr || impl_->aside_count == 0) return;
  for (auto pending = first(); pending; pending = after(pending->id)) {
    const uint32_t slot = impl_->find(pending->id);
    if (!impl_->slab[slot].is_aside) continue;
    impl_->slab.writable(slot).is_aside = 0;
    impl_->by_time.insert(slot);
  }
  impl_->aside_count = 0;
}

void PendingList::check_invariants() const {
  if (impl_ != nullptr) impl_->check_invariants();
}

}  // namespace millrace::streams
