// See tracking_table.h.
#include "pubsub/tracking_table.h"

#include <algorithm>
#include <bit>

namespace millrace::pubsub {
namespace {

// A list of at least this length is cleared of clients that have gone whenever its length reaches a power of two.
constexpr size_t kSweptLengthMin = 32;

}  // namespace

TrackingTable::TrackingTable(uint64_t hash_seed) : hash_{hash_seed} {
  for (std::unique_ptr<Shard>& shard : shards_) shard = std::make_unique<Shard>(hash_);
}

void TrackingTable::remember(std::string_view key, ClientId client, const IsGone& is_gone) {
  Shard& shard = shard_of(key);
  MutexLock lock(shard.mutex);
  auto place = shard.keys.find(key);
  if (place == shard.keys.end()) {
    place = shard.keys.emplace(std::string(key), ClientIds()).first;
    keys_.fetch_add(1, std::memory_order_relaxed);
  }
  ClientIds& clients = place->second;
  auto at = std::lower_bound(clients.begin(), clients.end(), client);
  if (at != clients.end() && *at == client) return;
  if (clients.size() >= kSweptLengthMin && std::has_single_bit(clients.size())) {
    items_.fetch_sub(drop_gone(clients, is_gone), std::memory_order_relaxed);
    at = std::lower_bound(clients.begin(), clients.end(), client);
  }
  clients.insert(at, client);
  items_.fetch_add(1, std::memory_order_relaxed);
}

// Returns how many were dropped.
size_t TrackingTable::drop_gone(ClientIds& clients, const IsGone& is_gone) {
  return std::erase_if(clients, is_gone);
}

void TrackingTable::invalidate(std::string_view key, const Visit& visit) {
  if (key_count() == 0) return;
  Shard& shard = shard_of(key);
  MutexLock lock(shard.mutex);
  const auto place = shard.keys.find(key);
  if (place != shard.keys.end()) take(shard, place, visit);
}

void TrackingTable::take(Shard& shard, Keys::iterator place, const Visit& visit) {
  visit(place->first, place->second);
  items_.fetch_sub(place->second.size(), std::memory_order_relaxed);
  keys_.fetch_sub(1, std::memory_order_relaxed);
  shard.keys.erase(place);
}

// A key of a random shard, or of the next one that has any.
bool TrackingTable::evict(Random& random, const Visit& visit) {
  const size_t first = random.below(kShards);
  for (size_t i = 0; i < kShards; ++i) {
    Shard& shard = *shards_[(first + i) % kShards];
    MutexLock lock(shard.mutex);
    if (shard.keys.empty()) continue;
    size_t bucket = random.below(shard.keys.bucket_count());
    while (shard.keys.bucket_size(bucket) == 0) bucket = (bucket + 1) % shard.keys.bucket_count();
    take(shard, shard.keys.find(shard.keys.begin(bucket)->first), visit);
    return true;
  }
  return false;
}

void TrackingTable::clear() {
  for (const std::unique_ptr<Shard>& shard : shards_) {
    Keys dropped(0, hash_);  // freed when the lock is released
    MutexLock lock(shard->mutex);
    dropped.swap(shard->keys);
    keys_.fetch_sub(dropped.size(), std::memory_order_relaxed);
    for (const auto& [key, clients] : dropped) items_.fetch_sub(clients.size(), std::memory_order_relaxed);
  }
}

}  // namespace millrace::pubsub
