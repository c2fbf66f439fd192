// Which replies wait for the journal, and for how long: with slow disks, full ones and such that fail.
#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "persistence/journal_format.h"
#include "simulation/journal_world.h"

namespace millrace::test {
namespace {

using settings::AppendFsync;

constexpr int64_t kNsPerMs = 1'000'000;
constexpr const char* kFull = "-MISCONF Errors writing to the AOF file: No space left on device\r\n";
constexpr const char* kBroken = "-MISCONF Errors writing to the AOF file: Input/output error\r\n";

class JournalReplies : public testing::Test {
 protected:
  void start(AppendFsync policy) {
    writer_.reset();
    other_.reset();
    bystanders_.clear();
    world_ = std::make_unique<JournalWorld>(JournalWorld::Options{.seed = 11, .policy = policy});
    writer_ = std::make_unique<SimulatedCaller>(server(), 1);
    other_ = std::make_unique<SimulatedCaller>(server(), 2);
    // With them no core has nobody but clients that wait for the journal.
    bystanders_.clear();
    for (const uint32_t core : {0u, 1u, 2u}) bystanders_.push_back(std::make_unique<SimulatedCaller>(server(), core));
  }
  void dismiss_bystanders() {
    bystanders_.clear();
    server().settle();
  }
  // Every sync takes that long.
  void slow_down_syncs(int64_t ms) { server().world().set_sync_ns(ms * kNsPerMs); }
  void fill_disk() { world_->disk().limit_bytes(world_->disk().used_bytes() + 10); }
  void expect_waiting(SimulatedCaller& caller) { EXPECT_EQ(caller.take_replies(), std::vector<std::string>{}); }
  void expect_everything_kept(size_t commands) {
    const FoundJournal before = world_->read(*world_->disk().kill());
    world_->stop();
    const FoundJournal found = world_->read(*world_->disk().crash(1));
    EXPECT_EQ(found.problem, "");
    EXPECT_TRUE(before.begins(found));
    EXPECT_EQ(found.commands.size(), commands);
  }

  JournalWorld& world() { return *world_; }
  SimulatedServer& server() { return world_->server(); }
  SimulatedCaller& writer() { return *writer_; }
  SimulatedCaller& other() { return *other_; }

 private:
  std::unique_ptr<JournalWorld> world_;
  std::unique_ptr<SimulatedCaller> writer_;
  std::unique_ptr<SimulatedCaller> other_;
  std::vector<std::unique_ptr<SimulatedCaller>> bystanders_;
};

// Its blocking sync takes no time here; the one that goes on elsewhere would take three seconds.
TEST_F(JournalReplies, ACoreAllOfWhoseClientsWaitForTheSyncWaitsItself) {
  start(AppendFsync::kAlways);
  slow_down_syncs(3000);
  dismiss_bystanders();
  EXPECT_EQ(writer().ask("XADD stream 1-1 f v", 100), "$3\r\n1-1\r\n");
  world().stop();
  EXPECT_EQ(world().read(*world().disk().crash(1)).commands.size(), 2u);
}

TEST_F(JournalReplies, OnlyAWriteAndWhatComesBehindItWait) {
  start(AppendFsync::kAlways);
  slow_down_syncs(3000);
  EXPECT_EQ(writer().ask("PING", 100), "+PONG\r\n");
  for (const char* line : {"XADD stream 1-1 f v", "PING"}) writer().send(line);
  server().run_for(1000);
  expect_waiting(writer());
  EXPECT_EQ(other().ask("XLEN stream", 100), ":1\r\n");
  server().run_for(3000);
  EXPECT_EQ(writer().take_replies(), (std::vector<std::string>{"$3\r\n1-1\r\n", "+PONG\r\n"}));
  expect_everything_kept(2);
}

TEST_F(JournalReplies, ABlockedReaderOfAGroupWaitsForItsDelivery) {
  start(AppendFsync::kAlways);
  EXPECT_EQ(writer().ask("XGROUP CREATE stream group $ MKSTREAM"), "+OK\r\n");
  other().send("XREADGROUP GROUP group me BLOCK 0 STREAMS stream >");
  SimulatedCaller plain(server(), 0);
  plain.send("XREAD BLOCK 0 STREAMS stream $");
  server().settle();
  slow_down_syncs(3000);
  writer().send("XADD stream 1-1 f v");
  server().run_for(1000);
  expect_waiting(other());
  EXPECT_EQ(plain.take_replies().size(), 1u);
  server().run_for(3000);
  EXPECT_EQ(other().take_replies().size(), 1u);
}

// What it reads is tracked, so its reply has left the core's scratch before the partitions are let go.
TEST_F(JournalReplies, AnExecWaitsAsAWhole) {
  start(AppendFsync::kAlways);
  writer().ask("HELLO 3");
  EXPECT_EQ(writer().ask("CLIENT TRACKING ON"), "+OK\r\n");
  slow_down_syncs(3000);
  for (const char* line : {"MULTI", "XADD a 1-1 f v", "XLEN a", "XADD b 1-1 f v"}) writer().ask(line);
  writer().send("EXEC");
  server().run_for(1000);
  expect_waiting(writer());
  EXPECT_EQ(other().ask("XLEN b", 100), ":1\r\n");
  server().run_for(3000);
  EXPECT_EQ(writer().take_replies(), (std::vector<std::string>{"*3\r\n$3\r\n1-1\r\n:1\r\n$3\r\n1-1\r\n"}));
  const FoundJournal found = world().read(*world().disk().crash(1));
  EXPECT_EQ(found.commands,
            (std::vector<std::string>{"SELECT 0", "MULTI", "XADD a 1-1 f v", "XADD b 1-1 f v", "EXEC"}));
}

TEST_F(JournalReplies, WhoeverWritesWithoutEndIsAnsweredWithoutEnd) {
  start(AppendFsync::kAlways);
  slow_down_syncs(20);
  size_t replies = 0;
  for (int i = 0; i < 500; ++i) {
    writer().send("XADD stream * f v");
    server().run_turns();
    server().world().advance(kNsPerMs);  // run_for() would go on to the end of the sync
    replies += writer().take_replies().size();
  }
  EXPECT_GT(replies, 400u);
  EXPECT_LT(replies, 490u);
}

TEST_F(JournalReplies, NobodyIsWokenToBeAnswered) {
  start(AppendFsync::kAlways);
  slow_down_syncs(50);
  server().settle();
  const size_t wakes = server().backend(1).wakes() + server().backend(2).wakes();
  for (int i = 0; i < 20; ++i) {
    writer().send("XADD stream * f v");
    other().send("XADD stream * f v");
    server().run_for(static_cast<int64_t>(i));
  }
  server().settle();
  EXPECT_EQ(writer().take_replies().size() + other().take_replies().size(), 40u);
  EXPECT_EQ(server().backend(1).wakes() + server().backend(2).wakes(), wakes);
}

TEST_F(JournalReplies, ALateSyncHoldsThemUntilItsEnd) {
  start(AppendFsync::kEverysec);
  slow_down_syncs(5000);
  EXPECT_NE(writer().ask("XADD stream * f v", 100), "");
  server().run_for(1500);
  EXPECT_NE(writer().ask("XADD stream * f v", 100), "");
  server().run_for(700);
  EXPECT_EQ(world().state().delayed_syncs.load(), 1u);
  EXPECT_EQ(writer().ask("XADD stream * f v", 2000), "");
  EXPECT_EQ(other().ask("XLEN stream", 100), ":3\r\n");
  slow_down_syncs(10);
  server().run_for(1000);
  EXPECT_EQ(writer().take_replies().size(), 1u);
  EXPECT_NE(writer().ask("XADD stream * f v", 100), "");
  EXPECT_EQ(world().state().delayed_syncs.load(), 1u);
  expect_everything_kept(5);
}

TEST_F(JournalReplies, WithoutSyncsThereIsNoneThatCouldBeLate) {
  start(AppendFsync::kNo);
  const uint64_t syncs = world().disk().calls(DiskCall::kSync);
  for (int i = 0; i < 5; ++i) {
    EXPECT_NE(writer().ask("XADD stream * f v", 100), "");
    server().run_for(1000);
  }
  EXPECT_EQ(world().disk().calls(DiskCall::kSync), syncs);
  expect_everything_kept(6);
}

TEST_F(JournalReplies, SyncsRestDuringARewriteIfAskedTo) {
  start(AppendFsync::kAlways);
  server().settings().no_appendfsync_on_rewrite.store(1);
  world().state().is_rewriting.store(true);
  const uint64_t syncs = world().disk().calls(DiskCall::kSync);
  EXPECT_NE(writer().ask("XADD stream * f v", 100), "");
  EXPECT_EQ(world().disk().calls(DiskCall::kSync), syncs);
  world().state().is_rewriting.store(false);
  server().run_for(300);
  EXPECT_EQ(world().disk().calls(DiskCall::kSync), syncs + 1);
  EXPECT_NE(writer().ask("XADD stream * f v", 100), "");
  EXPECT_EQ(world().disk().calls(DiskCall::kSync), syncs + 2);
}

TEST_F(JournalReplies, ThePolicyChangesAtAnyMoment) {
  start(AppendFsync::kAlways);
  slow_down_syncs(100'000);
  writer().send("XADD stream * f v");
  server().run_for(1000);
  expect_waiting(writer());
  world().set_policy(AppendFsync::kNo);
  server().run_for(200);
  EXPECT_EQ(writer().take_replies().size(), 1u);
  world().set_policy(AppendFsync::kAlways);
  EXPECT_EQ(writer().ask("XADD stream * f v", 1000), "");
  world().set_policy(AppendFsync::kEverysec);
  server().run_for(1000);
  expect_waiting(writer());  // the sync that was begun is late
}

TEST_F(JournalReplies, AFullDiskRefusesWritesAndNothingElse) {
  for (const AppendFsync policy : {AppendFsync::kAlways, AppendFsync::kEverysec, AppendFsync::kNo}) {
    start(policy);
    EXPECT_NE(writer().ask("XADD stream * f v", 1000), "");
    fill_disk();
    EXPECT_EQ(writer().ask("XADD stream * f held", 1000), "");
    EXPECT_EQ(world().state().write_error.load(), ENOSPC);
    EXPECT_EQ(other().ask("XADD stream * f refused"), kFull);
    EXPECT_EQ(other().ask("PING"), kFull);
    EXPECT_EQ(other().ask("XLEN stream"), ":2\r\n");
    EXPECT_EQ(other().ask("PUBLISH channel message"), ":0\r\n");
    server().run_for(10'000);
    expect_waiting(writer());
    EXPECT_EQ(other().ask("XADD stream * f refused"), kFull);
    world().disk().unlimit_bytes();
    server().run_for(1200);
    EXPECT_EQ(writer().take_replies().size(), 1u);
    EXPECT_EQ(world().state().write_error.load(), 0);
    EXPECT_NE(other().ask("XADD stream * f v"), "");
    EXPECT_EQ(other().ask("PING"), "+PONG\r\n");
    expect_everything_kept(4);
  }
}

TEST_F(JournalReplies, AFailingWriteIsTriedOnceASecond) {
  start(AppendFsync::kEverysec);
  EXPECT_NE(writer().ask("XADD stream * f v", 1000), "");
  server().settle();
  world().disk().fail({.only = DiskCall::kWrite, .times = 4});
  const uint64_t writes = world().disk().calls(DiskCall::kWrite);
  EXPECT_EQ(writer().ask("XADD stream * f held", 2900), "");
  EXPECT_EQ(other().ask("XADD stream * f refused"), kBroken);
  EXPECT_LE(world().disk().calls(DiskCall::kWrite), writes + 4);
  server().run_for(2000);
  EXPECT_EQ(writer().take_replies().size(), 1u);
  expect_everything_kept(3);
}

TEST_F(JournalReplies, AFailedSyncIsMadeUpForOnlyByOtherFiles) {
  for (const AppendFsync policy : {AppendFsync::kAlways, AppendFsync::kEverysec}) {
    start(policy);
    EXPECT_EQ(writer().ask("XADD fleeting 1-1 f v", 1000), "$3\r\n1-1\r\n");
    EXPECT_EQ(writer().ask("EXPIRE fleeting 30", 1000), ":1\r\n");
    server().run_for(3000);
    world().disk().fail({.only = DiskCall::kSync});
    writer().send("XADD stream 1-1 f v");
    server().run_for(2000);
    EXPECT_EQ(writer().take_replies().size(), policy == AppendFsync::kAlways ? 0u : 1u);
    EXPECT_TRUE(world().state().must_rewrite.load());
    EXPECT_EQ(writer().ask("XADD stream 2-1 f v", 1000), policy == AppendFsync::kAlways ? "" : kBroken);
    EXPECT_EQ(other().ask("XADD stream 2-1 f v"), kBroken);
    const uint64_t synced = world().journal().synced();
    const uint64_t offset = world().switch_files();
    server().run_for(30'000);
    EXPECT_GT(world().journal().appended(), offset);  // the key has expired
    EXPECT_EQ(world().journal().synced(), synced);
    EXPECT_EQ(world().read(*world().disk().kill(), 1).commands.size(), 0u);
    world().heal(offset);
    server().run_for(1500);
    EXPECT_EQ(writer().take_replies().size(), policy == AppendFsync::kAlways ? 2u : 0u);
    EXPECT_FALSE(world().state().must_rewrite.load());
    EXPECT_EQ(other().ask("XADD stream 3-1 f v"), "$3\r\n3-1\r\n");
    world().stop();
    EXPECT_EQ(world().read(*world().disk().crash(5), 1).commands,
              (std::vector<std::string>{"SELECT 0", "DEL fleeting", "XADD stream 3-1 f v"}));
  }
}

TEST_F(JournalReplies, AJournalThatEndsHoldsNobodyBack) {
  start(AppendFsync::kAlways);
  fill_disk();
  EXPECT_EQ(writer().ask("XADD stream * f held", 1000), "");
  server().settings().appendonly.store(0);
  server().run_for(300);
  EXPECT_EQ(writer().take_replies().size(), 1u);
  EXPECT_NE(writer().ask("XADD stream * f v"), "");
  EXPECT_EQ(other().ask("PING"), "+PONG\r\n");
  world().stop();
  EXPECT_EQ(world().disk().open_descriptors(), 0u);
}

TEST_F(JournalReplies, AConnectionThatIsHeldCanBeClosed) {
  start(AppendFsync::kAlways);
  slow_down_syncs(60'000);
  const std::string id = writer().id();
  SimulatedCaller reset(server(), 0);
  SimulatedCaller leaves(server(), 0);
  const size_t open = server().world().open_descriptors();
  for (SimulatedCaller* caller : {&writer(), &reset, &leaves}) caller->send("XADD stream * f v");
  server().run_for(100);
  EXPECT_EQ(other().ask("CLIENT KILL ID " + id), ":1\r\n");
  reset.client().reset();
  leaves.client().finish_sending();
  server().run_for(100);
  EXPECT_EQ(server().world().open_descriptors(), open - 2);
  expect_waiting(leaves);
  server().run_for(130'000);
  EXPECT_EQ(leaves.take_replies().size(), 1u);
  EXPECT_EQ(server().world().open_descriptors(), open - 3);
}

TEST_F(JournalReplies, WhatIsHeldCountsAgainstTheLimit) {
  start(AppendFsync::kAlways);
  server().settings().normal_output_hard_bytes.store(1000);
  server().run_for(300);
  slow_down_syncs(60'000);
  for (int i = 0; i < 200; ++i) writer().send("XADD stream * f v");
  server().run_for(300);
  EXPECT_TRUE(writer().is_closed());
}

TEST_F(JournalReplies, TheServerMayStopWhileTheyWait) {
  start(AppendFsync::kAlways);
  slow_down_syncs(60'000);
  for (int i = 0; i < 20; ++i) {
    writer().send("XADD stream * f v");
    other().send("XADD stream * f v");
    server().run_for(1);
  }
  expect_everything_kept(41);
}

TEST_F(JournalReplies, ACleanEndLeavesEverythingMarkedAsDurable) {
  start(AppendFsync::kNo);
  EXPECT_NE(writer().ask("XADD stream * f v"), "");
  world().switch_files();
  EXPECT_NE(writer().ask("XADD stream * f v"), "");
  world().stop();
  const FoundJournal found = world().read(world().disk());
  EXPECT_LE(found.bytes - found.synced_bytes, 2 * persistence::kAnnotationBytesMax);
  EXPECT_EQ(world().read(*world().disk().crash(2)).commands.size(), 4u);
  EXPECT_EQ(world().disk().open_descriptors(), 0u);
}

}  // namespace
}  // namespace millrace::test
