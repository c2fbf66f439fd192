// Settings: every directive the server knows, with its value now.
//
// The rows (name, type, default, range, unit, whether CONFIG SET may change it) are one table in settings.cc from which
// redis.conf parsing, command-line overrides, CONFIG GET, SET and REWRITE derive. Values read on hot paths are relaxed
// atomics; texts are guarded. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace millrace::settings {

using Number = std::atomic<int64_t>;

struct Settings {
  // ---- network
  Number port{6379};
  Number tcp_backlog{511};
  Number timeout_s{0};
  Number tcp_keepalive_s{300};
  Number maxclients{10000};
  Number protected_mode{1};
  // ---- limits
  Number client_query_buffer_limit_bytes{1024ll * 1024 * 1024};
  Number proto_max_bulk_len_bytes{512ll * 1024 * 1024};
  // client-output-buffer-limit normal
  Number normal_output_hard_bytes{0};
  Number normal_output_soft_bytes{0};
  Number normal_output_soft_s{0};
  // ---- streams
  Number stream_node_max_bytes{4096};
  Number stream_node_max_entries{100};
  Number stream_idmp_duration_s{100};
  Number stream_idmp_maxsize{100};
  // ---- the rest
  Number databases{16};
  Number cores{0};  // 0 = auto
  Number hz{10};
};

}  // namespace millrace::settings
