// Journal: the append-only file - one order of all changes, appended to by every core, written and synced by whichever
// core finds it pending.
//
//   append()          a command's effects, under its partitions          any core
//     pending         bytes in order
//   flush()           end of a turn: if nobody writes, this core does    one write at a time, for all cores
//     writing         one block and its annotation (persistence/journal_format.h)
//   written           up to here in the file: survives the process
//   sync              always: after each write; everysec: once a second; no: only where files change
//   synced            up to here durable: survives power loss
//
// A sync goes on elsewhere while cores serve others. Only a core all of whose clients wait for it waits itself: hearing
// of its end from another thread would take them longer.
//
// The clients that a sync under `always` has just answered send their next commands soon. A sync that began without
// them would make two groups of them, each of which waits for the other's syncs; so the next one waits until as many
// changes have come, but not longer than the last one took. Until a sync can begin nothing is written either: no reply
// would leave earlier for it, and one block is cheaper than many.
//
// Offsets count bytes of effects since the start of the server; annotations are not counted. acknowledged() is what
// replies wait for: synced under `always`, written otherwise - and synced again while a sync under `everysec` is more
// than two seconds late. An outbox whose bytes wait is handed to hold(); the core that moves acknowledged() gives it to
// its own turn to be sent, so nobody is woken.
//
// Files change with all partitions held (switch_to): what is appended from then on goes to the next file. A file that
// was ended is written to its end, synced, given a fence (journal_format.h), synced again and closed; the first write
// to the next one comes after that, so that a crash always leaves a beginning of the order.
//
//   segments_   | ended, being finished | ended | appended to |
//                 front: writes and syncs         back: append()
//
// A write goes to the system's cache, which takes microseconds, less than handing it to another thread and hearing of
// its end; so a block is written at once, within the turn, unless something makes it likely that it would wait for the
// disk: a sync that is going on, a snapshot, a large block, or a write that took long not long ago.
//
// When writing fails (a full disk), what could not be written is kept and tried again every second; commands that write
// are refused meanwhile (Server::journal_state), replies wait, everything else goes on. When a sync fails nobody
// knows what is on the disk: no sync of that file is asked for any more, acknowledged() stands still, and the files
// behind it have to wait, until a rewrite into new files makes up for it (healed()). Writes to it go on: an end of the
// process alone loses nothing, and their annotations claim no more to be durable than was.
//
// Any thread, unless it says otherwise. Lock order: partitions, then the journal; under it no other lock is taken.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/mutex.h"
#include "base/ref.h"
#include "commands/server.h"
#include "io/backend.h"
#include "io/disk.h"
#include "keyspace/journal.h"

namespace millrace::core {

class Connection;
class Core;

// An open file of the journal, written to at its end.
struct JournalFile {
  int fd = -1;
  std::string path;
  uint64_t bytes = 0;   // its size: where the next write goes
  uint64_t synced = 0;  // so much of it is known to be durable
};

// An outbox that has to wait.
struct HeldOutbox {
  Ref<Connection> connection;
  uint64_t journal_offset = 0;
};

class Journal final : public keyspace::Journal {
 public:
  Journal(commands::Server& server, io::Disk& disk);
  ~Journal();

  // ---- before the cores run, or with all partitions held
  // From now on a journal is kept, in this file.
  void open(JournalFile file);
  // What is appended from now on goes to `file`; the one before is closed once it is durable. REQUIRES: is_on().
  void switch_to(JournalFile file);
  // No journal is kept any more. The cores write, sync and close what there is; if that fails it is dropped, for there
  // is no journal any more that replies could wait for. REQUIRES: is_on().
  void end();

  // ---- under the partitions concerned
  uint64_t append(std::string_view commands, int first_database, int last_database) override;

  // ---- by cores
  // To be called at the end of every turn, before outboxes are sent. Starts writing if something is pending and nobody
  // writes.
  void flush(Core& core);
  // Now and then by one core (ten times a second): the sync of `everysec`, retries, what is late.
  void look_after(Core& core);
  // Replies that wait for no more than this may be sent.
  uint64_t acknowledged() const { return acknowledged_.load(std::memory_order_acquire); }
  // Keeps what still has to wait. Moves what need not any more to `ready`; `held` is empty afterwards.
  void hold(std::vector<HeldOutbox>& held, std::vector<Ref<Connection>>& ready);
  // A rewrite has made durable, in other files, everything up to where files changed: those that end at or before
  // `offset` are not needed any more, nor is what could not be written to them or synced.
  void healed(Core& core, uint64_t offset);
  // Nothing of the journal is in flight on this core's backend.
  bool is_idle(const Core& core) const;
  uint64_t appended() const;
  uint64_t synced() const { return synced_.load(std::memory_order_acquire); }

  // ---- when no core runs any more: blocking calls
  // Writes and syncs what is left and closes the files; no journal is kept any more. nullopt, or what went wrong.
  std::optional<std::string> close();

 private:
  static constexpr int kNoDatabase = -1;  // the next command needs a SELECT before it

  // One write, or one sync, in flight on the ring of one core.
  class Operation final : public io::FileOperation {
   public:
    using Done = void (Journal::*)(Core& core, int64_t result);
    Operation(Journal& journal, Done ended) : journal_(journal), done_(ended) {}
    bool is_in_flight() const { return core_ != nullptr; }
    bool is_on(const Core& core) const { return core_ == &core; }
    void start_on(Core& core) { core_ = &core; }
    void end() { core_ = nullptr; }
    void done(int64_t result) override { (journal_.*done_)(*core_, result); }

   private:
    Journal& journal_;
    const Done done_;
    Core* core_ = nullptr;  // changed by that core under mutex_
  };

  // Closes files where it may block.
  class Closing final : public io::DiskTask {
   public:
    explicit Closing(Journal& journal) : journal_(journal) {}
    void run() override;
    void done() override;

    std::vector<int> fds;
    Core* core = nullptr;  // in flight there

   private:
    Journal& journal_;
  };

  // A file and what belongs into it.
  struct Segment {
    JournalFile file;
    Buffer pending = {};     // not yet taken into a block
    uint64_t end = 0;        // journal offset behind the last byte of it
    bool is_ended = false;   // nothing is appended to it any more
    bool has_fence = false;  // its last bytes are one
    int sync_error = 0;      // errno
    bool is_dropped = false;
  };

  struct Held {
    uint64_t journal_offset;
    Ref<Connection> connection;
    // Of a heap with the lowest offset on top.
    bool operator<(const Held& other) const { return journal_offset > other.journal_offset; }
  };

  bool look(Core& core);
  void write_block(Core& core, int fd, int64_t offset, bool at_once);
  bool may_write_at_once(int64_t now_ns) const REQUIRES(mutex_);
  void note_slow_write(int64_t now_ns);
  void add_segment(JournalFile file) REQUIRES(mutex_);
  void retire_segments() REQUIRES(mutex_);
  void drop_through(uint64_t offset) REQUIRES(mutex_);
  bool is_finished(const Segment& segment) const REQUIRES(mutex_);
  bool is_drained(const Segment& segment) const REQUIRES(mutex_);
  bool wants_fence(const Segment& segment) const REQUIRES(mutex_);
  bool begin_block(Core& core, int64_t now_ns) REQUIRES(mutex_);
  void take_block(Segment& front) REQUIRES(mutex_);
  void encode_block(int64_t unix_s);
  void write_done(Core& core, int64_t result);
  void block_written(Segment& front) REQUIRES(mutex_);
  void note_write_error(int error, int64_t now_ns) REQUIRES(mutex_);
  bool wants_sync(int64_t now_ns) const REQUIRES(mutex_);
  void start_sync(Core& core, int fd);
  bool begin_sync(Core& core, int64_t now_ns) REQUIRES(mutex_);
  void sync_done(Core& core, int64_t result);
  void note_sync_error(int error) REQUIRES(mutex_);
  bool begin_closing(Core& core) REQUIRES(mutex_);
  bool rests() const;
  // What follows from any change: who may be answered, what the log and INFO are told.
  void conclude(Core& core, int64_t now_ns, std::vector<std::string>& news) REQUIRES(mutex_);
  void begin_gathering(int64_t now_ns) REQUIRES(mutex_);
  bool is_gathering(int64_t now_ns) const REQUIRES(mutex_);
  bool must_wait_for_sync(int64_t now_ns) const REQUIRES(mutex_);
  void watch_lateness(int64_t now_ns) REQUIRES(mutex_);
  uint64_t may_be_acknowledged() const REQUIRES(mutex_);
  void acknowledge(Core& core) REQUIRES(mutex_);
  void publish() REQUIRES(mutex_);
  void say(std::string text) REQUIRES(mutex_) { news_.push_back(std::move(text)); }
  void tell_log(const std::vector<std::string>& news);
  int finish(Segment& segment) REQUIRES(mutex_);
  int write_rest(Segment& segment) REQUIRES(mutex_);
  int sync_rest(Segment& segment) REQUIRES(mutex_);

  commands::Server& server_;
  commands::JournalState& state_;
  io::Disk& disk_;
  std::atomic<uint64_t> acknowledged_{0};
  std::atomic<uint64_t> synced_{0};
  // Something has changed since the last look: maybe a write or a sync can begin. Set under mutex_.
  std::atomic<bool> needs_look_{false};

  mutable Mutex mutex_;
  std::deque<Segment> segments_ GUARDED_BY(mutex_);
  uint64_t appended_ GUARDED_BY(mutex_) = 0;
  uint64_t written_ GUARDED_BY(mutex_) = 0;
  int database_ GUARDED_BY(mutex_) = kNoDatabase;  // in which the file is at its end

  // The block being written to the front's file. While the write is in flight, what has no lock belongs to its core.
  Operation write_{*this, &Journal::write_done};
  Buffer block_;
  bool is_raw_ = false;             // its annotation is still missing
  uint64_t block_synced_ = 0;       // what that is going to say
  size_t block_written_bytes_ = 0;  // of it
  int64_t last_timestamp_s_ = 0;
  // Blocks are written at once again from then on, after a write that took long; and how long that was put off.
  int64_t at_once_from_ns_ = 0;
  int64_t put_off_ns_ = 0;
  bool has_block_ GUARDED_BY(mutex_) = false;  // it is not yet in the file as a whole
  uint64_t block_end_ GUARDED_BY(mutex_) = 0;  // journal offset
  bool is_fence_ GUARDED_BY(mutex_) = false;
  int write_error_ GUARDED_BY(mutex_) = 0;  // errno of the last try
  int64_t retry_at_ns_ GUARDED_BY(mutex_) = 0;

  Operation sync_{*this, &Journal::sync_done};
  int64_t sync_began_ns_ GUARDED_BY(mutex_) = INT64_MIN / 2;  // the last one
  uint64_t sync_covers_ GUARDED_BY(mutex_) = 0;               // journal offset
  uint64_t sync_covers_bytes_ GUARDED_BY(mutex_) = 0;         // of the file
  bool is_late_ GUARDED_BY(mutex_) = false;                   // it is, under `everysec`

  Closing closing_{*this};
  std::vector<int> to_close_ GUARDED_BY(mutex_);
  uint64_t appends_ GUARDED_BY(mutex_) = 0;           // since the server's start
  uint64_t answered_ GUARDED_BY(mutex_) = 0;          // outboxes, by the last acknowledgement
  uint64_t gathered_appends_ GUARDED_BY(mutex_) = 0;  // the next sync waits until there were so many,
  int64_t gathers_until_ns_ GUARDED_BY(mutex_) = 0;   // or until then
  std::vector<Held> held_ GUARDED_BY(mutex_);         // a heap
  std::vector<std::string> news_ GUARDED_BY(mutex_);  // for the log
};

}  // namespace millrace::core
