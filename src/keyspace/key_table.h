// KeyTable: the keys of one database inside one partition; a chained hash table of our own.
//
// It grows and shrinks by powers of two, a bounded number of buckets per operation, so no command pays for a whole
// rehash. scan() walks buckets in reverse-binary order of the cursor (the scheme of Redis's SCAN): an entry present
// from the first to the last call of a full walk is returned at least once, however the table is resized in between.
// Entries never move in memory while they live. Guarded by the partition's lock.
//
//   at rest      now_: [ | | | ]          each bucket heads a chain of KeyEntry::next
//   resizing     old_: [x|x| | ]          buckets below moved_ are already empty; new entries go to now_
//                now_: [ | | | | | | | ]
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "keyspace/value.h"

namespace millrace::keyspace {

inline constexpr int64_t kNoExpiry = -1;

struct KeyEntry {
  KeyEntry* next = nullptr;  // in its bucket
  uint64_t hash = 0;
  int64_t expire_at_ms = kNoExpiry;
  int64_t accessed_ms = 0;  // OBJECT IDLETIME
  uint32_t cut = 0;         // the latest cut that is done with it, or in which it was made (partition_cut.h)
  std::string key;
  Value value;
};

class KeyTable {
 public:
  KeyTable() = default;
  ~KeyTable();
  KeyTable(const KeyTable&) = delete;
  KeyTable& operator=(const KeyTable&) = delete;

  size_t size() const { return size_; }
  KeyEntry* find(uint64_t hash, std::string_view key);
  // REQUIRES: the key is absent.
  KeyEntry& insert(uint64_t hash, std::string_view key, Value value);
  void erase(KeyEntry& entry);
  void clear();
  // Visits one bucket and returns the next cursor; 0 starts and ends the walk. The visitor must not change the table.
  uint64_t scan(uint64_t cursor, const std::function<void(KeyEntry&)>& visit);
  // Any entry, nearly uniformly (entries in short chains are a little likelier); nullptr if there is none.
  KeyEntry* random_entry(Random& random);
  size_t bucket_count() const { return now_.size() + old_.size(); }
  bool is_resizing() const { return !old_.empty(); }

 private:
  using Buckets = std::vector<KeyEntry*>;  // a power of two, or empty

  KeyEntry*& head_of(uint64_t hash);
  void drop_buckets();
  void start_resize(size_t bucket_count);
  void grow_if_full();
  void shrink_if_sparse();
  void move_some();
  void visit_bucket(Buckets& buckets, uint64_t cursor, const std::function<void(KeyEntry&)>& visit);

  Buckets now_;
  Buckets old_;
  size_t moved_ = 0;  // 0 at rest
  size_t size_ = 0;
  bool visiting_ = false;  // a visitor runs: nothing may change
};

}  // namespace millrace::keyspace
