// Snapshots: what everybody may know of the snapshots of this server - for INFO, LASTSAVE, and who decides whether one
// is due, or whether writes are refused. Who makes them is core/snapshot.h.
//
// Any thread. Whoever turns `is_going` from false to true makes the snapshot, and is the one writer of the rest until
// it turns it back.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "commands/blocking.h"

namespace millrace::commands {

struct Server;

enum class SnapshotKind : uint8_t {
  kBackground,   // BGSAVE, save points
  kForeground,   // SAVE
  kFinal,        // the server ends if it succeeds; no write takes effect after its moment
  kFinalForced,  // ... or fails
  kJournal,      // a new base of the journal: BGREWRITEAOF
};

struct Snapshots {
  std::atomic<bool> is_going{false};
  std::atomic<bool> is_background{false};  // the one that is going
  std::atomic<bool> is_scheduled{false};   // BGSAVE SCHEDULE, or inside EXEC: to begin when none is going
  // Whoever makes one shall give it up: the final one waits.
  std::atomic<bool> give_up{false};
  // Writes wait: the final snapshot has been taken. Set with all partitions held.
  std::atomic<bool> holds_writes{false};
  // Writes are refused: stop-writes-on-bgsave-error. Derived, see update_refusal().
  std::atomic<bool> refuses_writes{false};

  std::atomic<bool> last_failed{false};          // rdb_last_bgsave_status
  std::atomic<int64_t> last_save_s{0};           // unix time at which the last good one was finished, or of the start
  std::atomic<int64_t> last_try_s{0};            // unix time at which the last one began
  std::atomic<int64_t> last_background_s{-1};    // how long it took
  std::atomic<int64_t> started_monotonic_ns{0};  // the one that is going
  std::atomic<uint64_t> saves{0};                // good ones
  std::atomic<uint64_t> changes_saved{0};        // of all changes so far, how many the last good one has
  std::atomic<uint64_t> keys_total{0};           // of the one that is going
  std::atomic<uint64_t> keys_done{0};
  std::atomic<uint64_t> preserved_bytes_last{0};  // the most that was kept for the last one
  std::atomic<uint64_t> preserved_bytes_peak{0};  // ... for the one that is going
  std::atomic<uint64_t> keys_loaded{0};           // at start
  std::atomic<uint64_t> keys_expired{0};          // at start, passed over
};

// Changes that the last good snapshot does not have.
uint64_t unsaved_changes(const Server& server);

// After what it depends on has changed: a setting, or how the last snapshot ended.
void update_refusal(Server& server);

// SAVE and SHUTDOWN wait for the end of a snapshot. They stand in no key's queue.
class SnapshotWait final : public BlockedCommand {
 public:
  SnapshotWait(Ref<Client> client, std::string_view failure)
      : BlockedCommand(std::move(client), {}, kNoDeadline), failure_(failure) {}

  bool try_answer(keyspace::Database&, std::string_view, resp::ReplyWriter&) override { return false; }
  // CLIENT UNBLOCK. The snapshot goes on.
  void write_timeout(resp::ReplyWriter& reply) const override { reply.error(failure_); }
  void write_outcome(bool succeeded, resp::ReplyWriter& reply) const {
    if (succeeded) return reply.ok();
    reply.error(failure_);
  }

 private:
  const std::string_view failure_;  // a literal
};

}  // namespace millrace::commands
