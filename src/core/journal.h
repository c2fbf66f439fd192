// Journal: the append-only file - one order of all changes, appended to by every core, written and synced by whichever
// core finds it pending.
//
//   append()          a command's effects, under its partitions          any core
//     pending         bytes in order
//   flush()           end of a turn: if nobody writes, this core does    one write in flight, for all cores
//     writing         one block and its annotation (persistence/journal_format.h)
//   written           up to here in the file: survives the process
//   sync              always: after each write; everysec: once a second; no: only where files change
//   synced            up to here durable: survives power loss
//
// Offsets count bytes of effects since the start of the server; annotations are not counted. acknowledged() is what
// replies wait for: synced under `always`, written otherwise - and synced again while a sync under `everysec` is more
// than two seconds late. An outbox whose bytes wait is handed to hold(); the core that moves acknowledged() gives it to
// its own turn to be sent, so nobody is woken.
//
// Files change with all partitions held (switch_to): what is appended from then on goes to the next file, and the
// first write to it comes after the last sync of the one before, so that a crash always leaves a beginning of the
// order.
//
// When writing fails (a full disk), what could not be written is kept and tried again every second; commands that write
// are refused meanwhile (Server::journal_state), replies wait, everything else goes on. When a sync fails nobody
// knows what is on the disk: nothing of that file counts as durable any more, and only a rewrite into new files heals
// it.
//
// Any thread, unless it says otherwise. Lock order: partitions, then the journal; under it no other lock is taken.
#pragma once

#include <atomic>
#include <cstdint>
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
  // Nothing of the journal is in flight on this core's backend.
  bool is_idle(const Core& core) const;
  uint64_t appended() const;
  uint64_t synced() const { return synced_.load(std::memory_order_acquire); }

  // ---- when no core runs any more, or with all partitions held: blocking calls
  // Writes and syncs what is left and closes the file; no journal is kept any more. nullopt, or what went wrong.
  std::optional<std::string> close();

 private:
  std::atomic<uint64_t> acknowledged_{0};
  std::atomic<uint64_t> synced_{0};
};

}  // namespace millrace::core
