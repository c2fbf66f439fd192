// See simulated_file_queue.h.
#include "support/simulated_file_queue.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace millrace::test {

const SimulatedFileQueue::Job& SimulatedFileQueue::add(Job job) {
  if (job.kind == Kind::kTask) job.work_ns = task_ns_max_ = std::max(task_ns_max_, job.work_ns);
  job.done_ns = std::max(job.done_ns, job.work_ns);
  return jobs_[next_id_++] = job;
}

std::vector<int> SimulatedFileQueue::find_unworked(int64_t now_ns) const {
  std::vector<int> ids;
  for (const auto& [id, job] : jobs_) {
    if (!job.has_worked && job.work_ns <= now_ns) ids.push_back(id);
  }
  return ids;
}

std::vector<int> SimulatedFileQueue::find_done(int64_t now_ns) const {
  std::vector<int> ids;
  for (const auto& [id, job] : jobs_) {
    if (job.done_ns <= now_ns) ids.push_back(id);
  }
  return ids;
}

void SimulatedFileQueue::work(SimulatedDisk& disk, int64_t now_ns, Random& random) {
  std::vector<int> ids = find_unworked(now_ns);
  for (size_t i = ids.size(); i > 1; --i) std::swap(ids[i - 1], ids[random.below(i)]);
  for (const int id : ids) {
    Job& job = jobs_[id];
    perform(job.kind == Kind::kTask ? oldest_task() : job, disk);
  }
}

SimulatedFileQueue::Job& SimulatedFileQueue::oldest_task() {
  const auto found = std::find_if(jobs_.begin(), jobs_.end(), [](const auto& job) {
    return job.second.kind == Kind::kTask && !job.second.has_worked;
  });
  CHECK(found != jobs_.end());
  return found->second;
}

void SimulatedFileQueue::perform(Job& job, SimulatedDisk& disk) {
  job.has_worked = true;
  switch (job.kind) {
    case Kind::kWrite:
      job.result = disk.write_at(job.fd, job.offset, job.bytes);
      return;
    case Kind::kSync:
      job.result = disk.sync_data(job.fd);
      return;
    case Kind::kTask:
      return job.task->run();
  }
}

bool SimulatedFileQueue::finish(int id) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end() || !found->second.has_worked) return false;
  const Job job = found->second;
  jobs_.erase(found);
  if (job.task) {
    job.task->backend_state = nullptr;
    job.task->done();
  } else {
    job.operation->backend_state = nullptr;
    job.operation->done(job.result);
  }
  return true;
}

}  // namespace millrace::test
