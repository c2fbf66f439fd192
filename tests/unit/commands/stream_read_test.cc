// XREAD and XREADGROUP: '+', MAXCOUNT, MAXSIZE and CLAIM.
#include "unit/commands/stream_fixture.h"

namespace millrace::tests {
namespace {

class StreamReadTest : public StreamCommandTest {
 protected:
  void given_two_streams() { given({"XADD s 1-0 f v", "XADD s 2-0 f v", "XADD t 1-0 f v", "XADD t 2-0 f v"}); }
  // Both handed out to c at the time the test starts.
  void given_pending() {
    given({"XADD s 1-0 f v", "XADD s 2-0 f v", "XGROUP CREATE s g 0", "XREADGROUP GROUP g c STREAMS s >"});
  }
};

// ---- the last entry

TEST_F(StreamReadTest, PlusIsTheLastEntryThereIs) {
  given({"XADD s 1-0 f v", "XADD s 2-0 f w", "XADD s 3-0 f x", "XDEL s 3-0"});
  expect("XREAD STREAMS s +", "*1 *2 $1 s *1 *2 $3 2-0 *2 $1 f $1 w");
  expect("XREAD COUNT 10 STREAMS s +", "*1 *2 $1 s *1 *2 $3 2-0 *2 $1 f $1 w");
  expect_resp3("XREAD STREAMS s +", "%1 $1 s *1 *2 $3 2-0 *2 $1 f $1 w");
}

TEST_F(StreamReadTest, PlusOnNothingIsNothing) {
  expect("XREAD STREAMS s +", "*-1");
  given({"XADD s 1-0 f v", "XDEL s 1-0"});
  expect("XREAD STREAMS s +", "*-1");
  expect_resp3("XREAD STREAMS s +", "_");
}

// ---- refusals

TEST_F(StreamReadTest, RefusesLimitsThatAreNone) {
  expect_error("XREAD MAXCOUNT 0 STREAMS s 0", "MAXCOUNT must be a positive integer");
  expect_error("XREAD MAXSIZE x STREAMS s 0", "MAXSIZE must be a positive integer");
  expect_error("XREAD COUNT 5 MAXCOUNT 3 STREAMS s 0", "MAXCOUNT must be greater than or equal to COUNT");
  expect_error("XREAD COUNT 5 MAXCOUNT 3 STREAMS s bad", "MAXCOUNT must be greater than or equal to COUNT");
  expect("XREAD COUNT -5 MAXCOUNT 3 STREAMS s 0", "*-1");
}

TEST_F(StreamReadTest, RefusesGroupOptionsInXread) {
  expect_error("XREAD CLAIM 5 STREAMS s 0",
               "The CLAIM option is only supported by XREADGROUP. You called XREAD instead.");
  expect_error("XREAD NOACK STREAMS s 0",
               "The NOACK option is only supported by XREADGROUP. You called XREAD instead.");
  expect_error("XREAD GROUP g c STREAMS s 0",
               "The GROUP option is only supported by XREADGROUP. You called XREAD instead.");
  expect_error("XREAD STREAMS s >",
               "The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.");
  expect_error("XREAD STREAMS s t 0",
               "Unbalanced 'xread' list of streams: for each stream key an ID, '+', or '$' must be specified.");
}

TEST_F(StreamReadTest, RefusesIdleTimesThatAreNone) {
  given({"XGROUP CREATE s g 0 MKSTREAM"});
  expect_error("XREADGROUP GROUP g c CLAIM x STREAMS s >", "min-idle-time is not an integer or out of range");
  expect_error("XREADGROUP GROUP g c CLAIM -1 STREAMS s >", "min-idle-time must be a positive integer");
  expect("XREADGROUP GROUP g c CLAIM 9 CLAIM 0 STREAMS s >", "*-1");
}

TEST_F(StreamReadTest, RefusesIdsThatMeanNothingInAGroup) {
  given({"XGROUP CREATE s g 0 MKSTREAM"});
  for (const std::string id : {"$", "+"}) {
    expect_error("XREADGROUP GROUP g c STREAMS s " + id,
                 "The " + id +
                     " ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer "
                     "by specifying a proper ID, or use the > ID to get new messages. The " +
                     id + " ID would just return an empty result set.");
  }
  expect_error("XREADGROUP GROUP h c STREAMS s >",
               "-NOGROUP No such key 's' or consumer group 'h' in XREADGROUP with GROUP option");
}

// ---- MAXCOUNT

TEST_F(StreamReadTest, MaxCountRunsOverAllStreams) {
  given_two_streams();
  expect("XREAD MAXCOUNT 3 STREAMS s t 0 0",
         "*2 *2 $1 s *2 *2 $3 1-0 *2 $1 f $1 v *2 $3 2-0 *2 $1 f $1 v *2 $1 t *1 *2 $3 1-0 *2 $1 f $1 v");
  expect("XREAD COUNT 1 MAXCOUNT 1 STREAMS s t 0 0", "*1 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v");
}

TEST_F(StreamReadTest, MaxCountLeavesLaterStreamsUntouched) {
  given_two_streams();
  given({"XGROUP CREATE s g 0", "XGROUP CREATE t g 0"});
  given({"XREADGROUP GROUP g c MAXCOUNT 2 STREAMS s t > >"});
  expect("XGROUP CREATECONSUMER s g c", ":0");
  expect("XGROUP CREATECONSUMER t g c", ":1");
}

TEST_F(StreamReadTest, MaxCountHoldsForHistory) {
  given_pending();
  expect("XREADGROUP GROUP g c MAXCOUNT 1 STREAMS s 0", "*1 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v");
}

// ---- MAXSIZE

TEST_F(StreamReadTest, MaxSizeAlwaysLetsOneEntryThrough) {
  given_two_streams();
  expect("XREAD MAXSIZE 1 STREAMS s t 0 0", "*1 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v");
}

// "*2 $1 s" are 11 bytes, an entry of s 31, "*2\r\n" closes the array of s.
TEST_F(StreamReadTest, MaxSizeCountsTheBytesOfTheReply) {
  given_two_streams();
  const std::string one = wire("*1 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v");
  const std::string both = wire("*1 *2 $1 s *2 *2 $3 1-0 *2 $1 f $1 v *2 $3 2-0 *2 $1 f $1 v");
  const size_t first = wire("*2 $1 s *2 $3 1-0 *2 $1 f $1 v").size();  // what counts once the first is written
  EXPECT_EQ(run("XREAD MAXSIZE " + std::to_string(first) + " STREAMS s 0"), one);
  EXPECT_EQ(run("XREAD MAXSIZE " + std::to_string(first + 1) + " STREAMS s 0"), both);
}

TEST_F(StreamReadTest, MaxSizeMayLeaveAStreamWithItsHeaderOnly) {
  given_two_streams();
  const size_t s_alone = wire("*2 $1 s *2 *2 $3 1-0 *2 $1 f $1 v *2 $3 2-0 *2 $1 f $1 v").size();
  EXPECT_EQ(run("XREAD MAXSIZE " + std::to_string(s_alone + 1) + " STREAMS s t 0 0"),
            wire("*2 *2 $1 s *2 *2 $3 1-0 *2 $1 f $1 v *2 $3 2-0 *2 $1 f $1 v *2 $1 t *0"));
  EXPECT_EQ(run("XREAD MAXSIZE " + std::to_string(s_alone) + " STREAMS s t 0 0"),
            wire("*1 *2 $1 s *2 *2 $3 1-0 *2 $1 f $1 v *2 $3 2-0 *2 $1 f $1 v"));
}

TEST_F(StreamReadTest, MaxSizeLeavesTheRestForTheNextReader) {
  given({"XADD s 1-0 f v", "XADD s 2-0 f v", "XGROUP CREATE s g 0"});
  expect("XREADGROUP GROUP g c MAXSIZE 1 STREAMS s >", "*1 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v");
  expect("XREADGROUP GROUP g d STREAMS s >", "*1 *2 $1 s *1 *2 $3 2-0 *2 $1 f $1 v");
}

// ---- CLAIM

TEST_F(StreamReadTest, ClaimTakesWhatHasBeenIdleAndThenNewOnes) {
  given_pending();
  given({"XADD s 3-0 f v"});
  pass_ms(100);
  expect("XREADGROUP GROUP g d CLAIM 100 STREAMS s >",
         "*1 *2 $1 s *3 *4 $3 1-0 *2 $1 f $1 v :100 :1 *4 $3 2-0 *2 $1 f $1 v :100 :1 *4 $3 3-0 *2 $1 f $1 v :0 :0");
  expect("XPENDING s g - + 10", "*3 *4 $3 1-0 $1 d :0 :2 *4 $3 2-0 $1 d :0 :2 *4 $3 3-0 $1 d :0 :1");
}

TEST_F(StreamReadTest, ClaimLeavesWhatIsNotIdleEnough) {
  given_pending();
  pass_ms(99);
  expect("XREADGROUP GROUP g d CLAIM 100 STREAMS s >", "*-1");
}

TEST_F(StreamReadTest, ClaimSharesTheCountWithNewEntries) {
  given_pending();
  given({"XADD s 3-0 f v"});
  pass_ms(100);
  expect("XREADGROUP GROUP g d COUNT 1 CLAIM 100 STREAMS s >", "*1 *2 $1 s *1 *4 $3 1-0 *2 $1 f $1 v :100 :1");
  expect("XREADGROUP GROUP g d COUNT 2 CLAIM 100 STREAMS s >",
         "*1 *2 $1 s *2 *4 $3 2-0 *2 $1 f $1 v :100 :1 *4 $3 3-0 *2 $1 f $1 v :0 :0");
}

TEST_F(StreamReadTest, ClaimSkipsEntriesThatAreGone) {
  given_pending();
  given({"XDEL s 1-0"});
  pass_ms(100);
  expect("XREADGROUP GROUP g d CLAIM 100 STREAMS s >", "*1 *2 $1 s *1 *4 $3 2-0 *2 $1 f $1 v :100 :1");
  expect("XPENDING s g - + 10 c", "*1 *4 $3 1-0 $1 c :100 :1");
}

TEST_F(StreamReadTest, NoAckHoldsForNewEntriesOnly) {
  given_pending();
  given({"XADD s 3-0 f v"});
  pass_ms(100);
  run("XREADGROUP GROUP g d NOACK CLAIM 100 STREAMS s >");
  expect("XPENDING s g", "*4 :2 $3 1-0 $3 2-0 *1 *2 $1 d $1 2");
}

TEST_F(StreamReadTest, AnIdSwitchesClaimOffForTheStreamsBehindIt) {
  given_two_streams();
  given({"XGROUP CREATE s g 0", "XGROUP CREATE t g 0"});
  expect("XREADGROUP GROUP g c COUNT 1 CLAIM 0 STREAMS s t 0 >", "*2 *2 $1 s *0 *2 $1 t *1 *2 $3 1-0 *2 $1 f $1 v");
}

// ---- consumers and history

TEST_F(StreamReadTest, MakesTheConsumerEvenWhenThereIsNothing) {
  given({"XGROUP CREATE s g 0 MKSTREAM"});
  expect("XREADGROUP GROUP g c STREAMS s >", "*-1");
  expect("XGROUP CREATECONSUMER s g c", ":0");
}

TEST_F(StreamReadTest, HistoryShowsEntriesThatAreGone) {
  given_pending();
  given({"XDEL s 1-0"});
  pass_ms(7);
  expect("XREADGROUP GROUP g c STREAMS s 0", "*1 *2 $1 s *2 *2 $3 1-0 *-1 *2 $3 2-0 *2 $1 f $1 v");
  expect_resp3("XREADGROUP GROUP g c STREAMS s 1-0", "%1 $1 s *1 *2 $3 2-0 *2 $1 f $1 v");
  expect("XPENDING s g - + 10", "*2 *4 $3 1-0 $1 c :7 :1 *4 $3 2-0 $1 c :0 :3");
  expect_resp3("XREADGROUP GROUP g c STREAMS s 9", "%1 $1 s *0");
}

TEST_F(StreamReadTest, AGroupMayBeNamedStreams) {
  given({"XADD s 1-0 f v", "XGROUP CREATE s STREAMS 0"});
  expect("XREADGROUP GROUP STREAMS STREAMS STREAMS s >", "*1 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v");
}

}  // namespace
}  // namespace millrace::tests
