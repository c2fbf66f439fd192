// KeyEvents: what one command (or one slice of expiry) did to keys that others want to know of. Filled through the
// Database while the partitions are held, and acted upon by the executor under the same locks: clients blocked on a key
// look again, cached copies are invalidated, keyspace notifications are published.
//
// Nothing is noted that nobody listens for: the executor says beforehand what is wanted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "keyspace/effects.h"
#include "keyspace/waiters.h"

namespace millrace::keyspace {

// The classes of keyspace notifications: the letters of notify-keyspace-events, one bit each. A setting is a set of
// them.
enum EventClass : uint32_t {
  kEventKeyspace = 1u << 0,      // K: to __keyspace@<db>__:<key>
  kEventKeyevent = 1u << 1,      // E: to __keyevent@<db>__:<event>
  kEventGeneric = 1u << 2,       // g
  kEventString = 1u << 3,        // $
  kEventList = 1u << 4,          // l
  kEventSet = 1u << 5,           // s
  kEventHash = 1u << 6,          // h
  kEventSortedSet = 1u << 7,     // z
  kEventExpired = 1u << 8,       // x
  kEventEvicted = 1u << 9,       // e
  kEventStream = 1u << 10,       // t
  kEventModule = 1u << 11,       // d
  kEventMiss = 1u << 12,         // m
  kEventNew = 1u << 13,          // n
  kEventOverwritten = 1u << 14,  // o
  kEventTypeChanged = 1u << 15,  // c
};

struct KeyNotification {
  std::string_view event;  // a literal
  KeyPlace place;
};

struct KeyEvents {
  // ---- what is wanted; set by the executor before the command
  uint32_t wanted_events = 0;        // EventClass bits; 0 unless K or E is set and somebody listens
  bool wants_modified_keys = false;  // some client tracks keys
  Effects* effects = nullptr;        // what the journal is told; nullptr: nothing
  bool keeps_expired = false;        // a journal is replayed: it says itself when a key expired

  // ---- what happened
  std::vector<KeyPlace> ready;                 // in order, without duplicates; only keys that somebody waits for
  std::vector<KeyNotification> notifications;  // in order
  std::vector<std::string> modified_keys;      // in order, of any database; may name a key twice
  bool was_flushed = false;                    // whole databases were emptied: no key is named
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t expired = 0;
  uint64_t changes = 0;  // what INFO calls rdb_changes_since_last_save

  // ---- notes of what happened, if they are wanted
  void note_event(EventClass event_class, std::string_view event, int database, std::string_view key) {
    if ((wanted_events & event_class) == 0) return;
    notifications.push_back({event, {database, std::string(key)}});
  }
  void note_modified(std::string_view key) {
    if (!wants_modified_keys || (!modified_keys.empty() && modified_keys.back() == key)) return;
    modified_keys.emplace_back(key);
  }
};

}  // namespace millrace::keyspace
