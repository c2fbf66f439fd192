// Executor: takes one parsed request through look-up, refusals, locks and handler, and tells others what it changed.
// One per core, same thread.
//
//   execute()   find the row -> refuse? -> hold the partitions of its keys -> wait? -> queue it (MULTI)? -> handler ->
//               tell others what it changed
//   end_run()   deliver the PUBLISHes still gathered, let go of the partitions
//
// Others are told in this order, under the locks still held: who tracks the keys, who listens for keyspace
// notifications, who is blocked on the keys, who monitors. The reply is complete by then, so what comes to the client
// itself comes behind it.
//
// EXEC holds the partitions of all its commands from the first to the last of them (executor_transaction.cc). Each is
// told of as if it were alone, but for those who are blocked: they look once, at what all of it comes to.
//
// A connection executes a run of pipelined commands and calls end_run() when it has no more: commands on one key in one
// run lock once. Between end_run() and the next execute() the core holds no partition.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/random.h"
#include "commands/blocking.h"
#include "commands/command_table.h"
#include "commands/context.h"
#include "commands/permissions.h"
#include "commands/publication.h"

namespace millrace::commands {

class Executor {
 public:
  enum class Outcome {
    kReplied,  // the reply is behind what `out` held before (or nothing, if the client wants none)
    kBlocked,  // no reply: the client waits; take_blocked() has the command, its keys are queued, the locks still held
    kPaused,   // not executed: CLIENT PAUSE is on; offer the same request again later
  };

  // For who applies a journal instead of running commands of clients: nothing is refused, nobody is told of changes, no
  // journal takes them, keys whose time has come stay until the journal removes them, and what is counted is kept
  // apart.
  struct Replay {
    keyspace::PartitionLocks& locks;  // holds all partitions whenever a command is executed
    CoreStatistics& statistics;
  };

  // `replay`: nullptr for clients' commands; read during the call only.
  Executor(Server& server, const CommandTable& table, Host& host, uint64_t seed, const Replay* replay = nullptr);

  // What a client may do, for its connection; EXEC asks for each of its commands.
  Permissions& permissions() { return permissions_; }

  // Where the journal has to be before the replies written since the last call may be sent; 0: anywhere. To be called
  // when they are queued. What they depend on is in the journal then.
  uint64_t replies_wait_for(Client& client);

  Outcome execute(Client& client, std::span<const std::string_view> args, Buffer& out, const Instant& now);
  // The command that execute() left blocked. The caller queues the replies before it, makes it visible with
  // client.set_waiter(), and only then calls end_run(): no answer can overtake them.
  Ref<BlockedCommand> take_blocked() { return std::move(blocked_); }
  void end_run();
  // For EXEC: executes what the client has queued, under the locks that are held and pinned, and replies.
  void run_transaction(CommandContext& context);

  // ---- called by the core outside a run
  // Once a turn: how much memory this core has taken (MemoryUse).
  void report_memory() { memory_share_.report(server_); }
  // Takes a claimed command out of the queues it still stands in.
  void forget(const BlockedCommand& command);
  // Lets every waiter of this command's keys look again (CLAIM: time alone may have made an entry ready).
  void look_again(const BlockedCommand& command, Instant now);
  // Removes what has expired in one partition and answers those who waited for it. True if more is left than `limit`.
  bool expire(keyspace::PartitionIndex partition, Instant now, size_t limit);
  // The client is going away: it listens to nothing any more.
  void forget_client(Client& client);

 private:
  // A command of a client on its way.
  struct Call {
    const CommandSpec* spec;  // nullptr: there is no such command
    Client& client;
    std::span<const std::string_view> args;
    Instant now;
    uint32_t flags = 0;         // EXEC's are those of what it executes as well
    keyspace::HashedKey key{};  // hold_partitions() has come across it
  };

  Call look_up(Client& client, std::span<const std::string_view> args, const Instant& now) const;
  // False after an error reply.
  bool admit(const Call& call, resp::ReplyWriter& reply);
  std::string refusal(const Call& call);
  // More is used than maxmemory allows, and the command, or its place in the queue, needs memory.
  bool lacks_memory(const Call& call);
  void queue(const Call& call, resp::ReplyWriter& reply);
  void tell_of_refusal(const Call& call);
  void refuse(const Call& call, std::string_view error, resp::ReplyWriter& reply);
  // Must not run now because of CLIENT PAUSE.
  bool is_paused(const Call& call) const;
  void expect_events();
  void hold_partitions(Call& call);
  void hold_partitions_of_transaction(const Transaction& transaction);
  void run_exec(const Call& call, resp::ReplyWriter& reply);
  void run_handler(const Call& call, resp::ReplyWriter& reply);
  void run_queued(const QueuedCommand& command, Client& client, resp::ReplyWriter& reply, Instant now);
  // Counts the reply that begins at `start`, and drops it if the client wants none.
  void settle_reply(const CommandSpec* spec, size_t start, bool is_unwanted, Buffer& out);
  // Leaves the command waiting, or has it answered at once where nobody waits.
  void block(const Call& call, Ref<BlockedCommand> command, resp::ReplyWriter& reply);
  // The user of a blocked command may no longer do what it waits for: it is answered so.
  bool is_revoked(BlockedCommand& command, Instant now);
  void answer_waiters(const keyspace::KeyPlace& place, Instant now);
  void answer_ready(Instant now);
  void tell_others(const Call& call);
  void publish(keyspace::KeyEvents& events);
  void show_to_monitors(const Call& call);
  // Out of line: it would take most of the room of who seldom calls it.
  [[gnu::noinline]] void count_error(const CommandSpec* spec, std::string_view reply);
  // ---- executor_times.cc
  void begin_time();
  uint64_t take_time();
  void end_time(const Call& call, bool blocks);
  void end_run_time();
  void deliver_publishes();
  void charge(const Call& call, uint64_t ns, bool blocks);
  void note_slow(const Call& call, uint64_t us);
  void note_latency(const Call& call, uint64_t ns, int64_t threshold_ms);
  void absorb_events();

  Server& server_;
  const CommandTable& table_;
  Host& host_;
  const bool is_replay_;
  CoreStatistics& statistics_;
  MemoryShare memory_share_;
  keyspace::Effects effects_;
  bool has_written_ = false;  // since the last replies_wait_for()
  keyspace::PartitionLocks own_locks_;
  keyspace::PartitionLocks& locks_;
  Permissions permissions_;
  PublishRun publish_run_;
  Random random_;

  keyspace::KeyEvents events_;
  Ref<BlockedCommand> blocked_;
  Buffer answer_;  // scratch for replies to waiters

  // Scratch for key extraction, so that the hot path allocates nothing.
  std::vector<uint32_t> key_positions_;
  std::vector<keyspace::PartitionIndex> partitions_;
  std::vector<bool> is_wanted_;                // by partition, for EXEC
  std::vector<std::string_view> queued_args_;  // of the command of an EXEC that runs
  // What of the running command's replies is settled: not to be dropped, whether the client wants replies or not.
  size_t settled_bytes_ = 0;

  // Where one command ends the next one begins: the stopwatch is read once per command, and twice more per run.
  bool is_timing_ = false;
  int64_t timed_since_ns_ = 0;
  const CommandSpec* last_spec_ = nullptr;  // of this run
};

}  // namespace millrace::commands
