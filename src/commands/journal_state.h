// JournalState: what everybody may know of the journal - for INFO, WAITAOF, and whether writes are refused. Who keeps
// the journal is core/journal.h; who rewrites it is core/snapshot.h. Names in brackets are INFO's.
//
// Any thread; relaxed atomics. Each is written by one owner at a time.
#pragma once

#include <atomic>
#include <cstdint>

namespace millrace::commands {

struct JournalState {
  // ---- writing
  std::atomic<int> write_error{0};          // errno of the last write or sync if it failed; 0 = all is well
                                            // [aof_last_write_status]; commands that write are refused (MISCONF)
  std::atomic<bool> must_rewrite{false};    // a sync failed: only new files help
  std::atomic<uint64_t> current_bytes{0};   // of all files [aof_current_size]
  std::atomic<uint64_t> base_bytes{0};      // of all files when the last rewrite ended, or at start [aof_base_size]
  std::atomic<uint64_t> buffered_bytes{0};  // appended, not yet written [aof_buffer_length]
  std::atomic<uint64_t> appended_offset{0};
  std::atomic<uint64_t> synced_offset{0};
  std::atomic<bool> is_syncing{false};     // [aof_pending_bio_fsync]
  std::atomic<uint64_t> delayed_syncs{0};  // so often a sync was over two seconds late [aof_delayed_fsync]

  // ---- rewriting
  std::atomic<bool> is_rewriting{false};                 // [aof_rewrite_in_progress]
  std::atomic<bool> is_first{false};                     // the one that is going begins the journal
  std::atomic<bool> is_scheduled{false};                 // when no snapshot is going [aof_rewrite_scheduled]
  std::atomic<bool> last_rewrite_failed{false};          // [aof_last_bgrewrite_status]
  std::atomic<int64_t> last_rewrite_s{-1};               // how long it took [aof_last_rewrite_time_sec]
  std::atomic<int64_t> rewrite_started_monotonic_ns{0};  // the one that is going
  std::atomic<uint64_t> rewrites{0};                     // [aof_rewrites]
  std::atomic<uint64_t> rewrite_failures_in_a_row{0};    // [aof_rewrites_consecutive_failures]
};

// Loading at start, or by DEBUG RELOAD and LOADAOF [loading_*].
struct LoadingState {
  std::atomic<bool> is_loading{false};  // commands without the flag "loading" are refused
  std::atomic<int64_t> started_unix_s{0};
  std::atomic<int64_t> started_monotonic_ns{0};
  std::atomic<uint64_t> total_bytes{0};
  std::atomic<uint64_t> loaded_bytes{0};
};

}  // namespace millrace::commands
