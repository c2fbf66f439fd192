// See prefix_table.h.
#include "pubsub/prefix_table.h"

namespace millrace::pubsub {

void PrefixTable::add(std::string_view prefix, ClientId id, Subscriber& client) {
  MutexLock lock(mutex_);
  prefixes_[std::string(prefix)][id] = &client;
  size_.store(prefixes_.size(), std::memory_order_relaxed);
}

void PrefixTable::remove(std::string_view prefix, ClientId id) {
  MutexLock lock(mutex_);
  const auto place = prefixes_.find(prefix);
  if (place == prefixes_.end()) return;
  place->second.erase(id);
  if (place->second.empty()) prefixes_.erase(place);
  size_.store(prefixes_.size(), std::memory_order_relaxed);
}

void PrefixTable::for_each(const std::function<void(std::string_view prefix, const Clients& clients)>& visit) {
  MutexLock lock(mutex_);
  for (const auto& [prefix, clients] : prefixes_) visit(prefix, clients);
}

}  // namespace millrace::pubsub
