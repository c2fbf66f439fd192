// See key_table.h.
#include "keyspace/key_table.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace millrace::keyspace {

namespace {

constexpr size_t kBucketsMin = 4;
// A table shrinks when fewer than one bucket in eight is used, to twice its entries: far from growing again.
constexpr size_t kSparseness = 8;
// Buckets moved by one operation during a resize. Growing doubles a full table and so is over after an eighth of the
// operations that would fill it again; a shrink starts with as many spare operations.
constexpr size_t kMovesPerOperation = 8;

uint64_t reverse_bits(uint64_t bits) {
  bits = ((bits >> 1) & 0x5555555555555555) | ((bits & 0x5555555555555555) << 1);
  bits = ((bits >> 2) & 0x3333333333333333) | ((bits & 0x3333333333333333) << 2);
  bits = ((bits >> 4) & 0x0f0f0f0f0f0f0f0f) | ((bits & 0x0f0f0f0f0f0f0f0f) << 4);
  return __builtin_bswap64(bits);
}

// The bucket after `cursor` when the significant bits are counted up from the highest to the lowest. Buckets that a
// larger table splits off from one bucket thus follow each other, and a smaller one's are never passed half way.
uint64_t next_in_reverse(uint64_t cursor, uint64_t mask) {
  return reverse_bits(reverse_bits(cursor | ~mask) + 1);
}

}  // namespace

KeyTable::~KeyTable() {
  clear();
}

KeyEntry*& KeyTable::head_of(uint64_t hash) {
  if (!old_.empty()) {
    const size_t at = hash & (old_.size() - 1);
    if (at >= moved_) return old_[at];
  }
  return now_[hash & (now_.size() - 1)];
}

KeyEntry* KeyTable::find(uint64_t hash, std::string_view key) {
  if (size_ == 0) return nullptr;
  move_some();
  for (KeyEntry* entry = head_of(hash); entry; entry = entry->next) {
    if (entry->hash == hash && entry->key == key) return entry;
  }
  return nullptr;
}

KeyEntry& KeyTable::insert(uint64_t hash, std::string_view key, Value value) {
  move_some();
  grow_if_full();
  KeyEntry*& head = head_of(hash);
  head = new KeyEntry{.next = head, .hash = hash, .key = std::string(key), .value = std::move(value)};
  ++size_;
  return *head;
}

void KeyTable::erase(KeyEntry& entry) {
  move_some();
  KeyEntry** link = &head_of(entry.hash);
  while (*link && *link != &entry) link = &(*link)->next;
  CHECK(*link == &entry);
  *link = entry.next;
  delete &entry;
  --size_;
  size_ == 0 ? drop_buckets() : shrink_if_sparse();
}

void KeyTable::clear() {
  CHECK(!visiting_);
  for (const Buckets* buckets : {&old_, &now_}) {
    for (KeyEntry* entry : *buckets) {
      while (entry) delete std::exchange(entry, entry->next);
    }
  }
  size_ = 0;
  drop_buckets();
}

void KeyTable::drop_buckets() {
  old_ = Buckets();
  now_ = Buckets();
  moved_ = 0;
}

void KeyTable::start_resize(size_t bucket_count) {
  old_ = std::exchange(now_, Buckets(bucket_count));
  moved_ = 0;
}

void KeyTable::grow_if_full() {
  if (is_resizing() || size_ < now_.size()) return;
  if (now_.empty()) {
    now_.resize(kBucketsMin);
  } else {
    start_resize(now_.size() * 2);
  }
}

void KeyTable::shrink_if_sparse() {
  if (is_resizing() || now_.size() <= kBucketsMin || size_ * kSparseness >= now_.size()) return;
  start_resize(std::max(kBucketsMin, std::bit_ceil(size_ * 2)));
}

void KeyTable::move_some() {
  CHECK(!visiting_);
  if (!is_resizing()) return;
  const size_t end = std::min(old_.size(), moved_ + kMovesPerOperation);
  for (; moved_ < end; ++moved_) {
    for (KeyEntry* entry = std::exchange(old_[moved_], nullptr); entry;) {
      KeyEntry*& head = now_[entry->hash & (now_.size() - 1)];
      KeyEntry* following = std::exchange(entry->next, head);
      head = std::exchange(entry, following);
    }
  }
  if (moved_ == old_.size()) {
    old_ = Buckets();
    moved_ = 0;
    shrink_if_sparse();
  }
}

void KeyTable::visit_bucket(Buckets& buckets, uint64_t cursor, const std::function<void(KeyEntry&)>& visit) {
  for (KeyEntry* entry = buckets[cursor & (buckets.size() - 1)]; entry; entry = entry->next) visit(*entry);
}

uint64_t KeyTable::scan(uint64_t cursor, const std::function<void(KeyEntry&)>& visit) {
  if (size_ == 0) return 0;
  visiting_ = true;
  if (is_resizing()) {
    // The smaller table's bucket, then every bucket of the larger one that splits from it.
    Buckets& small = old_.size() < now_.size() ? old_ : now_;
    Buckets& large = old_.size() < now_.size() ? now_ : old_;
    const uint64_t split_bits = (small.size() - 1) ^ (large.size() - 1);
    visit_bucket(small, cursor, visit);
    do {
      visit_bucket(large, cursor, visit);
      cursor = next_in_reverse(cursor, large.size() - 1);
    } while (cursor & split_bits);
  } else {
    visit_bucket(now_, cursor, visit);
    cursor = next_in_reverse(cursor, now_.size() - 1);
  }
  visiting_ = false;
  return cursor;
}

KeyEntry* KeyTable::random_entry(Random& random) {
  if (size_ == 0) return nullptr;
  // At least one bucket in a few dozen is used, so the first loop ends soon.
  KeyEntry* head = nullptr;
  while (!head) {
    const size_t at = moved_ + random.below(bucket_count() - moved_);
    head = at < old_.size() ? old_[at] : now_[at - old_.size()];
  }
  size_t length = 0;
  for (const KeyEntry* entry = head; entry; entry = entry->next) ++length;
  for (size_t steps = random.below(length); steps > 0; --steps) head = head->next;
  return head;
}

}  // namespace millrace::keyspace
