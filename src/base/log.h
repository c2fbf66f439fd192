// The log: one line per event, in Redis's layout, to a file or to standard output.
//
//   12345:M 20 Nov 2026 14:03:11.123 * Ready to accept connections
//
// It reads the wall clock and the process id itself: beside src/io and src/main.cc it is the one place that may. A line
// break inside a text becomes a space. Thread safe. The levels, and the character each line carries, are Redis's: debug
// '.', verbose '-', notice '*', warning '#'.
#pragma once

#include <atomic>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "base/mutex.h"

namespace millrace {

enum class LogLevel { kDebug, kVerbose, kNotice, kWarning };

class Log {
 public:
  // An empty path is standard output. A file is opened for each line, in append mode, so that logrotate needs no
  // signal.
  explicit Log(std::string path = "", LogLevel level = LogLevel::kNotice) : path_(std::move(path)), level_(level) {}

  void set_level(LogLevel level) { level_.store(level, std::memory_order_relaxed); }
  bool wants(LogLevel level) const { return level >= level_.load(std::memory_order_relaxed); }

  void write(LogLevel level, std::string_view text);
  void debug(std::string_view text) { write(LogLevel::kDebug, text); }
  void verbose(std::string_view text) { write(LogLevel::kVerbose, text); }
  void notice(std::string_view text) { write(LogLevel::kNotice, text); }
  void warning(std::string_view text) { write(LogLevel::kWarning, text); }

 private:
  std::string path_;
  std::atomic<LogLevel> level_;
  Mutex mutex_;
};

}  // namespace millrace
