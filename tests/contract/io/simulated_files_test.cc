// Files in the simulated world: when writes, syncs and tasks take effect, that this replays, and what a crash finds.
#include <gtest/gtest.h>

#include <cerrno>
#include <deque>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "support/simulated_disk.h"
#include "support/simulated_network.h"

namespace millrace::test {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

struct Operation final : io::FileOperation {
  explicit Operation(const SimulatedWorld& the_world) : world(the_world) {}
  void done(int64_t value) override {
    result = value;
    done_ns = world.now().monotonic_ns;
  }
  const SimulatedWorld& world;
  int64_t result = 0;
  int64_t done_ns = 0;
};

struct Task final : io::DiskTask {
  Task(SimulatedDisk& the_disk, std::string the_name) : disk(the_disk), name(std::move(the_name)) {}
  void run() override { disk.open(name, io::OpenMode::kCreateNew); }
  void done() override { is_done = true; }
  SimulatedDisk& disk;
  const std::string name;
  bool is_done = false;
};

// One core and its disk.
class SimulatedFiles {
 public:
  explicit SimulatedFiles(uint64_t seed) : disk(seed), world(seed), core(world.make_backend()) {
    world.use_disk(disk);
    fd = open("file");
    disk.sync_directory(".");
  }
  int open(const std::string& name) { return disk.open(name, io::OpenMode::kCreate); }
  Operation& write(int file, std::string_view text, int64_t offset = 0) {
    Operation& operation = operations.emplace_back(world);
    core->write_file(operation, file, text, offset);
    return operation;
  }
  Operation& sync(int file) {
    Operation& operation = operations.emplace_back(world);
    core->sync_file(operation, file);
    return operation;
  }
  void run() {
    do {
      while (core->is_runnable()) core->wait(kNever);
    } while (world.advance_to_next_event());
  }
  int64_t now_ns() const { return world.now().monotonic_ns; }

  SimulatedDisk disk;
  SimulatedWorld world;
  std::unique_ptr<SimulatedBackend> core;
  std::deque<Operation> operations;
  int fd = -1;
};

TEST(SimulatedFiles, EverythingEndsAndNothingTooEarly) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    SimulatedFiles files(seed);
    Task task(files.disk, "new");
    const Operation& write = files.write(files.fd, "text");
    const Operation& sync = files.sync(files.fd);
    files.core->run_elsewhere(task);
    EXPECT_EQ(files.disk.content("file"), "") << "nothing happens inside the submission";
    EXPECT_FALSE(files.disk.content("new"));
    files.run();
    EXPECT_GT(write.result, 0);
    EXPECT_EQ(sync.result, 0);
    EXPECT_GT(sync.done_ns, 0);
    EXPECT_TRUE(task.is_done);
    EXPECT_TRUE(files.disk.content("new"));
  }
}

TEST(SimulatedFiles, ASlowSyncTakesItsTimeAndHoldsUpNoWrite) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    SimulatedFiles files(seed);
    files.world.set_sync_ns(3000 * kNsPerMs);
    const int64_t start_ns = files.now_ns();
    const Operation& sync = files.sync(files.fd);
    const Operation& write = files.write(files.fd, "text");
    files.run();
    EXPECT_GE(sync.done_ns, start_ns + 3000 * kNsPerMs);
    EXPECT_LT(write.done_ns, start_ns + 100 * kNsPerMs);
  }
}

TEST(SimulatedFiles, WhatIsInFlightTogetherEndsInAnyOrder) {
  bool first_was_first = false;
  bool second_was_first = false;
  bool sync_missed_the_write = false;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SimulatedFiles files(seed);
    const int other = files.open("other");
    const Operation& first = files.write(files.fd, "1");
    const Operation& second = files.write(other, "2");
    files.sync(files.fd);
    files.run();
    first_was_first |= first.done_ns < second.done_ns;
    second_was_first |= second.done_ns < first.done_ns;
    for (uint64_t crash = 0; crash < 20; ++crash) {
      sync_missed_the_write |= files.disk.crash(crash)->content("file") != "1";
    }
  }
  EXPECT_TRUE(first_was_first && second_was_first);
  EXPECT_TRUE(sync_missed_the_write) << "a sync covers only what was done() before it was asked for";
}

TEST(SimulatedFiles, ASyncAfterTheWriteWasDoneCoversIt) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimulatedFiles files(seed);
    const Operation& write = files.write(files.fd, "1");
    files.run();
    ASSERT_EQ(write.result, 1);
    files.sync(files.fd);
    files.run();
    for (uint64_t crash = 0; crash < 20; ++crash) EXPECT_EQ(files.disk.crash(crash)->content("file"), "1");
  }
}

TEST(SimulatedFiles, AFailingDiskShowsInTheResults) {
  SimulatedFiles files(1);
  files.disk.fail({.only = DiskCall::kWrite, .error = ENOSPC});
  files.disk.fail({.only = DiskCall::kSync});
  const Operation& write = files.write(files.fd, "text");
  const Operation& sync = files.sync(files.fd);
  files.run();
  EXPECT_EQ(write.result, -ENOSPC);
  EXPECT_EQ(sync.result, -EIO);
  EXPECT_EQ(files.disk.calls(DiskCall::kWrite) + files.disk.calls(DiskCall::kSync), 2U);
}

TEST(SimulatedFiles, TheSameSeedGivesTheSameTimes) {
  const auto history = [](uint64_t seed) {
    SimulatedFiles files(seed);
    for (int64_t i = 0; i < 20; ++i) files.write(files.fd, "some text", i * 9);
    files.sync(files.fd);
    files.run();
    std::string text;
    for (const Operation& each : files.operations) {
      text += std::to_string(each.done_ns) + ":" + std::to_string(each.result) + " ";
    }
    return text;
  };
  for (uint64_t seed = 0; seed < 20; ++seed) EXPECT_EQ(history(seed), history(seed));
  EXPECT_NE(history(1), history(2));
}

}  // namespace
}  // namespace millrace::test
