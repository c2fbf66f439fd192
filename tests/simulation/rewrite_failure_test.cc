// Rewriting the journal on a disk that fails: the server goes on, nothing acknowledged is lost, and a sync that failed
// is made up for by new files.
#include <algorithm>
#include <string>
#include <vector>

#include "simulation/rewrite_fixture.h"

namespace millrace::test {
namespace {

class RewriteFailureTest : public RewriteTest {
 protected:
  static bool is_well(SimulatedServer& server) {
    return is_quiet(server) && state(server).write_error.load() == 0 && !state(server).must_rewrite.load();
  }
  static void wait_until_well(SimulatedServer& server) {
    EXPECT_TRUE(server.run_until([&] { return is_well(server); }, kLongMs));
  }
  static size_t increments(const SimulatedDisk& disk) {
    const std::string text = manifest(disk);
    size_t count = 0;
    for (size_t at = text.find("type i"); at != std::string::npos; at = text.find("type i", at + 1)) ++count;
    return count;
  }
};

TEST_F(RewriteFailureTest, AnyCallMayFailOnce) {
  for (const int error : {5, 28}) {  // EIO, ENOSPC
    uint64_t calls = 1;
    for (uint64_t failing = 0; failing < calls; ++failing) {
      SCOPED_TRACE("error " + std::to_string(error) + ", call " + std::to_string(failing));
      SimulatedDisk disk(failing);
      const auto server = start(disk, failing + 1);
      SimulatedCaller caller(*server, 0);
      SimulatedCaller writer(*server, 1);
      fill(writer, "old", 5);
      const uint64_t calls_before = disk.calls();
      disk.fail({.after = failing, .error = error});
      caller.send("BGREWRITEAOF");
      for (int i = 0; i < 5; ++i) writer.send("XADD stream" + std::to_string(i) + " * field new");
      server->run_for(100);
      wait_until_well(*server);
      calls = std::max(calls, disk.calls() - calls_before);
      disk.heal();
      server->settle();
      EXPECT_EQ(caller.take_replies().size(), 1u);
      EXPECT_EQ(writer.take_replies().size(), 5u);
      fill(writer, "after", 5);
      EXPECT_EQ(digest_after_crash(disk, failing), digest_of(*server));
      rewrite(*server, caller);
      EXPECT_EQ(increments(disk), 1u);
      EXPECT_EQ(digest_after_crash(disk, failing), digest_of(*server));
    }
    EXPECT_GE(calls, 20u);
  }
}

TEST_F(RewriteFailureTest, AFailedSyncIsMadeUpForByARewrite) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimulatedDisk disk(seed);
    const auto server = start(disk, seed);
    SimulatedCaller writer(*server, 1);
    SimulatedCaller reader(*server, 0);
    fill(writer, "old");
    disk.fail({.only = DiskCall::kSync});
    writer.send("XADD stream0 * field uncertain");
    server->run_turns();
    EXPECT_EQ(reader.ask("XLEN stream1"), ":1\r\n");
    EXPECT_TRUE(server->run_until([&] { return !writer.take_replies().empty(); }, kLongMs));
    EXPECT_GE(state(*server).rewrites.load(), 1u);
    EXPECT_FALSE(state(*server).must_rewrite.load());
    EXPECT_EQ(digest_after_crash(disk, seed), digest_of(*server));
    fill(writer, "new");
    EXPECT_EQ(digest_after_crash(disk, seed), digest_of(*server));
  }
}

TEST_F(RewriteFailureTest, WhatCannotBeMadeUpForIsTriedAgainWithoutMoreAndMoreFiles) {
  SimulatedDisk disk(3);
  const auto server = start(disk, 3);
  SimulatedCaller writer(*server, 1);
  fill(writer, "old");
  disk.fail({.only = DiskCall::kSync});
  disk.fail({.only = DiskCall::kRename, .after = 1, .times = 10});
  writer.send("XADD stream0 * field uncertain");
  server->run_for(1'000);
  EXPECT_TRUE(state(*server).must_rewrite.load());
  EXPECT_TRUE(writer.take_replies().empty());
  EXPECT_TRUE(SimulatedCaller(*server, 0).ask("XADD stream1 * a b").starts_with("-MISCONF "));
  server->run_for(15'000);
  EXPECT_GE(state(*server).rewrites.load(), 6u);
  EXPECT_EQ(increments(disk), 2u);
  server->run_for(15'000);
  EXPECT_FALSE(state(*server).must_rewrite.load());
  EXPECT_EQ(writer.take_replies().size(), 1u);
  EXPECT_EQ(increments(disk), 1u);
  EXPECT_EQ(digest_after_crash(disk), digest_of(*server));
}

TEST_F(RewriteFailureTest, AJournalThatCannotBeginIsTriedAgain) {
  for (const DiskCall call : {DiskCall::kOpen, DiskCall::kSync, DiskCall::kRename, DiskCall::kSyncDirectory}) {
    SCOPED_TRACE("call " + std::to_string(static_cast<int>(call)));
    SimulatedDisk disk(4);
    const auto server = start(disk, 4, without_journal);
    SimulatedCaller caller(*server, 1);
    fill(caller, "old");
    disk.fail({.only = call, .times = 10'000});
    EXPECT_EQ(caller.ask("CONFIG SET appendonly yes"), "+OK\r\n");
    for (int i = 0; i < 20; ++i) {
      caller.send("XADD stream0 * field meanwhile");
      server->run_for(50);
    }
    server->run_for(10'000);
    EXPECT_EQ(caller.take_replies().size(), 20u);
    EXPECT_EQ(state(*server).rewrites.load(), 3u);
    EXPECT_FALSE(server->journal().is_on());
    disk.heal();
    server->run_for(60'000);
    EXPECT_TRUE(server->journal().is_on());
    EXPECT_EQ(state(*server).rewrites.load(), 4u);
    fill(caller, "new");
    EXPECT_EQ(digest_after_crash(disk), digest_of(*server));
  }
}

TEST_F(RewriteFailureTest, OnAFullDiskTheJournalCanBeTurnedOff) {
  SimulatedDisk disk(5);
  const auto server = start(disk, 5);
  SimulatedCaller writer(*server, 1);
  SimulatedCaller admin(*server, 0);
  fill(writer, "old");
  disk.limit_bytes(disk.used_bytes());
  writer.send("XADD stream0 * field waiting");
  server->run_for(3'000);
  EXPECT_TRUE(writer.take_replies().empty());
  EXPECT_TRUE(admin.ask("XADD stream1 * a b").starts_with("-MISCONF "));
  EXPECT_EQ(admin.ask("CONFIG SET appendonly no"), "+OK\r\n");
  server->settle();
  EXPECT_EQ(writer.take_replies().size(), 1u);
  fill(writer, "new");
  disk.unlimit_bytes();
  EXPECT_EQ(admin.ask("CONFIG SET appendonly yes"), "+OK\r\n");
  wait_until_well(*server);
  EXPECT_TRUE(server->journal().is_on());
  EXPECT_EQ(digest_after_crash(disk), digest_of(*server));
}

}  // namespace
}  // namespace millrace::test
