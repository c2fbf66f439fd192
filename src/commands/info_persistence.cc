// INFO: snapshots, the journal, and how far loading has come. See info_sections.h.
#include <algorithm>

#include "commands/info_sections.h"
#include "commands/snapshots.h"

namespace millrace::commands {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

uint64_t preserved_bytes(keyspace::Keyspace& keyspace) {
  uint64_t bytes = 0;
  for (keyspace::PartitionIndex i = 0; i < keyspace.partition_count(); ++i) {
    bytes += keyspace.partition(i).preserved_bytes();
  }
  return bytes;
}

int64_t seconds_since(int64_t monotonic_ns, Instant now) {
  return std::max<int64_t>(0, (now.monotonic_ns - monotonic_ns) / kNsPerSecond);
}

double percent(uint64_t done, uint64_t total) {
  return total == 0 ? 0 : 100.0 * static_cast<double>(done) / static_cast<double>(total);
}

std::string_view status(bool has_failed) {
  return has_failed ? "err" : "ok";
}

// What Redis calls copy-on-write is what is kept for the snapshot because it was changed meanwhile.
void write_snapshots(CommandContext& context, InfoText& out) {
  const Snapshots& snapshots = context.server.snapshots;
  const bool is_going = snapshots.is_going.load();
  const bool is_background = is_going && snapshots.is_background.load();
  const uint64_t total = is_going ? snapshots.keys_total.load() : 0;
  const uint64_t done = is_going ? snapshots.keys_done.load() : 0;
  const int64_t going_s = seconds_since(snapshots.started_monotonic_ns.load(), context.now);
  out.number("current_cow_peak", is_going ? snapshots.preserved_bytes_peak.load() : 0);
  out.number("current_cow_size", is_going ? preserved_bytes(context.server.keyspace) : 0);
  out.number("current_cow_size_age", 0);
  out.decimal("current_fork_perc", percent(done, total), 2);
  out.number("current_save_keys_processed", done);
  out.number("current_save_keys_total", total);
  out.number("rdb_changes_since_last_save", unsaved_changes(context.server));
  out.number("rdb_bgsave_in_progress", is_background ? 1 : 0);
  out.number("rdb_last_save_time", snapshots.last_save_s.load());
  out.field("rdb_last_bgsave_status", status(snapshots.last_failed.load()));
  out.number("rdb_last_bgsave_time_sec", snapshots.last_background_s.load());
  out.number("rdb_current_bgsave_time_sec", is_background ? going_s : -1);
  out.number("rdb_saves", snapshots.saves.load());
  out.number("rdb_last_cow_size", snapshots.preserved_bytes_last.load());
  out.number("rdb_last_load_keys_expired", snapshots.keys_expired.load());
  out.number("rdb_last_load_keys_loaded", snapshots.keys_loaded.load());
}

void write_journal(CommandContext& context, InfoText& out) {
  const JournalState& state = context.server.journal_state;
  const bool is_wanted = context.server.settings.appendonly.load() != 0;
  const bool is_rewriting = state.is_rewriting.load();
  const int64_t rewriting_s = seconds_since(state.rewrite_started_monotonic_ns.load(), context.now);
  out.number("aof_enabled", is_wanted ? 1 : 0);
  out.number("aof_rewrite_in_progress", is_rewriting ? 1 : 0);
  out.number("aof_rewrite_scheduled", state.is_scheduled.load() ? 1 : 0);
  out.number("aof_last_rewrite_time_sec", state.last_rewrite_s.load());
  out.number("aof_current_rewrite_time_sec", is_rewriting ? rewriting_s : -1);
  out.field("aof_last_bgrewrite_status", status(state.last_rewrite_failed.load()));
  out.number("aof_rewrites", state.rewrites.load());
  out.number("aof_rewrites_consecutive_failures", state.rewrite_failures_in_a_row.load());
  out.field("aof_last_write_status", status(state.write_error.load() != 0));
  out.number("aof_last_cow_size", 0);
  out.number("module_fork_in_progress", 0);
  out.number("module_fork_last_cow_size", 0);
  if (!is_wanted) return;
  out.number("aof_current_size", state.current_bytes.load());
  out.number("aof_base_size", state.base_bytes.load());
  out.number("aof_pending_rewrite", 0);
  out.number("aof_buffer_length", state.buffered_bytes.load());
  out.number("aof_pending_bio_fsync", state.is_syncing.load() ? 1 : 0);
  out.number("aof_delayed_fsync", state.delayed_syncs.load());
}

// The rest takes as long as it would at the speed so far; a second if that cannot be said yet.
void write_loading(CommandContext& context, InfoText& out) {
  const LoadingState& loading = context.server.loading;
  const uint64_t total = loading.total_bytes.load();
  const uint64_t done = std::min(loading.loaded_bytes.load(), total);
  const int64_t elapsed_s = seconds_since(loading.started_monotonic_ns.load(), context.now);
  const double left_s =
      static_cast<double>(elapsed_s) * static_cast<double>(total - done) / (static_cast<double>(done) + 1);
  out.number("loading_start_time", loading.started_unix_s.load());
  out.number("loading_total_bytes", total);
  out.number("loading_rdb_used_mem", 0);
  out.number("loading_loaded_bytes", done);
  out.decimal("loading_loaded_perc", percent(done, total), 2);
  out.number("loading_eta_seconds", elapsed_s == 0 ? 1 : static_cast<int64_t>(std::min(left_s, 1e9)));
}

}  // namespace

void info_persistence(CommandContext& context, InfoText& out) {
  const bool is_loading = context.server.loading.is_loading.load();
  out.number("loading", is_loading ? 1 : 0);
  out.number("async_loading", 0);
  write_snapshots(context, out);
  write_journal(context, out);
  if (is_loading) write_loading(context, out);
}

}  // namespace millrace::commands
