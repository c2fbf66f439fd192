// Blocked XREAD and XREADGROUP: who is woken, with what, and in which shape.
#include "commands/blocking.h"
#include "unit/commands/stream_fixture.h"

namespace millrace::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string kNoGroup = error("-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option");

class BlockedReadTest : public StreamCommandTest {
 protected:
  void blocks(std::string_view line) { EXPECT_EQ(run(line), "") << line; }
  void blocks_resp3(std::string_view line) { EXPECT_EQ(run_resp3(line), "") << line; }
};

TEST_F(BlockedReadTest, WakesWithEntriesAboveTheLastIdOfThen) {
  given({"XADD s 1-0 f v"});
  blocks("XREAD BLOCK 0 STREAMS s $");
  expect("XADD s 2-0 f v", "$3 2-0");
  EXPECT_THAT(take_woken(), ElementsAre(wire("*1 *2 $1 s *1 *2 $3 2-0 *2 $1 f $1 v")));
  given({"XADD s 3-0 f v"});
  EXPECT_THAT(take_woken(), IsEmpty());
}

TEST_F(BlockedReadTest, WakesInTheShapeOfItsProtocol) {
  given({"XGROUP CREATE s g 0 MKSTREAM"});
  blocks_resp3("XREAD BLOCK 0 STREAMS s t 0 0");
  blocks_resp3("XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
  given({"XADD s 1-0 f v"});
  const std::string reply = wire("%1 $1 s *1 *2 $3 1-0 *2 $1 f $1 v");
  EXPECT_THAT(take_woken(), ElementsAre(reply, reply));
}

TEST_F(BlockedReadTest, IsServedOnceThoughItWaitsForSeveralKeys) {
  blocks("XREAD BLOCK 0 STREAMS s t s $ $ 0");
  given({"XADD s 1-0 f v", "XADD t 1-0 f v"});
  const std::string entries = "*2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v";
  EXPECT_THAT(take_woken(), ElementsAre(wire("*2 " + entries + " " + entries)));
}

TEST_F(BlockedReadTest, LooksAtTheLastEntryAgainWhenWoken) {
  blocks("XREAD BLOCK 0 STREAMS s +");
  given({"XADD s 1-0 f v"});
  EXPECT_THAT(take_woken(), ElementsAre(wire("*1 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v")));
}

TEST_F(BlockedReadTest, GoesOnWaitingWhenTheEntryIsBelowItsId) {
  blocks("XREAD BLOCK 0 STREAMS s 5");
  given({"XADD s 1-0 f v"});
  EXPECT_THAT(take_woken(), IsEmpty());
  given({"XADD s 6-0 f v"});
  EXPECT_THAT(take_woken(), ElementsAre(wire("*1 *2 $1 s *1 *2 $3 6-0 *2 $1 f $1 v")));
}

TEST_F(BlockedReadTest, IsNotServedFromAnEmptiedStream) {
  blocks("XREAD BLOCK 0 STREAMS s 0");
  given({"XADD s MAXLEN 0 1-0 f v"});
  EXPECT_THAT(take_woken(), IsEmpty());
  EXPECT_EQ(blocked_count(), 1u);
}

TEST_F(BlockedReadTest, AReaderOfAGroupIsToldThatTheKeyIsAString) {
  for (const std::string_view change : {"SET s text", "MSET s text", "SETEX s 10 text", "COPY t s REPLACE"}) {
    given({"SET t text", "DEL s", "XGROUP CREATE s g 0 MKSTREAM"});
    blocks("XREADGROUP GROUP g a BLOCK 0 STREAMS s >");
    blocks("XREAD BLOCK 0 STREAMS s $");
    given({change});
    EXPECT_THAT(take_woken(), ElementsAre(error("-WRONGTYPE Operation against a key holding the wrong kind of value")))
        << change;
    given({"DEL s", "XADD s 1-0 f v"});
    EXPECT_THAT(take_woken(), ElementsAre(wire("*1 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v")));
  }
}

TEST_F(BlockedReadTest, GroupReadersAreServedInOrderOfArrival) {
  given({"XGROUP CREATE s g 0 MKSTREAM"});
  blocks("XREADGROUP GROUP g a BLOCK 0 STREAMS s >");
  blocks("XREADGROUP GROUP g b BLOCK 0 STREAMS s >");
  given({"XADD s 1-0 f v"});
  EXPECT_THAT(take_woken(), ElementsAre(wire("*1 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v")));
  given({"XADD s 2-0 f v"});
  EXPECT_THAT(take_woken(), ElementsAre(wire("*1 *2 $1 s *1 *2 $3 2-0 *2 $1 f $1 v")));
  expect("XPENDING s g - + 10", "*2 *4 $3 1-0 $1 a :0 :1 *4 $3 2-0 $1 b :0 :1");
}

TEST_F(BlockedReadTest, KeepsToItsLimitsWhenWoken) {
  given({"XGROUP CREATE s g 0 MKSTREAM"});
  blocks("XREADGROUP GROUP g a COUNT 1 NOACK BLOCK 0 STREAMS s >");
  given({"XADD s 1-0 f v"});
  EXPECT_EQ(take_woken().size(), 1u);
  expect("XPENDING s g", "*4 :0 $-1 $-1 *-1");
  given({"XADD s 2-0 f v", "XADD s 3-0 f v"});
  blocks("XREAD COUNT 1 BLOCK 0 STREAMS s $");
  given({"XADD s 4-0 f v"});
  EXPECT_THAT(take_woken(), ElementsAre(wire("*1 *2 $1 s *1 *2 $3 4-0 *2 $1 f $1 v")));
}

TEST_F(BlockedReadTest, GroupReadersLearnThatTheKeyHasGone) {
  given({"XGROUP CREATE s g 0 MKSTREAM"});
  blocks("XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
  blocks("XREAD BLOCK 0 STREAMS s 0");
  run("DEL s");
  EXPECT_THAT(take_woken(), ElementsAre(kNoGroup));
  EXPECT_EQ(blocked_count(), 1u);  // XREAD waits for the key to come back
  given({"XADD s 1-0 f v"});
  EXPECT_EQ(take_woken().size(), 1u);
}

TEST_F(BlockedReadTest, GroupReadersLearnThatTheGroupHasGone) {
  given({"XGROUP CREATE s g 0 MKSTREAM"});
  blocks("XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
  expect("XGROUP DESTROY s other", ":0");
  EXPECT_THAT(take_woken(), IsEmpty());
  expect("XGROUP DESTROY s g", ":1");
  EXPECT_THAT(take_woken(), ElementsAre(kNoGroup));
}

TEST_F(BlockedReadTest, HistoryNeverBlocks) {
  given({"XGROUP CREATE s g 0 MKSTREAM"});
  expect("XREADGROUP GROUP g c BLOCK 0 STREAMS s 0", "*1 *2 $1 s *0");
}

TEST_F(BlockedReadTest, WakesForWhatIsGivenBack) {
  given({"XADD s 1-0 f v", "XGROUP CREATE s g 0", "XREADGROUP GROUP g c STREAMS s >"});
  blocks("XREADGROUP GROUP g d BLOCK 0 CLAIM 60000 STREAMS s >");
  blocks("XREADGROUP GROUP g e BLOCK 0 STREAMS s >");
  given({"XNACK s g FAIL IDS 1 1-0"});
  EXPECT_THAT(take_woken(), ElementsAre(wire("*1 *2 $1 s *1 *4 $3 1-0 *2 $1 f $1 v :1000000 :1")));
  EXPECT_EQ(blocked_count(), 1u);
}

TEST_F(BlockedReadTest, LooksAgainWhenSomethingHasGrownIdle) {
  given({"XADD s 1-0 f v", "XGROUP CREATE s g 0", "XREADGROUP GROUP g c STREAMS s >"});
  pass_ms(10);
  blocks("XREADGROUP GROUP g d BLOCK 0 CLAIM 100 STREAMS s >");
  EXPECT_EQ(last_blocked().next_look_unix_ms(), 1'000'100);
  pass_ms(50);
  look_again();
  EXPECT_THAT(take_woken(), IsEmpty());
  EXPECT_EQ(last_blocked().next_look_unix_ms(), 1'000'100);
  pass_ms(40);
  look_again();
  EXPECT_THAT(take_woken(), ElementsAre(wire("*1 *2 $1 s *1 *4 $3 1-0 *2 $1 f $1 v :100 :1")));
}

TEST_F(BlockedReadTest, PlansItsNextLookOnlyForClaim) {
  given({"XGROUP CREATE s g 0 MKSTREAM"});
  blocks("XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
  EXPECT_EQ(last_blocked().next_look_unix_ms(), commands::kNoDeadline);
  blocks("XREADGROUP GROUP g c BLOCK 0 CLAIM 70 STREAMS s >");
  EXPECT_EQ(last_blocked().next_look_unix_ms(), 1'000'070);
}

TEST_F(BlockedReadTest, CountsItsDeadlineFromTheMomentItBlocked) {
  blocks("XREAD BLOCK 0 STREAMS s $");
  EXPECT_EQ(last_blocked().deadline_ns(), commands::kNoDeadline);
  blocks("XREAD BLOCK 25 STREAMS s $");
  EXPECT_EQ(last_blocked().deadline_ns(), 5'025'000'000);
  blocks("XREAD BLOCK 9223372036854775807 STREAMS s $");
  EXPECT_EQ(last_blocked().deadline_ns(), commands::kNoDeadline);
  expect_error("XREAD BLOCK -1 STREAMS s $", "timeout is negative");
  expect_error("XREAD BLOCK 1.5 STREAMS s $", "timeout is not an integer or out of range");
}

TEST_F(BlockedReadTest, TimesOutWithANullArray) {
  blocks("XREAD BLOCK 5 STREAMS s $");
  EXPECT_EQ(time_out(), wire("*-1"));
  blocks_resp3("XREAD BLOCK 5 STREAMS s $");
  EXPECT_EQ(time_out(), wire("_"));
  given({"XADD s 1-0 f v"});
  EXPECT_THAT(take_woken(), IsEmpty());
}

TEST_F(BlockedReadTest, MakesItsConsumerAgainIfThatHasGone) {
  given({"XGROUP CREATE s g 0 MKSTREAM"});
  blocks("XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
  given({"XGROUP DELCONSUMER s g c", "XADD s 1-0 f v"});
  EXPECT_EQ(take_woken().size(), 1u);
  expect("XPENDING s g - + 10", "*1 *4 $3 1-0 $1 c :0 :1");
}

}  // namespace
}  // namespace millrace::tests
