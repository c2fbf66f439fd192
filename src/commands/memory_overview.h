// MemoryOverview: where the memory goes, for INFO memory and the MEMORY commands, which show the same figures under
// different names.
#pragma once

#include <cstdint>
#include <vector>

#include "commands/context.h"
#include "commands/memory_report.h"

namespace millrace::commands {

struct MemoryOverview {
  // What a database takes beside the values in it.
  struct Database {
    int index = 0;
    uint64_t keys = 0;
    uint64_t table_bytes = 0;   // entries and buckets
    uint64_t expiry_bytes = 0;  // the order of the keys that expire
  };

  MemoryReport report;
  uint64_t peak = 0;
  uint64_t startup = 0;
  uint64_t clients = 0;
  uint64_t journal_buffer = 0;
  uint64_t uncounted = 0;  // against maxmemory
  uint64_t overhead = 0;   // all but the data: startup, clients, journal, databases
  uint64_t dataset = 0;
  uint64_t keys = 0;
  std::vector<Database> databases;  // those with keys

  uint64_t since_startup() const { return report.used > startup ? report.used - startup : 0; }
};

// Holds one partition after the other, and none afterwards.
MemoryOverview look_at_memory(CommandContext& context);

// 0 without a whole.
double ratio(uint64_t part, uint64_t whole);
int64_t difference(uint64_t a, uint64_t b);
// All connected clients together.
uint64_t memory_of_clients(const Server& server);

}  // namespace millrace::commands
