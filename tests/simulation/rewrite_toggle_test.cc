// CONFIG SET appendonly while clients write, and a restart after each change.
#include <algorithm>
#include <string>
#include <vector>

#include "base/random.h"
#include "simulation/rewrite_fixture.h"

namespace millrace::test {
namespace {

class RewriteToggleTest : public RewriteTest {
 protected:
  static void set_journal(SimulatedCaller& caller, bool on) {
    EXPECT_EQ(caller.ask(on ? "CONFIG SET appendonly yes" : "CONFIG SET appendonly no"), "+OK\r\n");
  }
  static void send_writes(SimulatedServer& server, std::vector<std::unique_ptr<SimulatedCaller>>& writers,
                          Random& random, int count) {
    for (int i = 0; i < count; ++i) {
      SimulatedCaller& writer = *writers[random.below(writers.size())];
      const std::string key = "stream" + std::to_string(random.below(6));
      writer.send(random.below(5) == 0 ? "XTRIM " + key + " MAXLEN 2" : "XADD " + key + " * field value");
      if (random.below(3) == 0) server.turn(static_cast<uint32_t>(random.below(server.core_count())));
    }
  }
};

TEST_F(RewriteToggleTest, OnIsSeenAtOnceAndOffSoonAfter) {
  SimulatedDisk disk(1);
  const auto server = start(disk, 1, without_journal);
  SimulatedCaller caller(*server, 1);
  fill(caller, "value");
  EXPECT_FALSE(server->journal().is_on());
  caller.send("CONFIG SET appendonly yes");
  caller.send("BGREWRITEAOF");
  wait_until_quiet(*server);
  EXPECT_EQ(
      caller.take_replies(),
      (std::vector<std::string>{"+OK\r\n", "-ERR Background append only file rewriting already in progress\r\n"}));
  EXPECT_TRUE(server->journal().is_on());
  EXPECT_EQ(digest_after_crash(disk), digest_of(*server));
  set_journal(caller, false);
  server->settle();
  EXPECT_FALSE(server->journal().is_on());
  EXPECT_EQ(server->journal().acknowledged(), server->journal().appended());
}

TEST_F(RewriteToggleTest, TheServerDoesNotEndBeforeTheFirstJournalIsWhole) {
  SimulatedDisk disk(4);
  const auto server = start(disk, 4, without_journal);
  SimulatedCaller caller(*server, 1);
  fill(caller, "value");
  caller.send("CONFIG SET appendonly yes");
  caller.send("SHUTDOWN NOSAVE");
  caller.send("SHUTDOWN SAVE");
  wait_until_quiet(*server);
  const std::string refusal = "-ERR Errors trying to SHUTDOWN. Check logs.\r\n";
  EXPECT_EQ(caller.take_replies(), (std::vector<std::string>{"+OK\r\n", refusal, refusal}));
  EXPECT_FALSE(server->was_shutdown_requested());
  caller.send("SHUTDOWN NOSAVE");
  server->settle();
  EXPECT_TRUE(server->was_shutdown_requested());
}

TEST_F(RewriteToggleTest, TurningItOffGivesTheRewriteUp) {
  for (const bool is_first : {false, true}) {
    SimulatedDisk disk(5);
    const auto server = start(disk, 5, is_first ? without_journal : usual);
    SimulatedCaller caller(*server, 1);
    fill(caller, std::string(2000, 'v'), 2000);  // enough that the rewrite does not end before it is given up
    caller.send(is_first ? "CONFIG SET appendonly yes" : "BGREWRITEAOF");
    caller.send("CONFIG SET appendonly no");
    wait_until_quiet(*server);
    EXPECT_EQ(state(*server).rewrites.load(), 1u);
    EXPECT_FALSE(state(*server).last_rewrite_failed.load());
    EXPECT_FALSE(server->journal().is_on());
    EXPECT_EQ(manifest(disk).find(is_first ? "base" : ".2.base"), std::string::npos);
    EXPECT_EQ(caller.take_replies().size(), 2u);
    fill(caller, "later");
  }
}

TEST_F(RewriteToggleTest, ASnapshotThatIsGoingComesFirst) {
  SimulatedDisk disk(2);
  const auto server = start(disk, 2, without_journal);
  SimulatedCaller caller(*server, 1);
  fill(caller, "value");
  caller.send("BGSAVE");
  caller.send("CONFIG SET appendonly yes");
  EXPECT_TRUE(server->run_until([&] { return server->journal().is_on() && is_quiet(*server); }, kLongMs));
  EXPECT_EQ(server->server().snapshots.saves.load(), 1u);
  EXPECT_EQ(state(*server).rewrites.load(), 1u);
  EXPECT_EQ(digest_after_crash(disk), digest_of(*server));
}

TEST_F(RewriteToggleTest, ARewriteWithoutAJournalMakesRoomForTheFirstOne) {
  SimulatedDisk disk(3);
  const auto server = start(disk, 3, without_journal);
  SimulatedCaller caller(*server, 1);
  fill(caller, "value");
  caller.send("BGREWRITEAOF");
  caller.send("CONFIG SET appendonly yes");
  EXPECT_TRUE(server->run_until([&] { return server->journal().is_on() && is_quiet(*server); }, kLongMs));
  EXPECT_EQ(state(*server).rewrites.load(), 2u);
  EXPECT_FALSE(state(*server).last_rewrite_failed.load());
  EXPECT_EQ(digest_after_crash(disk), digest_of(*server));
}

TEST_F(RewriteToggleTest, UnderTrafficWithARestartAfterEachChange) {
  for (uint64_t seed = 1; seed <= 15; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimulatedDisk first(seed);
    std::unique_ptr<SimulatedDisk> found;
    SimulatedDisk* disk = &first;
    std::string expected;
    Random random(seed);
    for (int round = 0; round < 4; ++round) {
      SCOPED_TRACE("round " + std::to_string(round));
      std::unique_ptr<SimulatedDisk> next;
      {
        const auto server = start(*disk, seed + static_cast<uint64_t>(round), usual, 3);
        std::vector<std::unique_ptr<SimulatedCaller>> writers;
        for (uint32_t i = 0; i < 6; ++i) writers.push_back(std::make_unique<SimulatedCaller>(*server, i % 3));
        SimulatedCaller admin(*server, 0);
        if (!expected.empty()) {
          EXPECT_EQ(digest_of(*server), expected);
        }
        for (int change = 0; change < 6; ++change) {
          send_writes(*server, writers, random, 40);
          admin.send(change % 2 == 0 ? "CONFIG SET appendonly no" : "CONFIG SET appendonly yes");
          if (random.below(2) == 0) admin.send("BGREWRITEAOF");
          send_writes(*server, writers, random, 40);
          if (random.below(2) == 0) server->settle();
        }
        server->settle();
        EXPECT_TRUE(server->run_until([&] { return is_quiet(*server) && server->journal().is_on(); }, kLongMs));
        send_writes(*server, writers, random, 40);
        server->settle();
        EXPECT_FALSE(state(*server).last_rewrite_failed.load());
        expected = digest_of(*server);
        next = disk->crash(seed);
      }
      found = std::move(next);
      disk = found.get();
    }
  }
}

}  // namespace
}  // namespace millrace::test
