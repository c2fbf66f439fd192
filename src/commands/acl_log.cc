// See acl_log.h.
#include "commands/acl_log.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace millrace::commands {
namespace {

// How far back, in entries and in time, a new one looks for one like itself.
constexpr size_t kLikeEntriesMax = 10;
constexpr int64_t kLikeMs = 60'000;

bool is_alike(const AclLogEntry& a, const AclLogEntry& b) {
  return a.reason == b.reason && a.context == b.context && a.object == b.object && a.user == b.user &&
         std::abs(a.updated_unix_ms - b.updated_unix_ms) <= kLikeMs;
}

}  // namespace

void AclLog::add(AclLogEntry entry, size_t length_max) {
  counts_[static_cast<size_t>(entry.reason)].fetch_add(1, kRelaxed);
  MutexLock lock(mutex_);
  const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(std::min(entries_.size(), kLikeEntriesMax));
  const auto like = std::find_if(entries_.begin(), end, [&](const AclLogEntry& each) { return is_alike(each, entry); });
  if (like != end) {
    entry.count = like->count + 1;
    entry.id = like->id;
    entry.created_unix_ms = like->created_unix_ms;
    entries_.erase(like);
  } else {
    entry.id = next_id_++;
  }
  entries_.push_front(std::move(entry));
  if (entries_.size() > length_max) entries_.resize(length_max);
}

std::vector<AclLogEntry> AclLog::newest(size_t count) const {
  MutexLock lock(mutex_);
  const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(std::min(entries_.size(), count));
  return {entries_.begin(), end};
}

void AclLog::clear() {
  MutexLock lock(mutex_);
  entries_.clear();
}

}  // namespace millrace::commands
