// Server: everything the cores share. Built once in main (or in a test) and handed down by reference; no globals.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/mutex.h"
#include "commands/acl_log.h"
#include "commands/client.h"
#include "commands/client_memory.h"
#include "commands/environment.h"
#include "commands/journal_state.h"
#include "commands/latency_histogram.h"
#include "commands/latency_monitor.h"
#include "commands/memory_use.h"
#include "commands/monitors.h"
#include "commands/rate_sampler.h"
#include "commands/replication_id.h"
#include "commands/slowlog.h"
#include "commands/snapshots.h"
#include "commands/sync_waits.h"
#include "commands/tracking.h"
#include "commands/users.h"
#include "keyspace/journal.h"
#include "keyspace/keyspace.h"
#include "pubsub/broker.h"
#include "settings/settings.h"

namespace millrace::commands {

// One row of commandstats on one core, indexed by CommandSpec::index.
struct CommandStatistics {
  Counter calls;
  Counter nanoseconds;
  LatencyHistogram latency;  // of each call that did not block
  Counter rejected;
  Counter failed;
};

// One core's counters, on cache lines of their own; INFO adds the cores up. CONFIG RESETSTAT sets them to zero.
struct alignas(64) CoreStatistics {
  explicit CoreStatistics(size_t command_count) : commands(command_count) {}

  Counter connections_received;
  Counter connections_rejected;
  Counter commands_processed;
  Counter input_bytes;
  Counter output_bytes;
  Counter hits;
  Counter misses;
  Counter expired_keys;
  Counter expiry_nanoseconds;  // of looking for them, without being asked
  Counter expiry_rounds_cut;   // there was more to do than a round may
  Counter changes;
  Counter error_replies;
  Counter reads;             // receive completions
  Counter writes;            // send completions
  Counter turns;             // event loop cycles
  Counter turn_nanoseconds;  // without sleep
  Counter query_buffer_limit_disconnections;
  Counter output_buffer_limit_disconnections;
  Counter evicted_clients;
  std::vector<CommandStatistics> commands;

  Mutex mutex;
  std::map<std::string, uint64_t, std::less<>> errors GUARDED_BY(mutex);  // errorstats: code -> count
};

// All connected clients by id. Any thread.
class ClientRegistry {
 public:
  uint64_t next_id() { return next_id_.fetch_add(1, std::memory_order_relaxed) + 1; }
  void add(Ref<Client> client) EXCLUDES(mutex_);
  void remove(uint64_t id) EXCLUDES(mutex_);
  // If it is there: does the rest before anybody can learn that it is not. Nothing that `rest` does may take a lock.
  void remove(uint64_t id, const std::function<void()>& rest) EXCLUDES(mutex_);
  Ref<Client> find(uint64_t id) const EXCLUDES(mutex_);
  std::vector<Ref<Client>> all() const EXCLUDES(mutex_);  // by id
  size_t size() const { return count_.load(std::memory_order_relaxed); }

 private:
  mutable Mutex mutex_;
  std::map<uint64_t, Ref<Client>> clients_ GUARDED_BY(mutex_);
  std::atomic<uint64_t> next_id_{0};
  std::atomic<size_t> count_{0};
};

// CLIENT PAUSE: until when which commands are held back. Readable by every core without a lock.
struct PauseState {
  std::atomic<int64_t> until_monotonic_ns{0};
  std::atomic<bool> writes_only{false};
};

// Facts that are fixed once the server runs; INFO shows them.
struct ServerFacts {
  std::string executable;
  std::string config_file;     // absolute, or empty
  std::string run_id;          // 40 hex digits
  std::string replication_id;  // the same, at start
  std::string io_backend;      // "io_uring" or "epoll"
  std::string os;
  int core_count = 1;
  int64_t started_unix_ms = 0;
  int64_t started_monotonic_ns = 0;
  int64_t process_id = 0;
};

struct Server {
  Server(settings::Settings& settings_in, Log& log_in, const keyspace::KeyspaceOptions& options, ServerFacts facts_in,
         const CommandTable& table);

  settings::Settings& settings;
  Log& log;
  Users users;
  AclLog acl_log;
  keyspace::Keyspace keyspace;
  ServerFacts facts;
  Environment environment;
  ClientRegistry clients;
  ClientMemory client_memory{settings};
  MemoryUse memory;
  ReplicationId replication_id{facts.replication_id};
  RateSampler rates;  // fed ten times a second by one core
  PauseState pause;
  pubsub::Broker broker;
  Monitors monitors;
  Tracking tracking;
  Snapshots snapshots;
  keyspace::Journal* journal = nullptr;  // set before the cores are built; nullptr: this server can keep none
  JournalState journal_state;
  SyncWaits sync_waits;
  Slowlog slowlog;
  LatencyMonitor latency;
  LoadingState loading;
  std::atomic<bool> active_expiry{true};  // DEBUG SET-ACTIVE-EXPIRE
  std::atomic<size_t> blocked_clients{0};
  std::atomic<int64_t> statistics_reset_unix_ms{0};
  std::vector<std::unique_ptr<CoreStatistics>> statistics;  // one per core
};

// How long the calls of a command took, added up over all cores.
std::unique_ptr<LatencyTotals> latency_totals(const Server& server, uint32_t index);

}  // namespace millrace::commands
