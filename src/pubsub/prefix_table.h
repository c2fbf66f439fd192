// PrefixTable: which clients want to hear of every change to keys that begin in a certain way (broadcast tracking).
//
// A client may name several prefixes; it is told of each by a message of its own. Prefixes and clients are walked in
// order of their bytes and ids. Deliveries happen under the lock: a client that has been removed gets nothing more.
// Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "pubsub/subscriptions.h"

namespace millrace::pubsub {

class PrefixTable {
 public:
  using ClientId = uint64_t;
  using Clients = std::map<ClientId, Subscriber*>;

  PrefixTable() = default;
  PrefixTable(const PrefixTable&) = delete;
  PrefixTable& operator=(const PrefixTable&) = delete;

  void add(std::string_view prefix, ClientId id, Subscriber& client) EXCLUDES(mutex_);
  void remove(std::string_view prefix, ClientId id) EXCLUDES(mutex_);
  // Each prefix that some key has, once, with the clients that named it, under the lock: the visitor must not call the
  // table. A key costs a look-up for each of its prefixes and one more; if others share beginnings with it, as many
  // again as beginnings, but never more than it has bytes. How many prefixes there are besides does not matter.
  void for_each_of(std::span<const std::string_view> keys,
                   const std::function<void(std::string_view prefix, const Clients& clients)>& visit) EXCLUDES(mutex_);

  // Distinct prefixes; readable without the lock.
  size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  using Prefixes = std::map<std::string, Clients, std::less<>>;
  using Found = std::map<std::string_view, const Clients*>;

  void find(std::string_view key, Found& found) const REQUIRES(mutex_);

  Mutex mutex_;
  Prefixes prefixes_ GUARDED_BY(mutex_);
  std::atomic<size_t> size_{0};
};

}  // namespace millrace::pubsub
