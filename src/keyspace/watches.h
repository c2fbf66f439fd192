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
  // REQUIRES: the watcher does not watch this key yet.
  void add(const KeyPlace& place, Ref<Watcher> watcher, bool was_expired, WatchCounts& counts);
  // Nothing happens if it is not there (any more).
  void remove(const KeyPlace& place, const Watcher& watcher, WatchCounts& counts);
  // What becomes of a key: of its two states, whether it exists, and whether the time of the new one has come.
  struct Change {
    bool was_there = true;
    bool is_there = true;
    bool is_expired = false;
  };
  void touch(KeyPlaceView place, Change change, WatchCounts& counts);
  // The same for all watched keys of one database, of which `change_of` tells what becomes of each.
  template <typename ChangeOf>
  void touch_all(int database, const ChangeOf& change_of, WatchCounts& counts);
  // The watcher waits for changes of this key, whose time had not come when it was watched.
  bool was_live(KeyPlaceView place, const Watcher& watcher) const;

 private:
  struct Watch {
    Ref<Watcher> watcher;
    bool was_expired = false;
  };
  using Watches = std::map<KeyPlace, std::vector<Watch>, KeyPlaceOrder>;

  Watches::iterator touch_at(Watches::iterator at, Change change, WatchCounts& counts);
  Watches::iterator erase_if_empty(Watches::iterator at, WatchCounts& counts);

  Watches watches_;
};

template <typename ChangeOf>
void WatchTable::touch_all(int database, const ChangeOf& change_of, WatchCounts& counts) {
  for (auto at = watches_.lower_bound(KeyPlaceView{database, {}});
       at != watches_.end() && at->first.database == database;) {
    at = touch_at(at, change_of(at->first.key), counts);
  }
}

}  // namespace millrace::keyspace
