// XDELEX, XACKDEL and XTRIM with reference policies.
#include "unit/commands/stream_fixture.h"

namespace millrace::tests {
namespace {

class StreamDeleteTest : public StreamCommandTest {
 protected:
  // s has 1-0 ... 4-0; g has handed out 1-0 and 2-0.
  void given_pending() {
    given({"XADD s 1-0 f v", "XADD s 2-0 f v", "XADD s 3-0 f v", "XADD s 4-0 f v", "XGROUP CREATE s g 0",
           "XREADGROUP GROUP g c COUNT 2 STREAMS s >"});
  }
};

TEST_F(StreamDeleteTest, XdelexAnswersPerId) {
  given_pending();
  expect("XDELEX s IDS 3 1-0 9-0 1-0", "*3 :1 :-1 :-1");
  expect("XPENDING s g - + 10", "*2 *4 $3 1-0 $1 c :0 :1 *4 $3 2-0 $1 c :0 :1");
}

TEST_F(StreamDeleteTest, XdelexTakesThePolicyOnEitherSide) {
  given_pending();
  expect("XDELEX s IDS 1 1-0 DELREF", "*1 :1");
  expect("XDELEX s DELREF IDS 1 2-0", "*1 :1");
  expect("XPENDING s g", "*4 :0 $-1 $-1 *-1");
}

TEST_F(StreamDeleteTest, XdelexAckedKeepsWhatIsReferenced) {
  given_pending();
  expect("XDELEX s ACKED IDS 3 1-0 0-5 3-0", "*3 :2 :-1 :2");
  expect("XDELEX s ACKED IDS 1 99-0", "*1 :2");  // beyond what the group was handed: a question of ids alone
  given({"XACK s g 1-0"});
  expect("XDELEX s ACKED IDS 1 1-0", "*1 :1");
}

TEST_F(StreamDeleteTest, XdelexAckedDeletesFreelyWithoutGroups) {
  given({"XADD s 1-0 f v"});
  expect("XDELEX s ACKED IDS 2 1-0 2-0", "*2 :1 :-1");
}

TEST_F(StreamDeleteTest, XdelexDelrefPurgesDanglingReferences) {
  given_pending();
  given({"XDEL s 1-0"});
  expect("XDELEX s DELREF IDS 1 1-0", "*1 :-1");
  EXPECT_EQ(take_changes(), 1u);
  expect("XPENDING s g - + 10", "*1 *4 $3 2-0 $1 c :0 :1");
}

TEST_F(StreamDeleteTest, XdelexOfAMissingKeyValidatesNoId) {
  expect("XDELEX nokey IDS 2 bad worse", "*2 :-1 :-1");
  expect_error("XDELEX nokey IDS 3 1 2", "The `numids` parameter must match the number of arguments");
}

TEST_F(StreamDeleteTest, XdelexKeepsAnEmptyKey) {
  given({"XADD s 1-0 f v"});
  expect("XDELEX s IDS 1 1-0", "*1 :1");
  EXPECT_EQ(info("XINFO STREAM s", "max-deleted-entry-id", 2), wire("$3 1-0"));
}

TEST_F(StreamDeleteTest, XdelexUsesTheLastIdsBlock) {
  given({"XADD s 1-0 f v", "XADD s 2-0 f v"});
  expect("XDELEX s IDS 1 1-0 IDS 1 2-0", "*1 :1");
  expect("XLEN s", ":1");
  expect("XRANGE s - +", "*1 *2 $3 1-0 *2 $1 f $1 v");
}

TEST_F(StreamDeleteTest, BothRefuseTheSameShapes) {
  given_pending();
  for (const std::string command : {"XDELEX s ", "XACKDEL s g "}) {
    expect_error(command + "IDS 0 1-0", "Number of IDs must be a positive integer");
    expect_error(command + "IDS x 1-0", "Number of IDs must be a positive integer");
    expect_error(command + "IDS 9223372036854775807 1-0", "The `numids` parameter must match the number of arguments");
    expect_error(command + "IDS 1 1-0 2-0", "syntax error");
    expect_error(command + "KEEPREF KEEPREF IDS 1 1-0", "syntax error");
    expect_error(command + "KEEPREF 1 1-0", "syntax error");
    expect_error(command + "IDS 2 1-0 bad", kInvalidId);
  }
  expect("XLEN s", ":4");
}

TEST_F(StreamDeleteTest, XackdelAcknowledgesAndDeletes) {
  given_pending();
  expect("XACKDEL s g IDS 2 1-0 3-0", "*2 :1 :-1");  // 3-0 exists, but is not pending
  expect("XLEN s", ":3");
  expect("XPENDING s g - + 10", "*1 *4 $3 2-0 $1 c :0 :1");
}

TEST_F(StreamDeleteTest, XackdelCountsAGoneEntryAsDone) {
  given_pending();
  given({"XDEL s 1-0"});
  expect("XACKDEL s g IDS 1 1-0", "*1 :1");
}

TEST_F(StreamDeleteTest, XackdelAckedWaitsForTheOtherGroup) {
  given_pending();
  given({"XGROUP CREATE s h 0", "XREADGROUP GROUP h d COUNT 1 STREAMS s >"});
  expect("XACKDEL s g ACKED IDS 1 1-0", "*1 :2");
  expect("XPENDING s g - + 10", "*1 *4 $3 2-0 $1 c :0 :1");
  expect("XACKDEL s h ACKED IDS 1 1-0", "*1 :1");
  expect("XLEN s", ":3");
}

TEST_F(StreamDeleteTest, XackdelKeeprefAndDelrefDifferInTheOtherGroup) {
  given_pending();
  given({"XGROUP CREATE s h 0", "XREADGROUP GROUP h d COUNT 2 STREAMS s >"});
  expect("XACKDEL s g KEEPREF IDS 1 1-0", "*1 :1");
  expect("XACKDEL s g DELREF IDS 1 2-0", "*1 :1");
  expect("XPENDING s h - + 10", "*1 *4 $3 1-0 $1 d :0 :1");
}

TEST_F(StreamDeleteTest, XackdelOfAMissingKeyOrGroup) {
  expect("XACKDEL nokey g IDS 2 a b", "*2 :-1 :-1");
  given_pending();
  expect("XACKDEL s nogroup IDS 1 bad", "*1 :-1");
}

TEST_F(StreamDeleteTest, XtrimAckedWalksPastReferencedEntries) {
  given_pending();
  given({"XGROUP SETID s g 4-0", "XACK s g 1-0"});
  expect("XTRIM s MAXLEN 1 ACKED", ":3");  // 2-0 is still pending
  expect("XRANGE s - +", "*1 *2 $3 2-0 *2 $1 f $1 v");
}

TEST_F(StreamDeleteTest, XtrimWithAPolicyIsExactInSpiteOfTilde) {
  given_pending();
  expect("XTRIM s MAXLEN ~ 2", ":0");
  expect("XTRIM s MAXLEN ~ 2 DELREF", ":2");
  expect("XPENDING s g", "*4 :0 $-1 $-1 *-1");
}

TEST_F(StreamDeleteTest, XtrimRefusesOptionsBeforeItLooksForTheKey) {
  expect_error("XTRIM nokey ACKED ACKED", "syntax error");
  expect_error("XTRIM nokey ACKED LIMIT 0", "syntax error, XTRIM must be called with a trimming strategy");
  expect("XTRIM nokey MAXLEN 5", ":0");
}

}  // namespace
}  // namespace millrace::tests
