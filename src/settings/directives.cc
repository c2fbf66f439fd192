// See directives.h: the directives that work, and finding any by name.
#include "settings/directives.h"

#include <array>

#include "base/check.h"
#include "base/letters.h"

namespace millrace::settings {
namespace {

constexpr int64_t kIntMax = std::numeric_limits<int32_t>::max();
constexpr int64_t kMegabyte = 1024 * 1024;

constexpr auto kRows = std::to_array<Directive>({
    // ---- network
    {.name = "bind", .kind = Kind::kWords, .initial = "* -::*", .max = 16, .change = Change::kAtStart},
    {.name = "protected-mode", .kind = Kind::kBool, .initial = "yes", .member = &Settings::protected_mode},
    {.name = "port",
     .kind = Kind::kInteger,
     .initial = "6379",
     .max = 65535,
     .change = Change::kAtStart,
     .member = &Settings::port},
    {.name = "unixsocket", .kind = Kind::kText, .initial = "", .change = Change::kAtStart},
    {.name = "unixsocketperm",
     .kind = Kind::kOctal,
     .initial = "0",
     .max = 0777,
     .change = Change::kAtStart,
     .member = &Settings::unixsocketperm},
    {.name = "tcp-backlog",
     .kind = Kind::kInteger,
     .initial = "511",
     .max = kIntMax,
     .change = Change::kAtStart,
     .member = &Settings::tcp_backlog},
    {.name = "timeout",
     .kind = Kind::kInteger,
     .initial = "0",
     .max = kIntMax,
     .unit = "s",
     .member = &Settings::timeout_s},
    {.name = "tcp-keepalive",
     .kind = Kind::kInteger,
     .initial = "300",
     .max = kIntMax,
     .unit = "s",
     .member = &Settings::tcp_keepalive_s},
    {.name = "maxclients",
     .kind = Kind::kInteger,
     .initial = "10000",
     .min = 1,
     .max = std::numeric_limits<uint32_t>::max(),
     .member = &Settings::maxclients},
    // ---- users
    {.name = "requirepass", .initial = ""},
    {.name = "user", .kind = Kind::kStatement, .initial = "", .change = Change::kAtStart},
    {.name = "aclfile", .initial = "", .change = Change::kAtStart},
    {.name = "acl-pubsub-default",
     .kind = Kind::kChoice,
     .initial = "resetchannels",
     .choices = "allchannels|resetchannels",
     .member = &Settings::acl_pubsub_default},
    {.name = "acllog-max-len", .kind = Kind::kInteger, .initial = "128", .member = &Settings::acllog_max_len},
    // ---- process and log
    {.name = "daemonize",
     .kind = Kind::kBool,
     .initial = "no",
     .change = Change::kAtStart,
     .member = &Settings::daemonize},
    {.name = "pidfile", .kind = Kind::kText, .initial = "", .change = Change::kAtStart},
    {.name = "loglevel",
     .kind = Kind::kChoice,
     .initial = "notice",
     .choices = "debug|verbose|notice|warning",
     .member = &Settings::loglevel},
    {.name = "logfile", .kind = Kind::kText, .initial = "", .change = Change::kAtStart},
    {.name = "databases",
     .kind = Kind::kInteger,
     .initial = "16",
     .min = 1,
     .max = 65536,
     .change = Change::kAtStart,
     .member = &Settings::databases},
    {.name = "hz",
     .kind = Kind::kInteger,
     .initial = "10",
     .min = 1,
     .max = 500,
     .unit = "Hz",
     .member = &Settings::hz},
    {.name = "enable-debug-command",
     .kind = Kind::kChoice,
     .initial = "no",
     .choices = "no|yes|local",
     .change = Change::kAtStart,
     .member = &Settings::enable_debug_command},
    {.name = "enable-protected-configs",
     .kind = Kind::kChoice,
     .initial = "no",
     .choices = "no|yes|local",
     .change = Change::kAtStart,
     .member = &Settings::enable_protected_configs},
    // ---- snapshots
    {.name = "dir", .kind = Kind::kPath, .initial = "./", .change = Change::kProtected},
    {.name = "dbfilename", .kind = Kind::kFileName, .initial = "dump.rdb", .change = Change::kProtected},
    {.name = "save", .kind = Kind::kSave, .initial = "3600 1 300 100 60 10000"},
    {.name = "stop-writes-on-bgsave-error",
     .kind = Kind::kBool,
     .initial = "yes",
     .member = &Settings::stop_writes_on_bgsave_error},
    {.name = "rdbcompression", .kind = Kind::kBool, .initial = "yes", .member = &Settings::rdbcompression},
    {.name = "rdbchecksum",
     .kind = Kind::kBool,
     .initial = "yes",
     .change = Change::kAtStart,
     .member = &Settings::rdbchecksum},
    {.name = "rdb-version",
     .kind = Kind::kAutoOrInteger,
     .initial = "auto",
     .min = 10,
     .max = 14,
     .member = &Settings::rdb_version},
    {.name = "rdb-skip-unknown-types",
     .kind = Kind::kBool,
     .initial = "no",
     .change = Change::kAtStart,
     .member = &Settings::rdb_skip_unknown_types},
    // ---- journal
    {.name = "appendonly", .kind = Kind::kBool, .initial = "no", .member = &Settings::appendonly},
    {.name = "appendfilename",
     .kind = Kind::kFileName,
     .initial = "appendonly.aof",
     .min = 1,
     .change = Change::kAtStart},
    {.name = "appenddirname",
     .kind = Kind::kDirectoryName,
     .initial = "appendonlydir",
     .min = 1,
     .change = Change::kAtStart},
    {.name = "appendfsync",
     .kind = Kind::kChoice,
     .initial = "everysec",
     .choices = "everysec|always|no",
     .member = &Settings::appendfsync},
    {.name = "no-appendfsync-on-rewrite",
     .kind = Kind::kBool,
     .initial = "no",
     .member = &Settings::no_appendfsync_on_rewrite},
    {.name = "auto-aof-rewrite-percentage",
     .kind = Kind::kInteger,
     .initial = "100",
     .max = kIntMax,
     .unit = "%",
     .member = &Settings::auto_aof_rewrite_percentage},
    {.name = "auto-aof-rewrite-min-size",
     .kind = Kind::kMemory,
     .initial = "67108864",
     .unit = "bytes",
     .member = &Settings::auto_aof_rewrite_min_size_bytes},
    {.name = "aof-load-truncated", .kind = Kind::kBool, .initial = "yes", .member = &Settings::aof_load_truncated},
    {.name = "aof-timestamp-enabled", .kind = Kind::kBool, .initial = "no", .member = &Settings::aof_timestamp_enabled},
    // ---- memory
    {.name = "maxmemory", .kind = Kind::kMemory, .initial = "0", .unit = "bytes", .member = &Settings::maxmemory_bytes},
    {.name = "maxmemory-clients",
     .kind = Kind::kMemoryOrPercent,
     .initial = "0",
     .unit = "bytes",
     .member = &Settings::maxmemory_clients},
    // ---- limits of clients
    {.name = "client-query-buffer-limit",
     .kind = Kind::kMemory,
     .initial = "1073741824",
     .min = kMegabyte,
     .unit = "bytes",
     .member = &Settings::client_query_buffer_limit_bytes},
    {.name = "client-output-buffer-limit",
     .kind = Kind::kOutputLimits,
     .initial = "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
     .unit = "bytes, bytes, s"},
    {.name = "proto-max-bulk-len",
     .kind = Kind::kMemory,
     .initial = "536870912",
     .min = kMegabyte,
     .unit = "bytes",
     .member = &Settings::proto_max_bulk_len_bytes},
    // ---- streams
    {.name = "stream-node-max-bytes",
     .kind = Kind::kMemory,
     .initial = "4096",
     .unit = "bytes",
     .member = &Settings::stream_node_max_bytes},
    {.name = "stream-node-max-entries",
     .kind = Kind::kInteger,
     .initial = "100",
     .member = &Settings::stream_node_max_entries},
    {.name = "stream-idmp-duration",
     .kind = Kind::kInteger,
     .initial = "100",
     .min = 1,
     .max = 86400,
     .unit = "s",
     .member = &Settings::stream_idmp_duration_s},
    {.name = "stream-idmp-maxsize",
     .kind = Kind::kInteger,
     .initial = "100",
     .min = 1,
     .max = 10000,
     .member = &Settings::stream_idmp_maxsize},
    // ---- notifications
    {.name = "notify-keyspace-events",
     .kind = Kind::kEvents,
     .initial = "",
     .member = &Settings::notify_keyspace_events},
    {.name = "tracking-table-max-keys",
     .kind = Kind::kInteger,
     .initial = "1000000",
     .member = &Settings::tracking_table_max_keys},
    // ---- observation
    {.name = "slowlog-log-slower-than",
     .kind = Kind::kInteger,
     .initial = "10000",
     .min = -1,
     .unit = "us",
     .member = &Settings::slowlog_log_slower_than_us},
    {.name = "slowlog-max-len", .kind = Kind::kInteger, .initial = "128", .member = &Settings::slowlog_max_len},
    {.name = "latency-monitor-threshold",
     .kind = Kind::kInteger,
     .initial = "0",
     .unit = "ms",
     .member = &Settings::latency_monitor_threshold_ms},
    {.name = "latency-tracking", .kind = Kind::kBool, .initial = "yes", .member = &Settings::latency_tracking},
    {.name = "latency-tracking-info-percentiles", .kind = Kind::kPercentiles, .initial = "50 99 99.9"},
    // ---- Millrace's own
    {.name = "cores",
     .kind = Kind::kAutoOrInteger,
     .initial = "auto",
     .min = 1,
     .max = 1024,
     .change = Change::kAtStart,
     .member = &Settings::cores},
    {.name = "io-backend",
     .kind = Kind::kChoice,
     .initial = "auto",
     .choices = "auto|io_uring|epoll",
     .change = Change::kAtStart,
     .member = &Settings::io_backend},
    {.name = "compat-version",
     .kind = Kind::kVersion,
     .initial = "7.2.4",
     .change = Change::kAtStart,
     .member = &Settings::compat_version_packed},
});

std::vector<Directive> all_rows() {
  std::vector<Directive> rows(kRows.begin(), kRows.end());
  const std::span<const Directive> others = other_directives();
  rows.insert(rows.end(), others.begin(), others.end());
  return rows;
}

}  // namespace

std::span<const Directive> working_directives() {
  return kRows;
}

std::span<const Directive> directives() {
  static const std::vector<Directive> kAll = all_rows();
  return kAll;
}

const Directive* find_directive(std::string_view name) {
  for (const Directive& row : directives()) {
    if (same_word(row.name, name) || (!row.alias.empty() && same_word(row.alias, name))) return &row;
  }
  return nullptr;
}

size_t row_of(const Directive& directive) {
  const std::span<const Directive> rows = directives();
  CHECK(&directive >= rows.data() && &directive < rows.data() + rows.size());
  return static_cast<size_t>(&directive - rows.data());
}

}  // namespace millrace::settings
