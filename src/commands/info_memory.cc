// INFO memory. See info_sections.h; where the figures come from is memory_overview.h.
#include "commands/info_sections.h"
#include "commands/memory_overview.h"

namespace millrace::commands {
namespace {

struct ZeroBytes {
  std::string_view name;
  std::string_view value;
};

// There is no scripting.
constexpr ZeroBytes kScripting[] = {
    {"used_memory_lua", "0"},
    {"used_memory_vm_eval", "0"},
    {"used_memory_lua_human", "0B"},
    {"used_memory_scripts_eval", "0"},
    {"number_of_cached_scripts", "0"},
    {"number_of_functions", "0"},
    {"number_of_libraries", "0"},
    {"used_memory_vm_functions", "0"},
    {"used_memory_vm_total", "0"},
    {"used_memory_vm_total_human", "0B"},
    {"used_memory_functions", "0"},
    {"used_memory_scripts", "0"},
    {"used_memory_scripts_human", "0B"},
};

void write_used(const MemoryOverview& of, InfoText& out) {
  const MemoryReport& report = of.report;
  out.number("used_memory", report.used);
  out.human("used_memory_human", report.used);
  out.number("used_memory_rss", report.process_resident);
  out.human("used_memory_rss_human", report.process_resident);
  out.number("used_memory_peak", of.peak);
  out.human("used_memory_peak_human", of.peak);
  out.decimal("used_memory_peak_perc", 100 * ratio(report.used, of.peak), 2, "%");
  out.number("used_memory_overhead", of.overhead);
  out.number("used_memory_startup", of.startup);
  out.number("used_memory_dataset", of.dataset);
  out.decimal("used_memory_dataset_perc", 100 * ratio(of.dataset, of.since_startup()), 2, "%");
  out.number("allocator_allocated", report.used);
  out.number("allocator_active", report.active);
  out.number("allocator_resident", report.resident);
  out.number("total_system_memory", report.system_total);
  out.human("total_system_memory_human", report.system_total);
}

void write_limit(const settings::Settings& settings, InfoText& out) {
  const int64_t limit = settings.maxmemory_bytes.load(std::memory_order_relaxed);
  out.number("maxmemory", limit);
  out.human("maxmemory_human", static_cast<uint64_t>(limit));
  out.field("maxmemory_policy", settings.text("maxmemory-policy"));
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

void info_memory(CommandContext& context, InfoText& out) {
  const MemoryOverview overview = look_at_memory(context);
  write_used(overview, out);
  for (const auto& [name, value] : kScripting) out.field(name, value);
  write_limit(context.server.settings, out);
  write_fragmentation(overview.report, out);
  out.number("mem_not_counted_for_evict", overview.uncounted);
  out.number("mem_replication_backlog", 0);
  out.number("mem_total_replication_buffers", 0);
  out.number("mem_clients_slaves", 0);
  out.number("mem_clients_normal", overview.clients);
  out.number("mem_cluster_links", 0);
  out.number("mem_aof_buffer", overview.journal_buffer);
  out.field("mem_allocator", overview.report.allocator);
  out.number("active_defrag_running", 0);
  out.number("lazyfree_pending_objects", 0);
  out.number("lazyfreed_objects", 0);
}

}  // namespace millrace::commands
