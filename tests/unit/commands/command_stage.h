// CommandStage: a server without sockets, on which tests run commands and look at the bytes that come back.
//
// Clients are plain objects; what commands ask of their core is written down by a host that does nothing. A command
// that blocks has no reply; whoever it is woken by leaves its reply with the host, and so does whoever pushes something
// to a client. What is pushed to the client that runs a command comes with its reply, in order. Time stands still
// unless it is moved. One thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "commands/blocking.h"
#include "commands/command_table.h"
#include "commands/executor.h"
#include "commands/server.h"

namespace millrace::commands {

class RecordingHost final : public Host {
 public:
  RecordingHost();
  ~RecordingHost();

  uint32_t core_index() const override { return 0; }
  void deliver(Client& client, std::string_view bytes, uint64_t) override;
  void push(Client& client, resp::PushMessage& message) override;
  void queue_replies(Client& client) override;
  void begin_transaction(Client&) override { in_transaction = true; }
  void end_transaction(Client&) override;
  void resume(Client& client) override { resumed.push_back(client.fixed.id); }
  void kill(Client& client, bool after_reply) override { killed[client.fixed.id] = after_reply; }
  void pause_changed() override { ++pause_changes; }
  void settings_changed() override { ++setting_changes; }
  void shut_down() override { is_shut_down = true; }
  bool start_snapshot(SnapshotKind kind, Ref<SnapshotWait>) override;
  bool save_at_once() override { return false; }
  bool load_at_once(keyspace::PartitionLocks&) override { return false; }
  bool reload_journal(Ref<SnapshotWait>) override { return false; }
  void stall(int64_t ns) override { stalled_ns += ns; }
  Instant read_clock() override { return {}; }
  int64_t read_stopwatch() override { return stopwatch_ns += stopwatch_step_ns; }

  const Client* running = nullptr;  // whose command runs,
  Buffer* replies = nullptr;        // where its replies gather,
  std::string queued;               // and what of them, and of pushes to it, has gone out already
  bool in_transaction = false;      // EXEC runs: what was
  std::string transaction_replies;  // ... moved out of its replies so far, and
  std::string held_pushes;          // ... pushed to its client

  std::map<uint64_t, std::string> delivered;  // to clients that did not run anything
  std::vector<std::string> deliveries;        // to all clients, in order
  std::vector<uint64_t> resumed;
  std::map<uint64_t, bool> killed;  // value: after its reply
  int pause_changes = 0;
  int setting_changes = 0;
  bool is_shut_down = false;
  std::vector<SnapshotKind> snapshots;  // begun
  bool snapshot_can_start = true;
  int64_t stalled_ns = 0;
  int64_t stopwatch_ns = 0;
  int64_t stopwatch_step_ns = 0;  // each reading of it takes so long
};

class CommandStage {
 public:
  static constexpr int64_t kStartUnixMs = 1'700'000'000'000;

  explicit CommandStage(keyspace::Journal* journal = nullptr);
  ~CommandStage();

  Ref<Client> connect(std::string address);
  void pass_ms(int64_t ms);
  // The bytes of the reply to one command; words are separated by single blanks.
  std::string run(Client& client, std::string_view line);
  std::string run(std::string_view line) { return run(*me, line); }
  std::string run_args(Client& client, const std::vector<std::string_view>& args);
  // The reply of the command that blocked last when its time has run out.
  std::string time_out();

  settings::Settings settings;
  Log log;
  CommandTable table;
  Server server;
  RecordingHost host;
  Executor executor;
  Instant now{kStartUnixMs, 1'000'000'000};
  Ref<Client> me;
  std::vector<Ref<BlockedCommand>> blocked_commands;  // all that ever blocked, in order
};

}  // namespace millrace::commands
