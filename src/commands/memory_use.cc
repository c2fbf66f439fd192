// See memory_use.h.
#include "commands/memory_use.h"

#include <algorithm>
#include <cstdlib>

#include "commands/server.h"

namespace millrace::commands {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

uint64_t ask_allocator(const Server& server) {
  return server.environment.used_memory ? server.environment.used_memory() : 0;
}

}  // namespace

bool MemoryShare::is_over_limit(Server& server) {
  const auto limit = static_cast<uint64_t>(server.settings.maxmemory_bytes.load(kRelaxed));
  return limit != 0 && used(server) > limit;
}

void MemoryShare::attach(Server& server) {
  if (is_attached_) return;
  is_attached_ = true;
  if (server.environment.thread_memory) memory_ = server.environment.thread_memory();
  if (memory_.taken != nullptr) reported_bytes_ = balance();
}

void MemoryShare::report(Server& server) {
  attach(server);
  if (memory_.taken == nullptr) return;
  const int64_t mine = unreported();
  if (std::abs(mine) < kMemoryStepBytes) return;
  server.memory.reported_bytes.fetch_add(mine, kRelaxed);
  reported_bytes_ += mine;
}

uint64_t MemoryShare::used(Server& server) {
  report(server);
  if (memory_.taken == nullptr) {
    const uint64_t used = ask_allocator(server);
    return used - std::min(used, uncounted_memory(server));
  }
  const MemoryUse& shared = server.memory;
  const int64_t sum = shared.base_bytes.load(kRelaxed) + shared.reported_bytes.load(kRelaxed) + unreported();
  return static_cast<uint64_t>(std::max<int64_t>(0, sum));
}

uint64_t measure_memory(Server& server) {
  MemoryUse& shared = server.memory;
  const int64_t reported = shared.reported_bytes.load(kRelaxed);
  const uint64_t used = ask_allocator(server);
  const auto counted = static_cast<int64_t>(used) - static_cast<int64_t>(uncounted_memory(server));
  shared.base_bytes.store(counted - reported, kRelaxed);
  uint64_t peak = shared.peak_bytes.load(kRelaxed);
  while (used > peak && !shared.peak_bytes.compare_exchange_weak(peak, used, kRelaxed)) {
  }
  return used;
}

uint64_t uncounted_memory(Server& server) {
  uint64_t bytes = server.journal_state.buffered_bytes.load(kRelaxed);
  if (!server.snapshots.is_going.load(kRelaxed)) return bytes;
  for (keyspace::PartitionIndex i = 0; i < server.keyspace.partition_count(); ++i) {
    bytes += server.keyspace.partition(i).preserved_bytes();
  }
  return bytes;
}

}  // namespace millrace::commands
