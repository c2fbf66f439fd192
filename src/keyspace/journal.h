// Journal: where everything that changes keys is written down, in the order in which it took effect - as the keyspace
// and the commands see it. The real one is core/journal.h; tests have their own.
//
// append() is called under the locks of the partitions concerned, before these are let go. From that follows the order:
// two changes of one key stand in the journal as they happened, and a crash, which keeps a beginning of the journal,
// keeps what a change was based on. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

namespace millrace::keyspace {

class Journal {
 public:
  // Whether one is kept at all. Turned on and off with all partitions held.
  bool is_on() const { return is_on_.load(std::memory_order_relaxed); }

  // Adds whole commands (RESP arrays) that begin in one database and end in another (SELECT stands between).
  // Returns the offset of their end: bytes since the server's start, in order; never 0.
  virtual uint64_t append(std::string_view commands, int first_database, int last_database) = 0;

 protected:
  ~Journal() = default;
  void turn(bool on) { is_on_.store(on, std::memory_order_relaxed); }

 private:
  std::atomic<bool> is_on_{false};
};

}  // namespace millrace::keyspace
