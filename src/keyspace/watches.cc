// See watches.h.
#include "keyspace/watches.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace millrace::keyspace {

void WatchTable::add(const KeyPlace& place, Ref<Watcher> watcher, bool was_expired, WatchCounts& counts) {
  const auto [at, is_new] = watches_.try_emplace(place);
  if (is_new) counts.keys.fetch_add(1, std::memory_order_relaxed);
  at->second.push_back({std::move(watcher), was_expired});
}

void WatchTable::remove(const KeyPlace& place, const Watcher& watcher, WatchCounts& counts) {
  const auto at = watches_.find(place);
  if (at == watches_.end()) return;
  std::erase_if(at->second, [&watcher](const Watch& watch) { return watch.watcher.get() == &watcher; });
  erase_if_empty(at, counts);
}

void WatchTable::touch(KeyPlaceView place, Change change, WatchCounts& counts) {
  const auto at = watches_.find(place);
  if (at != watches_.end()) touch_at(at, change, counts);
}

bool WatchTable::was_live(KeyPlaceView place, const Watcher& watcher) const {
  const auto at = watches_.find(place);
  if (at == watches_.end()) return false;
  return std::any_of(at->second.begin(), at->second.end(),
                     [&watcher](const Watch& watch) { return watch.watcher.get() == &watcher && !watch.was_expired; });
}

// From absent, or as good as that, to absent is no change.
WatchTable::Watches::iterator WatchTable::touch_at(Watches::iterator at, Change change, WatchCounts& counts) {
  if (!change.was_there && !change.is_there) return std::next(at);
  const bool stays_absent = !change.is_there || change.is_expired;
  const auto is_touched = [&](Watch& watch) {
    if (stays_absent && (watch.was_expired || !change.was_there)) {
      watch.was_expired = change.is_there;
      return false;
    }
    if (watch.watcher->touch()) counts.watchers.fetch_sub(1, std::memory_order_relaxed);
    return true;
  };
  std::erase_if(at->second, is_touched);
  return erase_if_empty(at, counts);
}

WatchTable::Watches::iterator WatchTable::erase_if_empty(Watches::iterator at, WatchCounts& counts) {
  if (!at->second.empty()) return std::next(at);
  counts.keys.fetch_sub(1, std::memory_order_relaxed);
  return watches_.erase(at);
}

}  // namespace millrace::keyspace
