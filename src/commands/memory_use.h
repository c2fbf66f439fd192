// MemoryUse: how much memory the server has taken, closely enough to refuse a command by (maxmemory), cheaply enough to
// be asked before every command.
//
// The allocator's own figure is exact but costs some 80 us. What one thread has taken and given back, however, are two
// counters in that thread's memory. So:
//
//   used = base      the allocator's figure when it was last measured (ten times a second, by one core, while there is
//                    a limit), without what does not count
//        + reported  what the cores have taken since, as far as they have said so, in steps of kMemoryStepBytes
//        + mine      what this core has taken since it last said so, looked at before each command
//
// A core says so once a turn, too, whether or not anybody asks: what it kept to itself until after a measurement would
// count twice.
//
// Each core knows what its own commands have taken, so a pipeline ends at the limit and not behind it. Of each other
// core it may miss kMemoryStepBytes, and of threads that are no cores what they took since the last measurement.
// Where the allocator has no such counters (sanitizers bring one), every look is a measurement.
//
// As in Redis what the journal has not written yet does not count, nor do the copies kept for a snapshot: they come and
// go without clients being able to do anything about it. All other buffers, those of clients too, do count.
#pragma once

#include <atomic>
#include <cstdint>

namespace millrace::commands {

struct Server;

inline constexpr int64_t kMemoryStepBytes = 16 * 1024;

// Of one thread, in bytes, since its start. Other threads must not look.
struct ThreadMemory {
  const uint64_t* taken = nullptr;
  const uint64_t* given_back = nullptr;
};

// What all cores share. Any thread.
struct MemoryUse {
  std::atomic<uint64_t> startup_bytes{0};  // before the first key was loaded [used_memory_startup]
  std::atomic<uint64_t> peak_bytes{0};     // the most that was ever measured [used_memory_peak]
  std::atomic<int64_t> base_bytes{0};
  std::atomic<int64_t> reported_bytes{0};
};

// One core's part. Only its thread touches it.
class MemoryShare {
 public:
  // More is used than maxmemory allows. Without a limit that is one comparison.
  bool is_over_limit(Server& server);
  // Tells the other cores what this one has taken, if that is a step or more.
  void report(Server& server);

 private:
  uint64_t used(Server& server);
  void attach(Server& server);
  int64_t unreported() const { return balance() - reported_bytes_; }
  int64_t balance() const { return static_cast<int64_t>(*memory_.taken - *memory_.given_back); }

  bool is_attached_ = false;
  ThreadMemory memory_;
  int64_t reported_bytes_ = 0;
};

// Asks the allocator, raises the peak, and corrects what the cores go on from. Returns all that is used, whether or not
// it counts. Any thread.
uint64_t measure_memory(Server& server);
// What is used but does not count against maxmemory [mem_not_counted_for_evict].
uint64_t uncounted_memory(Server& server);

}  // namespace millrace::commands
