// Watches: who wants to know whether keys have changed since it began to watch them (WATCH).
//
// A Watcher is one client's question about all its keys. It stands under each of them, possibly in several partitions;
// whoever changes one of them marks it, from any core, with that key's partition held, and takes it away there. The
// owner reads the mark with the partitions of its keys held, or as a hint without. Once it is marked it stays so until
// its owner has taken it out of all tables.
//
// A key whose time had come before it was watched counts as absent: that it is removed later changes nothing.
//
// A WatchTable belongs to one partition and is guarded by its lock.
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "base/ref.h"
#include "keyspace/waiters.h"

namespace millrace::keyspace {

class Watcher : public RefCounted<Watcher> {
 public:
  bool is_touched() const { return touched_.load(std::memory_order_relaxed); }
  // True if it was not before.
  bool touch() { return !touched_.exchange(true, std::memory_order_relaxed); }
  // REQUIRES: it stands in no table.
  void reset() { touched_.store(false, std::memory_order_relaxed); }

 private:
  std::atomic<bool> touched_{false};
};

// Of all partitions. On a cache line of its own: who changes keys looks whether anybody watches any.
struct alignas(64) WatchCounts {
  std::atomic<size_t> keys{0};      // that somebody watches
  std::atomic<size_t> watchers{0};  // that watch something and have not been touched
};

class WatchTable {
 public:
  bool empty() const { return watches_.empty(); }
  bool is_watched(KeyPlaceView place) const { return watches_.find(place) != watches_.end(); }
  // REQUIRES: the watcher does not watch this key yet.
  void add(const KeyPlace& place, Ref<Watcher> watcher, bool was_expired, WatchCounts& counts);
  // Nothing happens if it is not there (any more).
  void remove(const KeyPlace& place, const Watcher& watcher, WatchCounts& counts);
  // The key was changed; or, unless `is_there`, removed.
  void touch(KeyPlaceView place, bool is_there, WatchCounts& counts);
  // The same for the keys of one database that change all at once: `look(key)` says whether the key will be there
  // (std::optional<bool>), and nothing of those that stay as they are.
  template <typename Look>
  void touch_all(int database, const Look& look, WatchCounts& counts);
  // The watcher waits for changes of this key, whose time had not come when it was watched.
  bool was_live(KeyPlaceView place, const Watcher& watcher) const;

 private:
  struct Watch {
    Ref<Watcher> watcher;
    bool was_expired = false;
  };
  using Watches = std::map<KeyPlace, std::vector<Watch>, KeyPlaceOrder>;

  Watches::iterator touch_at(Watches::iterator at, bool is_there, WatchCounts& counts);
  Watches::iterator erase_if_empty(Watches::iterator at, WatchCounts& counts);

  Watches watches_;
};

template <typename Look>
void WatchTable::touch_all(int database, const Look& look, WatchCounts& counts) {
  for (auto at = watches_.lower_bound(KeyPlaceView{database, {}});
       at != watches_.end() && at->first.database == database;) {
    const std::optional<bool> is_there = look(at->first.key);
    at = is_there ? touch_at(at, *is_there, counts) : std::next(at);
  }
}

}  // namespace millrace::keyspace
