// Slowlog: the commands that took longest, whichever core they ran on, in one order, the newest first.
//
// It keeps as many as slowlog-max-len says; what is too many goes when something is added, and before anything is
// shown. Arguments are cut as Redis does, and secret ones are left out. Any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"

namespace millrace::commands {

class Slowlog {
 public:
  static constexpr size_t kArgumentsMax = 32;
  static constexpr size_t kArgumentBytesMax = 128;

  struct Entry {
    uint64_t id = 0;
    int64_t unix_s = 0;
    uint64_t microseconds = 0;
    std::vector<std::string> arguments;
    std::string address;
    std::string name;  // the client's
  };

  // The entry's id is given here.
  void add(Entry entry, size_t length_max) EXCLUDES(mutex_);
  size_t size(size_t length_max) EXCLUDES(mutex_);
  // Up to `count` of the newest ones.
  std::vector<Entry> newest(size_t count, size_t length_max) EXCLUDES(mutex_);
  void clear() EXCLUDES(mutex_);  // ids go on

  // What is kept of a command.
  static std::vector<std::string> shorten(std::span<const std::string_view> args);

 private:
  void trim(size_t length_max) REQUIRES(mutex_);

  Mutex mutex_;
  std::deque<Entry> entries_ GUARDED_BY(mutex_);  // newest first
  uint64_t next_id_ GUARDED_BY(mutex_) = 0;
};

}  // namespace millrace::commands
