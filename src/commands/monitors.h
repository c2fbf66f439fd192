// Monitors: the clients that called MONITOR. What any core executes is told to all of them, as one line a command, in
// one order; but for commands of administration and those whose row says so (kSkipMonitor). Secrets are blotted out.
// Nothing is built while there is no monitor. Any thread.
#pragma once

#include <atomic>
#include <span>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "commands/client.h"

namespace millrace::commands {

class Host;

class Monitors {
 public:
  bool empty() const { return count_.load(std::memory_order_relaxed) == 0; }
  void add(Client& client) EXCLUDES(mutex_);
  void remove(Client& client) EXCLUDES(mutex_);
  // "+1700000000.123456 [0 127.0.0.1:50312] "set" "k" "v"" to each of them.
  void tell(Host& host, const Client& sender, int database, std::span<const std::string_view> args, Instant now)
      EXCLUDES(mutex_);

 private:
  std::atomic<size_t> count_{0};
  Mutex mutex_;
  std::vector<Client*> clients_ GUARDED_BY(mutex_);
};

}  // namespace millrace::commands
