// ChannelTable: the audience of each channel, in shards with a lock each.
//
//   the upper six bits of the name's hash -> shard { lock, name -> audience }
//
// A channel is there while it has an audience. Shards stand on cache lines of their own, so that publishers to
// different channels seldom meet. Any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "pubsub/audience.h"
#include "pubsub/names.h"
#include "pubsub/pattern_table.h"
#include "pubsub/subscriptions.h"

namespace millrace::pubsub {

// What one publish() at a time remembers between counting and delivering. It stays with the shard, so that it grows a
// few times in the life of the server and a message does not allocate.
struct PublishScratch {
  std::vector<const PatternTable::Pattern*> matching;
  std::vector<size_t> left_out;
};

class ChannelTable {
 public:
  using Audiences = std::unordered_map<OwnedName, Audience, NameHash, NameEqual>;

  struct alignas(64) Shard {
    // Null if nobody listens.
    const Audience* find(const Name& name) const REQUIRES(mutex) {
      const auto entry = audiences.find(name);
      return entry == audiences.end() ? nullptr : &entry->second;
    }

    mutable Mutex mutex;
    Audiences audiences GUARDED_BY(mutex);
    PublishScratch scratch GUARDED_BY(mutex);
  };

  ChannelTable(Kind kind, uint64_t hash_seed) : kind_(kind), hash_seed_(hash_seed) {}
  ChannelTable(const ChannelTable&) = delete;
  ChannelTable& operator=(const ChannelTable&) = delete;

  Name hashed(std::string_view text) const { return Name::hashed(text, hash_seed_); }
  Shard& shard_of(const Name& name) { return shards_[name.hash >> 58]; }
  const Shard& shard_of(const Name& name) const { return shards_[name.hash >> 58]; }

  // Channels with an audience. A plain load: what another thread is just about to change may be missing.
  size_t size() const { return size_.load(std::memory_order_relaxed); }

  void join(Subscriptions& subscriptions, const Name& name, const std::function<void()>& acknowledge);
  // REQUIRES: the client listens to it.
  void leave(Subscriptions& subscriptions, const Name& name);

  // Shard by shard: what changes meanwhile may be in it or not.
  std::vector<std::string> names(std::optional<std::string_view> pattern) const;
  void for_each_listener(const VisitListener& visit) const;
  size_t audience_size(std::string_view channel) const;

 private:
  static constexpr size_t kShards = 64;

  const Kind kind_;
  const uint64_t hash_seed_;
  std::atomic<size_t> size_{0};
  std::array<Shard, kShards> shards_;
};

}  // namespace millrace::pubsub
