// Snapshots on the simulated disk: what is there after a stop at any of its calls, and what goes on meanwhile.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "support/simulated_server.h"

namespace millrace::test {
namespace {

constexpr uint32_t kCores = 2;

std::string digest(SimulatedCaller& caller) {
  return caller.ask("DEBUG DIGEST");
}

class SnapshotTest : public testing::Test {
 protected:
  static SimulatedServer::Options options(SimulatedDisk& disk, uint64_t seed) {
    return {.seed = seed, .cores = kCores, .partitions = 8, .disk = &disk};
  }
  static void allow_debug(SimulatedServer& server) {
    server.settings().enable_debug_command.store(static_cast<int64_t>(settings::Access::kYes));
  }
  static void fill(SimulatedCaller& caller, std::string_view value) {
    for (int i = 0; i < 20; ++i) {
      caller.ask("XADD stream" + std::to_string(i) + " " + std::to_string(i + 1) + "-* field " + std::string(value));
    }
  }
  // The digest of what a server finds on the disk.
  static std::string found_on(SimulatedDisk& disk) {
    SimulatedServer server(options(disk, 99));
    allow_debug(server);
    SimulatedCaller caller(server, 0);
    return digest(caller);
  }
};

TEST_F(SnapshotTest, AStopAtAnyCallLeavesTheOldFileOrTheNew) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimulatedDisk disk(seed);
    std::vector<std::unique_ptr<SimulatedDisk>> stopped;
    std::string before;
    std::string after;
    {
      SimulatedServer server(options(disk, seed));
      allow_debug(server);
      SimulatedCaller caller(server, 0);
      fill(caller, "old");
      EXPECT_EQ(caller.ask("SAVE", 60'000), "+OK\r\n");
      before = digest(caller);
      fill(caller, "new");
      after = digest(caller);
      disk.before_each_call([&](DiskCall) {
        stopped.push_back(disk.crash(seed + stopped.size()));
        stopped.push_back(disk.kill());
      });
      EXPECT_EQ(caller.ask("SAVE", 60'000), "+OK\r\n");
      disk.before_each_call({});
      EXPECT_NE(before, after);
    }
    ASSERT_GE(stopped.size(), 10u);
    for (const auto& disk_found : stopped) {
      const std::string found = found_on(*disk_found);
      EXPECT_TRUE(found == before || found == after);
    }
    EXPECT_EQ(found_on(*disk.crash(seed)), after);
  }
}

TEST_F(SnapshotTest, EveryFailingCallIsAFailedSaveAndTheOldFileStays) {
  for (const DiskCall call :
       {DiskCall::kOpen, DiskCall::kWrite, DiskCall::kSync, DiskCall::kClose, DiskCall::kRename}) {
    SCOPED_TRACE("call " + std::to_string(static_cast<int>(call)));
    SimulatedDisk disk(7);
    std::string before;
    {
      SimulatedServer server(options(disk, 7));
      allow_debug(server);
      SimulatedCaller caller(server, 1);
      fill(caller, "old");
      EXPECT_EQ(caller.ask("SAVE", 60'000), "+OK\r\n");
      before = digest(caller);
      fill(caller, "new");
      disk.fail({.only = call});
      EXPECT_EQ(caller.ask("SAVE", 60'000), "-ERR\r\n");
      disk.fail({.only = call});
      EXPECT_EQ(caller.ask("BGSAVE"), "+Background saving started\r\n");
      EXPECT_TRUE(server.run_until([&] { return !server.server().snapshots.is_going.load(); }, 60'000));
      EXPECT_TRUE(caller.ask("XADD stream0 * a b").starts_with("-MISCONF "));
      EXPECT_TRUE(caller.ask("PING").starts_with("-MISCONF "));
      EXPECT_EQ(caller.ask("SAVE", 60'000), "+OK\r\n");
      EXPECT_EQ(caller.ask("PING"), "+PONG\r\n");
      EXPECT_FALSE(disk.content("./temp-0.rdb").has_value());
      EXPECT_EQ(disk.open_descriptors(), 0u);
    }
  }
}

// It is synced on the way, too.
TEST_F(SnapshotTest, EverySyncOfALargeOneMayFail) {
  constexpr int kMegabytes = 35;
  SimulatedDisk disk(8);
  std::string saved;
  {
    SimulatedServer server(options(disk, 8));
    allow_debug(server);
    SimulatedCaller caller(server, 0);
    caller.ask("CONFIG SET rdbcompression no");
    const std::string value(1024 * 1024, 'x');
    for (int i = 1; i <= kMegabytes; ++i) caller.ask("XADD stream " + std::to_string(i) + " field " + value, 60'000);
    saved = digest(caller);
    uint64_t failed = 0;
    for (;; ++failed) {
      disk.heal();
      disk.fail({.only = DiskCall::kSync, .after = failed});
      const std::string reply = caller.ask("SAVE", 60'000);
      EXPECT_EQ(disk.open_descriptors(), 0u);
      EXPECT_FALSE(disk.content("./temp-0.rdb").has_value());
      if (reply != "-ERR\r\n") {
        EXPECT_EQ(reply, "+OK\r\n");
        break;
      }
      EXPECT_FALSE(disk.content("./dump.rdb").has_value());
    }
    EXPECT_GE(failed, 2u);
  }
  EXPECT_EQ(found_on(disk), saved);
}

TEST_F(SnapshotTest, WritesGoOnAndAreNotInIt) {
  SimulatedDisk disk(3);
  std::string at_the_moment;
  {
    SimulatedServer server(options(disk, 3));
    allow_debug(server);
    SimulatedCaller saver(server, 0);
    SimulatedCaller writer(server, 1);
    fill(writer, "old");
    at_the_moment = digest(saver);
    EXPECT_EQ(saver.ask("BGSAVE"), "+Background saving started\r\n");
    fill(writer, "new");
    writer.ask("DEL stream3 stream4");
    EXPECT_TRUE(server.run_until([&] { return !server.server().snapshots.is_going.load(); }, 60'000));
  }
  EXPECT_EQ(found_on(disk), at_the_moment);
}

TEST_F(SnapshotTest, OneThatIsAskedForInsideExecHasAllOfIt) {
  SimulatedDisk disk(4);
  std::string after;
  {
    SimulatedServer server(options(disk, 4));
    allow_debug(server);
    SimulatedCaller caller(server, 1);
    for (const char* line : {"MULTI", "SET left 1", "BGSAVE", "SET right 1", "EXEC"}) caller.ask(line);
    EXPECT_TRUE(server.run_until([&] { return server.server().snapshots.saves.load() == 1; }, 60'000));
    after = digest(caller);
  }
  EXPECT_EQ(found_on(disk), after);
}

TEST_F(SnapshotTest, ShutdownSavesWhatWasAcknowledged) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimulatedDisk disk(seed);
    int64_t acknowledged = 0;
    {
      SimulatedServer server(options(disk, seed));
      SimulatedCaller ender(server, 0);
      SimulatedCaller writer(server, 1);
      for (int i = 0; i < 50; ++i) writer.send("XADD stream * field value");
      ender.send("BGSAVE");
      ender.send("SHUTDOWN");
      for (int i = 0; i < 50; ++i) writer.send("XADD stream * field value");
      EXPECT_TRUE(server.run_until([&] { return server.was_shutdown_requested(); }, 60'000));
      server.settle();
      acknowledged = static_cast<int64_t>(writer.take_replies().size());
    }
    SimulatedServer again(options(disk, seed));
    SimulatedCaller caller(again, 0);
    EXPECT_EQ(caller.ask("XLEN stream"), ":" + std::to_string(acknowledged) + "\r\n");
  }
}

TEST_F(SnapshotTest, AShutdownThatCannotSaveStays) {
  SimulatedDisk disk(5);
  SimulatedServer server(options(disk, 5));
  SimulatedCaller caller(server, 0);
  SimulatedCaller writer(server, 1);
  disk.fail({.only = DiskCall::kRename});
  caller.send("SHUTDOWN SAVE");
  server.run_turns();
  writer.send("XADD stream 1-1 field value");
  server.run_for(5'000);
  EXPECT_EQ(caller.take_replies(), std::vector<std::string>{"-ERR Errors trying to SHUTDOWN. Check logs.\r\n"});
  EXPECT_EQ(writer.take_replies().size(), 1u);
  EXPECT_FALSE(server.was_shutdown_requested());
}

TEST_F(SnapshotTest, AStoppedServerGivesItsSnapshotUp) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SimulatedDisk disk(seed);
    {
      SimulatedServer server(options(disk, seed));
      SimulatedCaller caller(server, 0);
      fill(caller, "value");
      caller.send("BGSAVE");
      server.run_for(static_cast<int64_t>(seed) - 1);
    }
    EXPECT_EQ(disk.open_descriptors(), 0u);
    EXPECT_FALSE(disk.content("./temp-0.rdb").has_value());
  }
}

TEST_F(SnapshotTest, SavePointsAreKept) {
  SimulatedDisk disk(6);
  SimulatedServer server(options(disk, 6));
  SimulatedCaller caller(server, 0);
  EXPECT_TRUE(caller.ask("XADD stream * field value").starts_with("$"));
  server.run_for(3'500'000);
  EXPECT_EQ(server.server().snapshots.saves.load(), 0u);
  server.run_for(200'000);
  EXPECT_EQ(server.server().snapshots.saves.load(), 1u);
  server.run_for(3'700'000);
  EXPECT_EQ(server.server().snapshots.saves.load(), 1u);
}

}  // namespace
}  // namespace millrace::test
