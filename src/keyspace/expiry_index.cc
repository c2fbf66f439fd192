// See expiry_index.h.
#include "keyspace/expiry_index.h"

#include "base/check.h"

namespace millrace::keyspace {

void ExpiryIndex::add(int database, KeyEntry& entry) {
  CHECK(entry.expire_at_ms != kNoExpiry);
  CHECK(items_.insert({entry.expire_at_ms, database, &entry}).second);
  const auto at = static_cast<size_t>(database);
  if (sizes_.size() <= at) sizes_.resize(at + 1);
  ++sizes_[at];
}

void ExpiryIndex::remove(int database, KeyEntry& entry) {
  CHECK(items_.erase({entry.expire_at_ms, database, &entry}) == 1);
  --sizes_[static_cast<size_t>(database)];
}

void ExpiryIndex::clear(int database) {
  if (size(database) == 0) return;
  std::erase_if(items_, [database](const Item& item) { return item.database == database; });
  sizes_[static_cast<size_t>(database)] = 0;
}

size_t ExpiryIndex::size(int database) const {
  const auto at = static_cast<size_t>(database);
  return at < sizes_.size() ? sizes_[at] : 0;
}

}  // namespace millrace::keyspace
