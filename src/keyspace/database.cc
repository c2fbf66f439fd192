// See database.h.
#include "keyspace/database.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace millrace::keyspace {

namespace {

// The partition is held.
void signal_waiters(Partition& partition, int database, std::string_view key, KeyEvents& events) {
  partition.mutex.assert_held();
  if (!partition.waiters().find(database, key)) return;
  const auto is_this_key = [&](const KeyPlace& place) { return place.database == database && place.key == key; };
  if (std::any_of(events.ready.begin(), events.ready.end(), is_this_key)) return;
  events.ready.push_back({database, std::string(key)});
}

void drop(Keyspace& keyspace, Partition& partition, int database, KeyEntry& entry, KeyEvents& events) {
  partition.mutex.assert_held();
  signal_waiters(partition, database, entry.key, events);
  events.note_modified(entry.key);
  if (!partition.watches().empty()) {
    partition.watches().touch({database, entry.key}, {.is_there = false}, keyspace.watch_counts());
  }
  partition.erase(database, entry);
}

void expire(Keyspace& keyspace, Partition& partition, int database, KeyEntry& entry, KeyEvents& events) {
  partition.mutex.assert_held();
  events.note_event(kEventExpired, "expired", database, entry.key);
  if (events.effects != nullptr) events.effects->add_expired(database, entry.key);
  ++events.expired;
  drop(keyspace, partition, database, entry, events);
}

}  // namespace

Partition& Database::partition_of(uint64_t hash) {
  return keyspace_.partition(keyspace_.partition_of_hash(hash));
}

KeyEntry* Database::find_live(std::string_view key) {
  const uint64_t hash = hash_of(key);
  Partition& partition = partition_of(hash);
  partition.mutex.assert_held();
  KeyTable* table = partition.existing_table(index_);
  KeyEntry* entry = table ? table->find(hash, key) : nullptr;
  if (!entry || !is_expired(*entry)) return entry;
  expire(keyspace_, partition, index_, *entry, events_);
  return nullptr;
}

void Database::touch_watchers(std::string_view key) {
  const uint64_t hash = hash_of(key);
  Partition& partition = partition_of(hash);
  partition.mutex.assert_held();
  if (!partition.watches().empty()) partition.watches().touch({index_, key}, {}, keyspace_.watch_counts());
}

void Database::watch(std::string_view key, Ref<Watcher> watcher) {
  const uint64_t hash = hash_of(key);
  Partition& partition = partition_of(hash);
  partition.mutex.assert_held();
  KeyTable* table = partition.existing_table(index_);
  const KeyEntry* entry = table ? table->find(hash, key) : nullptr;
  const bool was_expired = entry && is_expired(*entry);
  partition.watches().add({index_, std::string(key)}, std::move(watcher), was_expired, keyspace_.watch_counts());
}

bool Database::has_expired_for(std::string_view key, const Watcher& watcher) {
  const uint64_t hash = hash_of(key);
  Partition& partition = partition_of(hash);
  partition.mutex.assert_held();
  KeyTable* table = partition.existing_table(index_);
  const KeyEntry* entry = table ? table->find(hash, key) : nullptr;
  return entry && is_expired(*entry) && partition.watches().was_live({index_, key}, watcher);
}

const KeyEntry* Database::find_to_read(std::string_view key, bool touch) {
  KeyEntry* entry = find_live(key);
  if (!entry) {
    note_miss(key);
    return nullptr;
  }
  ++events_.hits;
  if (touch) entry->accessed_ms = now_.unix_ms;
  return entry;
}

KeyEntry* Database::find_to_write(std::string_view key) {
  KeyEntry* entry = find_live(key);
  if (!entry) return nullptr;
  entry->accessed_ms = now_.unix_ms;
  return &will_change(*entry);
}

const KeyEntry* Database::find_to_inspect(std::string_view key) {
  const KeyEntry* entry = find_live(key);
  ++(entry ? events_.hits : events_.misses);
  return entry;
}

KeyEntry& Database::will_change(const KeyEntry& entry) {
  Partition& partition = partition_of(entry.hash);
  partition.mutex.assert_held();
  auto& changed = const_cast<KeyEntry&>(entry);
  partition.will_change(index_, changed);
  return changed;
}

void Database::note_miss(std::string_view key) {
  ++events_.misses;
  notify(kEventMiss, "keymiss", key);
}

KeyEntry& Database::create(std::string_view key, Value value) {
  const uint64_t hash = hash_of(key);
  Partition& partition = partition_of(hash);
  partition.mutex.assert_held();
  DCHECK(!partition.table(index_).find(hash, key));
  KeyEntry& entry = partition.insert(index_, hash, key, std::move(value));
  entry.accessed_ms = now_.unix_ms;
  notify(kEventNew, "new", key);
  signal_modified(key);
  return entry;
}

bool Database::remove(std::string_view key) {
  KeyEntry* entry = find_live(key);
  if (!entry) return false;
  Partition& partition = partition_of(entry->hash);
  partition.mutex.assert_held();
  drop(keyspace_, partition, index_, *entry, events_);
  return true;
}

size_t Database::clear() {
  size_t removed = 0;
  events_.was_flushed = true;
  for (PartitionIndex i = 0; i < keyspace_.partition_count(); ++i) {
    Partition& partition = keyspace_.partition(i);
    partition.mutex.assert_held();
    KeyTable* table = partition.existing_table(index_);
    if (!table || table->size() == 0) continue;
    for (const auto& [place, queue] : partition.waiters().queues()) {
      if (place.database == index_ && table->find(keyspace_.hash_of(place.key), place.key))
        events_.ready.push_back(place);
    }
    const auto removed_at = [&](std::string_view key) {
      return WatchTable::Change{.was_there = table->find(keyspace_.hash_of(key), key) != nullptr, .is_there = false};
    };
    partition.watches().touch_all(index_, removed_at, keyspace_.watch_counts());
    removed += partition.clear(index_);
  }
  return removed;
}

// What is watched in `database` is about to be what it is in `other`.
void Database::touch_swapped(Partition& partition, int database, int other) {
  partition.mutex.assert_held();
  const auto find = [&](int index, std::string_view key) {
    partition.mutex.assert_held();
    KeyTable* table = partition.existing_table(index);
    return table ? table->find(keyspace_.hash_of(key), key) : nullptr;
  };
  const auto change_of = [&](std::string_view key) {
    const KeyEntry* coming = find(other, key);
    return WatchTable::Change{.was_there = find(database, key) != nullptr,
                              .is_there = coming != nullptr,
                              .is_expired = coming != nullptr && is_expired(*coming)};
  };
  partition.watches().touch_all(database, change_of, keyspace_.watch_counts());
}

void Database::swap(int other) {
  if (other == index_) return;
  for (PartitionIndex i = 0; i < keyspace_.partition_count(); ++i) {
    Partition& partition = keyspace_.partition(i);
    partition.mutex.assert_held();
    KeyTable* const tables[] = {partition.existing_table(index_), partition.existing_table(other)};
    for (const auto& [place, queue] : partition.waiters().queues()) {
      if (place.database != index_ && place.database != other) continue;
      const uint64_t hash = keyspace_.hash_of(place.key);
      const auto has_key = [&](KeyTable* table) { return table != nullptr && table->find(hash, place.key); };
      if (std::ranges::any_of(tables, has_key)) events_.ready.push_back(place);
    }
    touch_swapped(partition, index_, other);
    touch_swapped(partition, other, index_);
    partition.swap(index_, other);
  }
}

void Database::set_expiry(KeyEntry& entry, int64_t at_ms) {
  Partition& partition = partition_of(entry.hash);
  partition.mutex.assert_held();
  partition.set_expiry(index_, entry, at_ms);
}

void Database::signal_ready(std::string_view key) {
  signal_waiters(partition_of(hash_of(key)), index_, key, events_);
}

void Database::track_idempotency(std::string_view key) {
  Partition& partition = partition_of(hash_of(key));
  partition.mutex.assert_held();
  partition.track_idempotency(index_, key, now_.unix_ms);
}

const KeyEntry* Database::random_entry(Random& random) {
  for (size_t left = size(); left > 0; left = size()) {
    size_t chosen = random.below(left);
    PartitionIndex i = 0;
    KeyTable* table = nullptr;
    for (;; ++i) {
      Partition& partition = keyspace_.partition(i);
      partition.mutex.assert_held();
      table = partition.existing_table(index_);
      const size_t here = table ? table->size() : 0;
      if (chosen < here) break;
      chosen -= here;
    }
    KeyEntry* entry = table->random_entry(random);
    if (!is_expired(*entry)) return entry;
    expire(keyspace_, keyspace_.partition(i), index_, *entry, events_);
  }
  return nullptr;
}

void Database::for_each(const std::function<void(const KeyEntry&)>& visit) {
  const auto visit_live = [&](const KeyEntry& entry) {
    if (!is_expired(entry)) visit(entry);
  };
  for (PartitionIndex i = 0; i < keyspace_.partition_count(); ++i) {
    Partition& partition = keyspace_.partition(i);
    partition.mutex.assert_held();
    KeyTable* table = partition.existing_table(index_);
    if (!table) continue;
    uint64_t cursor = 0;
    do cursor = table->scan(cursor, visit_live);
    while (cursor != 0);
  }
}

size_t Database::size() {
  size_t total = 0;
  for (PartitionIndex i = 0; i < keyspace_.partition_count(); ++i) {
    Partition& partition = keyspace_.partition(i);
    partition.mutex.assert_held();
    if (const KeyTable* table = partition.existing_table(index_)) total += table->size();
  }
  return total;
}

size_t Database::expiring_size() {
  size_t total = 0;
  for (PartitionIndex i = 0; i < keyspace_.partition_count(); ++i) {
    Partition& partition = keyspace_.partition(i);
    partition.mutex.assert_held();
    total += partition.expiring_size(index_);
  }
  return total;
}

size_t expire_due(Keyspace& keyspace, PartitionIndex index, Instant now, size_t limit, KeyEvents& events) {
  Partition& partition = keyspace.partition(index);
  partition.mutex.assert_held();
  size_t removed = 0;
  while (removed < limit) {
    const ExpiryIndex::Item first = partition.next_to_expire();
    if (first.entry == nullptr || first.at_ms >= now.unix_ms) break;
    expire(keyspace, partition, first.database, *first.entry, events);
    ++removed;
  }
  partition.age_idempotency(now.unix_ms, limit, keyspace.hash_seed());
  return removed;
}

}  // namespace millrace::keyspace
