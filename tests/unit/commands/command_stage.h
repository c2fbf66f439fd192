// CommandStage: a server without sockets, on which tests run commands and look at the bytes that come back.
//
// Clients are plain objects; what commands ask of their core is written down by a host that does nothing. A command
// that blocks has no reply; whoever it is woken by leaves its reply with the host, and so does whoever pushes something
// to a client. What is pushed to the client that runs a command comes with its reply, in order. Time stands still
// unless it is moved. One thread.
#pragma once

#include <gtest/gtest.h>

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
  uint32_t core_index() const override { return 0; }
  void deliver(Client& client, std::string_view bytes, uint64_t) override {
    delivered[client.fixed.id] += bytes;
    deliveries.emplace_back(bytes);
  }
  void push(Client& client, resp::PushMessage& message) override {
    const std::string bytes(message.bytes(client.session.protocol, !client.subscriptions.empty()));
    queue_replies(client);
    if (&client == running) {
      (in_transaction ? held_pushes : queued) += bytes;
    } else if (!bytes.empty()) {
      deliver(client, bytes, 0);
    }
  }
  void queue_replies(Client& client) override {
    if (&client != running) return;
    (in_transaction ? transaction_replies : queued) += replies->view();
    replies->clear();
  }
  void begin_transaction(Client&) override { in_transaction = true; }
  void end_transaction(Client&) override {
    in_transaction = false;
    if (transaction_replies.empty() && held_pushes.empty()) return;
    queued += transaction_replies;
    queued += replies->view();
    queued += held_pushes;
    replies->clear();
    transaction_replies.clear();
    held_pushes.clear();
  }
  void resume(Client& client) override { resumed.push_back(client.fixed.id); }
  void kill(Client& client, bool after_reply) override { killed[client.fixed.id] = after_reply; }
  void pause_changed() override { ++pause_changes; }
  void settings_changed() override { ++setting_changes; }
  void shut_down() override { is_shut_down = true; }
  bool start_snapshot(SnapshotKind kind, Ref<SnapshotWait>) override {
    if (!snapshot_can_start) return false;
    snapshots.push_back(kind);
    return true;
  }
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

  explicit CommandStage(keyspace::Journal* journal = nullptr)
      : server(settings, log, options(), facts(), table), executor(with_journal(server, journal), table, host, 1) {
    me = connect("127.0.0.1:50000");
  }

  ~CommandStage() {
    for (const Ref<Client>& client : server.clients.all()) executor.forget_client(*client);
  }

  Ref<Client> connect(std::string address) {
    Client::Fixed fixed;
    fixed.id = server.clients.next_id();
    fixed.fd = static_cast<int>(fixed.id) + 7;
    fixed.created_unix_ms = now.unix_ms;
    fixed.address = std::move(address);
    fixed.local_address = "127.0.0.1:6379";
    Ref<Client> client = Ref<Client>::make(std::move(fixed));
    client->card.last_interaction_ms.store(now.unix_ms);
    server.clients.add(client);
    return client;
  }
  void pass_ms(int64_t ms) {
    now.unix_ms += ms;
    now.monotonic_ns += ms * 1'000'000;
  }
  // The bytes of the reply to one command; words are separated by single blanks.
  std::string run(Client& client, std::string_view line) {
    std::vector<std::string_view> args;
    while (!line.empty()) {
      args.push_back(line.substr(0, line.find(' ')));
      line.remove_prefix(std::min(line.size(), args.back().size() + 1));
    }
    return run_args(client, args);
  }
  std::string run(std::string_view line) { return run(*me, line); }
  std::string run_args(Client& client, const std::vector<std::string_view>& args) {
    Buffer out;
    host.running = &client;
    host.replies = &out;
    host.queued.clear();
    if (executor.execute(client, args, out, now) == Executor::Outcome::kBlocked) {
      blocked_commands.push_back(executor.take_blocked());
    }
    executor.end_run();
    host.running = nullptr;
    return host.queued + std::string(out.view());
  }
  // The reply of the command that blocked last when its time has run out.
  std::string time_out() {
    EXPECT_TRUE(blocked_commands.back()->claim());
    Buffer out;
    resp::ReplyWriter reply(out, blocked_commands.back()->protocol());
    blocked_commands.back()->write_timeout(reply);
    return std::string(out.view());
  }

  settings::Settings settings;
  Log log;
  CommandTable table;
  Server server;
  RecordingHost host;
  Executor executor;
  Instant now{kStartUnixMs, 1'000'000'000};
  Ref<Client> me;
  std::vector<Ref<BlockedCommand>> blocked_commands;  // all that ever blocked, in order

 private:
  static keyspace::KeyspaceOptions options() {
    keyspace::KeyspaceOptions options;
    options.partitions = 4;
    return options;
  }
  static Server& with_journal(Server& server, keyspace::Journal* journal) {
    server.journal = journal;
    return server;
  }
  static ServerFacts facts() {
    ServerFacts facts;
    facts.started_unix_ms = kStartUnixMs;
    return facts;
  }
};

}  // namespace millrace::commands
