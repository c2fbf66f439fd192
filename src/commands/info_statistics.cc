// INFO: what happened so far - statistics, commands, errors, the keyspace - and what does not exist here, as honest
// zeros. See info_sections.h.
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <vector>

#include "commands/command_table.h"
#include "commands/info_sections.h"

namespace millrace::commands {
namespace {

struct ZeroField {
  std::string_view name;
  std::string_view value;
};

void write_fields(std::span<const ZeroField> fields, InfoText& out) {
  for (const auto& [name, value] : fields) out.field(name, value);
}

constexpr ZeroField kEvictionTime[] = {
    {"total_eviction_exceeded_time", "0"},
    {"current_eviction_exceeded_time", "0"},
};
constexpr ZeroField kStatsMiddle[] = {
    {"latest_fork_usec", "0"},         {"total_forks", "0"},
    {"migrate_cached_sockets", "0"},   {"slave_expires_tracked_keys", "0"},
    {"active_defrag_hits", "0"},       {"active_defrag_misses", "0"},
    {"active_defrag_key_hits", "0"},   {"active_defrag_key_misses", "0"},
    {"total_active_defrag_time", "0"}, {"current_active_defrag_time", "0"},
};
constexpr ZeroField kReplication[] = {
    {"master_replid2", "0000000000000000000000000000000000000000"},
    {"master_repl_offset", "0"},
    {"second_repl_offset", "-1"},
    {"repl_backlog_active", "0"},
    {"repl_backlog_size", "1048576"},
    {"repl_backlog_first_byte_offset", "0"},
    {"repl_backlog_histlen", "0"},
};

void write_traffic(const Server& server, InfoText& out) {
  const RateSampler::Rates rates = server.rates.rates();
  out.number("total_connections_received", total_of(server, &CoreStatistics::connections_received));
  out.number("total_commands_processed", total_of(server, &CoreStatistics::commands_processed));
  out.number("instantaneous_ops_per_sec", static_cast<int64_t>(rates.commands));
  out.number("total_net_input_bytes", total_of(server, &CoreStatistics::input_bytes));
  out.number("total_net_output_bytes", total_of(server, &CoreStatistics::output_bytes));
  out.number("total_net_repl_input_bytes", 0);
  out.number("total_net_repl_output_bytes", 0);
  out.decimal("instantaneous_input_kbps", rates.input_bytes / 1024, 2);
  out.decimal("instantaneous_output_kbps", rates.output_bytes / 1024, 2);
  out.decimal("instantaneous_input_repl_kbps", 0, 2);
  out.decimal("instantaneous_output_repl_kbps", 0, 2);
  out.number("rejected_connections", total_of(server, &CoreStatistics::connections_rejected));
  out.number("sync_full", 0);
  out.number("sync_partial_ok", 0);
  out.number("sync_partial_err", 0);
}

// A turn of a core is what Redis calls a cycle of the event loop.
void write_turns(CommandContext& context, InfoText& out) {
  const Server& server = context.server;
  const RateSampler::Rates rates = server.rates.rates();
  uint64_t command_ns = 0;
  for (const auto& core : server.statistics) {
    for (const CommandStatistics& row : core->commands) command_ns += row.nanoseconds.get();
  }
  out.number("eventloop_cycles", total_of(server, &CoreStatistics::turns));
  out.number("eventloop_duration_sum", total_of(server, &CoreStatistics::turn_nanoseconds) / 1000);
  out.number("eventloop_duration_cmd_sum", command_ns / 1000);
  out.number("instantaneous_eventloop_cycles_per_sec", static_cast<int64_t>(rates.turns));
  const double turn_us = rates.turns == 0 ? 0 : rates.turn_nanoseconds / rates.turns / 1000;
  out.number("instantaneous_eventloop_duration_usec", static_cast<int64_t>(turn_us));
}

struct CommandTotals {
  uint64_t calls = 0;
  uint64_t nanoseconds = 0;
  uint64_t rejected = 0;
  uint64_t failed = 0;
};

CommandTotals command_totals(const Server& server, uint32_t index) {
  CommandTotals totals;
  for (const auto& core : server.statistics) {
    if (index >= core->commands.size()) continue;
    const CommandStatistics& row = core->commands[index];
    totals.calls += row.calls.get();
    totals.nanoseconds += row.nanoseconds.get();
    totals.rejected += row.rejected.get();
    totals.failed += row.failed.get();
  }
  return totals;
}

// "p50=1.003,p99=2.007"
std::string percentile_text(const LatencyTotals& totals, std::span<const std::string_view> percentiles) {
  std::string text;
  for (const std::string_view percentile : percentiles) {
    const double us = static_cast<double>(totals.percentile(std::atof(std::string(percentile).c_str()))) / 1000;
    char value[32];
    std::snprintf(value, sizeof value, "=%.3f", us);
    text.append(text.empty() ? "p" : ",p").append(percentile).append(value);
  }
  return text;
}

struct DatabaseSize {
  uint64_t keys = 0;
  uint64_t expiring = 0;
  double left_ms_sum = 0;  // until they expire

  int64_t mean_left_ms() const {
    return expiring == 0 ? 0 : static_cast<int64_t>(std::max(0.0, left_ms_sum / static_cast<double>(expiring)));
  }
};

std::vector<DatabaseSize> database_sizes(CommandContext& context) {
  keyspace::Keyspace& keyspace = context.server.keyspace;
  std::vector<DatabaseSize> sizes(static_cast<size_t>(keyspace.database_count()));
  for (keyspace::PartitionIndex i = 0; i < keyspace.partition_count(); ++i) {
    context.locks.hold_one(i);
    keyspace::Partition& partition = keyspace.partition(i);
    partition.mutex.assert_held();
    for (int database = 0; database < keyspace.database_count(); ++database) {
      const keyspace::KeyTable* table = partition.existing_table(database);
      if (table == nullptr) continue;
      DatabaseSize& size = sizes[static_cast<size_t>(database)];
      const size_t expiring = partition.expiring_size(database);
      const auto left_ms = static_cast<double>(partition.mean_expiry_ms(database) - context.now.unix_ms);
      size.keys += table->size();
      size.expiring += expiring;
      size.left_ms_sum += left_ms * static_cast<double>(expiring);
    }
  }
  context.locks.release();
  return sizes;
}

}  // namespace

void info_stats(CommandContext& context, InfoText& out) {
  const Server& server = context.server;
  write_traffic(server, out);
  out.number("expired_keys", total_of(server, &CoreStatistics::expired_keys));
  out.decimal("expired_stale_perc", 0, 2);  // the index knows each key whose time has come
  out.number("expired_time_cap_reached_count", total_of(server, &CoreStatistics::expiry_rounds_cut));
  out.number("expire_cycle_cpu_milliseconds", total_of(server, &CoreStatistics::expiry_nanoseconds) / 1'000'000);
  out.number("evicted_keys", 0);
  out.number("evicted_clients", total_of(server, &CoreStatistics::evicted_clients));
  write_fields(kEvictionTime, out);
  out.number("keyspace_hits", total_of(server, &CoreStatistics::hits));
  out.number("keyspace_misses", total_of(server, &CoreStatistics::misses));
  out.number("pubsub_channels", server.broker.channel_count(pubsub::Kind::kChannel));
  out.number("pubsub_patterns", server.broker.pattern_count());
  out.number("pubsubshard_channels", server.broker.channel_count(pubsub::Kind::kShardChannel));
  write_fields(kStatsMiddle, out);
  out.number("tracking_total_keys", server.tracking.key_count());
  out.number("tracking_total_items", server.tracking.item_count());
  out.number("tracking_total_prefixes", server.tracking.prefix_count());
  out.number("unexpected_error_replies", 0);
  out.number("total_error_replies", total_of(server, &CoreStatistics::error_replies));
  out.number("dump_payload_sanitizations", 0);
  out.number("total_reads_processed", total_of(server, &CoreStatistics::reads));
  out.number("total_writes_processed", total_of(server, &CoreStatistics::writes));
  out.number("io_threaded_reads_processed", 0);
  out.number("io_threaded_writes_processed", 0);
  out.number("client_query_buffer_limit_disconnections",
             total_of(server, &CoreStatistics::query_buffer_limit_disconnections));
  out.number("client_output_buffer_limit_disconnections",
             total_of(server, &CoreStatistics::output_buffer_limit_disconnections));
  out.number("reply_buffer_shrinks", 0);
  out.number("reply_buffer_expands", 0);
  write_turns(context, out);
  out.number("acl_access_denied_auth", server.acl_log.denied(AclReason::kAuth));
  out.number("acl_access_denied_cmd", server.acl_log.denied(AclReason::kCommand));
  out.number("acl_access_denied_key", server.acl_log.denied(AclReason::kKey));
  out.number("acl_access_denied_channel", server.acl_log.denied(AclReason::kChannel));
}

void info_replication(CommandContext& context, InfoText& out) {
  out.field("role", "master");
  out.number("connected_slaves", 0);
  out.field("master_failover_state", "no-failover");
  out.field("master_replid", context.server.replication_id.text());
  write_fields(kReplication, out);
}

void info_modules(CommandContext&, InfoText&) {}

void info_commandstats(CommandContext& context, InfoText& out) {
  const CommandTable& table = *context.spec.table;
  for (uint32_t index = 0; index < table.count(); ++index) {
    const CommandTotals totals = command_totals(context.server, index);
    if (totals.calls == 0 && totals.rejected == 0 && totals.failed == 0) continue;
    const uint64_t microseconds = totals.nanoseconds / 1000;
    const double each =
        totals.calls == 0 ? 0 : static_cast<double>(totals.nanoseconds) / 1000 / static_cast<double>(totals.calls);
    char value[200];
    std::snprintf(value, sizeof value,
                  "calls=%" PRIu64 ",usec=%" PRIu64 ",usec_per_call=%.2f,rejected_calls=%" PRIu64
                  ",failed_calls=%" PRIu64,
                  totals.calls, microseconds, each, totals.rejected, totals.failed);
    out.field("cmdstat_" + table.by_index(index).full_name, value);
  }
}

void info_errorstats(CommandContext& context, InfoText& out) {
  std::map<std::string, uint64_t> totals;
  for (const auto& core : context.server.statistics) {
    MutexLock lock(core->mutex);
    for (const auto& [code, count] : core->errors) totals[code] += count;
  }
  for (const auto& [code, count] : totals) out.field("errorstat_" + code, "count=" + std::to_string(count));
}

void info_latencystats(CommandContext& context, InfoText& out) {
  const settings::Settings& settings = context.server.settings;
  if (settings.latency_tracking.load(std::memory_order_relaxed) == 0) return;
  const std::string setting = settings.text("latency-tracking-info-percentiles");
  const std::vector<std::string_view> percentiles = split_words(setting, ' ');
  const CommandTable& table = *context.spec.table;
  for (uint32_t index = 0; index < table.count(); ++index) {
    const std::unique_ptr<LatencyTotals> totals = latency_totals(context.server, index);
    if (totals->count() == 0) continue;
    out.field("latency_percentiles_usec_" + table.by_index(index).full_name, percentile_text(*totals, percentiles));
  }
}

void info_cluster(CommandContext&, InfoText& out) {
  out.number("cluster_enabled", 0);
}

void info_keyspace(CommandContext& context, InfoText& out) {
  const std::vector<DatabaseSize> sizes = database_sizes(context);
  for (size_t database = 0; database < sizes.size(); ++database) {
    if (sizes[database].keys == 0) continue;
    out.field("db" + std::to_string(database), "keys=" + std::to_string(sizes[database].keys) +
                                                   ",expires=" + std::to_string(sizes[database].expiring) +
                                                   ",avg_ttl=" + std::to_string(sizes[database].mean_left_ms()));
  }
}

}  // namespace millrace::commands
