// MEMORY: the size of one key, and of everything.
#include <array>
#include <optional>

#include "base/letters.h"
#include "base/numbers.h"
#include "commands/command_table.h"
#include "commands/context.h"
#include "commands/handlers.h"
#include "commands/help.h"
#include "commands/memory_doctor.h"
#include "commands/memory_overview.h"
#include "keyspace/key_table.h"
#include "resp/errors.h"

namespace millrace::commands {
namespace {

// SAMPLES bounds Redis's effort; a stream here knows its size, so it is only checked. False after an error reply.
bool check_samples(CommandContext& context) {
  const auto options = context.args.subspan(3);
  for (size_t i = 0; i < options.size(); i += 2) {
    const bool complete = i + 1 < options.size();
    if (!complete || !same_word(options[i], "samples")) {
      context.reply.error(resp::kSyntax);
      return false;
    }
    const std::optional<int64_t> samples = parse_i64(options[i + 1]);
    if (!samples || *samples < 0) {
      context.reply.error(samples ? resp::kSyntax : resp::kNotInteger);
      return false;
    }
  }
  return true;
}

// One field of MEMORY STATS: an integer, or a real number.
struct Figure {
  std::string_view name;
  int64_t (*integer)(const MemoryOverview& of);
  double (*real)(const MemoryOverview& of) = nullptr;
};

using Of = const MemoryOverview&;

int64_t count(uint64_t value) {
  return static_cast<int64_t>(value);
}

int64_t none(Of) {
  return 0;
}

// In Redis's order; the databases stand between the two.
constexpr auto kFirstFigures = std::to_array<Figure>({
    {"peak.allocated", [](Of of) { return count(of.peak); }},
    {"total.allocated", [](Of of) { return count(of.report.used); }},
    {"startup.allocated", [](Of of) { return count(of.startup); }},
    {"replication.backlog", none},
    {"clients.slaves", none},
    {"clients.normal", [](Of of) { return count(of.clients); }},
    {"cluster.links", none},
    {"aof.buffer", [](Of of) { return count(of.journal_buffer); }},
    {"lua.caches", none},
    {"functions.caches", none},
});
constexpr auto kLastFigures = std::to_array<Figure>({
    {"overhead.total", [](Of of) { return count(of.overhead); }},
    {"keys.count", [](Of of) { return count(of.keys); }},
    {"keys.bytes-per-key", [](Of of) { return count(of.keys == 0 ? 0 : of.since_startup() / of.keys); }},
    {"dataset.bytes", [](Of of) { return count(of.dataset); }},
    {"dataset.percentage", nullptr, [](Of of) { return 100 * ratio(of.dataset, of.since_startup()); }},
    {"peak.percentage", nullptr, [](Of of) { return 100 * ratio(of.report.used, of.peak); }},
    {"allocator.allocated", [](Of of) { return count(of.report.used); }},
    {"allocator.active", [](Of of) { return count(of.report.active); }},
    {"allocator.resident", [](Of of) { return count(of.report.resident); }},
    {"allocator-fragmentation.ratio", nullptr, [](Of of) { return ratio(of.report.active, of.report.used); }},
    {"allocator-fragmentation.bytes", [](Of of) { return difference(of.report.active, of.report.used); }},
    {"allocator-rss.ratio", nullptr, [](Of of) { return ratio(of.report.resident, of.report.active); }},
    {"allocator-rss.bytes", [](Of of) { return difference(of.report.resident, of.report.active); }},
    {"rss-overhead.ratio", nullptr, [](Of of) { return ratio(of.report.process_resident, of.report.resident); }},
    {"rss-overhead.bytes", [](Of of) { return difference(of.report.process_resident, of.report.resident); }},
    {"fragmentation", nullptr, [](Of of) { return ratio(of.report.process_resident, of.report.used); }},
    {"fragmentation.bytes", [](Of of) { return difference(of.report.process_resident, of.report.used); }},
});

void write_figures(std::span<const Figure> figures, const MemoryOverview& overview, resp::ReplyWriter& reply) {
  for (const Figure& figure : figures) {
    reply.bulk(figure.name);
    figure.integer != nullptr ? reply.integer(figure.integer(overview)) : reply.real(figure.real(overview));
  }
}

void write_database(const MemoryOverview::Database& database, resp::ReplyWriter& reply) {
  reply.bulk("db." + std::to_string(database.index));
  reply.map(3);
  reply.bulk("overhead.hashtable.main");
  reply.integer(count(database.table_bytes));
  reply.bulk("overhead.hashtable.expires");
  reply.integer(count(database.expiry_bytes));
  reply.bulk("overhead.hashtable.slot-to-keys");
  reply.integer(0);
}

}  // namespace

void memory_usage_command(CommandContext& context) {
  if (!check_samples(context)) return;
  const std::string_view key = context.args[2];
  const keyspace::KeyEntry* entry = context.db.find_to_inspect(key);
  if (entry == nullptr) return context.reply.null();
  context.reply.integer(static_cast<int64_t>(sizeof(keyspace::KeyEntry) + key.size() + entry->value.memory_bytes()));
}

void memory_stats_command(CommandContext& context) {
  const MemoryOverview overview = look_at_memory(context);
  const size_t fields = kFirstFigures.size() + overview.databases.size() + kLastFigures.size();
  context.reply.map(static_cast<int64_t>(fields));
  write_figures(kFirstFigures, overview, context.reply);
  for (const MemoryOverview::Database& database : overview.databases) write_database(database, context.reply);
  write_figures(kLastFigures, overview, context.reply);
}

void memory_doctor_command(CommandContext& context) {
  context.reply.verbatim("txt", memory_diagnosis(look_at_memory(context), context.server.clients.size()));
}

void memory_purge_command(CommandContext& context) {
  const auto& purge = context.server.environment.purge_memory;
  if (purge && !purge()) return context.reply.error(resp::kPurgeFailed);
  context.reply.ok();
}

void memory_malloc_stats_command(CommandContext& context) {
  const auto& statistics = context.server.environment.allocator_statistics;
  const std::string text = statistics ? statistics() : "";
  if (text.empty()) return context.reply.bulk("Stats not supported for the current allocator");
  context.reply.verbatim("txt", text);
}

void memory_help_command(CommandContext& context) {
  write_help(context);
}

}  // namespace millrace::commands
