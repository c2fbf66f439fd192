// ClientMemory: what all clients together take, and the limit on it (maxmemory-clients): beyond it the largest clients
// are closed until the rest fits, except those that said CLIENT NO-EVICT ON.
//
// Each half of a connection (input, output) counts its own bytes in, whenever they change, while there is a limit;
// without one it costs a comparison. So every core sees at once that the limit is passed, and looks for the largest
// client then - after the command that did it, or at the end of its turn. Closing is left to the core that owns the
// client. Any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>

#include "settings/settings.h"

namespace millrace::commands {

class Client;
class Host;
struct Server;

class ClientMemory {
 public:
  explicit ClientMemory(const settings::Settings& settings) : settings_(settings) {}

  // Bytes; 0 if there is none. A percentage is one of maxmemory, and none without that.
  uint64_t limit() const {
    const int64_t setting = settings_.maxmemory_clients.load(kRelaxed);
    return setting == 0 ? 0 : limit_of(setting);
  }
  // evict_clients() may have something to do.
  bool needs_look() const {
    const auto limit_now = static_cast<int64_t>(limit());
    return limit_now != 0 && total_.load(kRelaxed) > std::max(limit_now, patience_.load(kRelaxed));
  }
  int64_t total() const { return total_.load(kRelaxed); }
  void add(int64_t bytes) { total_.fetch_add(bytes, kRelaxed); }

  // ---- for evict_clients() and whoever keeps the time
  // False if another core is looking already.
  bool begin_look() { return !is_looking_.exchange(true, std::memory_order_acquire); }
  // What is closed keeps its memory until its core gets to it, and of some nothing can be closed. So the next look has
  // to wait until there is an eighth more, or until look_anew().
  void end_look();
  void look_anew() { patience_.store(0, kRelaxed); }

 private:
  static constexpr auto kRelaxed = std::memory_order_relaxed;

  uint64_t limit_of(int64_t setting) const;

  const settings::Settings& settings_;
  std::atomic<int64_t> total_{0};
  std::atomic<int64_t> patience_{0};
  std::atomic<bool> is_looking_{false};
};

// The bytes of one part of a client, as ClientMemory knows them. One writer at a time.
class CountedBytes {
 public:
  // They are so many now. Nothing is counted without a limit.
  void set(ClientMemory& memory, uint64_t bytes) {
    if (memory.limit() == 0) bytes = 0;
    if (bytes == counted_) return;
    memory.add(static_cast<int64_t>(bytes - counted_));
    counted_ = bytes;
  }

 private:
  uint64_t counted_ = 0;
};

inline uint64_t total_bytes(std::span<const std::string_view> args) {
  uint64_t bytes = 0;
  for (const std::string_view word : args) bytes += word.size();
  return bytes;
}

// All that a client takes [tot-mem], and of that what is not its output.
uint64_t memory_of(const Client& client);
uint64_t memory_but_output(const Client& client);

// Closes the largest clients until the rest fits: those of 2^n bytes before those of 2^(n-1), the oldest of one size
// first, as Redis does.
void evict_clients(Server& server, Host& host);

}  // namespace millrace::commands
