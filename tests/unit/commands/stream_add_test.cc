// XADD: what came after Redis 7.0 - reference policies and idempotent production.
#include "unit/commands/stream_fixture.h"

namespace millrace::tests {
namespace {

using XaddTest = StreamCommandTest;

TEST_F(XaddTest, TakesOptionsInAnyOrderBeforeTheId) {
  expect("XADD s acked MAXLEN ~ 5 nomkstream limit 10 * f v", "$-1");
  expect_resp3("XADD s NOMKSTREAM DELREF * f v", "_");
  expect("XADD s LIMIT 10 KEEPREF MAXLEN ~ 5 IDMP p i * f v", "$9 1000000-0");
}

TEST_F(XaddTest, TakesASecondPolicyWordForAnId) {
  expect_error("XADD s KEEPREF KEEPREF * f v", kInvalidId);
  expect_error("XADD s ACKED DELREF * f v", kInvalidId);
}

TEST_F(XaddTest, ChoosesIdsThatNeverGoBack) {
  expect("XADD s * f v", "$9 1000000-0");
  expect("XADD s * f v", "$9 1000000-1");
  now.unix_ms = 500;
  expect("XADD s * f v", "$9 1000000-2");
  expect("XADD s 1000001-* f v", "$9 1000001-0");
  expect_error("XADD s 5-* f v", "The ID specified in XADD is equal or smaller than the target stream top item");
  expect("XADD t 0-* f v", "$3 0-1");
}

TEST_F(XaddTest, ChecksPairsBeforeTheZeroIdBeforeTheKey) {
  expect_error("XADD s 0-0 f", "wrong number of arguments for 'xadd' command");
  expect_error("XADD s NOMKSTREAM 0-0 f v", "The ID specified in XADD must be greater than 0-0");
  expect_error("XADD s NOMKSTREAM 0 f v", "The ID specified in XADD must be greater than 0-0");
}

TEST_F(XaddTest, RefusesOptionsThatContradictEachOther) {
  expect_error("XADD s MAXLEN 5 MINID 5 * f v",
               "syntax error, MAXLEN and MINID options at the same time are not compatible");
  expect_error("XADD s MAXLEN -1 * f v", "The MAXLEN argument must be >= 0.");
  expect_error("XADD s MAXLEN ~ 1 LIMIT -1 * f v", "The LIMIT argument must be >= 0.");
  expect_error("XADD s LIMIT 5 * f v", "syntax error, LIMIT cannot be used without specifying a trimming strategy");
  expect_error("XADD s LIMIT 0 * f v", "syntax error, LIMIT cannot be used without the special ~ option");
  expect_error("XADD s MAXLEN = 5 LIMIT 5 * f v", "syntax error, LIMIT cannot be used without the special ~ option");
}

TEST_F(XaddTest, TrimsUnderThePolicy) {
  given({"XADD s 1-0 f v", "XADD s 2-0 f v", "XGROUP CREATE s g 0", "XREADGROUP GROUP g c COUNT 1 STREAMS s >"});
  expect("XADD s ACKED MAXLEN 1 3-0 f v", "$3 3-0");  // 1-0 is pending, the others have not been handed out
  expect("XLEN s", ":3");
  expect("XADD s DELREF MAXLEN 1 4-0 f v", "$3 4-0");
  expect("XLEN s", ":1");
  expect("XPENDING s g", "*4 :0 $-1 $-1 *-1");
}

// ---- idempotent production

TEST_F(XaddTest, AnswersARepetitionWithTheFirstId) {
  expect("XADD s IDMP p1 i1 * f v", "$9 1000000-0");
  pass_ms(5);
  expect("XADD s IDMP p1 i1 * f other", "$9 1000000-0");
  expect("XLEN s", ":1");
  expect("XADD s IDMP p2 i1 * f v", "$9 1000005-0");
  expect("XADD s IDMP p1 i2 * f v", "$9 1000005-1");
}

TEST_F(XaddTest, RemembersEntriesThatAreGone) {
  given({"XADD s IDMP p i * f v", "XDEL s 1000000-0"});
  expect("XADD s IDMP p i * f v", "$9 1000000-0");
  expect("XLEN s", ":0");
}

TEST_F(XaddTest, NeitherTrimsNorWakesOnARepetition) {
  given({"XADD s IDMP p i * f v", "XADD s * f v"});
  EXPECT_EQ(run("XREAD BLOCK 0 STREAMS s $"), "");
  expect("XADD s IDMP p i MAXLEN 0 * f v", "$9 1000000-0");
  expect("XLEN s", ":2");
  EXPECT_TRUE(take_woken().empty());
}

TEST_F(XaddTest, CountsARepetitionAsAChange) {
  given({"XADD s IDMP p i * f v"});
  run("XADD s IDMP p i * f v");
  EXPECT_EQ(take_changes(), 1u);
}

TEST_F(XaddTest, DerivesTheIdFromContentInAnyOrderOfPairs) {
  expect("XADD s IDMPAUTO p * a 1 b 2", "$9 1000000-0");
  expect("XADD s IDMPAUTO p * b 2 a 1", "$9 1000000-0");
  expect("XADD s IDMPAUTO p * 1 a 2 b", "$9 1000000-1");
  expect("XADD s IDMPAUTO q * a 1 b 2", "$9 1000000-2");
}

TEST_F(XaddTest, RefusesIdempotencyOptionsOneByOne) {
  expect_error("XADD s IDMP p i IDMPAUTO q * f v", "syntax error, IDMP/IDMPAUTO specified multiple times");
  expect_error("XADD s IDMPAUTO p IDMPAUTO p * f v", "syntax error, IDMP/IDMPAUTO specified multiple times");
  expect_error("XADD s IDMP p1 i1 5-1 f v", "syntax error, IDMP/IDMPAUTO can be used only with auto-generated IDs");
  expect_error("XADD s IDMP p1 i1 5-* f v", "syntax error, IDMP/IDMPAUTO can be used only with auto-generated IDs");
  const auto with_empty = [this](std::vector<std::string> words) { return run(words); };
  EXPECT_EQ(with_empty({"XADD", "s", "IDMPAUTO", "", "*", "f", "v"}),
            error("syntax error, IDMPAUTO requires a non-empty producer ID"));
  EXPECT_EQ(with_empty({"XADD", "s", "IDMP", "", "i", "*", "f", "v"}),
            error("syntax error, IDMP requires a non-empty producer ID"));
  EXPECT_EQ(with_empty({"XADD", "s", "IDMP", "p", "", "*", "f", "v"}),
            error("syntax error, IDMP requires a non-empty idempotent ID"));
  expect("XLEN s", ":0");
}

TEST_F(XaddTest, TakesAnIdempotencyWordWithTooFewWordsBehindItForAnId) {
  expect_error("XADD s NOMKSTREAM MAXLEN 5 IDMP x", kInvalidId);
  expect_error("XADD s NOMKSTREAM MAXLEN 5 IDMPAUTO", kInvalidId);
}

TEST_F(XaddTest, LeavesTheProducerKnownWhenTheAppendFails) {
  set_compat_version(0x00080600);
  given({"XADD s 18446744073709551615-18446744073709551615 f v"});
  expect_error("XADD s IDMP p i * f v", "The stream has exhausted the last possible ID, unable to add more items");
  EXPECT_EQ(info("XINFO STREAM s", "pids-tracked"), wire(":1"));
  EXPECT_EQ(info("XINFO STREAM s", "iids-tracked"), wire(":0"));
}

}  // namespace
}  // namespace millrace::tests
