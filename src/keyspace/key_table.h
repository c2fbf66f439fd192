// KeyTable: the keys of one database inside one partition; a chained hash table of our own.
//
// It grows and shrinks by powers of two, a bounded number of buckets per operation, so no command pays for a whole
// rehash. scan() walks buckets in reverse-binary order of the cursor (the scheme of Redis's SCAN): an entry present from
// the first to the last call of a full walk is returned at least once, however the table is resized in between.
// Entries never move in memory while they live. Guarded by the partition's lock.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "keyspace/value.h"

namespace millrace::keyspace {

inline constexpr int64_t kNoExpiry = -1;

struct KeyEntry {
  KeyEntry* next = nullptr;  // in its bucket
  uint64_t hash = 0;
  int64_t expire_at_ms = kNoExpiry;
  int64_t accessed_ms = 0;  // OBJECT IDLETIME
  std::string key;
  Value value;
};

class KeyTable {
 public:
  KeyTable() = default;
  ~KeyTable();
  KeyTable(const KeyTable&) = delete;
  KeyTable& operator=(const KeyTable&) = delete;

  size_t size() const;
  KeyEntry* find(uint64_t hash, std::string_view key);
  // REQUIRES: the key is absent.
  KeyEntry& insert(uint64_t hash, std::string_view key, Value value);
  void erase(KeyEntry& entry);
  void clear();
  // Visits one bucket and returns the next cursor; 0 starts and ends the walk. The visitor must not change the table.
  uint64_t scan(uint64_t cursor, const std::function<void(KeyEntry&)>& visit);
  KeyEntry* random_entry(Random& random);
};

}  // namespace millrace::keyspace
