// What string commands leave in the journal, word for word.
#include "unit/commands/effects_fixture.h"
#include "unit/commands/journal_replay.h"

namespace millrace::tests {
namespace {

using StringEffects = EffectsTest;

TEST_F(StringEffects, WhatSaysItAllIsJournaledAsItIs) {
  for (const std::string_view line : {"SET n 5", "set n 6", "SETNX m 1", "MSET a 1 b 2", "MSETNX c 1 d 2", "INCR n",
                                      "DECR n", "INCRBY n 4", "DECRBY n 4", "APPEND n x", "SETRANGE n 4 y"}) {
    expect_same(line);
  }
}

TEST_F(StringEffects, WhatChangesNothingIsNotJournaled) {
  given({"SET n 5", "SET other 5"});
  for (const std::string_view line :
       {"GET n", "MGET n m", "STRLEN n", "GETRANGE n 0 1", "LCS n n", "SETNX n 1", "MSETNX n 1 z 2", "SET n 5 NX",
        "SET z 5 XX", "SET n 5 EX 0", "GETDEL z", "GETEX n", "GETEX n PERSIST", "INCRBY n x"}) {
    expect_none(line);
  }
}

TEST_F(StringEffects, TimesAreAbsolute) {
  expect("SET n 5 EX 10", "SET n 5 PXAT 1010000\n");
  expect("SET n 5 PX 10", "SET n 5 PXAT 1000010\n");
  expect("SET n 5 EXAT 2000", "SET n 5 PXAT 2000000\n");
  expect("SET n 5 XX GET PXAT 2000001", "SET n 5 PXAT 2000001\n");
  expect("SETEX n 10 5", "SET n 5 PXAT 1010000\n");
  expect("PSETEX n 10 5", "SET n 5 PXAT 1000010\n");
  expect("GETEX n EX 7", "PEXPIREAT n 1007000\n");
  expect("GETEX n PXAT 1000", "DEL n\n");
}

TEST_F(StringEffects, ConditionsWereMet) {
  expect("SET n 5 NX", "SET n 5\n");
  expect("SET n 6 XX KEEPTTL", "SET n 6 KEEPTTL\n");
  expect("SET n 7 GET", "SET n 7\n");
  expect("GETSET n 8", "SET n 8\n");
}

TEST_F(StringEffects, FractionsAreWhatTheyCameTo) {
  expect("INCRBYFLOAT n 0.1", "SET n 0.1 KEEPTTL\n");
  expect("INCRBYFLOAT n 0.2", "SET n 0.3 KEEPTTL\n");
}

TEST_F(StringEffects, WhatIsTakenIsGone) {
  given({"SET n 5 EX 100", "SET m 5"});
  expect("GETEX n PERSIST", "PERSIST n\n");
  expect("GETDEL n", "DEL n\n");
  given({"SET n 5 PX 10"});
  pass_ms(20);
  expect("SET n 6 GET", "MULTI\nDEL n\nSET n 6\nEXEC\n");
}

// What was accepted once is not refused later, but what nobody has room for is.
TEST_F(StringEffects, TheLengthThatSettingsAllowIsNotDecidedAgain) {
  const std::string_view too_long = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";
  settings.proto_max_bulk_len_bytes.store(1 << 20);
  given({"SETRANGE n 1048575 x"});
  EXPECT_EQ(run("APPEND n y"), too_long);
  EXPECT_EQ(run("SETRANGE n 1048576 y"), too_long);
  ReplayClient replay(*this);
  EXPECT_EQ(replay.run({"APPEND", "n", "y"}), ":1048577\r\n");
  EXPECT_EQ(replay.run({"SETRANGE", "n", "1048577", "y"}), ":1048578\r\n");
  EXPECT_EQ(replay.run({"SETRANGE", "n", "9223372036854775807", "y"}), too_long);
}

}  // namespace
}  // namespace millrace::tests
