// ExpiryIndex: the keys of one partition that have an expiry time, in the order of their time.
//
// Invariant: holds exactly the entries whose expire_at_ms is set, under that time. So the time of an entry changes only
// between remove() and add(). Databases are slots here (keyspace.h). Ties are ordered by place, never by address, so
// that a run can be replayed. Guarded by the partition's lock.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "keyspace/key_table.h"

namespace millrace::keyspace {

class ExpiryIndex {
 public:
  struct Item {
    int64_t at_ms = 0;
    int database = 0;
    KeyEntry* entry = nullptr;
  };

  // REQUIRES: entry.expire_at_ms is set.
  void add(int database, KeyEntry& entry);
  void remove(int database, KeyEntry& entry);
  void clear(int database);
  // The next key to expire; nullptr if none will.
  const Item* first() const { return items_.empty() ? nullptr : &*items_.begin(); }
  size_t size(int database) const;
  // The mean of their times; 0 if there are none.
  int64_t mean_ms(int database) const;

 private:
  struct Order {
    bool operator()(const Item& a, const Item& b) const {
      if (a.at_ms != b.at_ms) return a.at_ms < b.at_ms;
      if (a.database != b.database) return a.database < b.database;
      return a.entry != b.entry && a.entry->key < b.entry->key;
    }
  };

  std::set<Item, Order> items_;
  // A sum of times is wider than a time.
  __extension__ using Wide = __int128;
  struct Sum {
    size_t count = 0;
    Wide ms = 0;
  };
  std::vector<Sum> sums_;  // by slot
};

}  // namespace millrace::keyspace
