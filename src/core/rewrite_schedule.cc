// See rewrite_schedule.h.
#include "core/rewrite_schedule.h"

#include <algorithm>
#include <string>

#include "core/core.h"
#include "core/snapshot.h"
#include "keyspace/partition_locks.h"

namespace millrace::core {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr int64_t kHealingEveryNs = 2 * kNsPerSecond;
constexpr uint64_t kFailuresMax = 3;
constexpr int64_t kDelayMinutesMax = 60;
constexpr int64_t kRetrySaveS = 5;

}  // namespace

void RewriteSchedule::look() {
  commands::Server& server = core_.server();
  if (core_.journal() == nullptr || server.loading.is_loading.load(std::memory_order_relaxed)) return;
  if (core_.journal()->is_on() && server.settings.appendonly.load(std::memory_order_relaxed) == 0) end_journal();
  if (server.snapshots.is_going.load(std::memory_order_relaxed)) return;
  if (is_rewrite_due()) {
    core_.snapshot().start(commands::SnapshotKind::kJournal);
  } else if (server.snapshots.is_scheduled.load(std::memory_order_relaxed)) {
    begin_scheduled_save();
  }
}

void RewriteSchedule::end_journal() {
  keyspace::PartitionLocks locks(core_.server().keyspace);
  locks.hold_all();
  core_.journal()->end();
  locks.release();
  core_.server().journal_state.is_scheduled.store(false, std::memory_order_relaxed);
  core_.log().notice("The journal has ended: appendonly is off");
}

bool RewriteSchedule::is_rewrite_due() {
  const commands::Server& server = core_.server();
  if (must_heal()) return true;
  const bool is_on = core_.journal()->is_on();
  const bool is_missing = !is_on && server.settings.appendonly.load(std::memory_order_relaxed) != 0;
  const bool is_asked_for = is_missing || server.journal_state.is_scheduled.load(std::memory_order_relaxed);
  return (is_asked_for || (is_on && has_grown())) && !has_to_wait();
}

bool RewriteSchedule::must_heal() {
  if (!core_.server().journal_state.must_rewrite.load(std::memory_order_relaxed)) return false;
  const int64_t now_ns = core_.now().monotonic_ns;
  if (now_ns < next_healing_ns_) return false;
  next_healing_ns_ = now_ns + kHealingEveryNs;
  return true;
}

bool RewriteSchedule::has_grown() const {
  const commands::Server& server = core_.server();
  const auto percentage = server.settings.auto_aof_rewrite_percentage.load(std::memory_order_relaxed);
  const uint64_t current = server.journal_state.current_bytes.load(std::memory_order_relaxed);
  const uint64_t base = std::max<uint64_t>(server.journal_state.base_bytes.load(std::memory_order_relaxed), 1);
  const auto bytes_min = server.settings.auto_aof_rewrite_min_size_bytes.load(std::memory_order_relaxed);
  if (percentage == 0 || current <= static_cast<uint64_t>(bytes_min) || current < base) return false;
  const double growth = 100.0 * static_cast<double>(current - base) / static_cast<double>(base);
  return growth >= static_cast<double>(percentage);
}

// Says so when the waiting begins.
bool RewriteSchedule::has_to_wait() {
  if (core_.server().journal_state.rewrite_failures_in_a_row.load(std::memory_order_relaxed) < kFailuresMax) {
    delay_minutes_ = 0;
    wait_until_ns_ = 0;
    return false;
  }
  const int64_t now_ns = core_.now().monotonic_ns;
  if (wait_until_ns_ != 0) {
    if (now_ns < wait_until_ns_) return true;
    wait_until_ns_ = 0;
    return false;
  }
  delay_minutes_ = std::clamp<int64_t>(2 * delay_minutes_, 1, kDelayMinutesMax);
  wait_until_ns_ = now_ns + delay_minutes_ * 60 * kNsPerSecond;
  core_.log().warning("Background AOF rewrite has failed repeatedly, the next try is in " +
                      std::to_string(delay_minutes_) + " minutes");
  return true;
}

void RewriteSchedule::begin_scheduled_save() {
  commands::Snapshots& snapshots = core_.server().snapshots;
  const int64_t since_s = core_.now().unix_ms / 1000 - snapshots.last_try_s.load(std::memory_order_relaxed);
  if (snapshots.last_failed.load(std::memory_order_relaxed) && since_s <= kRetrySaveS) return;
  if (core_.snapshot().start(commands::SnapshotKind::kBackground)) {
    snapshots.is_scheduled.store(false, std::memory_order_relaxed);
  }
}

}  // namespace millrace::core
