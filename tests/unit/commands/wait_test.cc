// WAIT and WAITAOF: who waits for what, and who is answered when the journal is synced.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "unit/commands/command_stage.h"
#include "unit/commands/recorded_effects.h"

namespace millrace::commands {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string kSynced = "*2\r\n:1\r\n:0\r\n";
const std::string kNotSynced = "*2\r\n:0\r\n:0\r\n";
const std::string kNoJournal = "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.\r\n";

class WaitTest : public testing::Test {
 protected:
  WaitTest() { stage_.settings.appendonly = 1; }

  std::string run(Client& client, std::string_view line) {
    const std::string reply = stage_.run(client, line);
    stage_.executor.replies_wait_for(client);  // as its connection asks before it sends them
    return reply;
  }
  std::string run(std::string_view line) { return run(*stage_.me, line); }
  // It waits, and no longer than that; 0: without end.
  void expect_waits(std::string_view line, int64_t ms) {
    const size_t before = stage_.blocked_commands.size();
    EXPECT_EQ(run(line), "") << line;
    ASSERT_EQ(stage_.blocked_commands.size(), before + 1) << line;
    const int64_t expected = ms == 0 ? kNoDeadline : stage_.now.monotonic_ns + ms * 1'000'000;
    EXPECT_EQ(stage_.blocked_commands.back()->deadline_ns(), expected) << line;
  }
  // The journal keeps that many changes durably; whoever waits is answered.
  std::vector<std::string> sync(uint64_t offset) {
    stage_.server.journal_state.synced_offset = offset;
    return answer();
  }
  std::vector<std::string> answer() {
    stage_.server.sync_waits.answer(stage_.host, stage_.server);
    return std::exchange(stage_.host.deliveries, {});
  }

  tests::RecordingJournal journal_;  // an offset is a number of changes
  CommandStage stage_{&journal_};
};

TEST_F(WaitTest, ForReplicasLastsAsLongAsItMay) {
  EXPECT_EQ(run("WAIT 0 0"), ":0\r\n");
  EXPECT_EQ(run("WAIT -1 10"), ":0\r\n");
  expect_waits("WAIT 1 100", 100);
  EXPECT_EQ(stage_.time_out(), ":0\r\n");
  expect_waits("WAIT 3 0", 0);
  EXPECT_THAT(sync(10), IsEmpty());
}

TEST_F(WaitTest, Mistakes) {
  EXPECT_EQ(run("WAIT x 0"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(run("WAIT 1 x"), "-ERR timeout is not an integer or out of range\r\n");
  EXPECT_EQ(run("WAIT 1 -1"), "-ERR timeout is negative\r\n");
  EXPECT_EQ(run("WAITAOF x 0 0"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(run("WAITAOF 2 0 0"), "-ERR value is out of range, value must between 0 and 1\r\n");
  EXPECT_EQ(run("WAITAOF -1 0 0"), "-ERR value is out of range, value must between 0 and 1\r\n");
  EXPECT_EQ(run("WAITAOF 1 -1 0"), "-ERR value is out of range, must be positive\r\n");
  EXPECT_EQ(run("WAITAOF 1 x 0"), "-ERR value is out of range, must be positive\r\n");
  EXPECT_EQ(run("WAITAOF 1 0 x"), "-ERR timeout is not an integer or out of range\r\n");
  EXPECT_EQ(run("WAITAOF 1 0 -1"), "-ERR timeout is negative\r\n");
}

TEST_F(WaitTest, WithoutAJournalNothingIsSynced) {
  stage_.settings.appendonly = 0;
  EXPECT_EQ(run("WAITAOF 1 0 0"), kNoJournal);
  EXPECT_EQ(run("WAITAOF 0 0 0"), kNotSynced);
  expect_waits("WAITAOF 0 1 5", 5);
  EXPECT_EQ(stage_.time_out(), kNotSynced);
}

TEST_F(WaitTest, WhoWroteNothingNeedNotWait) {
  EXPECT_EQ(run("WAITAOF 1 0 0"), kSynced);
  EXPECT_EQ(run("WAITAOF 0 0 0"), kSynced);
}

TEST_F(WaitTest, ASyncAnswersThoseWhoseWritesItCovers) {
  const Ref<Client> other = stage_.connect("127.0.0.1:50001");
  run("XADD s 1-1 f v");
  run(*other, "XADD s 2-1 f v");
  EXPECT_EQ(run(*other, "WAITAOF 1 0 0"), "");
  expect_waits("WAITAOF 1 0 0", 0);
  EXPECT_EQ(run("WAITAOF 0 0 0"), kNotSynced);
  EXPECT_THAT(sync(0), IsEmpty());
  EXPECT_THAT(sync(1), ElementsAre(kSynced));
  EXPECT_THAT(stage_.host.resumed, ElementsAre(stage_.me->fixed.id));
  EXPECT_THAT(sync(1), IsEmpty());
  EXPECT_THAT(sync(2), ElementsAre(kSynced));
  EXPECT_THAT(stage_.host.resumed, ElementsAre(stage_.me->fixed.id, other->fixed.id));
  EXPECT_EQ(run("WAITAOF 1 0 0"), kSynced);
}

TEST_F(WaitTest, AReadDoesNotCount) {
  run(*stage_.connect("127.0.0.1:50001"), "XADD s 1-1 f v");
  EXPECT_EQ(run("XLEN s"), ":1\r\n");
  EXPECT_EQ(run("WAITAOF 1 0 0"), kSynced);
}

TEST_F(WaitTest, ATimeoutTellsHowFarItGot) {
  run("XADD s 1-1 f v");
  expect_waits("WAITAOF 1 0 7", 7);
  EXPECT_EQ(stage_.time_out(), kNotSynced);
  stage_.executor.forget(*stage_.blocked_commands.back());
  expect_waits("WAITAOF 1 1 7", 7);
  EXPECT_THAT(sync(5), IsEmpty());
  EXPECT_EQ(stage_.time_out(), kSynced);
}

TEST_F(WaitTest, WhoHasLeftIsNotAnswered) {
  run("XADD s 1-1 f v");
  expect_waits("WAITAOF 1 0 0", 0);
  ASSERT_TRUE(stage_.blocked_commands.back()->claim());
  stage_.executor.forget(*stage_.blocked_commands.back());
  EXPECT_THAT(sync(1), IsEmpty());
  EXPECT_THAT(stage_.host.resumed, IsEmpty());
}

TEST_F(WaitTest, WhoWantsNoRepliesIsResumedAllTheSame) {
  run("XADD s 1-1 f v");
  run("CLIENT REPLY OFF");
  expect_waits("WAITAOF 1 0 0", 0);
  EXPECT_THAT(sync(1), IsEmpty());
  EXPECT_THAT(stage_.host.resumed, ElementsAre(stage_.me->fixed.id));
}

TEST_F(WaitTest, TheEndOfTheJournalEndsTheWaiting) {
  run("XADD s 1-1 f v");
  expect_waits("WAITAOF 1 1 0", 0);
  EXPECT_EQ(run(*stage_.connect("127.0.0.1:50001"), "CONFIG SET appendonly no"), "+OK\r\n");
  EXPECT_THAT(answer(), ElementsAre(kNoJournal));
}

TEST_F(WaitTest, TheFirstFilesOfAJournalCountWhenTheyAreThere) {
  stage_.server.journal_state.is_rewriting = true;
  stage_.server.journal_state.is_first = true;
  expect_waits("WAITAOF 1 0 0", 0);
  EXPECT_THAT(sync(100), IsEmpty());
  stage_.server.journal_state.is_rewriting = false;
  EXPECT_THAT(answer(), ElementsAre(kSynced));
}

}  // namespace
}  // namespace millrace::commands
