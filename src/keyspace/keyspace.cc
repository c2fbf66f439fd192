// See keyspace.h.
#include "keyspace/keyspace.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace millrace::keyspace {

int Partition::database_of(int slot) const {
  const auto found = std::ranges::find(slots_, slot);
  return found == slots_.end() ? slot : static_cast<int>(found - slots_.begin());
}

KeyTable* Partition::table_in(int slot) {
  const auto at = static_cast<size_t>(slot);
  return at < tables_.size() ? tables_[at].get() : nullptr;
}

KeyTable& Partition::table(int database) {
  const auto at = static_cast<size_t>(slot_of(database));
  if (tables_.size() <= at) tables_.resize(at + 1);
  if (!tables_[at]) tables_[at] = std::make_unique<KeyTable>();
  return *tables_[at];
}

KeyTable* Partition::existing_table(int database) {
  return table_in(slot_of(database));
}

KeyEntry& Partition::insert(int database, uint64_t hash, std::string_view key, Value value) {
  KeyEntry& entry = table(database).insert(hash, key, std::move(value));
  entry.cut = cut_.number();
  return entry;
}

void Partition::erase(int database, KeyEntry& entry) {
  const int slot = slot_of(database);
  if (entry.expire_at_ms != kNoExpiry) {
    expiry_.remove(slot, entry);
    update_next_expiry();
  }
  if (cut_.is_uncut(entry)) cut_.preserve_leaving(slot, entry);
  table(database).erase(entry);
}

size_t Partition::clear(int database) {
  KeyTable* table = existing_table(database);
  if (!table) return 0;
  const size_t count = table->size();
  const int slot = slot_of(database);
  expiry_.clear(slot);
  if (cut_.is_going()) preserve_all(slot, *table);
  table->clear();
  update_next_expiry();
  return count;
}

void Partition::preserve_all(int slot, KeyTable& table) {
  uint64_t cursor = 0;
  do {
    cursor = table.scan(cursor, [&](KeyEntry& entry) {
      if (cut_.is_uncut(entry)) cut_.preserve_leaving(slot, entry);
    });
  } while (cursor != 0);
}

void Partition::set_expiry(int database, KeyEntry& entry, int64_t at_ms) {
  if (entry.expire_at_ms == at_ms) return;
  will_change(database, entry);
  const int slot = slot_of(database);
  if (entry.expire_at_ms != kNoExpiry) expiry_.remove(slot, entry);
  entry.expire_at_ms = at_ms;
  if (at_ms != kNoExpiry) expiry_.add(slot, entry);
  update_next_expiry();
}

ExpiryIndex::Item Partition::next_to_expire() const {
  const ExpiryIndex::Item* first = expiry_.first();
  if (first == nullptr) return {};
  return {.at_ms = first->at_ms, .database = database_of(first->database), .entry = first->entry};
}

void Partition::swap(int a, int b) {
  while (slots_.size() <= static_cast<size_t>(std::max(a, b))) slots_.push_back(static_cast<int>(slots_.size()));
  std::swap(slots_[static_cast<size_t>(a)], slots_[static_cast<size_t>(b)]);
}

void Partition::begin_cut(int64_t moment_ms) {
  std::vector<int> databases;
  for (size_t slot = 0; slot < slots_.size(); ++slot) databases.push_back(database_of(static_cast<int>(slot)));
  cut_.begin(moment_ms, std::move(databases));
}

void Partition::track_idempotency(int database, std::string_view key, int64_t now_ms) {
  const int slot = slot_of(database);
  if (idempotent_.find(KeyPlaceView{slot, key}) != idempotent_.end()) return;
  if (idempotent_.empty()) idempotent_look_ms_ = now_ms + kIdempotencyPeriodMs;
  idempotent_.insert({slot, std::string(key)});
  update_next_expiry();
}

void Partition::age_idempotency(int64_t now_ms, size_t limit, uint64_t hash_seed) {
  if (idempotent_look_ms_ > now_ms) return;
  auto place = idempotent_.upper_bound(idempotent_done_);
  for (; place != idempotent_.end() && limit > 0; --limit) {
    idempotent_done_ = *place;
    place = age_idempotency_at(*place, now_ms, hash_seed) ? std::next(place) : idempotent_.erase(place);
  }
  if (place == idempotent_.end()) {
    idempotent_done_ = {-1, {}};
    idempotent_look_ms_ = idempotent_.empty() ? kNever : now_ms + kIdempotencyPeriodMs;
  }
  update_next_expiry();
}

// False if there is nothing left at this place that could grow old.
bool Partition::age_idempotency_at(const KeyPlace& place, int64_t now_ms, uint64_t hash_seed) {
  KeyTable* table = table_in(place.database);
  KeyEntry* entry = table ? table->find(hash_bytes(place.key, hash_seed), place.key) : nullptr;
  streams::Stream* stream = entry ? entry->value.stream() : nullptr;
  if (!stream) return false;
  if (stream->idempotency.has_expired(now_ms)) {
    will_change(database_of(place.database), *entry);
    stream->idempotency.expire(now_ms);
  }
  return !stream->idempotency.empty();
}

void Partition::update_next_expiry() {
  int64_t next_ms = idempotent_look_ms_;
  if (const ExpiryIndex::Item* first = expiry_.first()) {
    // A key lives through the whole millisecond of its time.
    next_ms = std::min(next_ms, first->at_ms == kNever ? kNever : first->at_ms + 1);
  }
  if (next_expiry_ms.load(std::memory_order_relaxed) != next_ms) {
    next_expiry_ms.store(next_ms, std::memory_order_relaxed);
  }
}

Keyspace::Keyspace(const KeyspaceOptions& options)
    : options_(options),
      partition_bits_(std::countr_zero(options.partitions)),
      partitions_(std::make_unique<Partition[]>(options.partitions)) {
  CHECK(std::has_single_bit(options.partitions));
  CHECK(options.databases > 0);
}

Keyspace::~Keyspace() = default;

}  // namespace millrace::keyspace
