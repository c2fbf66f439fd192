// Transactions on one core, where redis-server 7.0 cannot be asked: what the journal is told, what a client hears of
// its own doings, what waits, and what is counted. The rest is compared (tests/comparison/transactions_test.cc).
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>

#include "unit/commands/recorded_effects.h"
#include "unit/commands/stream_fixture.h"

namespace millrace::tests {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct JournalHolder {
  RecordingJournal journal;
};

class TransactionTest : public testing::Test, private JournalHolder, protected commands::CommandStage {
 protected:
  TransactionTest() : CommandStage(&journal) { now = {1'000'000, 5'000'000'000}; }

  using commands::CommandStage::run;
  // The reply of EXEC to these commands.
  std::string exec(commands::Client& client, const std::vector<std::string_view>& lines) {
    EXPECT_EQ(run(client, "MULTI"), "+OK\r\n");
    for (const std::string_view line : lines) EXPECT_EQ(run(client, line), "+QUEUED\r\n") << line;
    return run(client, "EXEC");
  }
  std::string exec(const std::vector<std::string_view>& lines) { return exec(*me, lines); }
  std::string effects() {
    std::string lines;
    for (const Words& words : commands_of(journal.take_bytes())) {
      for (const std::string& word : words) lines += (&word == words.data() ? "" : " ") + word;
      lines += "\n";
    }
    return lines;
  }
  Ref<commands::Client> connect_resp3() {
    Ref<commands::Client> client = connect("127.0.0.1:50009");
    run(*client, "HELLO 3");
    return client;
  }
};

// ---- the journal

TEST_F(TransactionTest, IsOneUnitInTheJournal) {
  exec({"XADD a 1-1 f v", "XLEN a", "XADD b 1-1 f v", "XACK a g 1-1", "SELECT 2", "XADD c * f v", "DEL a"});
  EXPECT_EQ(effects(), "MULTI\nXADD a 1-1 f v\nXADD b 1-1 f v\nSELECT 2\nXADD c 1000000-0 f v\nEXEC\n");
  EXPECT_EQ(me->session.database, 2);
}

TEST_F(TransactionTest, OneEffectNeedsNoUnit) {
  exec({"XLEN a", "XADD a 1-1 f v", "DEL b"});
  EXPECT_EQ(effects(), "XADD a 1-1 f v\n");
  exec({"XLEN a", "DEL b"});
  EXPECT_EQ(effects(), "");
}

TEST_F(TransactionTest, WhatIsExpiredOnTheWayIsPartOfTheUnit) {
  run("XADD a 1-1 f v");
  run("PEXPIRE a 10");
  effects();
  pass_ms(20);
  exec({"XADD b 1-1 f v", "XLEN a"});
  EXPECT_EQ(effects(), "MULTI\nXADD b 1-1 f v\nDEL a\nEXEC\n");
}

// What wakes them is one unit, what they take is another.
TEST_F(TransactionTest, WhoIsWokenComesBehindTheUnit) {
  run("XGROUP CREATE a g $ MKSTREAM");
  const Ref<commands::Client> reader = connect("127.0.0.1:50001");
  run(*reader, "XREADGROUP GROUP g c COUNT 10 BLOCK 0 STREAMS a >");
  effects();
  exec({"XADD a 1-1 f v", "XADD a 1-2 f v", "XDEL a 1-1"});
  const std::string told = effects();
  EXPECT_THAT(told, StartsWith("MULTI\nXADD a 1-1 f v\nXADD a 1-2 f v\nXDEL a 1-1\nEXEC\n"));
  EXPECT_THAT(told, HasSubstr("XCLAIM a g c 0 1-2"));
  EXPECT_THAT(told, testing::Not(HasSubstr("XCLAIM a g c 0 1-1")));
}

// ---- what its own client hears

TEST_F(TransactionTest, OwnMessagesComeBehindAllReplies) {
  const Ref<commands::Client> client = connect_resp3();
  run(*client, "SUBSCRIBE c");
  EXPECT_EQ(exec(*client, {"PUBLISH c x", "PING", "PUBLISH c y"}),
            "*3\r\n:1\r\n+PONG\r\n:1\r\n"
            ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\ny\r\n");
}

TEST_F(TransactionTest, AConfirmationIsAReply) {
  EXPECT_EQ(exec({"SUBSCRIBE c", "PUBLISH c x"}),
            "*2\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n");
}

// SKIP and OFF silence replies, never confirmations.
TEST_F(TransactionTest, RepliesThatAreNotWantedAreLeftOut) {
  EXPECT_EQ(exec({"PING", "CLIENT REPLY OFF", "PING", "SUBSCRIBE c", "CLIENT REPLY ON", "ECHO e"}),
            "*6\r\n+PONG\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n+OK\r\n$1\r\ne\r\n");
}

TEST_F(TransactionTest, RepliesAreInTheProtocolOfTheMoment) {
  const std::string reply = exec({"XREAD STREAMS a 0", "HELLO 3", "XREAD STREAMS a 0"});
  EXPECT_THAT(reply, StartsWith("*3\r\n*-1\r\n%7\r\n"));
  EXPECT_THAT(reply, testing::EndsWith("_\r\n"));
}

// ---- nobody waits

TEST_F(TransactionTest, NothingWaitsInside) {
  run("XGROUP CREATE a g $ MKSTREAM");
  settings.appendonly.store(1);
  EXPECT_EQ(exec({"XREAD BLOCK 0 STREAMS a $", "XREADGROUP GROUP g c BLOCK 5 STREAMS a >", "WAIT 3 0", "WAITAOF 1 2 0",
                  "WAIT x 0"}),
            "*5\r\n*-1\r\n*-1\r\n:0\r\n*2\r\n:0\r\n:0\r\n-ERR value is not an integer or out of range\r\n");
  EXPECT_TRUE(blocked_commands.empty());
}

TEST_F(TransactionTest, DebugLoadaofIsRefusedInside) {
  settings.enable_debug_command.store(static_cast<int64_t>(settings::Access::kYes));
  EXPECT_EQ(exec({"DEBUG LOADAOF"}), "*1\r\n-ERR Command not allowed inside a transaction\r\n");
}

// ---- snapshots

TEST_F(TransactionTest, SnapshotsBeginBehindIt) {
  EXPECT_EQ(exec({"BGSAVE", "BGREWRITEAOF"}),
            "*2\r\n+Background saving scheduled\r\n+Background append only file rewriting scheduled\r\n");
  EXPECT_TRUE(host.snapshots.empty());
  EXPECT_TRUE(server.snapshots.is_scheduled.load());
  EXPECT_TRUE(server.journal_state.is_scheduled.load());
  server.snapshots.is_going.store(true);
  EXPECT_EQ(exec({"BGSAVE"}), "*1\r\n-ERR Background save already in progress\r\n");
  server.journal_state.is_rewriting.store(true);
  EXPECT_EQ(exec({"BGSAVE", "BGREWRITEAOF"}),
            "*2\r\n+Background saving scheduled\r\n"
            "-ERR Background append only file rewriting already in progress\r\n");
}

// ---- what is watched

TEST_F(TransactionTest, WatchedKeysAreCountedAndLetGo) {
  const auto& counts = server.keyspace.watch_counts();
  const Ref<commands::Client> other = connect("127.0.0.1:50001");
  run("WATCH a b a");
  run(*other, "WATCH b c");
  EXPECT_EQ(counts.keys, 3u);
  EXPECT_EQ(counts.watchers, 2u);
  EXPECT_EQ(me->card.transaction.watched, 2u);
  run("XADD b 1-1 f v");  // touches both
  EXPECT_EQ(counts.watchers, 0u);
  for (const char* end : {"UNWATCH", "RESET"}) {
    run(end);
    run("WATCH a b");
    EXPECT_EQ(counts.watchers, 1u) << end;
  }
  run("MULTI");
  run("DISCARD");
  executor.forget_client(*other);
  EXPECT_EQ(counts.keys, 0u);
  EXPECT_EQ(counts.watchers, 0u);
  EXPECT_EQ(me->card.transaction.watched, 0u);
}

TEST_F(TransactionTest, ExecWatchesNothingAnyMore) {
  run("WATCH a");
  EXPECT_EQ(exec({"XADD a 1-1 f v", "UNWATCH"}), "*2\r\n$3\r\n1-1\r\n+OK\r\n");
  EXPECT_EQ(server.keyspace.watch_counts().keys, 0u);
  EXPECT_EQ(exec({"XADD a 1-2 f v"}), "*1\r\n$3\r\n1-2\r\n");
}

// ---- what is counted

TEST_F(TransactionTest, EachCommandIsCountedOnce) {
  const auto calls = [&](std::string_view name) {
    return server.statistics[0]->commands[table.find(name)->index].calls.get();
  };
  const uint64_t before = server.statistics[0]->commands_processed.get();
  exec({"PING", "PING", "XLEN a"});
  EXPECT_EQ(calls("ping"), 2u);
  EXPECT_EQ(calls("xlen"), 1u);
  EXPECT_EQ(calls("exec"), 1u);
  EXPECT_EQ(server.statistics[0]->commands_processed.get() - before, 5u);
}

TEST_F(TransactionTest, QueuedWordsAreCounted) {
  run("MULTI");
  run("XADD key 1-1 field value");
  run("PING");
  EXPECT_EQ(me->card.transaction.queued, 2);
  EXPECT_EQ(me->card.transaction.queued_bytes, (4u + 3 + 3 + 5 + 5 + 5 * 8) + (4 + 8));
  run("DISCARD");
  EXPECT_EQ(me->card.transaction.queued, -1);
  EXPECT_EQ(me->card.transaction.queued_bytes, 0u);
}

// ---- when EXEC is refused

TEST_F(TransactionTest, ExecIsRefusedForWhatItsCommandsNeed) {
  run("MULTI");
  run("XADD a 1-1 f v");
  server.journal_state.write_error.store(28);
  EXPECT_THAT(run("EXEC"),
              StartsWith("-EXECABORT Transaction discarded because of: MISCONF Errors writing to the AOF"));
  EXPECT_EQ(run("EXEC"), "-ERR EXEC without MULTI\r\n");
  EXPECT_EQ(exec({"XLEN a"}), "*1\r\n:0\r\n");
  server.journal_state.write_error.store(0);

  run("MULTI");
  run("XLEN a");
  server.loading.is_loading.store(true);
  EXPECT_EQ(run("EXEC"),
            "-EXECABORT Transaction discarded because of: LOADING Redis is loading the dataset in memory\r\n");
  EXPECT_EQ(exec({"CLIENT GETNAME"}), "*1\r\n$-1\r\n");
  server.loading.is_loading.store(false);
}

TEST_F(TransactionTest, APauseOfWritesHoldsExecWithWritesBack) {
  const Ref<commands::Client> other = connect("127.0.0.1:50001");
  run("MULTI");
  run("XLEN a");
  run(*other, "MULTI");
  run(*other, "XADD a 1-1 f v");
  run("CLIENT PAUSE 1000 WRITE");  // is queued, and so pauses nobody
  EXPECT_EQ(run("EXEC"), "*2\r\n:0\r\n+OK\r\n");
  EXPECT_EQ(run(*other, "EXEC"), "");
  EXPECT_EQ(exec({"XLEN a"}), "*1\r\n:0\r\n");
  pass_ms(2000);
  EXPECT_EQ(run(*other, "EXEC"), "*1\r\n$3\r\n1-1\r\n");
}

// ---- locks

// A command that looks at everything inside, whichever way it locks.
TEST_F(TransactionTest, CommandsThatLockForThemselvesRunInside) {
  run("XADD a 1-1 f v");
  settings.enable_debug_command.store(static_cast<int64_t>(settings::Access::kYes));
  const std::string reply = exec({"XADD b 1-1 f v", "SCAN 0", "DBSIZE", "INFO keyspace", "DEBUG DIGEST",
                                  "DEBUG OBJECT b", "PUBSUB NUMPAT", "KEYS *", "RANDOMKEY", "FLUSHALL", "DBSIZE"});
  EXPECT_THAT(reply, HasSubstr("keys=2,"));
  EXPECT_THAT(reply, testing::EndsWith("+OK\r\n:0\r\n"));
}

// As short as its arity allows: most of them fail, but they run, and ask for no lock that EXEC does not hold.
TEST_F(TransactionTest, EveryCommandRunsInside) {
  size_t ran = 0;
  for (uint32_t index = 0; index < table.count(); ++index) {
    const commands::CommandSpec& spec = table.by_index(index);
    const bool is_never_queued = (spec.flags & commands::kNoMulti) != 0 || spec.in_multi != commands::InMulti::kQueued;
    if (spec.handler == nullptr || is_never_queued) continue;
    std::vector<std::string_view> words;
    if (spec.parent != nullptr) words.push_back(spec.parent->name);
    words.push_back(spec.name);
    words.resize(std::max(words.size(), static_cast<size_t>(std::abs(spec.arity))), "1");
    run("MULTI");
    ASSERT_EQ(run_args(*me, words), "+QUEUED\r\n") << spec.full_name;
    ASSERT_THAT(run("EXEC"), StartsWith("*1\r\n")) << spec.full_name;
    pass_ms(10);  // CLIENT PAUSE
    run("RESET");
    ++ran;
  }
  EXPECT_GT(ran, 100u);
}

}  // namespace
}  // namespace millrace::tests
