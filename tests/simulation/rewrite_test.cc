// Rewriting the journal: what is in the files afterwards, which orders follow which, and when it happens by itself.
#include <string>
#include <vector>

#include "simulation/rewrite_fixture.h"

namespace millrace::test {
namespace {

TEST_F(RewriteTest, ANewBaseAndANewIncrementTakeThePlaceOfTheOld) {
  SimulatedDisk disk(1);
  const auto server = start(disk);
  SimulatedCaller caller(*server, 1);
  fill(caller, "old");
  rewrite(*server, caller);
  fill(caller, "new");
  EXPECT_EQ(manifest(disk),
            "file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.2.incr.aof seq 2 type i\n");
  EXPECT_FALSE(disk.content("./appendonlydir/appendonly.aof.1.incr.aof").has_value());
  EXPECT_EQ(digest_after_crash(disk), digest_of(*server));
  EXPECT_EQ(state(*server).rewrites.load(), 1u);
  EXPECT_GT(state(*server).base_bytes.load(), 100u);
}

TEST_F(RewriteTest, WhatChangesMeanwhileIsInTheNewIncrement) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimulatedDisk disk(seed);
    const auto server = start(disk, seed);
    SimulatedCaller orderer(*server, 0);
    SimulatedCaller writer(*server, 1);
    fill(writer, "old");
    orderer.send("BGREWRITEAOF");
    for (int i = 0; i < 60; ++i) {
      writer.send("XADD stream" + std::to_string(i % 25) + " * field new");
      if (i % 3 == 0) writer.send("XTRIM stream" + std::to_string(i % 7) + " MAXLEN 1");
      server->turn(static_cast<uint32_t>(i) % 2);
    }
    wait_until_quiet(*server);
    server->settle();
    EXPECT_EQ(orderer.take_replies().size(), 1u);
    EXPECT_EQ(state(*server).rewrites.load(), 1u);
    EXPECT_EQ(digest_after_crash(disk, seed), digest_of(*server));
  }
}

TEST_F(RewriteTest, OrdersThatMeetAnotherOne) {
  using Replies = std::vector<std::string>;
  SimulatedDisk disk(2);
  const auto server = start(disk, 2);
  SimulatedCaller caller(*server, 1);
  fill(caller, "value");
  for (const std::string_view line : {"BGREWRITEAOF", "BGREWRITEAOF", "BGSAVE", "BGSAVE SCHEDULE"}) caller.send(line);
  wait_until_quiet(*server);
  EXPECT_EQ(
      caller.take_replies(),
      (Replies{"+Background append only file rewriting started\r\n",
               "-ERR Background append only file rewriting already in progress\r\n",
               "-ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order "
               "to schedule a BGSAVE whenever possible.\r\n",
               "+Background saving scheduled\r\n"}));
  EXPECT_EQ(state(*server).rewrites.load(), 1u);
  EXPECT_EQ(server->server().snapshots.saves.load(), 1u);

  for (const std::string_view line : {"BGSAVE", "BGREWRITEAOF", "BGREWRITEAOF", "BGSAVE SCHEDULE"}) caller.send(line);
  wait_until_quiet(*server);
  EXPECT_EQ(caller.take_replies(),
            (Replies{"+Background saving started\r\n", "+Background append only file rewriting scheduled\r\n",
                     "+Background append only file rewriting scheduled\r\n",
                     "-ERR Background save already in progress\r\n"}));
  EXPECT_EQ(state(*server).rewrites.load(), 2u);
  EXPECT_EQ(server->server().snapshots.saves.load(), 2u);
}

TEST_F(RewriteTest, SaveAndARewriteWaitForEachOtherOnAnyCore) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimulatedDisk disk(seed);
    const auto server = start(disk, seed);
    SimulatedCaller caller(*server, 0);
    SimulatedCaller saver(*server, seed % 2);
    fill(caller, "value");
    caller.send("BGREWRITEAOF");
    saver.send("SAVE");
    wait_until_quiet(*server);
    server->settle();
    EXPECT_EQ(saver.take_replies(), std::vector<std::string>{"+OK\r\n"});
    EXPECT_TRUE(caller.take_replies().at(0).starts_with("+Background append only file rewriting "));
    EXPECT_EQ(state(*server).rewrites.load(), 1u);
    EXPECT_EQ(server->server().snapshots.saves.load(), 1u);
  }
}

TEST_F(RewriteTest, ShutdownGivesItUp) {
  for (const std::string_view line : {"SHUTDOWN NOSAVE", "SHUTDOWN SAVE"}) {
    SimulatedDisk disk(4);
    std::string before;
    {
      const auto server = start(disk, 4);
      SimulatedCaller caller(*server, 1);
      fill(caller, "value");
      before = digest_of(*server);
      caller.send("BGREWRITEAOF");
      caller.send(line);
      EXPECT_TRUE(server->run_until([&] { return server->was_shutdown_requested(); }, kLongMs));
    }
    EXPECT_EQ(disk.open_descriptors(), 0u);
    EXPECT_EQ(digest_on(disk), before);
  }
}

TEST_F(RewriteTest, WithoutAJournalABaseIsWrittenAsRedisDoes) {
  SimulatedDisk disk(5);
  std::string before;
  {
    const auto server = start(disk, 5, without_journal);
    SimulatedCaller caller(*server, 1);
    fill(caller, "value");
    rewrite(*server, caller);
    EXPECT_FALSE(server->journal().is_on());
    before = digest_of(*server);
    fill(caller, "later");
    rewrite(*server, caller);
    EXPECT_NE(digest_of(*server), before);
    before = digest_of(*server);
  }
  EXPECT_EQ(disk.open_descriptors(), 0u);
  EXPECT_EQ(digest_on(disk), before);
}

// Who refers to a key at the moment it expires may stand behind the cut; the key's end stands behind that.
TEST_F(RewriteTest, AKeyThatHasExpiredIsThereUntilTheJournalSaysOtherwise) {
  SimulatedDisk disk(6);
  const auto server = start(disk, 6);
  SimulatedCaller caller(*server, 1);
  caller.ask("DEBUG SET-ACTIVE-EXPIRE 0");
  fill(caller, "value");
  caller.ask("XADD ephemeral * field value");
  caller.ask("PEXPIRE ephemeral 10");
  server->run_for(1000);
  rewrite(*server, caller);
  const auto base = disk.content("./appendonlydir/appendonly.aof.2.base.rdb");
  ASSERT_TRUE(base.has_value());
  EXPECT_NE(base->find("ephemeral"), std::string::npos);
  EXPECT_EQ(caller.ask("XLEN ephemeral"), ":0\r\n");
  EXPECT_EQ(digest_after_crash(disk), digest_of(*server));
}

// ---- by itself

class AutomaticRewriteTest : public RewriteTest {
 protected:
  static void soon(settings::Settings& settings) {
    usual(settings);
    settings.auto_aof_rewrite_min_size_bytes.store(2000);
    settings.auto_aof_rewrite_percentage.store(50);
  }
  // So that none begins in the middle of it.
  static void fill_without_rewrites(SimulatedServer& server, SimulatedCaller& caller, int streams) {
    settings::Number& percentage = server.server().settings.auto_aof_rewrite_percentage;
    const int64_t usual_percentage = percentage.exchange(0);
    fill(caller, "value", streams);
    percentage.store(usual_percentage);
  }
};

TEST_F(AutomaticRewriteTest, BeginsWhenTheJournalHasGrownBySoMuch) {
  SimulatedDisk disk(6);
  const auto server = start(disk, 6, soon);
  SimulatedCaller caller(*server, 1);
  fill(caller, "value", 10);
  server->run_for(1000);
  EXPECT_LT(state(*server).current_bytes.load(), 2000u);
  EXPECT_EQ(state(*server).rewrites.load(), 0u);
  fill_without_rewrites(*server, caller, 30);
  server->run_for(1000);
  EXPECT_EQ(state(*server).rewrites.load(), 1u);
  const uint64_t base = state(*server).base_bytes.load();
  fill(caller, "value", 4);
  server->run_for(1000);
  EXPECT_EQ(state(*server).rewrites.load(), 1u);
  while (state(*server).current_bytes.load() < base + base / 2) fill(caller, "value", 1);
  server->run_for(1000);
  EXPECT_EQ(state(*server).rewrites.load(), 2u);
  EXPECT_EQ(digest_after_crash(disk), digest_of(*server));
}

TEST_F(AutomaticRewriteTest, NeverWithoutAPercentage) {
  SimulatedDisk disk(7);
  const auto server = start(disk, 7, soon);
  SimulatedCaller caller(*server, 1);
  EXPECT_EQ(caller.ask("CONFIG SET auto-aof-rewrite-percentage 0"), "+OK\r\n");
  for (int i = 0; i < 5; ++i) fill(caller, "value");
  server->run_for(1000);
  EXPECT_GT(state(*server).current_bytes.load(), 2000u);
  EXPECT_EQ(state(*server).rewrites.load(), 0u);
}

TEST_F(AutomaticRewriteTest, AfterThreeFailuresItWaitsLongerAndLonger) {
  SimulatedDisk disk(8);
  const auto server = start(disk, 8, soon);
  SimulatedCaller caller(*server, 1);
  disk.fail({.only = DiskCall::kRename, .times = 1000});
  fill(caller, "value", 40);
  server->run_for(50'000);
  EXPECT_EQ(state(*server).rewrites.load(), 3u);
  server->run_for(60'000);
  EXPECT_EQ(state(*server).rewrites.load(), 4u);
  server->run_for(60'000);
  EXPECT_EQ(state(*server).rewrites.load(), 4u);
  server->run_for(20'000);
  EXPECT_EQ(state(*server).rewrites.load(), 5u);
  EXPECT_TRUE(state(*server).last_rewrite_failed.load());
  disk.heal();
  server->run_for(240'000);
  EXPECT_EQ(state(*server).rewrites.load(), 6u);
  EXPECT_FALSE(state(*server).last_rewrite_failed.load());
  EXPECT_EQ(state(*server).rewrite_failures_in_a_row.load(), 0u);
  EXPECT_EQ(digest_after_crash(disk), digest_of(*server));
}

}  // namespace
}  // namespace millrace::test
