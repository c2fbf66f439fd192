// See file_workers.h.
#include "io/file_workers.h"

#include <system_error>
#include <utility>

#include "base/check.h"
#include "io/system_disk.h"

namespace millrace::io {

void FileWorkers::end() {
  for (Lane& lane : lanes_) {
    {
      const MutexLock lock(lane.mutex);
      lane.is_ending = true;
    }
    lane.changed.notify_one();
    if (lane.thread.joinable()) lane.thread.join();
  }
}

void FileWorkers::write_file(FileOperation& operation, int fd, std::string_view bytes, int64_t offset) {
  CHECK(!operation.backend_state && !bytes.empty());
  operation.backend_state = this;
  add(Kind::kWrite, {.operation = &operation, .fd = fd, .bytes = bytes, .offset = offset});
}

void FileWorkers::sync_file(FileOperation& operation, int fd) {
  CHECK(!operation.backend_state);
  operation.backend_state = this;
  add(Kind::kSync, {.operation = &operation, .fd = fd});
}

void FileWorkers::run(DiskTask& task) {
  CHECK(!task.backend_state);
  task.backend_state = this;
  add(Kind::kTask, {.task = &task});
}

void FileWorkers::add(Kind kind, Job job) {
  Lane& lane = lanes_[static_cast<size_t>(kind)];
  if (!lane.thread.joinable() && !start(kind)) {
    perform(kind, job);
    return report(job);
  }
  {
    const MutexLock lock(lane.mutex);
    lane.waiting.push_back(job);
  }
  lane.changed.notify_one();
}

bool FileWorkers::start(Kind kind) {
  try {
    lanes_[static_cast<size_t>(kind)].thread = std::thread([this, kind] { work(kind); });
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

void FileWorkers::work(Kind kind) {
  Job job;
  while (take(lanes_[static_cast<size_t>(kind)], job)) {
    perform(kind, job);
    report(job);
  }
}

// The analysis cannot follow a condition variable that lets go of the lock and takes it again.
bool FileWorkers::take(Lane& lane, Job& job) NO_THREAD_SAFETY_ANALYSIS {
  const MutexLock lock(lane.mutex);
  while (lane.waiting.empty() && !lane.is_ending) lane.changed.wait(lane.mutex);
  if (lane.is_ending) return false;
  job = lane.waiting.front();
  lane.waiting.pop_front();
  return true;
}

void FileWorkers::perform(Kind kind, Job& job) {
  SystemDisk disk;
  switch (kind) {
    case Kind::kWrite:
      job.result = disk.write_at(job.fd, job.offset, job.bytes);
      return;
    case Kind::kSync:
      job.result = disk.sync_data(job.fd);
      return;
    case Kind::kTask:
      job.task->run();
      return;
  }
}

void FileWorkers::report(const Job& job) {
  {
    const MutexLock lock(finished_mutex_);
    finished_.push_back(job);
    has_finished_.store(true, std::memory_order_release);
  }
  owner_.wake();
}

void FileWorkers::run_finished() {
  if (!has_finished_.load(std::memory_order_acquire)) return;
  std::vector<Job> finished;
  {
    const MutexLock lock(finished_mutex_);
    finished.swap(finished_);
    has_finished_.store(false, std::memory_order_release);
  }
  for (const Job& job : finished) {
    if (job.task) {
      job.task->backend_state = nullptr;
      job.task->done();
    } else {
      job.operation->backend_state = nullptr;
      job.operation->done(job.result);
    }
  }
}

}  // namespace millrace::io
