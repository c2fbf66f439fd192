// See prefix_table.h.
#include "pubsub/prefix_table.h"

#include <algorithm>
#include <iterator>

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

void PrefixTable::for_each_of(std::span<const std::string_view> keys,
                              const std::function<void(std::string_view prefix, const Clients& clients)>& visit) {
  MutexLock lock(mutex_);
  Found found;
  for (const std::string_view key : keys) find(key, found);
  for (const auto& [prefix, clients] : found) visit(prefix, *clients);
}

// The last prefix that does not stand behind `rest` in the order of their bytes is a beginning of it, or shows how long
// one can be at most: as long as what the two have in common.
//
//   prefixes  user:1  user:17:  user:17:w
//   rest      user:17:x            no, but user:17: is common
//             user:17:     yes
//             user:17  yes
void PrefixTable::find(std::string_view key, Found& found) const {
  for (std::string_view rest = key;;) {
    const auto above = prefixes_.upper_bound(rest);
    if (above == prefixes_.begin()) return;
    const auto& [prefix, clients] = *std::prev(above);
    if (!rest.starts_with(prefix)) {
      rest = rest.substr(0, static_cast<size_t>(std::ranges::mismatch(rest, prefix).in1 - rest.begin()));
      continue;
    }
    const bool is_new = found.emplace(prefix, &clients).second;
    if (!is_new || prefix.empty()) return;  // with a prefix that was found its beginnings were
    rest = rest.substr(0, prefix.size() - 1);
  }
}

}  // namespace millrace::pubsub
