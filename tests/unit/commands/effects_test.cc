// What each write command leaves in the journal, word for word. Whether that makes the same of another server is
// effects_replay_test.cc's.
#include "unit/commands/effects_fixture.h"
#include "unit/commands/stream_fixture.h"

namespace millrace::tests {
namespace {

TEST_F(EffectsTest, AnEntryHasItsId) {
  expect("XADD s * f v", "XADD s 1000000-0 f v\n");
  expect("xadd s 1000000-* f v g w", "XADD s 1000000-1 f v g w\n");
  expect("XADD s NOMKSTREAM 2000000 f v", "XADD s 2000000-0 f v\n");
  expect_none("XADD t NOMKSTREAM * f v");
  expect_none("XADD s 1-1 f v");
  expect("XADD s KEEPREF IDMP p i * f v", "XADD s IDMP p i 2000000-1 f v\n");
  expect("XADD s IDMPAUTO p * f v", "XADD s IDMPAUTO p 2000000-2 f v\n");
}

TEST_F(EffectsTest, ADuplicateIsWhatItWas) {
  given({"XADD s IDMP p i * f v"});
  expect_same("XADD s IDMP p i * f other");
  expect_same("XADD s NOMKSTREAM IDMP p i MAXLEN ~ 0 LIMIT 5 * f v");
}

TEST_F(EffectsTest, AStreamMadeInVainStays) {
  const std::string value(size_t{1} << 26, 'v');
  std::vector<std::string_view> words = {"XADD", "s", "*"};
  for (int i = 0; i < 9; ++i) words.insert(words.end(), {value, value});
  EXPECT_TRUE(run_args(*me, words).starts_with('-'));
  EXPECT_EQ(effects(), "MULTI\nXGROUP CREATE s g 0 MKSTREAM\nXGROUP DESTROY s g\nEXEC\n");
  EXPECT_TRUE(run_args(*me, words).starts_with('-'));
  EXPECT_EQ(effects(), "");
}

TEST_F(EffectsTest, ATrimIsTheLengthItLeft) {
  given_entries(9);
  expect_none("XTRIM s MAXLEN 9");
  expect_none("XTRIM s MAXLEN ~ 7");
  expect("XTRIM s MAXLEN ~ 5", "XTRIM s MAXLEN = 6\n");
  expect("XTRIM s MINID 6", "XTRIM s MAXLEN = 4\n");
  expect("XTRIM s DELREF MINID ~ 7-5 LIMIT 100", "XTRIM s DELREF MAXLEN = 2\n");
  expect("XTRIM s MINID = 100", "XTRIM s MAXLEN = 0\n");
  expect_none("XTRIM s MAXLEN 0");
  expect_none("XTRIM t MAXLEN 0");
}

TEST_F(EffectsTest, WhatSomebodyRefersToStays) {
  given_entries(6);
  given({"XGROUP CREATE s g 0", "XREADGROUP GROUP g c COUNT 4 STREAMS s >", "XACK s g 2-1 4-1"});
  expect("XTRIM s ACKED MINID 4-2", "XTRIM s ACKED MAXLEN = 4\n");
  EXPECT_EQ(run("XRANGE s - + COUNT 1"), "*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n");
}

TEST_F(EffectsTest, AnEntryTakesTheTrimAlong) {
  given_entries(5);
  expect("XADD s MAXLEN ~ 3 LIMIT 100 6-1 f v", "XADD s MAXLEN = 3 6-1 f v\n");
  expect("XADD s MAXLEN 3 7-1 f v", "XADD s MAXLEN = 3 7-1 f v\n");
  expect("XADD s MAXLEN 9 8-1 f v", "XADD s 8-1 f v\n");
  expect("XADD s NOMKSTREAM DELREF MINID 7-1 IDMP p i * f v", "XADD s DELREF MAXLEN = 3 IDMP p i 1000000-0 f v\n");
  expect("XADD s ACKED MINID = 7-2 IDMPAUTO p * g w", "XADD s ACKED MAXLEN = 3 IDMPAUTO p 1000000-1 g w\n");
  expect("XADD s MAXLEN 0 * f v", "XADD s MAXLEN = 0 1000000-2 f v\n");
}

TEST_F(EffectsTest, ADeliveryIsOneClaimAndThePosition) {
  given_entries(3);
  given({"XGROUP CREATE s g 0", "XGROUP CREATECONSUMER s g c"});
  expect("XREADGROUP GROUP g c COUNT 2 STREAMS s >",
         "MULTI\n"
         "XCLAIM s g c 0 1-1 2-1 TIME 1000000 RETRYCOUNT 1 FORCE JUSTID LASTID 2-1\n"
         "XGROUP SETID s g 2-1 ENTRIESREAD 2\n"
         "EXEC\n");
  expect("XREADGROUP GROUP g c NOACK STREAMS s >", "XGROUP SETID s g 3-1 ENTRIESREAD 3\n");
  expect_none("XREADGROUP GROUP g c STREAMS s >");
  expect_none("XREADGROUP GROUP nobody c STREAMS s >");
}

TEST_F(EffectsTest, AConsumerIsMadeWhateverItGets) {
  given_entries(1);
  given({"XGROUP CREATE s g $"});
  expect("XREADGROUP GROUP g c1 STREAMS s >", "XGROUP CREATECONSUMER s g c1\n");
  expect_none("XREADGROUP GROUP g c1 STREAMS s 0");
  expect("XREADGROUP GROUP g c2 STREAMS s 0", "XGROUP CREATECONSUMER s g c2\n");
  expect("XCLAIM s g c3 0 7-7", "XGROUP CREATECONSUMER s g c3\n");
  expect("XAUTOCLAIM s g c4 0 0", "XGROUP CREATECONSUMER s g c4\n");
  expect("XGROUP CREATECONSUMER s g c5", "XGROUP CREATECONSUMER s g c5\n");
  expect_none("XGROUP CREATECONSUMER s g c5");
  given({"XADD s 2-1 f v"});
  expect("XREADGROUP GROUP g c6 BLOCK 0 STREAMS s >",
         "MULTI\n"
         "XGROUP CREATECONSUMER s g c6\n"
         "XCLAIM s g c6 0 2-1 TIME 1000000 RETRYCOUNT 1 FORCE JUSTID LASTID 2-1\n"
         "XGROUP SETID s g 2-1 ENTRIESREAD 2\n"
         "EXEC\n");
}

TEST_F(EffectsTest, HistoryIsClaimedByCount) {
  given_entries(4);
  given({"XGROUP CREATE s g 0", "XREADGROUP GROUP g c STREAMS s >", "XCLAIM s g c 0 2-1 4-1", "XDEL s 3-1"});
  pass_ms(5);
  expect("XREADGROUP GROUP g c STREAMS s 0",
         "MULTI\n"
         "XCLAIM s g c 0 1-1 TIME 1000005 RETRYCOUNT 2 FORCE JUSTID LASTID 4-1\n"
         "XCLAIM s g c 0 2-1 4-1 TIME 1000005 RETRYCOUNT 3 FORCE JUSTID LASTID 4-1\n"
         "EXEC\n");
  expect_none("XREADGROUP GROUP g c STREAMS s 4-1");
}

TEST_F(EffectsTest, ClaimedByReading) {
  given_entries(3);
  given({"XGROUP CREATE s g 0", "XREADGROUP GROUP g c COUNT 2 STREAMS s >", "XGROUP CREATECONSUMER s g d"});
  pass_ms(100);
  expect("XREADGROUP GROUP g d CLAIM 50 STREAMS s >",
         "MULTI\n"
         "XCLAIM s g d 0 1-1 2-1 TIME 1000100 RETRYCOUNT 2 FORCE JUSTID LASTID 2-1\n"
         "XCLAIM s g d 0 3-1 TIME 1000100 RETRYCOUNT 1 FORCE JUSTID LASTID 3-1\n"
         "XGROUP SETID s g 3-1 ENTRIESREAD 3\n"
         "EXEC\n");
}

TEST_F(EffectsTest, ABlockedReaderIsAnEffectOfItsOwn) {
  given_entries(1);
  given({"XGROUP CREATE s g $", "XGROUP CREATECONSUMER s g c"});
  const auto other = connect("127.0.0.1:50001");
  run(*other, "XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
  EXPECT_EQ(effects(), "");
  expect("XADD s 2-1 f v",
         "XADD s 2-1 f v\n"
         "MULTI\n"
         "XCLAIM s g c 0 2-1 TIME 1000000 RETRYCOUNT 1 FORCE JUSTID LASTID 2-1\n"
         "XGROUP SETID s g 2-1 ENTRIESREAD 2\n"
         "EXEC\n");
}

TEST_F(EffectsTest, SeveralStreamsInOneRead) {
  given({"XADD s 1-1 f v", "XADD t 2-1 f v", "XGROUP CREATE s g 0", "XGROUP CREATE t g 0",
         "XGROUP CREATECONSUMER s g c", "XGROUP CREATECONSUMER t g c"});
  expect("XREADGROUP GROUP g c STREAMS s t s > > 0",
         "MULTI\n"
         "XCLAIM s g c 0 1-1 TIME 1000000 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1\n"
         "XGROUP SETID s g 1-1 ENTRIESREAD 1\n"
         "XCLAIM t g c 0 2-1 TIME 1000000 RETRYCOUNT 1 FORCE JUSTID LASTID 2-1\n"
         "XGROUP SETID t g 2-1 ENTRIESREAD 1\n"
         "XCLAIM s g c 0 1-1 TIME 1000000 RETRYCOUNT 2 FORCE JUSTID LASTID 1-1\n"
         "EXEC\n");
}

TEST_F(EffectsTest, ClaimingSaysWhatCameOut) {
  given_entries(5);
  given({"XGROUP CREATE s g 0", "XREADGROUP GROUP g c COUNT 3 STREAMS s >", "XGROUP CREATECONSUMER s g d",
         "XCLAIM s g c 0 2-1 RETRYCOUNT 7"});
  expect("XCLAIM s g d 0 3-1 1-1 2-1 IDLE 400",
         "MULTI\n"
         "XCLAIM s g d 0 1-1 3-1 TIME 999600 RETRYCOUNT 2 FORCE JUSTID LASTID 3-1\n"
         "XCLAIM s g d 0 2-1 TIME 999600 RETRYCOUNT 8 FORCE JUSTID LASTID 3-1\n"
         "EXEC\n");
  expect("XCLAIM s g c 0 1-1 JUSTID LASTID 4-1",
         "XCLAIM s g c 0 1-1 TIME 1000000 RETRYCOUNT 2 FORCE JUSTID LASTID 4-1\n");
  expect("XCLAIM s g c 0 9-9 LASTID 5-1", "XGROUP SETID s g 5-1 ENTRIESREAD 3\n");
  expect("XCLAIM s g c 0 5-1 FORCE TIME 5", "XCLAIM s g c 0 5-1 TIME 5 RETRYCOUNT 2 FORCE JUSTID LASTID 5-1\n");
  expect_none("XCLAIM s g c 500 1-1");
}

TEST_F(EffectsTest, WhatHasGoneIsAcknowledged) {
  given_entries(6);
  given({"XGROUP CREATE s g 0", "XREADGROUP GROUP g c STREAMS s >", "XDEL s 1-1 2-1 4-1 5-1"});
  expect("XCLAIM s g c 0 1-1 2-1", "XACK s g 1-1 2-1\n");
  expect("XAUTOCLAIM s g c 0 0 COUNT 3",
         "MULTI\n"
         "XCLAIM s g c 0 3-1 TIME 1000000 RETRYCOUNT 2 FORCE JUSTID LASTID 6-1\n"
         "XACK s g 4-1 5-1\n"
         "EXEC\n");
  expect("XAUTOCLAIM s g c 0 4 JUSTID", "XCLAIM s g c 0 6-1 TIME 1000000 RETRYCOUNT 1 FORCE JUSTID LASTID 6-1\n");
  expect_none("XAUTOCLAIM s g c 100 0");
}

TEST_F(EffectsTest, GroupsSayWhereTheyAre) {
  given_entries(3);
  expect("XGROUP CREATE s g $", "XGROUP CREATE s g 3-1\n");
  expect("XGROUP CREATE s h 2 MKSTREAM ENTRIESREAD 50", "XGROUP CREATE s h 2-0 ENTRIESREAD 3\n");
  expect("XGROUP CREATE t g $ MKSTREAM", "XGROUP CREATE t g 0-0 MKSTREAM\n");
  expect_none("XGROUP CREATE s g 0");
  expect("XGROUP SETID s g -", "XGROUP SETID s g 0-0 ENTRIESREAD -1\n");
  expect("XGROUP SETID s g $ ENTRIESREAD 9", "XGROUP SETID s g 3-1 ENTRIESREAD 3\n");
  given({"XGROUP CREATECONSUMER s g c"});
  expect_same("XGROUP DELCONSUMER s g c");
  expect_none("XGROUP DELCONSUMER s g c");
  expect_same("XGROUP DESTROY s g");
  expect_none("XGROUP DESTROY s g");
}

TEST_F(EffectsTest, DoneAndGivenBack) {
  given_entries(5);
  given({"XGROUP CREATE s g 0", "XREADGROUP GROUP g c STREAMS s >"});
  expect_same("XACK s g 1-1 9-9");
  expect_none("XACK s g 1-1");
  expect_same("XNACK s g FAIL IDS 2 2-1 9-9");
  expect_none("XNACK s g FAIL IDS 1 9-9");
  expect_same("XACKDEL s g ACKED IDS 2 2-1 3-1");
  expect_none("XACKDEL s g IDS 1 3-1");
  expect_none("XDELEX s ACKED IDS 1 4-1");
  expect_same("XDELEX s DELREF IDS 1 4-1");
  expect_same("XDEL s 5-1 4-1");
  expect_none("XDEL s 5-1");
}

TEST_F(EffectsTest, AStreamsOwnNumbers) {
  given_entries(1);
  expect_same("XSETID s 5-1 ENTRIESADDED 7 MAXDELETEDID 2-1");
  expect_none("XSETID s 0-1");
  expect_same("XCFGSET s IDMP-DURATION 50");
  expect_none("XCFGSET s IDMP-DURATION 50");
  expect_same("XIDMPRECORD s p i 1-1");
  expect_none("XIDMPRECORD s p i 1-1");
}

TEST_F(EffectsTest, TimesAreAbsolute) {
  given_entries(1);
  expect("EXPIRE s 100 NX", "PEXPIREAT s 1100000\n");
  expect_none("EXPIRE s 100 NX");
  expect("PEXPIRE s 250", "PEXPIREAT s 1000250\n");
  expect("EXPIREAT s 2000", "PEXPIREAT s 2000000\n");
  expect("PEXPIREAT s 1000001", "PEXPIREAT s 1000001\n");
  expect_same("PERSIST s");
  expect_none("PERSIST s");
  expect("EXPIRE s -1", "DEL s\n");
  expect_none("EXPIRE s -1");
}

TEST_F(EffectsTest, ExpiryComesBeforeTheCommandThatFindsIt) {
  given({"XADD s 1-1 f v", "XADD t 1-1 f v", "XADD u 1-1 f v", "XADD v 1-1 f v", "PEXPIRE s 5", "PEXPIRE t 5",
         "PEXPIRE u 5", "PEXPIRE v 5"});
  pass_ms(6);
  expect("XLEN s", "DEL s\n");
  expect("XADD t 1-1 f v", "MULTI\nDEL t\nXADD t 1-1 f v\nEXEC\n");
  expect("XREADGROUP GROUP g c STREAMS u >", "DEL u\n");
  for (uint32_t i = 0; i < server.keyspace.partition_count(); ++i) executor.expire(i, now, 10);
  EXPECT_EQ(effects(), "DEL v\n");
}

TEST_F(EffectsTest, ARestoredValueHasAnAbsoluteTime) {
  given({"XADD s 1-1 f v"});
  const std::string payload = dump("s");
  expect("RESTORE t 0 " + payload, "RESTORE t 0 " + payload + " ABSTTL\n");
  expect_none("RESTORE t 0 " + payload);
  expect("RESTORE t 70 " + payload + " REPLACE IDLETIME 5", "RESTORE t 1000070 " + payload + " ABSTTL REPLACE\n");
  expect("RESTORE t 5 " + payload + " ABSTTL REPLACE", "DEL t\n");
  expect_none("RESTORE t 5 " + payload + " ABSTTL REPLACE");
}

TEST_F(EffectsTest, KeysComeAndGo) {
  given({"XADD s 1-1 f v"});
  expect_same("COPY s t");
  expect_none("COPY s t");
  expect_same("COPY s t REPLACE");
  expect_same("COPY s t DB 3");
  expect_same("MOVE t 4");
  expect_none("MOVE t 4");
  expect_same("RENAME s u");
  expect_none("RENAME u u");
  expect_same("RENAMENX u s");
  expect_same("DEL s t");
  expect_none("DEL s t");
  given({"XADD s 1-1 f v"});
  expect_same("UNLINK s");
  expect_none("FLUSHDB");
  expect("FLUSHALL ASYNC", "FLUSHALL ASYNC\n");
  expect_none("FLUSHALL");
}

TEST_F(EffectsTest, OtherDatabasesAreNamed) {
  given({"SELECT 2"});
  expect("XADD s 1-1 f v", "SELECT 2\nXADD s 1-1 f v\n");
  given({"SELECT 5", "XADD s 1-1 f v", "PEXPIRE s 5", "SELECT 2"});
  pass_ms(6);
  expect("MOVE s 5", "SELECT 5\nMULTI\nDEL s\nSELECT 2\nMOVE s 5\nEXEC\n");
}

TEST_F(EffectsTest, NothingIsNotedWhileNoneIsKept) {
  commands::CommandStage stage;
  stage.run("XADD s 1-1 f v");
  stage.run("XGROUP CREATE s g 0");
  stage.run("XREADGROUP GROUP g c STREAMS s >");
  EXPECT_EQ(stage.executor.replies_wait_for(*stage.me), 0u);
  run("XADD s 1-1 f v");
  EXPECT_EQ(executor.replies_wait_for(*me), appends());
}

}  // namespace
}  // namespace millrace::tests
