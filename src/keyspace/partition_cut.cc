// See partition_cut.h.
#include "keyspace/partition_cut.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "base/check.h"

namespace millrace::keyspace {

void PartitionCut::begin(int64_t moment_ms, std::vector<int> databases) {
  CHECK(!is_going());
  CHECK(last_number_ < std::numeric_limits<uint32_t>::max());
  number_ = ++last_number_;
  moment_ms_ = moment_ms;
  databases_ = std::move(databases);
  slot_ = 0;
  cursor_ = 0;
}

bool PartitionCut::pass(KeyEntry& entry) {
  DCHECK(is_uncut(entry));
  entry.cut = number_;
  return entry.expire_at_ms == kNoExpiry || entry.expire_at_ms >= moment_ms_;
}

void PartitionCut::keep(CutItem item, size_t bytes) {
  bytes += sizeof(item) + item.key.capacity();
  preserved_.push_back(std::move(item));
  preserved_bytes_.store(preserved_bytes() + bytes, std::memory_order_relaxed);
}

void PartitionCut::preserve(int slot, KeyEntry& entry) {
  if (!pass(entry)) return;
  keep({database_of(static_cast<size_t>(slot)), entry.expire_at_ms, entry.key, entry.value.clone()},
       entry.value.clone_bytes());
}

void PartitionCut::preserve_leaving(int slot, KeyEntry& entry) {
  if (!pass(entry)) return;
  const size_t bytes = entry.value.memory_bytes();
  keep({database_of(static_cast<size_t>(slot)), entry.expire_at_ms, std::move(entry.key), std::move(entry.value)},
       bytes);
}

bool PartitionCut::take(Tables tables, size_t work_max, std::vector<CutItem>& out) {
  CHECK(work_max > 0);
  if (!is_going()) return true;
  std::ranges::move(give_up_preserved(), std::back_inserter(out));

  size_t work = 0;
  const auto take_entry = [&](KeyEntry& entry) {
    ++work;
    if (!is_uncut(entry) || !pass(entry)) return;
    work += entry.value.piece_count();
    out.push_back({database_of(slot_), entry.expire_at_ms, entry.key, entry.value.clone()});
  };
  for (; slot_ < tables.size(); ++slot_) {
    if (!tables[slot_]) continue;
    do {
      if (work >= work_max) return false;
      ++work;
      cursor_ = tables[slot_]->scan(cursor_, take_entry);
    } while (cursor_ != 0);
  }
  number_ = 0;
  return true;
}

std::vector<CutItem> PartitionCut::end() {
  number_ = 0;
  return give_up_preserved();
}

std::vector<CutItem> PartitionCut::give_up_preserved() {
  preserved_bytes_.store(0, std::memory_order_relaxed);
  return std::exchange(preserved_, std::vector<CutItem>());
}

}  // namespace millrace::keyspace
