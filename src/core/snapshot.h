// Snapshot: writes all keys as of one moment into a file, while commands go on - dbfilename, or the journal's new base
// (snapshot_destination.h). Each core has one; at most one of them is going (Snapshots::is_going), on the core that ran
// the command - or core 0 for what the server does by itself.
//
//   start()      dump: the cut is taken, all partitions held (keyspace/cut.h)
//   preparing    the temporary file; the journal's next increment           helper thread
//                journal: the cut, at which the journal goes on in that
//   writing      a slice of encoding per turn; one block is written while the next is encoded. What has been written
//                is synced on the way: the disk is busy from the start, and the last sync is short
//   header       if the RDB version had to be raised on the way
//   syncing
//   publishing   close, and the file under its name                         helper thread
//   discarding   after a failure, or given up: close, remove                helper thread
//
// So the file under its name is always a complete one, the old or the new. Nothing here blocks: a turn has at most one
// slice, then clients have theirs. While there are any, slices are short and the core rests after each: a thread that
// never sleeps has to wait for its processor when others want it. A final snapshot first has the one that is going
// given up, and holds writes back from its moment on: nothing that was acknowledged is missing in it. It does not rest,
// as all who write wait for it. A foreground one waits while the journal is rewritten.
//
// Belongs to its core's thread, but for the helper threads' tasks, which run while it waits for them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "commands/snapshots.h"
#include "core/journal_base.h"
#include "core/snapshot_destination.h"
#include "core/snapshot_encoder.h"
#include "core/timers.h"
#include "io/backend.h"
#include "io/disk.h"
#include "keyspace/cut.h"
#include "keyspace/partition_locks.h"

namespace millrace::core {

class Core;

class Snapshot final : private Timer {
 public:
  Snapshot(Core& core, io::Disk* disk);
  ~Snapshot();

  // REQUIRES: all partitions are held, but for a rewrite of the journal, for which it does not matter. False if another
  // one is going on; a final one then waits and returns true, and so does a foreground one for a rewrite.
  bool start(commands::SnapshotKind kind, Ref<commands::SnapshotWait> wait);
  // The same, by the server itself: no partition is held.
  bool start(commands::SnapshotKind kind);
  // Nothing is in flight, and nothing waits.
  bool is_idle() const { return step_ == Step::kIdle; }
  // The core is to stop.
  void give_up();

 private:
  enum class Step : uint8_t { kIdle, kQueued, kPreparing, kWriting, kHeader, kSyncing, kPublishing, kDiscarding };

  struct Wish {
    commands::SnapshotKind kind;
    Ref<commands::SnapshotWait> wait;
  };

  class File final : public io::FileOperation {
   public:
    explicit File(Snapshot& snapshot) : snapshot_(snapshot) {}
    void done(int64_t result) override { snapshot_.file_done(result); }

   private:
    Snapshot& snapshot_;
  };
  class EarlySync final : public io::FileOperation {
   public:
    explicit EarlySync(Snapshot& snapshot) : snapshot_(snapshot) {}
    void done(int64_t result) override { snapshot_.early_sync_done(result); }

   private:
    Snapshot& snapshot_;
  };
  class Task final : public io::DiskTask {
   public:
    explicit Task(Snapshot& snapshot) : snapshot_(snapshot) {}
    void run() override { snapshot_.run_task(); }
    void done() override { snapshot_.task_done(); }

   private:
    Snapshot& snapshot_;
  };

  void expired() override;
  bool claim();
  bool enqueue(Wish wish);
  void begin(Wish wish);
  void take_cut();
  void prepared();
  void wait_for_turn();
  static bool is_final(commands::SnapshotKind kind);
  bool must_give_up() const;
  void begin_encoding();
  bool has_active_clients(int64_t now_ns);
  void write_slice();
  bool encode_some();
  void take_items();
  void end_encoding();
  void write_block();
  void file_done(int64_t result);
  void block_written(int64_t result);
  void write(std::string_view bytes, int64_t offset);
  void sync();
  void sync_early();
  void early_sync_done(int64_t result);
  void start_task(Step step);
  void run_task();
  void task_done();
  void fail(std::string_view why);
  void finish(bool succeeded);
  void note_end(bool succeeded);
  void answer(Ref<commands::SnapshotWait> wait, bool ends_server, bool succeeded);

  Core& core_;
  io::Disk* const disk_;  // nullptr: this server has none
  DumpFile dump_;
  JournalBase base_;
  commands::Snapshots& shared_;
  keyspace::PartitionLocks locks_;
  keyspace::Cut cut_;
  File file_{*this};
  EarlySync early_sync_{*this};
  Task task_{*this};

  Step step_ = Step::kIdle;
  commands::SnapshotKind kind_ = commands::SnapshotKind::kBackground;
  Ref<commands::SnapshotWait> wait_;
  std::optional<Wish> queued_;  // one that waits for another to end
  bool is_leaving_ = false;     // the core is to stop
  SnapshotDestination* destination_ = &dump_;
  int64_t moment_s_ = 0;  // of the cut, unix time
  std::string failure_;   // why it is given up; written by tasks too

  std::optional<SnapshotEncoder> encoder_;
  keyspace::PartitionIndex next_partition_ = 0;
  std::vector<keyspace::CutItem> items_;
  size_t next_item_ = 0;
  bool is_in_item_ = false;
  bool is_encoded_ = false;
  uint64_t commands_seen_ = 0;      // of this core's clients
  int64_t clients_rest_at_ns_ = 0;  // if there are no more until then
  bool is_file_busy_ = false;       // a write, or the last sync, is in flight
  bool is_syncing_early_ = false;   // and so is another sync
  std::string_view block_;          // what is left of it
  int64_t offset_ = 0;
  int64_t early_synced_ = 0;  // up to there, or a sync of it is going on
  uint64_t bytes_ = 0;        // written
  std::string header_;
};

}  // namespace millrace::core
