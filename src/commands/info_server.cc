// INFO: the process, its clients, memory and processor time, and our own section. See info_sections.h.
#include <algorithm>

#include "base/version.h"
#include "commands/info_sections.h"
#include "settings/settings.h"

namespace millrace::commands {
namespace {

constexpr int64_t kSecondsPerDay = 24 * 60 * 60;

struct ClientMaxima {
  uint64_t input_bytes = 0;
  uint64_t output_bytes = 0;
  uint64_t memory_bytes = 0;  // of all together
  uint64_t pubsub_clients = 0;
};

ClientMaxima client_maxima(const Server& server) {
  ClientMaxima maxima;
  for (const Ref<Client>& client : server.clients.all()) {
    const Client::Card& card = client->card;
    maxima.input_bytes = std::max(maxima.input_bytes, card.query_buffer_bytes.load(std::memory_order_relaxed));
    maxima.output_bytes = std::max(maxima.output_bytes, card.output_buffer_bytes.load(std::memory_order_relaxed));
    maxima.pubsub_clients += client->is_pubsub() ? 1 : 0;
    maxima.memory_bytes += card.total_memory_bytes.load(std::memory_order_relaxed);
  }
  return maxima;
}

double ratio(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

int64_t difference(uint64_t a, uint64_t b) {
  return static_cast<int64_t>(a) - static_cast<int64_t>(b);
}

// The highest use ever seen; looked at here and wherever else memory is measured.
uint64_t raise_peak(Server& server, uint64_t used) {
  uint64_t peak = server.peak_memory_bytes.load(std::memory_order_relaxed);
  while (used > peak && !server.peak_memory_bytes.compare_exchange_weak(peak, used, std::memory_order_relaxed)) {
  }
  return std::max(used, peak);
}

void write_used_memory(CommandContext& context, const MemoryReport& report, InfoText& out) {
  const uint64_t peak = raise_peak(context.server, report.used);
  out.number("used_memory", report.used);
  out.human("used_memory_human", report.used);
  out.number("used_memory_rss", report.process_resident);
  out.human("used_memory_rss_human", report.process_resident);
  out.number("used_memory_peak", peak);
  out.human("used_memory_peak_human", peak);
  out.decimal("used_memory_peak_perc", 100 * ratio(report.used, peak), 2, "%");
  const uint64_t overhead = std::min(client_maxima(context.server).memory_bytes, report.used);
  out.number("used_memory_overhead", overhead);
  out.number("used_memory_startup", 0);
  out.number("used_memory_dataset", report.used - overhead);
  out.decimal("used_memory_dataset_perc", 100 * ratio(report.used - overhead, report.used), 2, "%");
}

// There is no scripting.
void write_script_memory(InfoText& out) {
  out.number("used_memory_lua", 0);
  out.number("used_memory_vm_eval", 0);
  out.human("used_memory_lua_human", 0);
  out.number("used_memory_scripts_eval", 0);
  out.number("number_of_cached_scripts", 0);
  out.number("number_of_functions", 0);
  out.number("number_of_libraries", 0);
  out.number("used_memory_vm_functions", 0);
  out.number("used_memory_vm_total", 0);
  out.human("used_memory_vm_total_human", 0);
  out.number("used_memory_functions", 0);
  out.number("used_memory_scripts", 0);
  out.human("used_memory_scripts_human", 0);
}

void write_fragmentation(const MemoryReport& report, InfoText& out) {
  out.decimal("allocator_frag_ratio", ratio(report.active, report.used), 2);
  out.number("allocator_frag_bytes", difference(report.active, report.used));
  out.decimal("allocator_rss_ratio", ratio(report.resident, report.active), 2);
  out.number("allocator_rss_bytes", difference(report.resident, report.active));
  out.decimal("rss_overhead_ratio", ratio(report.process_resident, report.resident), 2);
  out.number("rss_overhead_bytes", difference(report.process_resident, report.resident));
  out.decimal("mem_fragmentation_ratio", ratio(report.process_resident, report.used), 2);
  out.number("mem_fragmentation_bytes", difference(report.process_resident, report.used));
}

}  // namespace

void info_server(CommandContext& context, InfoText& out) {
  const ServerFacts& facts = context.server.facts;
  const settings::Settings& settings = context.server.settings;
  const int64_t uptime_s = std::max<int64_t>(0, (context.now.monotonic_ns - facts.started_monotonic_ns) / 1000000000);
  out.field("redis_version", settings.compat_version_text());
  out.field("redis_git_sha1", "00000000");
  out.number("redis_git_dirty", 0);
  out.field("redis_build_id", "0");
  out.field("redis_mode", "standalone");
  out.field("os", facts.os);
  out.number("arch_bits", static_cast<int>(sizeof(void*)) * 8);
  out.field("monotonic_clock", "POSIX clock_gettime");
  out.field("multiplexing_api", facts.io_backend);
  out.field("atomicvar_api", "c11-builtin");
  out.field("gcc_version", __VERSION__);
  out.number("process_id", facts.process_id);
  out.field("process_supervised", "no");
  out.field("run_id", facts.run_id);
  out.number("tcp_port", settings.port.load(std::memory_order_relaxed));
  out.number("server_time_usec", context.now.unix_ms * 1000 + context.now.unix_us);
  out.number("uptime_in_seconds", uptime_s);
  out.number("uptime_in_days", uptime_s / kSecondsPerDay);
  out.number("hz", settings.hz.load(std::memory_order_relaxed));
  out.number("configured_hz", settings.hz.load(std::memory_order_relaxed));
  out.number("lru_clock", context.now.unix_ms / 1000 & 0xffffff);
  out.field("executable", facts.executable);
  out.field("config_file", facts.config_file);
  out.number("io_threads_active", 0);
}

void info_clients(CommandContext& context, InfoText& out) {
  const Server& server = context.server;
  const ClientMaxima maxima = client_maxima(server);
  out.number("connected_clients", server.clients.size());
  out.number("cluster_connections", 0);
  out.number("maxclients", server.settings.maxclients.load(std::memory_order_relaxed));
  out.number("client_recent_max_input_buffer", maxima.input_bytes);
  out.number("client_recent_max_output_buffer", maxima.output_bytes);
  out.number("blocked_clients", server.blocked_clients.load(std::memory_order_relaxed));
  out.number("tracking_clients", server.tracking.client_count());
  out.number("pubsub_clients", maxima.pubsub_clients);
  out.number("clients_in_timeout_table", 0);
}

void info_memory(CommandContext& context, InfoText& out) {
  const auto& measure = context.server.environment.memory;
  const MemoryReport report = measure ? measure() : MemoryReport{};
  write_used_memory(context, report, out);
  out.number("allocator_allocated", report.used);
  out.number("allocator_active", report.active);
  out.number("allocator_resident", report.resident);
  out.number("total_system_memory", report.system_total);
  out.human("total_system_memory_human", report.system_total);
  write_script_memory(out);
  out.number("maxmemory", 0);
  out.human("maxmemory_human", 0);
  out.field("maxmemory_policy", context.server.settings.text("maxmemory-policy"));
  write_fragmentation(report, out);
  out.number("mem_not_counted_for_evict", 0);
  out.number("mem_replication_backlog", 0);
  out.number("mem_total_replication_buffers", 0);
  out.number("mem_clients_slaves", 0);
  out.number("mem_clients_normal", client_maxima(context.server).memory_bytes);
  out.number("mem_cluster_links", 0);
  out.number("mem_aof_buffer", 0);
  out.field("mem_allocator", report.allocator);
  out.number("active_defrag_running", 0);
  out.number("lazyfree_pending_objects", 0);
  out.number("lazyfreed_objects", 0);
}

void info_cpu(CommandContext& context, InfoText& out) {
  const auto& measure = context.server.environment.cpu;
  const CpuReport report = measure ? measure() : CpuReport{};
  out.decimal("used_cpu_sys", report.system_s, 6);
  out.decimal("used_cpu_user", report.user_s, 6);
  out.decimal("used_cpu_sys_children", report.children_system_s, 6);
  out.decimal("used_cpu_user_children", report.children_user_s, 6);
  out.decimal("used_cpu_sys_main_thread", report.thread_system_s, 6);
  out.decimal("used_cpu_user_main_thread", report.thread_user_s, 6);
}

void info_millrace(CommandContext& context, InfoText& out) {
  const Server& server = context.server;
  out.field("millrace_version", kMillraceVersion);
  out.number("cores", server.facts.core_count);
  out.field("io_backend", server.facts.io_backend);
  out.number("partitions", static_cast<uint64_t>(server.keyspace.partition_count()));
  out.number("event_loop_turns", total_of(server, &CoreStatistics::turns));
}

}  // namespace millrace::commands
