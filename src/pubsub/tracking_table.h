// TrackingTable: which clients hold copies of which keys.
//
//   hash of the key -> one of 64 shards { lock, key -> ids of clients, ascending }
//
// A key stays until it is invalidated; a client that has gone stays with it, and is passed over by whoever reads the
// list. Lists that grow are cleared of such clients, so they stay in proportion to the clients there are.
//
// What invalidate() and its like call back runs under the shard's lock, so messages about one key are queued in the
// order in which the table changed. It must not call the table. Any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "base/mutex.h"
#include "base/random.h"

namespace millrace::pubsub {

class TrackingTable {
 public:
  using ClientId = uint64_t;
  using Visit = std::function<void(std::string_view key, std::span<const ClientId> clients)>;
  using IsGone = std::function<bool(ClientId client)>;

  explicit TrackingTable(uint64_t hash_seed);
  TrackingTable(const TrackingTable&) = delete;
  TrackingTable& operator=(const TrackingTable&) = delete;

  // Asks `is_gone` about the clients of the key now and then.
  void remember(std::string_view key, ClientId client, const IsGone& is_gone);
  // Shows the clients that hold the key, if there are any, and forgets them.
  void invalidate(std::string_view key, const Visit& visit);
  // The same for any one key; false if there is none.
  bool evict(Random& random, const Visit& visit);
  void clear();

  size_t key_count() const { return keys_.load(std::memory_order_relaxed); }
  // Pairs of key and client.
  size_t item_count() const { return items_.load(std::memory_order_relaxed); }

 private:
  using ClientIds = std::vector<ClientId>;

  struct Hash {
    using is_transparent = void;
    uint64_t seed;
    size_t operator()(std::string_view key) const { return hash_bytes(key, seed); }
  };
  using Keys = std::unordered_map<std::string, ClientIds, Hash, std::equal_to<>>;

  struct alignas(64) Shard {
    explicit Shard(const Hash& hash) : keys(0, hash) {}
    Mutex mutex;
    Keys keys GUARDED_BY(mutex);
  };
  static constexpr size_t kShards = 64;

  Shard& shard_of(std::string_view key) { return *shards_[hash_(key) >> 58]; }
  void take(Shard& shard, Keys::iterator place, const Visit& visit) REQUIRES(shard.mutex);
  size_t drop_gone(ClientIds& clients, const IsGone& is_gone);

  const Hash hash_;
  std::atomic<size_t> keys_{0};
  std::atomic<size_t> items_{0};
  std::array<std::unique_ptr<Shard>, kShards> shards_;
};

}  // namespace millrace::pubsub
