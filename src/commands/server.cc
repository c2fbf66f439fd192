// See server.h.
#include "commands/server.h"

#include <utility>

#include "base/check.h"
#include "commands/command_table.h"

namespace millrace::commands {

void ClientRegistry::add(Ref<Client> client) {
  const uint64_t id = client->fixed.id;
  MutexLock lock(mutex_);
  const bool is_new = clients_.emplace(id, std::move(client)).second;
  CHECK(is_new);
  count_.store(clients_.size(), std::memory_order_relaxed);
}

// The last reference may go here: not under the lock, because a client's end may take other locks.
void ClientRegistry::remove(uint64_t id, const std::function<void()>& rest) {
  Ref<Client> removed;
  MutexLock lock(mutex_);
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  rest();
  removed = std::move(found->second);
  clients_.erase(found);
  count_.store(clients_.size(), std::memory_order_relaxed);
}

void ClientRegistry::remove(uint64_t id) {
  remove(id, [] {});
}

Ref<Client> ClientRegistry::find(uint64_t id) const {
  MutexLock lock(mutex_);
  const auto found = clients_.find(id);
  return found == clients_.end() ? Ref<Client>() : found->second;
}

std::vector<Ref<Client>> ClientRegistry::all() const {
  std::vector<Ref<Client>> clients;
  MutexLock lock(mutex_);
  clients.reserve(clients_.size());
  for (const auto& [id, client] : clients_) clients.push_back(client);
  return clients;
}

Server::Server(settings::Settings& settings_in, Log& log_in, const keyspace::KeyspaceOptions& options,
               ServerFacts facts_in, const CommandTable& table)
    : settings(settings_in),
      log(log_in),
      users(table, settings),
      keyspace(options),
      facts(std::move(facts_in)),
      broker(options.hash_seed),
      tracking(clients, settings, facts.core_count, options.hash_seed) {
  CHECK(facts.core_count > 0);
  snapshots.last_save_s.store(facts.started_unix_ms / 1000, std::memory_order_relaxed);
  statistics_reset_unix_ms.store(facts.started_unix_ms, std::memory_order_relaxed);
  for (int core = 0; core < facts.core_count; ++core) {
    statistics.push_back(std::make_unique<CoreStatistics>(table.count()));
  }
}

std::unique_ptr<LatencyTotals> latency_totals(const Server& server, uint32_t index) {
  auto totals = std::make_unique<LatencyTotals>();
  for (const auto& core : server.statistics) {
    if (index < core->commands.size()) totals->add(core->commands[index].latency);
  }
  return totals;
}

}  // namespace millrace::commands
