// Settings: every directive the server knows, with its value now.
//
// What a directive is called, takes and means is a row of one table (directives.h), from which redis.conf parsing,
// command-line overrides, CONFIG GET, SET and REWRITE derive. Here are the values. Those that running code looks at are
// numbers: relaxed atomics, readable on hot paths. All others are text in CONFIG GET's spelling, guarded by a lock and
// meant for starting up and for CONFIG. A fresh object holds every default. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/mutex.h"

namespace millrace::settings {

struct Directive;

// bool: 0 or 1; a choice: its position in the enum below.
using Number = std::atomic<int64_t>;

enum class IoBackend : int64_t { kAuto, kIoUring, kEpoll };
// The letters of notify-keyspace-events. A letter's position here is the number of its bit in the setting.
inline constexpr std::string_view kEventLetters = "KEg$lshzxetdmnoc";

// Who may do what is risky; kLocal: clients on loopback addresses and unix sockets.
enum class Access : int64_t { kNo, kYes, kLocal };

// When the journal is made durable: after each write, once a second, or when the system sees fit. In the order of
// Redis's error text.
enum class AppendFsync : int64_t { kEverysec, kAlways, kNo };

// A snapshot is due when there were so many changes, and the last one is longer ago than that.
struct SavePoint {
  int64_t seconds = 0;
  int64_t changes = 0;
};

// A directive's value: a number, or CONFIG GET's spelling, whichever its row stores.
struct Value {
  int64_t number = 0;
  std::string text;
};

class Settings {
 public:
  Settings();
  Settings(const Settings&) = delete;
  Settings& operator=(const Settings&) = delete;

  // ---- network
  Number port{6379};         // 0 = do not listen on TCP
  Number unixsocketperm{0};  // mode bits; 0 = leave to the umask
  Number tcp_backlog{511};
  Number timeout_s{0};
  Number tcp_keepalive_s{300};
  Number maxclients{10000};
  Number protected_mode{1};
  // ---- users
  Number acl_pubsub_default{1};  // see gives_all_channels()
  Number acllog_max_len{128};
  // ---- limits
  Number maxmemory_bytes{0};    // 0 = no limit
  Number maxmemory_clients{0};  // bytes, or if negative a percentage of maxmemory; 0 = no limit
  Number client_query_buffer_limit_bytes{1024ll * 1024 * 1024};
  Number proto_max_bulk_len_bytes{512ll * 1024 * 1024};
  // client-output-buffer-limit normal
  Number normal_output_hard_bytes{0};
  Number normal_output_soft_bytes{0};
  Number normal_output_soft_s{0};
  // client-output-buffer-limit replica
  Number replica_output_hard_bytes{256ll * 1024 * 1024};
  Number replica_output_soft_bytes{64ll * 1024 * 1024};
  Number replica_output_soft_s{60};
  // client-output-buffer-limit pubsub
  Number pubsub_output_hard_bytes{32ll * 1024 * 1024};
  Number pubsub_output_soft_bytes{8ll * 1024 * 1024};
  Number pubsub_output_soft_s{60};
  // ---- streams
  Number stream_node_max_bytes{4096};
  Number stream_node_max_entries{100};
  Number stream_idmp_duration_s{100};
  Number stream_idmp_maxsize{100};
  // ---- notifications
  Number notify_keyspace_events{0};           // bits, see kEventLetters
  Number tracking_table_max_keys{1'000'000};  // 0 = no limit
  // ---- observation
  Number slowlog_log_slower_than_us{10'000};  // -1 = nothing is slow
  Number slowlog_max_len{128};
  Number latency_monitor_threshold_ms{0};  // 0 = off
  Number latency_tracking{1};
  // ---- snapshots
  Number stop_writes_on_bgsave_error{1};
  Number rdbcompression{1};
  Number rdbchecksum{1};
  Number rdb_version{0};  // 0 = auto
  Number rdb_skip_unknown_types{0};
  // ---- journal
  Number appendonly{0};
  Number appendfsync{static_cast<int64_t>(AppendFsync::kEverysec)};
  Number no_appendfsync_on_rewrite{0};
  Number auto_aof_rewrite_percentage{100};  // 0 = never by itself
  Number auto_aof_rewrite_min_size_bytes{64ll * 1024 * 1024};
  Number aof_load_truncated{1};
  Number aof_timestamp_enabled{0};
  // ---- the rest
  Number databases{16};
  Number cores{0};  // 0 = auto
  Number hz{10};
  Number daemonize{0};
  Number loglevel{static_cast<int64_t>(LogLevel::kNotice)};
  Number io_backend{static_cast<int64_t>(IoBackend::kAuto)};
  Number enable_debug_command{static_cast<int64_t>(Access::kNo)};
  Number enable_protected_configs{static_cast<int64_t>(Access::kNo)};
  Number compat_version_packed{0x00070204};

  // The Redis version the server claims to be, 0x00MMmmpp: 7.2.4 is 0x00070204.
  uint32_t compat_version() const { return static_cast<uint32_t>(compat_version_packed.load(kRelaxed)); }
  std::string compat_version_text() const;
  LogLevel log_level() const { return static_cast<LogLevel>(loglevel.load(kRelaxed)); }
  IoBackend io_backend_choice() const { return static_cast<IoBackend>(io_backend.load(kRelaxed)); }
  Access debug_access() const { return static_cast<Access>(enable_debug_command.load(kRelaxed)); }
  Access protected_access() const { return static_cast<Access>(enable_protected_configs.load(kRelaxed)); }

  // New users may listen to all channels.
  bool gives_all_channels() const { return acl_pubsub_default.load(kRelaxed) == 0; }

  AppendFsync append_fsync() const { return static_cast<AppendFsync>(appendfsync.load(kRelaxed)); }

  // Addresses to listen on; one that begins with '-' may fail to be there. Empty: all of them ("bind" without words).
  std::vector<std::string> bind() const;
  std::string unixsocket() const { return text("unixsocket"); }
  std::string pidfile() const { return text("pidfile"); }
  std::string logfile() const { return text("logfile"); }
  std::vector<SavePoint> save_points() const;
  std::string snapshot_directory() const { return text("dir"); }
  std::string snapshot_path() const;      // dir and dbfilename
  std::string journal_directory() const;  // dir and appenddirname

  // Any directive's value as CONFIG GET shows it. REQUIRES: the name exists.
  std::string text(std::string_view name) const;
  std::string text(const Directive& directive) const EXCLUDES(mutex_);
  // Stores what parse_value() (values.h) made for this directive.
  void store(const Directive& directive, const Value& value) EXCLUDES(mutex_);

 private:
  static constexpr auto kRelaxed = std::memory_order_relaxed;

  mutable Mutex mutex_;
  std::vector<std::string> texts_ GUARDED_BY(mutex_);  // by row; empty for rows whose value is a Number
};

}  // namespace millrace::settings
