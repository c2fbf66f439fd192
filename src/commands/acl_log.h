// AclLog: what was denied lately, for ACL LOG, and how much ever, for INFO. The newest entry comes first; one like
// those before it within a minute is counted on the other. Any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"

namespace millrace::commands {

enum class AclReason : uint8_t { kAuth, kCommand, kKey, kChannel };
inline constexpr size_t kAclReasons = 4;
enum class AclContext : uint8_t { kTopLevel, kMulti };

struct AclLogEntry {
  AclReason reason = AclReason::kAuth;
  AclContext context = AclContext::kTopLevel;
  std::string object;  // what was denied: a command, a key, a channel; for a login the command it was tried with
  std::string user;
  std::string client;  // its line of CLIENT LIST
  uint64_t count = 1;
  uint64_t id = 0;
  int64_t created_unix_ms = 0;
  int64_t updated_unix_ms = 0;
};

class AclLog {
 public:
  // Keeps at most `length_max` entries.
  void add(AclLogEntry entry, size_t length_max) EXCLUDES(mutex_);
  std::vector<AclLogEntry> newest(size_t count) const EXCLUDES(mutex_);
  void clear() EXCLUDES(mutex_);

  uint64_t denied(AclReason reason) const { return counts_[static_cast<size_t>(reason)].load(kRelaxed); }
  void reset_counts() {
    for (std::atomic<uint64_t>& count : counts_) count.store(0, kRelaxed);
  }

 private:
  static constexpr auto kRelaxed = std::memory_order_relaxed;

  std::array<std::atomic<uint64_t>, kAclReasons> counts_{};
  mutable Mutex mutex_;
  std::deque<AclLogEntry> entries_ GUARDED_BY(mutex_);
  uint64_t next_id_ GUARDED_BY(mutex_) = 0;
};

}  // namespace millrace::commands
