// See expiry_index.h.
#include "keyspace/expiry_index.h"

#include "base/check.h"

namespace millrace::keyspace {

void ExpiryIndex::add(int database, KeyEntry& entry) {
  CHECK(entry.expire_at_ms != kNoExpiry);
  CHECK(items_.insert({entry.expire_at_ms, database, &entry}).second);
  const auto at = static_cast<size_t>(database);
  if (sums_.size() <= at) sums_.resize(at + 1);
  ++sums_[at].count;
  sums_[at].ms += entry.expire_at_ms;
}

void ExpiryIndex::remove(int database, KeyEntry& entry) {
  CHECK(items_.erase({entry.expire_at_ms, database, &entry}) == 1);
  Sum& sum = sums_[static_cast<size_t>(database)];
  --sum.count;
  sum.ms -= entry.expire_at_ms;
}

void ExpiryIndex::clear(int database) {
  if (size(database) == 0) return;
  std::erase_if(items_, [database](const Item& item) { return item.database == database; });
  sums_[static_cast<size_t>(database)] = {};
}

size_t ExpiryIndex::size(int database) const {
  const auto at = static_cast<size_t>(database);
  return at < sums_.size() ? sums_[at].count : 0;
}

int64_t ExpiryIndex::mean_ms(int database) const {
  const size_t count = size(database);
  return count == 0 ? 0 : static_cast<int64_t>(sums_[static_cast<size_t>(database)].ms / static_cast<Wide>(count));
}

}  // namespace millrace::keyspace
