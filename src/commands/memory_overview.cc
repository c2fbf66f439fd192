// See memory_overview.h.
#include "commands/memory_overview.h"

#include <algorithm>

#include "commands/server.h"

namespace millrace::commands {
namespace {

// A node of the ordered set of keys that expire: its item, and what the tree needs.
constexpr uint64_t kExpiryNodeBytes = sizeof(keyspace::ExpiryIndex::Item) + 4 * sizeof(void*);

void add_partition(keyspace::Partition& partition, std::vector<MemoryOverview::Database>& databases)
    REQUIRES(partition.mutex) {
  for (MemoryOverview::Database& database : databases) {
    const keyspace::KeyTable* table = partition.existing_table(database.index);
    if (table == nullptr) continue;
    database.keys += table->size();
    database.table_bytes += table->size() * sizeof(keyspace::KeyEntry) + table->bucket_count() * sizeof(void*);
    database.expiry_bytes += partition.expiring_size(database.index) * kExpiryNodeBytes;
  }
}

std::vector<MemoryOverview::Database> look_at_databases(CommandContext& context) {
  keyspace::Keyspace& keyspace = context.server.keyspace;
  std::vector<MemoryOverview::Database> databases(static_cast<size_t>(keyspace.database_count()));
  for (size_t i = 0; i < databases.size(); ++i) databases[i].index = static_cast<int>(i);
  for (keyspace::PartitionIndex i = 0; i < keyspace.partition_count(); ++i) {
    context.locks.hold_one(i);
    keyspace::Partition& partition = keyspace.partition(i);
    partition.mutex.assert_held();
    add_partition(partition, databases);
  }
  context.locks.release();
  std::erase_if(databases, [](const MemoryOverview::Database& database) { return database.keys == 0; });
  return databases;
}

}  // namespace

MemoryOverview look_at_memory(CommandContext& context) {
  Server& server = context.server;
  MemoryOverview overview;
  if (server.environment.memory) overview.report = server.environment.memory();
  measure_memory(server);
  overview.peak = std::max(server.memory.peak_bytes.load(std::memory_order_relaxed), overview.report.used);
  overview.startup = server.memory.startup_bytes.load(std::memory_order_relaxed);
  overview.clients = memory_of_clients(server);
  overview.journal_buffer = server.journal_state.buffered_bytes.load(std::memory_order_relaxed);
  overview.uncounted = uncounted_memory(server);
  overview.databases = look_at_databases(context);
  overview.overhead = overview.startup + overview.clients + overview.journal_buffer;
  for (const MemoryOverview::Database& database : overview.databases) {
    overview.keys += database.keys;
    overview.overhead += database.table_bytes + database.expiry_bytes;
  }
  overview.overhead = std::min(overview.overhead, overview.report.used);
  overview.dataset = overview.report.used - overview.overhead;
  return overview;
}

double ratio(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

int64_t difference(uint64_t a, uint64_t b) {
  return static_cast<int64_t>(a) - static_cast<int64_t>(b);
}

uint64_t memory_of_clients(const Server& server) {
  uint64_t bytes = 0;
  for (const Ref<Client>& client : server.clients.all()) bytes += memory_of(*client);
  return bytes;
}

}  // namespace millrace::commands
