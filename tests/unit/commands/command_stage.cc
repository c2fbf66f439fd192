// CommandStage: what its clients run, and what its host writes down.
#include "unit/commands/command_stage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace millrace::commands {
namespace {

keyspace::KeyspaceOptions keyspace_options() {
  keyspace::KeyspaceOptions options;
  options.partitions = 4;
  return options;
}

Server& with_journal(Server& server, keyspace::Journal* journal) {
  server.journal = journal;
  return server;
}

ServerFacts server_facts() {
  ServerFacts facts;
  facts.started_unix_ms = CommandStage::kStartUnixMs;
  return facts;
}

}  // namespace

RecordingHost::RecordingHost() = default;

RecordingHost::~RecordingHost() = default;

void RecordingHost::deliver(Client& client, std::string_view bytes, uint64_t) {
  delivered[client.fixed.id] += bytes;
  deliveries.emplace_back(bytes);
}

void RecordingHost::push(Client& client, resp::PushMessage& message) {
  const std::string bytes(message.bytes(client.session.protocol, !client.subscriptions.empty()));
  queue_replies(client);
  if (&client == running) {
    (in_transaction ? held_pushes : queued) += bytes;
  } else if (!bytes.empty()) {
    deliver(client, bytes, 0);
  }
}

void RecordingHost::queue_replies(Client& client) {
  if (&client != running) return;
  (in_transaction ? transaction_replies : queued) += replies->view();
  replies->clear();
}

void RecordingHost::end_transaction(Client&) {
  in_transaction = false;
  if (transaction_replies.empty() && held_pushes.empty()) return;
  queued += transaction_replies;
  queued += replies->view();
  queued += held_pushes;
  replies->clear();
  transaction_replies.clear();
  held_pushes.clear();
}

bool RecordingHost::start_snapshot(SnapshotKind kind, Ref<SnapshotWait>) {
  if (!snapshot_can_start) return false;
  snapshots.push_back(kind);
  return true;
}

CommandStage::CommandStage(keyspace::Journal* journal)
    : server(settings, log, keyspace_options(), server_facts(), table),
      executor(with_journal(server, journal), table, host, 1) {
  me = connect("127.0.0.1:50000");
}

CommandStage::~CommandStage() {
  for (const Ref<Client>& client : server.clients.all()) executor.forget_client(*client);
}

Ref<Client> CommandStage::connect(std::string address) {
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

void CommandStage::pass_ms(int64_t ms) {
  now.unix_ms += ms;
  now.monotonic_ns += ms * 1'000'000;
}

std::string CommandStage::run(Client& client, std::string_view line) {
  std::vector<std::string_view> args;
  while (!line.empty()) {
    args.push_back(line.substr(0, line.find(' ')));
    line.remove_prefix(std::min(line.size(), args.back().size() + 1));
  }
  return run_args(client, args);
}

std::string CommandStage::run_args(Client& client, const std::vector<std::string_view>& args) {
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

std::string CommandStage::time_out() {
  EXPECT_TRUE(blocked_commands.back()->claim());
  Buffer out;
  resp::ReplyWriter reply(out, blocked_commands.back()->protocol());
  blocked_commands.back()->write_timeout(reply);
  return std::string(out.view());
}

}  // namespace millrace::commands
