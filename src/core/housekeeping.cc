// See housekeeping.h.
#include "core/housekeeping.h"

#include <algorithm>

#include "core/core.h"
#include "core/snapshot.h"

namespace millrace::core {
namespace {

constexpr int64_t kRoundNs = 100'000'000;
// Keys removed from one partition before the others get their turn, and partitions with work per round.
constexpr size_t kKeysPerSlice = 64;
constexpr int kSlicesPerRound = 32;
constexpr int64_t kRetryS = 5;
constexpr int64_t kPeakLookNs = 1'000'000'000;

// It has said what it wants to hear; that it says no more is no sign that it is gone.
bool is_waiting(const Connection& connection) {
  if (connection.is_leaving.load(std::memory_order_relaxed)) return false;
  return connection.is_blocked() || connection.is_pubsub() || connection.session.is_monitor;
}

}  // namespace

Housekeeping::Housekeeping(Core& core) : core_(core) {
  core_.timers().arm(*this, core_.now().monotonic_ns + kRoundNs);
}

Housekeeping::~Housekeeping() {
  core_.timers().disarm(*this);
}

void Housekeeping::look_again() {
  if (core_.core_index() == 0) rewrites_.look();
}

void Housekeeping::expired() {
  core_.load_settings();
  const bool is_loading = core_.server().loading.is_loading.load(std::memory_order_relaxed);
  const bool expires = !is_loading && core_.server().active_expiry.load(std::memory_order_relaxed);
  const bool unfinished = expires && expire_keys();
  check_clients();
  if (core_.core_index() == 0) {
    sample_rates();
    look_at_memory();
    rewrites_.look();
    if (!is_loading) check_save_points();
    if (Journal* journal = core_.journal()) journal->look_after(core_);
  }
  // More expired keys than a round may take: the next round follows at once, after everyone else's turn.
  core_.timers().arm(*this, core_.now().monotonic_ns + (unfinished ? 0 : kRoundNs));
}

// True if work is left.
bool Housekeeping::expire_keys() {
  const int64_t began_ns = core_.read_stopwatch();
  const bool unfinished = visit_partitions();
  const int64_t ns = core_.note_latency("expire-cycle", began_ns);
  core_.statistics().expiry_nanoseconds.add(static_cast<uint64_t>(ns));
  if (unfinished) core_.statistics().expiry_rounds_cut.add();
  return unfinished;
}

// Partitions are dealt out to the cores by index.
bool Housekeeping::visit_partitions() {
  keyspace::Keyspace& keyspace = core_.server().keyspace;
  const uint32_t cores = static_cast<uint32_t>(core_.server().facts.core_count);
  const uint32_t count = keyspace.partition_count();
  int slices = 0;
  for (uint32_t visited = 0; visited < count; visited += cores) {
    const uint32_t index = (next_partition_ + core_.core_index()) % count;
    next_partition_ = (next_partition_ + cores) % count;
    if (keyspace.partition(index).next_expiry_ms.load(std::memory_order_relaxed) > core_.now().unix_ms) continue;
    if (++slices > kSlicesPerRound) return true;
    if (core_.executor().expire(index, core_.now(), kKeysPerSlice)) return true;
  }
  return false;
}

void Housekeeping::sample_rates() {
  commands::Totals totals;
  for (const auto& core : core_.server().statistics) {
    totals.commands += core->commands_processed.get();
    totals.turns += core->turns.get();
    totals.turn_nanoseconds += core->turn_nanoseconds.get();
    totals.input_bytes += core->input_bytes.get();
    totals.output_bytes += core->output_bytes.get();
  }
  core_.server().rates.sample(core_.now().monotonic_ns, totals);
}

// Often while maxmemory is to be kept to; otherwise for the peak.
void Housekeeping::look_at_memory() {
  commands::Server& server = core_.server();
  server.client_memory.look_anew();
  const bool is_limited = server.settings.maxmemory_bytes.load(std::memory_order_relaxed) != 0;
  if (!is_limited && core_.now().monotonic_ns - memory_seen_ns_ < kPeakLookNs) return;
  memory_seen_ns_ = core_.now().monotonic_ns;
  commands::measure_memory(server);
}

// As Redis: a save point is due; after a failure not before some seconds have passed.
void Housekeeping::check_save_points() {
  commands::Server& server = core_.server();
  const commands::Snapshots& snapshots = server.snapshots;
  const auto changes = static_cast<int64_t>(commands::unsaved_changes(server));
  if (changes == 0 || snapshots.is_going.load(std::memory_order_relaxed)) return;
  const int64_t now_s = core_.now().unix_ms / 1000;
  const bool may_try = !snapshots.last_failed.load(std::memory_order_relaxed) ||
                       now_s - snapshots.last_try_s.load(std::memory_order_relaxed) > kRetryS;
  if (!may_try) return;
  const int64_t age_s = now_s - snapshots.last_save_s.load(std::memory_order_relaxed);
  for (const settings::SavePoint& point : server.settings.save_points()) {
    if (changes < point.changes || age_s <= point.seconds) continue;
    core_.log().notice(std::to_string(point.changes) + " changes in " + std::to_string(point.seconds) +
                       " seconds. Saving...");
    core_.snapshot().start(commands::SnapshotKind::kBackground);
    return;
  }
}

void Housekeeping::check_clients() {
  core_.for_each_connection([this](Connection& connection) {
    if (has_to_go(connection)) core_.kill(connection, false);
  });
}

bool Housekeeping::has_to_go(Connection& connection) {
  if (connection.is_closing()) return false;
  connection.count_memory();
  if (connection.outbox.look_after(core_.outbox_limits(connection), core_.now().monotonic_ns)) {
    core_.statistics().output_buffer_limit_disconnections.add();
    core_.log().warning("Closing client that stayed beyond its soft output limit: " + connection.fixed.address);
    return true;
  }
  const int64_t timeout_s = core_.server().settings.timeout_s.load(std::memory_order_relaxed);
  if (timeout_s == 0 || is_waiting(connection)) return false;
  const int64_t idle_ms = core_.now().unix_ms - connection.card.last_interaction_ms.load(std::memory_order_relaxed);
  if (idle_ms <= timeout_s * 1000) return false;
  core_.log().verbose("Closing idle client: " + connection.fixed.address);
  return true;
}

}  // namespace millrace::core
