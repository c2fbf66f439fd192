// CommandContext: everything a handler may touch while it runs, and nothing else.
//
// A handler reads `args` (views that live until it returns), works through `db`, writes exactly one reply to `reply`
// (or none, after block()), and returns. The partitions of the command's keys are held. It never sees a socket.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "commands/client.h"
#include "commands/server.h"
#include "commands/snapshots.h"
#include "keyspace/database.h"
#include "keyspace/partition_locks.h"
#include "resp/push_message.h"
#include "resp/reply_writer.h"

namespace millrace::commands {

class BlockedCommand;
class Executor;
class PublishRun;
struct CommandSpec;

// What a command may ask of the core it runs on.
class Host {
 public:
  virtual uint32_t core_index() const = 0;
  // Queues bytes for any client as they are: the answer to a blocked command, a line for a monitor. They leave at the
  // end of this core's turn, but not before the journal may acknowledge `journal_offset`. If it is the caller, what its
  // commands have replied so far goes out before them.
  virtual void deliver(Client& client, std::string_view bytes, uint64_t journal_offset = 0) = 0;
  // Queues a message for any client, the caller included, in the protocol the client speaks at that point of its
  // output. What the caller's commands have replied so far goes out before it; so a handler replies first and pushes
  // then.
  virtual void push(Client& client, resp::PushMessage& message) = 0;
  // Moves what the running client's commands have replied so far, `context.reply` included, to its output now: nothing
  // that other cores send it afterwards can overtake it.
  virtual void queue_replies(Client& running) = 0;
  // Until end_transaction() what the running client is replied is one reply: queue_replies() puts it aside, and what
  // others or its own commands send the client waits behind it.
  virtual void begin_transaction(Client& running) = 0;
  virtual void end_transaction(Client& running) = 0;
  // A blocked command of `client` was claimed and answered by this core: its own core goes on with the client's input.
  virtual void resume(Client& client) = 0;
  // Closes the client's connection, now or, if `after_reply`, once what is queued has been sent. Any client, the caller
  // too.
  virtual void kill(Client& client, bool after_reply) = 0;
  // CLIENT PAUSE / UNPAUSE changed server.pause: every core looks again.
  virtual void pause_changed() = 0;
  // A setting that a core holds derived state for was changed (maxclients, timeout, ...): every core looks again.
  virtual void settings_changed() = 0;
  // Ends the server after this command, without a snapshot.
  virtual void shut_down() = 0;
  // Begins a snapshot of all keys as they are now; all partitions are held. `wait`, unless null, is answered at its
  // end. False, and nothing done, if another one is going on (a final one waits for that).
  virtual bool start_snapshot(SnapshotKind kind, Ref<SnapshotWait> wait) = 0;
  // DEBUG RELOAD: the snapshot file is written, or loaded, before this returns; all partitions are held throughout.
  // False: it failed, and the log says why.
  virtual bool save_at_once() = 0;
  virtual bool load_at_once(keyspace::PartitionLocks& locks) = 0;
  // DEBUG LOADAOF: the keys are loaded anew from the journal, once that is written; `wait` is answered then. False, and
  // nothing done: there is no journal.
  virtual bool reload_journal(Ref<SnapshotWait> wait) = 0;
  // DEBUG SLEEP: this core does nothing for that long.
  virtual void stall(int64_t ns) = 0;
  // Reads the clock afresh (the context's `now` is the turn's).
  virtual Instant read_clock() = 0;
  // A clock that only says how long something took, cheap enough to be read with every command. ns; any beginning.
  virtual int64_t read_stopwatch() = 0;

 protected:
  ~Host() = default;
};

struct CommandContext {
  const CommandSpec& spec;
  std::span<const std::string_view> args;  // args[0] is the command's name; a subcommand's args[1] is the subcommand's
  Client& client;
  Server& server;
  Host& host;
  resp::ReplyWriter& reply;
  keyspace::Database& db;
  keyspace::PartitionLocks& locks;  // for commands whose spec says they lock for themselves (SCAN, INFO)
  PublishRun& publish_run;
  Executor& executor;  // for EXEC
  Random& random;
  Instant now;
  Ref<BlockedCommand> blocked;  // set by block()

  // Instead of replying: the client waits. The executor queues `command` at its keys under the locks still held. Inside
  // EXEC nobody waits: the reply is the one that its time is up.
  void block(Ref<BlockedCommand> command);
};

using Handler = void (*)(CommandContext&);

}  // namespace millrace::commands
