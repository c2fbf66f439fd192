// Core: one I/O thread, complete in itself - its ring, its listeners, its connections, timers and counters.
//
//   turn:  inbox -> timers -> buffered input -> journal -> outboxes -> sleep announced -> wait (receives run commands)
//
// run() turns until it is told to stop; tests turn a core by hand on a simulated backend. Everything here belongs to
// the core's thread except stop(), which main calls, and what other cores look at: the inbox, and whether this one
// sleeps. Messages to another core go through post(), but for those it may have only while it is awake (what to send,
// hand_over_flushes()).
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/intrusive_list.h"
#include "base/log.h"
#include "commands/command_table.h"
#include "commands/context.h"
#include "commands/executor.h"
#include "commands/server.h"
#include "core/connection.h"
#include "core/inbox.h"
#include "core/journal.h"
#include "core/timers.h"
#include "io/backend.h"
#include "io/disk.h"

namespace millrace::core {

class Core;
class Housekeeping;
class JournalDirectory;
class JournalReload;
class Listener;
class Snapshot;

// What a core is told about a socket it accepted; main asks the kernel, tests make it up.
struct PeerFacts {
  std::string address;
  std::string local_address;
  bool is_unix = false;
  bool is_local = true;  // loopback or unix socket: protected mode lets it in
};

// What the cores need from the process around them. Called from any core's thread.
struct Surroundings {
  std::function<PeerFacts(int fd)> prepare_socket;  // sets socket options too
  std::function<void()> request_shutdown;
  io::Disk* disk = nullptr;                       // where snapshots go; without one there are none
  Journal* journal = nullptr;                     // outlives the cores; without one none is ever kept
  JournalDirectory* journal_directory = nullptr;  // where it is rewritten
};

// All cores of the server, by index. Filled before the first of them runs, fixed from then on.
using CoreDirectory = std::vector<Core*>;

// The settings a connection looks at for every receive, read from the shared ones once in a while.
struct CoreSettings {
  int64_t client_query_buffer_limit_bytes = 0;
  int64_t proto_max_bulk_len_bytes = 0;
  int64_t argument_count_max = 1024 * 1024;
};

class Core final : public commands::Host {
 public:
  struct Options {
    uint32_t index = 0;
    uint64_t seed = 0;
    size_t push_sends_min = 16;  // of what was pushed, how many sends a turn starts at least
  };

  Core(const Options& options, commands::Server& server, const commands::CommandTable& table, io::Backend& backend,
       CoreDirectory& directory, Surroundings surroundings);
  ~Core();

  // Listens on a socket that the caller made and keeps open until the core is gone.
  void listen(int listener_fd);
  void run();
  // One turn; sleeps at most until the next timer. False once told to stop.
  bool turn();
  // Closes all connections; the caller turns the core until it has none left.
  size_t connection_count() const { return connections_.size(); }

  // Leaves a message for a core. With `needs_wake` a sleeping one is woken; without, it finds the message when it next
  // wakes.
  void post(uint32_t core, Message message, bool needs_wake);
  // Any thread.
  void stop();
  // Any thread. Saves all keys and then asks for the end of the server; if saving fails, it stays.
  void save_and_end();

  // ---- for connections, listeners and housekeeping, on this core's thread
  void awake();  // first thing in every callback: the wait is over, the time has moved
  const Instant& now() {
    if (clock_is_stale_) read_time();
    return now_;
  }
  void time_has_passed() { clock_is_stale_ = true; }
  io::Backend& backend() { return backend_; }
  commands::Server& server() { return server_; }
  commands::Executor& executor() { return executor_; }
  commands::CoreStatistics& statistics() { return statistics_; }
  const CoreSettings& settings() const { return settings_; }
  bool is_alone() const { return server_.facts.core_count == 1; }
  const OutboxLimits& outbox_limits(const commands::Client& client) const {
    return client.is_pubsub() ? pubsub_limits_ : normal_limits_;
  }
  Log& log() { return server_.log; }
  Timers& timers() { return timers_; }
  Snapshot& snapshot() { return *snapshot_; }
  io::Disk& disk() { return *surroundings_.disk; }  // REQUIRES: there is a journal
  Journal* journal() { return surroundings_.journal; }
  JournalDirectory* journal_directory() { return surroundings_.journal_directory; }
  Buffer& replies() { return replies_; }  // scratch: replies of the run in progress
  // A connection's commands run, and their replies gather in replies().
  void begin_run(Connection& connection) { running_ = &connection; }
  void end_run() { running_ = nullptr; }
  void accepted(int fd);
  void make_runnable(Connection& connection);
  void pause(Connection& connection);
  // What appending to the connection's outbox came to.
  void appended(Connection& connection, Outbox::Appended outcome);
  void settled(Connection& connection);
  // It has clients, each waits for the journal already, and no push is to be sent: nobody is kept waiting if the core
  // waits, too.
  bool only_waits();
  // Has a turn at that time at the latest; what was asked for before is forgotten.
  void turn_at(int64_t monotonic_ns) { timers_.arm(turn_timer_, monotonic_ns); }
  // Its outbox is to be flushed at the end of this turn.
  void flush_later(Ref<Connection> connection) { to_flush_.push_back(std::move(connection)); }
  // Its outbox has to wait for the journal.
  void hold(Ref<Connection> connection, uint64_t journal_offset) {
    held_.push_back({std::move(connection), journal_offset});
  }
  // What the journal has acknowledged.
  uint64_t acknowledged() const { return surroundings_.journal == nullptr ? 0 : surroundings_.journal->acknowledged(); }
  void note_send(int result);
  // For the latency monitor: what began then, on the stopwatch, is over. Returns how long it took.
  int64_t note_latency(std::string_view event, int64_t began_ns);
  // Sends on this core's ring, whosever connection they are for; it does not leave before the last has ended.
  void send_started() { ++sends_in_flight_; }
  void send_ended() { --sends_in_flight_; }
  // To be called after each command and at the end of the turn: closes clients if all together take too much memory.
  void look_at_client_memory() {
    if (server_.client_memory.needs_look()) commands::evict_clients(server_, *this);
  }
  void for_each_connection(const std::function<void(Connection&)>& visit);
  void load_settings();

  // ---- commands::Host
  uint32_t core_index() const override { return index_; }
  void deliver(commands::Client& client, std::string_view bytes, uint64_t journal_offset) override;
  void push(commands::Client& client, resp::PushMessage& message) override;
  void queue_replies(commands::Client& running) override;
  void begin_transaction(commands::Client& running) override;
  void end_transaction(commands::Client& running) override;
  void resume(commands::Client& client) override;
  void kill(commands::Client& client, bool after_reply) override;
  void pause_changed() override;
  void settings_changed() override;
  void shut_down() override;
  bool start_snapshot(commands::SnapshotKind kind, Ref<commands::SnapshotWait> wait) override;
  bool save_at_once() override;
  bool load_at_once(keyspace::PartitionLocks& locks) override;
  bool reload_journal(Ref<commands::SnapshotWait> wait) override;
  void stall(int64_t ns) override;
  Instant read_clock() override { return backend_.now(); }
  int64_t read_stopwatch() override { return backend_.stopwatch_ns(); }

 private:
  class PauseTimer final : public Timer {
   public:
    explicit PauseTimer(Core& core) : core_(core) {}
    void expired() override { core_.end_pause(); }

   private:
    Core& core_;
  };

  // Its turn is all it is for.
  class TurnTimer final : public Timer {
   public:
    void expired() override {}
  };

  void read_time();
  bool can_leave() const;
  void wake(uint32_t core);
  void drain_inbox();
  void handle(Message& message);
  void finish_close(Connection& connection);
  void run_runnable();
  void flush_outboxes();
  void flush_pushes();
  void hurry_pushes();
  void flush(Ref<Connection> connection);
  bool is_work_of_others(const Connection& connection) const;
  void hand_over_flushes();
  void close_over_limit(Connection& connection);
  void sleep();
  void look_again();
  void end_pause();
  void post_to_all(Message::Kind kind);

  const uint32_t index_;
  const size_t push_sends_min_;
  commands::Server& server_;
  const commands::CommandTable& table_;
  io::Backend& backend_;
  CoreDirectory& directory_;
  const Surroundings surroundings_;
  commands::CoreStatistics& statistics_;
  commands::Executor executor_;
  Timers timers_;
  CoreSettings settings_;
  OutboxLimits normal_limits_;
  OutboxLimits pubsub_limits_;

  Instant now_;
  bool clock_is_stale_ = true;
  int64_t turn_began_ns_;  // on the stopwatch
  bool stopping_ = false;
  size_t sends_in_flight_ = 0;
  Inbox inbox_;
  // True from the announcement of sleep to the first callback or the end of the wait.
  std::atomic<bool> sleeping_{false};
  std::vector<Message> arrived_;  // scratch for drain_inbox
  // Messages to itself, handled like those of others, without the lock. They wait until what was to be sent when they
  // were posted has been submitted: what follows from an answer does not keep the answer waiting.
  std::vector<Message> own_;
  std::vector<Message> own_due_;

  std::map<uint64_t, Ref<Connection>> connections_;
  IntrusiveList<Connection, &Connection::runnable_link> runnable_;
  IntrusiveList<Connection, &Connection::paused_link> paused_;
  std::vector<Ref<Connection>> to_flush_;
  std::vector<Ref<Connection>> flushing_;  // scratch for flush_outboxes
  // Outboxes to be flushed because of a push, the oldest first. They may wait for a turn or more (flush_pushes()).
  std::deque<Ref<Connection>> pushed_;
  size_t pushed_bytes_ = 0;           // in this turn
  size_t longest_push_bytes_ = 0;     // of one message, in this turn
  std::vector<HeldOutbox> held_;      // since the journal was last told
  std::vector<Message> handed_over_;  // scratch for flush_outboxes: by core, what it shall send
  Buffer replies_;
  Connection* running_ = nullptr;  // whose replies are in replies_
  bool in_transaction_ = false;    // they are parts of one, begun in
  Buffer transaction_replies_;     // ... this, if anything had to be moved out of replies_ on the way
  PauseTimer pause_timer_;
  TurnTimer turn_timer_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::unique_ptr<Snapshot> snapshot_;
  std::unique_ptr<JournalReload> journal_reload_;
  std::unique_ptr<Housekeeping> housekeeping_;
};

}  // namespace millrace::core
