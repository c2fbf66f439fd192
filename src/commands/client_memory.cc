// See client_memory.h.
#include "commands/client_memory.h"

#include <bit>
#include <string>
#include <utility>
#include <vector>

#include "commands/context.h"
#include "commands/server.h"

namespace millrace::commands {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

// Less would leave no room to talk to the server.
constexpr uint64_t kLimitMin = 128 * 1024;
// Clients below 2^15 bytes count as equal, as do those beyond 2^33.
constexpr int kClassMin = 15;
constexpr int kClassMax = 33;

struct Candidate {
  int size_class;
  uint64_t bytes;
  Ref<Client> client;
};

int size_class_of(uint64_t bytes) {
  return std::clamp(static_cast<int>(std::bit_width(bytes)) - 1, kClassMin, kClassMax);
}

}  // namespace

uint64_t ClientMemory::limit_of(int64_t setting) const {
  if (setting > 0) return std::max(static_cast<uint64_t>(setting), kLimitMin);
  const int64_t all = settings_.maxmemory_bytes.load(kRelaxed);
  if (all == 0) return 0;
  const double part = static_cast<double>(all) * static_cast<double>(-setting) / 100;
  return std::max(static_cast<uint64_t>(part), kLimitMin);
}

void ClientMemory::end_look() {
  const int64_t left = total();
  patience_.store(left + left / 8, kRelaxed);
  is_looking_.store(false, std::memory_order_release);
}

uint64_t memory_but_output(const Client& client) {
  const Client::Card& card = client.card;
  return card.object_bytes.load(kRelaxed) + card.name_bytes.load(kRelaxed) + card.query_buffer_bytes.load(kRelaxed) +
         card.query_buffer_free_bytes.load(kRelaxed) + card.argument_bytes.load(kRelaxed) +
         card.subscription_bytes.load(kRelaxed) + card.tracking.prefix_bytes.load(kRelaxed) +
         card.transaction.memory_bytes.load(kRelaxed);
}

uint64_t memory_of(const Client& client) {
  return memory_but_output(client) + client.card.output_capacity_bytes.load(kRelaxed);
}

void evict_clients(Server& server, Host& host) {
  if (!server.client_memory.begin_look()) return;
  const uint64_t limit = server.client_memory.limit();
  uint64_t total = 0;
  std::vector<Candidate> candidates;
  for (Ref<Client>& client : server.clients.all()) {
    const uint64_t bytes = memory_of(*client);
    total += bytes;
    if (!client->card.no_evict.load(kRelaxed)) candidates.push_back({size_class_of(bytes), bytes, std::move(client)});
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.size_class > b.size_class; });
  for (const Candidate& candidate : candidates) {
    if (limit == 0 || total <= limit) break;
    total -= candidate.bytes;
    server.statistics[host.core_index()]->evicted_clients.add();
    server.log.notice("Closing client " + candidate.client->fixed.address + ", which takes " +
                      std::to_string(candidate.bytes) + " bytes: all clients together are beyond maxmemory-clients");
    host.kill(*candidate.client, false);
  }
  server.client_memory.end_look();
}

}  // namespace millrace::commands
