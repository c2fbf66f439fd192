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
  // Each prefix with the clients that named it, under the lock: the visitor must not call the table.
  void for_each(const std::function<void(std::string_view prefix, const Clients& clients)>& visit) EXCLUDES(mutex_);

  // Distinct prefixes; readable without the lock.
  size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  Mutex mutex_;
  std::map<std::string, Clients, std::less<>> prefixes_ GUARDED_BY(mutex_);
  std::atomic<size_t> size_{0};
};

}  // namespace millrace::pubsub
