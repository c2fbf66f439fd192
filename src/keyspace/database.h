// Database: one database as one command sees it - the only way handlers reach keys.
//
// A view, made per command: keyspace + database number + the command's time. The partitions of all keys it is asked for
// must be held. It hides lazy expiry (an expired key is removed and treated as absent), keeps the expiry index in step,
// and records in KeyEvents what others will want to know of once the command is done: which keys blocked clients should
// look at again, which cached copies are stale, and which notifications are due. Keys that come, go, expire or are
// missed it notes by itself.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "keyspace/key_events.h"
#include "keyspace/keyspace.h"

namespace millrace::keyspace {

class Database {
 public:
  // `hashed`: a key of which the hash is known already. Its bytes stay as they are for as long as the view exists.
  Database(Keyspace& keyspace, int index, Instant now, KeyEvents& events, HashedKey hashed = {})
      : keyspace_(keyspace), events_(events), now_(now), index_(index), hashed_(hashed) {}

  int index() const { return index_; }
  Instant now() const { return now_; }
  Keyspace& keyspace() { return keyspace_; }
  // The same moment and the same events in another database (MOVE, COPY).
  Database with_index(int index) const { return Database(keyspace_, index, now_, events_, hashed_); }

  // The live entry, or nullptr. Reading counts a hit or a miss, and refreshes the access time unless `touch` is false
  // (TYPE, TTL, EXISTS, CLIENT NO-TOUCH). Writing counts neither and always refreshes it.
  const KeyEntry* find_to_read(std::string_view key, bool touch = true);
  KeyEntry* find_to_write(std::string_view key);
  // Looking at a key from outside (OBJECT, MEMORY USAGE, DEBUG OBJECT) counts, but refreshes nothing, and nobody is
  // told of a miss.
  const KeyEntry* find_to_inspect(std::string_view key);
  // The entry for who has looked it up to read and is now about to change it (XACK, XREADGROUP). This and
  // find_to_write() are the ways to change what is there, so that a cut knows (cut.h).
  KeyEntry& will_change(const KeyEntry& entry);
  // A key that a command looked for to read is not there. find_to_read() says so itself.
  void note_miss(std::string_view key);

  // REQUIRES: the key is absent.
  KeyEntry& create(std::string_view key, Value value);
  // Takes the key away and wakes its waiters; false if it was absent (or expired). The event is the caller's to name.
  bool remove(std::string_view key);
  // Removes every key of this database; all partitions held. Returns how many.
  size_t clear();
  // This database has the other's keys from now on, and the other one has these; all partitions held. Who waits for a
  // key that was there or is there now looks again.
  void swap(int other);
  // at_ms = kNoExpiry clears it. A time in the past is stored; the caller decides about deleting at once.
  void set_expiry(KeyEntry& entry, int64_t at_ms);

  // WATCH: the watcher is touched as soon as the key is changed. REQUIRES: it does not watch the key yet.
  void watch(std::string_view key, Ref<Watcher> watcher);
  // The watcher is still untouched by this key, whose time has come since it was watched.
  bool has_expired_for(std::string_view key, const Watcher& watcher);

  // Clients blocked on the key will look again after this command (XADD, XNACK, XGROUP DESTROY, ...).
  void signal_ready(std::string_view key);
  void count_change(uint64_t count = 1) { events_.changes += count; }
  // The key's value or its expiry is another now: cached copies are invalid, and who watches it is touched. What
  // creates, removes or moves keys above says so itself; commands say it for what they change in place.
  void signal_modified(std::string_view key) {
    events_.note_modified(key);
    if (keyspace_.watch_counts().keys.load(std::memory_order_relaxed) != 0) touch_watchers(key);
  }
  // A keyspace notification, if anybody wants its class. `event` is a literal.
  void notify(EventClass event_class, std::string_view event, std::string_view key) {
    events_.note_event(event_class, event, index_, key);
  }
  // The key was there before, and has another value now.
  void notify_overwritten(std::string_view key, bool other_type) {
    notify(kEventOverwritten, "overwritten", key);
    if (other_type) notify(kEventTypeChanged, "type_changed", key);
  }
  // What the journal is told of the command instead of its arguments (effects.h); nullptr while no journal is kept.
  Effects* effects() { return events_.effects != nullptr && events_.effects->wanted() ? events_.effects : nullptr; }
  // Tells the expiry cycle that this stream has idempotency records that grow old.
  void track_idempotency(std::string_view key);

  // Any live key of this database, or nullptr; all partitions held.
  const KeyEntry* random_entry(Random& random);
  // Every live key of this database; all partitions held.
  void for_each(const std::function<void(const KeyEntry&)>& visit);
  bool is_expired(const KeyEntry& entry) const {
    return entry.expire_at_ms != kNoExpiry && entry.expire_at_ms < now_.unix_ms && !events_.keeps_expired;
  }
  // Whether a key whose time has come shall stay until the journal that is replayed takes it away.
  bool keeps_expired() const { return events_.keeps_expired; }
  // Commands come from a journal: what was decided when it was written is not decided again.
  bool is_replay() const { return events_.keeps_expired; }
  size_t size();  // keys, expired ones that nobody has touched included; all partitions held
  size_t expiring_size();

 private:
  // The very same bytes are the same key: that takes no look at them.
  uint64_t hash_of(std::string_view key) const {
    const std::string_view known = hashed_.key;
    const bool is_known = key.data() == known.data() && key.size() == known.size() && !known.empty();
    return is_known ? hashed_.hash : keyspace_.hash_of(key);
  }
  Partition& partition_of(uint64_t hash);
  KeyEntry* find_live(std::string_view key);
  void touch_watchers(std::string_view key);
  void touch_swapped(Partition& partition, int database, int other);

  Keyspace& keyspace_;
  KeyEvents& events_;
  Instant now_;
  int index_;
  HashedKey hashed_;
};

// Removes up to `limit` keys of the partition whose time has come, in any database, and lets idempotency records grow
// old. The partition must be held. Returns how many keys were removed; `events` tells of each.
size_t expire_due(Keyspace& keyspace, PartitionIndex partition, Instant now, size_t limit, KeyEvents& events);

}  // namespace millrace::keyspace
