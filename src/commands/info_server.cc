// INFO: the process, its clients and processor time, and our own section. See info_sections.h.
#include <algorithm>

#include "base/version.h"
#include "commands/blocking.h"
#include "commands/info_sections.h"
#include "settings/settings.h"

namespace millrace::commands {
namespace {

constexpr int64_t kSecondsPerDay = 24 * 60 * 60;

struct ClientMaxima {
  uint64_t input_bytes = 0;
  uint64_t output_bytes = 0;
  uint64_t pubsub_clients = 0;
  uint64_t with_deadline = 0;  // blocked, but not for ever
};

bool has_deadline(const Client& client) {
  if (!client.card.blocked.load(std::memory_order_relaxed)) return false;
  const Ref<keyspace::Waiter> waiter = client.waiter();
  return waiter && static_cast<const BlockedCommand&>(*waiter).deadline_ns() != kNoDeadline;
}

ClientMaxima client_maxima(const Server& server) {
  ClientMaxima maxima;
  for (const Ref<Client>& client : server.clients.all()) {
    const Client::Card& card = client->card;
    maxima.input_bytes = std::max(maxima.input_bytes, card.query_buffer_bytes.load(std::memory_order_relaxed));
    maxima.output_bytes = std::max(maxima.output_bytes, card.output_buffer_bytes.load(std::memory_order_relaxed));
    maxima.pubsub_clients += client->is_pubsub() ? 1 : 0;
    maxima.with_deadline += has_deadline(*client) ? 1 : 0;
  }
  return maxima;
}

struct BlockingKeys {
  uint64_t all = 0;
  uint64_t watched_missing = 0;  // somebody is answered when it goes away
};

BlockingKeys blocking_keys(CommandContext& context) {
  const auto watches = [](const Ref<keyspace::Waiter>& waiter) {
    return static_cast<const BlockedCommand&>(*waiter).watches_missing_keys();
  };
  BlockingKeys keys;
  if (context.server.blocked_clients.load(std::memory_order_relaxed) == 0) return keys;
  keyspace::Keyspace& keyspace = context.server.keyspace;
  for (keyspace::PartitionIndex i = 0; i < keyspace.partition_count(); ++i) {
    context.locks.hold_one(i);
    keyspace::Partition& partition = keyspace.partition(i);
    partition.mutex.assert_held();
    for (const auto& [place, queue] : partition.waiters().queues()) {
      ++keys.all;
      if (std::ranges::any_of(queue, watches)) ++keys.watched_missing;
    }
  }
  context.locks.release();
  return keys;
}

// "listener0:name=tcp,bind=127.0.0.1,bind=-::1,port=6379"
void write_listeners(const settings::Settings& settings, InfoText& out) {
  int count = 0;
  const int64_t port = settings.port.load(std::memory_order_relaxed);
  if (port != 0) {
    std::string text = "name=tcp";
    for (const std::string& address : settings.bind()) text += ",bind=" + address;
    out.field("listener" + std::to_string(count++), text + ",port=" + std::to_string(port));
  }
  const std::string path = settings.unixsocket();
  if (!path.empty()) out.field("listener" + std::to_string(count), "name=unix,bind=" + path);
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
  write_listeners(settings, out);
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
  out.number("watching_clients", server.keyspace.watch_counts().watchers.load(std::memory_order_relaxed));
  out.number("clients_in_timeout_table", maxima.with_deadline);
  out.number("total_watched_keys", server.keyspace.watch_counts().keys.load(std::memory_order_relaxed));
  const BlockingKeys keys = blocking_keys(context);
  out.number("total_blocking_keys", keys.all);
  out.number("total_blocking_keys_on_nokey", keys.watched_missing);
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
