// What every backend promises about files and disk tasks (io/backend.h).
#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "base/random.h"
#include "contract/io/backend_contract.h"
#include "io/disk.h"

namespace millrace::test {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

// Writes a text to a place of a file, however short the single writes come up, or syncs.
class FileUser final : public io::FileOperation {
 public:
  FileUser(const Stage& stage, io::Backend& backend, int fd) : stage_(stage), backend_(backend), fd_(fd) {}
  void write(std::string text, int64_t offset) {
    text_ = std::move(text);
    offset_ = offset;
    write_rest();
  }
  void sync() {
    is_in_flight_ = true;
    backend_.sync_file(*this, fd_);
  }
  void done(int64_t result) override {
    EXPECT_TRUE(stage_.is_inside_wait());
    EXPECT_EQ(backend_state, nullptr);
    ASSERT_TRUE(is_in_flight_) << "done() that nobody asked for";
    is_in_flight_ = false;
    results.push_back(result);
    if (text_.empty()) {
      if (on_end) on_end();
      return;
    }
    ASSERT_NE(result, 0);
    if (result < 0) return;
    written_ += static_cast<size_t>(result);
    ASSERT_LE(written_, text_.size());
    if (written_ < text_.size()) return write_rest();
    if (on_end) on_end();
  }
  void write_rest() {
    is_in_flight_ = true;
    backend_.write_file(*this, fd_, std::string_view(text_).substr(written_), offset_ + static_cast<int64_t>(written_));
  }
  bool is_in_flight() const { return is_in_flight_; }
  bool is_written() const { return written_ == text_.size(); }
  // As an owner may do once the backend is dead.
  void forget_bytes() { std::fill(text_.begin(), text_.end(), '#'); }

  std::vector<int64_t> results;
  std::function<void()> on_end;

 private:
  const Stage& stage_;
  io::Backend& backend_;
  const int fd_;
  std::string text_;
  int64_t offset_ = 0;
  size_t written_ = 0;
  bool is_in_flight_ = false;
};

class Task final : public io::DiskTask {
 public:
  explicit Task(const Stage& stage) : stage_(stage) {}
  void run() override {
    EXPECT_EQ(runs.load(), 0);
    thread = std::this_thread::get_id();
    if (on_run) on_run();
    runs.fetch_add(1);
  }
  void done() override {
    EXPECT_TRUE(stage_.is_inside_wait());
    EXPECT_EQ(backend_state, nullptr);
    EXPECT_EQ(runs.load(), 1);
    EXPECT_EQ(dones, 0);
    ++dones;
  }

  std::atomic<int> runs{0};
  int dones = 0;
  std::thread::id thread;
  std::function<void()> on_run;

 private:
  const Stage& stage_;
};

// New threads get a stack for which no process has room.
class NoMoreThreads {
 public:
  NoMoreThreads() {
    EXPECT_EQ(pthread_getattr_default_np(&before_), 0);
    pthread_attr_t huge = before_;
    EXPECT_EQ(pthread_attr_setstacksize(&huge, size_t{1} << 47), 0);
    EXPECT_EQ(pthread_setattr_default_np(&huge), 0);
  }
  ~NoMoreThreads() { EXPECT_EQ(pthread_setattr_default_np(&before_), 0); }

 private:
  pthread_attr_t before_{};
};

class BackendFiles : public BackendContract {
 protected:
  void TearDown() override {
    EXPECT_TRUE(!stage_ || run_until([&] {
      return std::none_of(users_.begin(), users_.end(), [](const FileUser& user) { return user.is_in_flight(); });
    }));
    for (const int fd : files_) EXPECT_EQ(stage_->disk().close(fd), 0);
    BackendContract::TearDown();
  }

  std::string path(const std::string& name) { return stage_->directory() + "/" + name; }
  int open(const std::string& name) {
    const int fd = stage_->disk().open(path(name), io::OpenMode::kCreate);
    EXPECT_GE(fd, 0);
    files_.push_back(fd);
    return fd;
  }
  std::string content(int fd) {
    std::string text(static_cast<size_t>(stage_->disk().size(fd)), '\0');
    EXPECT_EQ(io::read_fully(stage_->disk(), fd, 0, text.data(), text.size()), static_cast<int64_t>(text.size()));
    return text;
  }
  FileUser& user(int fd) { return users_.emplace_back(*stage_, *backend_, fd); }
  FileUser& write(int fd, std::string text, int64_t offset) {
    FileUser& writer = user(fd);
    writer.write(std::move(text), offset);
    return writer;
  }
  FileUser& sync(int fd) {
    FileUser& syncer = user(fd);
    syncer.sync();
    return syncer;
  }
  bool ends(const FileUser& one) {
    return run_until([&] { return !one.is_in_flight(); });
  }

  std::deque<FileUser> users_;
  std::vector<int> files_;
};

TEST_P(BackendFiles, WritesAndSyncs) {
  const int fd = open("one");
  const std::string text = make_text(100'000);
  FileUser& writer = write(fd, text, 0);
  EXPECT_TRUE(writer.is_in_flight()) << "never called from inside the submission";
  EXPECT_TRUE(ends(writer));
  EXPECT_TRUE(writer.is_written());
  FileUser& syncer = sync(fd);
  EXPECT_TRUE(ends(syncer));
  EXPECT_EQ(syncer.results, std::vector<int64_t>{0});
  EXPECT_EQ(content(fd), text);
}

TEST_P(BackendFiles, ManyInFlightEachReachTheirPlace) {
  constexpr size_t kWrites = 300;
  constexpr size_t kBytes = 1000;
  const std::vector<int> fds = {open("a"), open("b"), open("c")};
  for (size_t i = 0; i < kWrites; ++i) {
    write(fds[i % fds.size()], make_text(kBytes, i), static_cast<int64_t>(i / fds.size() * kBytes));
    if (i % 50 == 0) sync(fds[i % fds.size()]);
  }
  for (FileUser& each : users_) EXPECT_TRUE(ends(each));
  for (size_t i = 0; i < kWrites; ++i) {
    EXPECT_EQ(content(fds[i % fds.size()]).substr(i / fds.size() * kBytes, kBytes), make_text(kBytes, i)) << i;
  }
}

TEST_P(BackendFiles, TheNextMayBeAskedForInDone) {
  const int fd = open("log");
  std::string expected;
  int left = 100;
  std::function<void()> go_on = [&] {
    if (left-- == 0) return;
    FileUser& next = user(fd);
    next.on_end = go_on;
    if (left % 3 == 0) return next.sync();
    const std::string text = make_text(static_cast<size_t>(left) * 7 + 1, static_cast<uint64_t>(left));
    next.write(text, static_cast<int64_t>(expected.size()));
    expected += text;
  };
  go_on();
  EXPECT_TRUE(run_until([&] { return left < 0; }));
  EXPECT_EQ(content(fd), expected);
}

TEST_P(BackendFiles, ABadDescriptorIsAnError) {
  constexpr int kNeverOpened = 2'900'000;
  FileUser& writer = write(kNeverOpened, "text", 0);
  FileUser& syncer = sync(kNeverOpened);
  EXPECT_TRUE(ends(writer) && ends(syncer));
  EXPECT_EQ(writer.results, std::vector<int64_t>{-EBADF});
  EXPECT_EQ(syncer.results, std::vector<int64_t>{-EBADF});
}

TEST_P(BackendFiles, AFileOpenedForReadingTakesNothing) {
  open("one");
  const int fd = stage_->disk().open(path("one"), io::OpenMode::kRead);
  files_.push_back(fd);
  FileUser& writer = write(fd, "text", 0);
  EXPECT_TRUE(ends(writer));
  EXPECT_EQ(writer.results, std::vector<int64_t>{-EBADF});
}

TEST_P(BackendFiles, AFullDeviceIsAnError) {
  if (!GetParam().is_real) GTEST_SKIP() << "has no /dev/full; see AWriteWithoutRoomComesUpShortThenFails";
  const int fd = stage_->disk().open("/dev/full", io::OpenMode::kUpdate);
  ASSERT_GE(fd, 0);
  files_.push_back(fd);
  FileUser& writer = write(fd, "text", 0);
  EXPECT_TRUE(ends(writer));
  EXPECT_EQ(writer.results, std::vector<int64_t>{-ENOSPC});
}

TEST_P(BackendFiles, AWriteWithoutRoomComesUpShortThenFails) {
  constexpr size_t kRoom = 50'000;
  const int fd = open("log");
  const std::string text = make_text(2 * kRoom);
  stage_->limit_file_bytes(kRoom);
  FileUser& writer = write(fd, text, 0);
  EXPECT_TRUE(ends(writer));
  stage_->limit_file_bytes(0);
  ASSERT_GE(writer.results.size(), 2U);
  EXPECT_EQ(writer.results.back(), GetParam().is_real ? -EFBIG : -ENOSPC);
  EXPECT_EQ(content(fd), text.substr(0, kRoom));
  writer.write_rest();
  EXPECT_TRUE(ends(writer));
  EXPECT_EQ(content(fd), text);
}

TEST_P(BackendFiles, RandomWritesGiveTheFileOfAModel) {
  constexpr uint64_t kSeed = 20261121;
  SCOPED_TRACE(kSeed);
  Random random(kSeed);
  const int fd = open("file");
  std::string model;
  for (int step = 0; step < 300; ++step) {
    const size_t offset = random.below(model.size() + 3000);
    const std::string text = make_text(1 + random.below(5000), random.next());
    if (model.size() < offset + text.size()) model.resize(offset + text.size(), '\0');
    model.replace(offset, text.size(), text);
    FileUser& writer = write(fd, text, static_cast<int64_t>(offset));
    if (random.one_in(5)) sync(fd);
    // Writes that overlap wait for each other, as their owner must see to it.
    EXPECT_TRUE(ends(writer));
  }
  EXPECT_TRUE(content(fd) == model);
}

TEST_P(BackendFiles, ASleepingCoreHearsOfTheEnd) {
  if (!GetParam().is_real) GTEST_SKIP() << "simulated time stands still inside wait()";
  const int fd = open("one");
  const int64_t deadline_ns = backend_->now().monotonic_ns + 60 * kNsPerSecond;
  Task task(*stage_);
  FileUser& writer = write(fd, "text", 0);
  FileUser& syncer = sync(fd);
  backend_->run_elsewhere(task);
  while ((writer.is_in_flight() || syncer.is_in_flight() || task.dones == 0) &&
         backend_->now().monotonic_ns < deadline_ns) {
    stage_->wait(*backend_, deadline_ns);
  }
  EXPECT_LT(backend_->now().monotonic_ns, deadline_ns);
}

TEST_P(BackendFiles, ATaskRunsElsewhereAndIsDoneHere) {
  Task task(*stage_);
  const std::string name = path("by a task");
  int fd = -1;
  task.on_run = [&] { fd = stage_->disk().open(name, io::OpenMode::kCreateNew); };
  backend_->run_elsewhere(task);
  EXPECT_EQ(task.dones, 0);
  EXPECT_TRUE(run_until([&] { return task.dones == 1; }));
  EXPECT_GE(fd, 0);
  files_.push_back(fd);
  if (GetParam().is_real) {
    EXPECT_NE(task.thread, std::this_thread::get_id());
  }
}

TEST_P(BackendFiles, TasksRunOneAtATimeInOrder) {
  constexpr int kTasks = 100;
  std::deque<Task> tasks;
  std::atomic<int> running{0};
  std::vector<int> order;
  for (int i = 0; i < kTasks; ++i) {
    Task& task = tasks.emplace_back(*stage_);
    task.on_run = [&, i] {
      EXPECT_EQ(running.fetch_add(1), 0);
      order.push_back(i);
      running.fetch_sub(1);
    };
    backend_->run_elsewhere(task);
    if (i % 10 == 0) stage_->turn();
  }
  EXPECT_TRUE(run_until(
      [&] { return std::all_of(tasks.begin(), tasks.end(), [](const Task& task) { return task.dones == 1; }); }));
  EXPECT_EQ(order.size(), static_cast<size_t>(kTasks));
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_P(BackendFiles, ALongTaskHoldsUpNoWriteAndNoSync) {
  if (!GetParam().is_real) GTEST_SKIP() << "the simulated world has one thread";
  const int fd = open("one");
  std::atomic<bool> may_end{false};
  Task task(*stage_);
  task.on_run = [&] { may_end.wait(false); };
  backend_->run_elsewhere(task);
  EXPECT_TRUE(ends(write(fd, "text", 0)));
  EXPECT_TRUE(ends(sync(fd)));
  EXPECT_EQ(task.dones, 0);
  may_end = true;
  may_end.notify_one();
  EXPECT_TRUE(run_until([&] { return task.dones == 1; }));
}

TEST_P(BackendFiles, WhereNoThreadCanBeMadeEverythingIsDoneAllTheSame) {
  if (!GetParam().is_real) GTEST_SKIP() << "the simulated world has one thread";
  const NoMoreThreads limit;
  ASSERT_THROW(std::thread([] {}), std::system_error);
  const int fd = open("one");
  const std::string text = make_text(100'000);
  EXPECT_TRUE(ends(write(fd, text, 0)));
  FileUser& syncer = sync(fd);
  EXPECT_TRUE(ends(syncer));
  EXPECT_EQ(syncer.results, std::vector<int64_t>{0});
  Task task(*stage_);
  backend_->run_elsewhere(task);
  EXPECT_TRUE(run_until([&] { return task.dones == 1; }));
  EXPECT_EQ(content(fd), text);
}

// Every byte on the disk is one that was asked for, though the owner has overwritten all of them since.
TEST_P(BackendFiles, ABackendThatDiesTouchesNothingAfterwards) {
  constexpr size_t kWrites = 40;
  constexpr size_t kBytes = 200'000;
  const int fd = open("one");
  for (const int turns : {0, 1, 3}) {
    EXPECT_EQ(stage_->disk().truncate(fd, 0), 0);
    std::deque<FileUser> users;
    std::deque<Task> tasks;
    std::atomic<int> begun{0};
    auto backend = stage_->make_free_backend();
    for (size_t i = 0; i < kWrites; ++i) {
      users.emplace_back(*stage_, *backend, fd).write(make_text(kBytes, i), static_cast<int64_t>(i * kBytes));
      if (i % 8 != 0) continue;
      users.emplace_back(*stage_, *backend, fd).sync();
      tasks.emplace_back(*stage_).on_run = [&] { ++begun; };
      backend->run_elsewhere(tasks.back());
    }
    for (int i = 0; i < turns; ++i) stage_->wait(*backend, 0);
    backend.reset();
    EXPECT_EQ(begun.load(), std::count_if(tasks.begin(), tasks.end(), [](const Task& task) { return task.runs == 1; }));
    for (FileUser& each : users) each.forget_bytes();
    const std::string found = content(fd);
    for (size_t at = 0; at < found.size(); at += kBytes) {
      const std::string expected = make_text(kBytes, at / kBytes);
      const std::string piece = found.substr(at, kBytes);
      EXPECT_TRUE(std::equal(piece.begin(), piece.end(), expected.begin(),
                             [](char there, char asked) { return there == asked || there == '\0'; }))
          << "turns " << turns << ", write " << at / kBytes;
    }
  }
}

TEST_P(BackendFiles, ABackendMayDieAfterItsThread) {
  if (!GetParam().is_real) GTEST_SKIP() << "the simulated world has one thread";
  const int fd = open("one");
  auto backend = stage_->make_free_backend();
  struct Silent final : io::FileOperation {
    void done(int64_t) override {}
  };
  std::deque<Silent> operations(50);
  std::string text = make_text(400'000);
  std::thread thread([&] {
    for (size_t i = 0; i < operations.size(); ++i) {
      backend->write_file(operations[i], fd, text, static_cast<int64_t>(i * text.size()));
    }
    backend->wait(0);
  });
  thread.join();
  backend.reset();
  std::fill(text.begin(), text.end(), '#');
  const std::string found = content(fd);
  EXPECT_EQ(std::count(found.begin(), found.end(), '#'), 0);
}

INSTANTIATE_TEST_SUITE_P(Backends, BackendFiles, testing::ValuesIn(all_stages()),
                         [](const testing::TestParamInfo<StageKind>& stage) { return stage.param.name; });

}  // namespace
}  // namespace millrace::test
