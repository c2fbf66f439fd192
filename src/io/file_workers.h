// FileWorkers: file operations and disk tasks done by threads that may block, for the backends that have no better way.
//
//   core:    write_file() --> | writes | --> thread --.
//            sync_file()  --> | syncs  | --> thread ---+--> | finished | --> run_finished(), in wait()
//            run()        --> | tasks  | --> thread --'          + wake()
//
// A lane per kind, with a thread of its own that is made when the first job comes: a sync of a second holds up no
// write, the removal of a large file no sync. Within a lane the order is that of asking. Where the system has no room for
// another thread (ulimit, a small container) the core does the job itself, and everybody waits for it.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <string_view>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "io/backend.h"

namespace millrace::io {

class FileWorkers {
 public:
  // Wakes `owner` when something has finished.
  explicit FileWorkers(Backend& owner) : owner_(owner) {}
  ~FileWorkers() { end(); }
  FileWorkers(const FileWorkers&) = delete;
  FileWorkers& operator=(const FileWorkers&) = delete;

  void write_file(FileOperation& operation, int fd, std::string_view bytes, int64_t offset);
  void sync_file(FileOperation& operation, int fd);
  void run(DiskTask& task);
  // The callbacks of what has finished. To be called after the wake was taken, so that none is missed.
  void run_finished();
  // Waits for the jobs that have begun and drops the others; the owner must still take wakes.
  void end();

 private:
  enum class Kind : uint8_t { kWrite, kSync, kTask };
  struct Job {
    FileOperation* operation = nullptr;
    DiskTask* task = nullptr;
    int fd = -1;
    std::string_view bytes{};
    int64_t offset = 0;
    int64_t result = 0;
  };
  struct Lane {
    Mutex mutex;
    std::condition_variable_any changed;
    std::deque<Job> waiting GUARDED_BY(mutex);
    bool is_ending GUARDED_BY(mutex) = false;
    std::thread thread;  // made, and joined, by the core
  };

  void add(Kind kind, Job job);
  bool start(Kind kind);
  void work(Kind kind);
  bool take(Lane& lane, Job& job);
  static void perform(Kind kind, Job& job);
  void report(const Job& job);

  Backend& owner_;
  std::array<Lane, 3> lanes_;  // by Kind
  Mutex finished_mutex_;
  std::vector<Job> finished_ GUARDED_BY(finished_mutex_);
  std::atomic<bool> has_finished_{false};  // spares idle turns the lock
};

}  // namespace millrace::io
