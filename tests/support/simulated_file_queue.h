// SimulatedFileQueue: what one simulated core has asked of the disk and not been told of yet.
//
//   asked ---- work_ns: takes effect on the disk, or run() ---- done_ns: done() may be called from wait() ---->
//
// The effect comes at any moment between, as with threads: while the core runs a turn that began later, or sleeps. What
// is in flight at the same time takes effect in any order, except that tasks run in the order asked for. With the queue
// dies what has not taken effect.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "io/backend.h"
#include "support/simulated_disk.h"

namespace millrace::test {

class SimulatedFileQueue {
 public:
  enum class Kind { kWrite, kSync, kTask };
  struct Job {
    Kind kind;
    io::FileOperation* operation = nullptr;
    io::DiskTask* task = nullptr;
    int fd = -1;
    std::string_view bytes{};
    int64_t offset = 0;
    int64_t work_ns = 0;
    int64_t done_ns = 0;
    bool has_worked = false;
    int64_t result = 0;
  };

  // Returns the job with its final times.
  const Job& add(Job job);
  // Lets what is due take effect.
  void work(SimulatedDisk& disk, int64_t now_ns, Random& random);
  bool is_empty() const { return jobs_.empty(); }
  // Whose done() is due, in the order asked for.
  std::vector<int> find_done(int64_t now_ns) const;
  // False if work() has not come to it.
  bool finish(int id);

 private:
  std::vector<int> find_unworked(int64_t now_ns) const;
  Job& oldest_task();
  static void perform(Job& job, SimulatedDisk& disk);

  std::map<int, Job> jobs_;  // by number, counted up
  int next_id_ = 0;
  int64_t task_ns_max_ = 0;  // when the last task runs
};

}  // namespace millrace::test
