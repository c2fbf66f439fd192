// DUMP and RESTORE: what comes back is what was there, and what may not come in leaves everything as it was. Replies
// that redis-server gives as well are compared with it elsewhere.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/commands/stream_fixture.h"

namespace millrace::tests {
namespace {

class KeyDumpTest : public StreamCommandTest {
 protected:
  std::string dump(const std::string& key) {
    const std::string reply = run(std::vector<std::string>{"DUMP", key});
    const size_t start = reply.find("\r\n") + 2;
    return reply.substr(start, reply.size() - start - 2);
  }
  std::string restore(const std::string& key, const std::string& ttl, const std::string& payload,
                      const std::vector<std::string>& options = {}) {
    std::vector<std::string> words = {"RESTORE", key, ttl, payload};
    words.insert(words.end(), options.begin(), options.end());
    return run(words);
  }
  int version_of(const std::string& payload) { return payload[payload.size() - 10]; }
};

TEST_F(KeyDumpTest, WhatIsNotThereIsNull) {
  expect("DUMP s", "$-1");
}

TEST_F(KeyDumpTest, ACopyLooksTheSame) {
  given({"XADD s 1-1 f v", "XADD s 2-1 f v", "XGROUP CREATE s g 0", "XREADGROUP GROUP g c COUNT 1 STREAMS s >",
         "XNACK s g FAIL IDS 1 1-1", "XADD s IDMP p i * f v", "XDEL s 2-1"});
  EXPECT_EQ(restore("t", "0", dump("s")), kOk);
  EXPECT_EQ(run("XINFO STREAM t FULL"), run("XINFO STREAM s FULL"));
  pass_ms(1);
  EXPECT_EQ(run("XADD t IDMP p i * f v"), wire("$9 1000000-0"));
}

TEST_F(KeyDumpTest, TheVersionIsThatOfTheClaimedRedisUnlessTheContentNeedsMore) {
  given({"XADD s 1-1 f v", "XGROUP CREATE s g 0", "XREADGROUP GROUP g c STREAMS s >"});
  EXPECT_EQ(version_of(dump("s")), 11);
  settings.compat_version_packed = 0x0007000f;
  EXPECT_EQ(version_of(dump("s")), 10);
  settings.compat_version_packed = 0x00080a00;
  EXPECT_EQ(version_of(dump("s")), 14);
  settings.compat_version_packed = 0x00070204;
  given({"XADD s IDMP p i * f v"});
  EXPECT_EQ(version_of(dump("s")), 13);
  given({"XNACK s g FAIL IDS 1 1-1"});
  EXPECT_EQ(version_of(dump("s")), 14);
}

TEST_F(KeyDumpTest, RefusedPayloadsLeaveTheOldValue) {
  given({"XADD s 1-1 f v", "XADD t 9-9 f v"});
  std::string payload = dump("s");
  EXPECT_EQ(restore("t", "0", payload), error("-BUSYKEY Target key name already exists."));
  payload.back() ^= 1;
  EXPECT_EQ(restore("t", "0", payload, {"REPLACE"}), error("DUMP payload version or checksum are wrong"));
  expect("XLEN t", ":1");
  EXPECT_EQ(take_changes(), 0u);
}

TEST_F(KeyDumpTest, ExpiriesAreRelativeOrAbsolute) {
  given({"XADD s 1-1 f v"});
  const std::string payload = dump("s");
  EXPECT_EQ(restore("t", "500", payload), kOk);
  expect("PEXPIRETIME t", ":1000500");
  EXPECT_EQ(restore("t", "1000700", payload, {"REPLACE", "ABSTTL"}), kOk);
  expect("PEXPIRETIME t", ":1000700");
  EXPECT_EQ(restore("t", "9223372036854775807", payload, {"REPLACE"}), kOk);
  expect("PEXPIRETIME t", ":9223372036854775807");
}

TEST_F(KeyDumpTest, AKeyWhoseTimeHasPassedIsNotMade) {
  given({"XADD s 1-1 f v", "XADD t 1-1 f v"});
  EXPECT_EQ(restore("t", "5", dump("s"), {"ABSTTL", "REPLACE"}), kOk);
  expect("EXISTS t", ":0");
  EXPECT_EQ(take_changes(), 1u);
  EXPECT_EQ(restore("u", "5", dump("s"), {"ABSTTL"}), kOk);
  expect("EXISTS u", ":0");
  EXPECT_EQ(take_changes(), 0u);
}

TEST_F(KeyDumpTest, IdleTimeIsKept) {
  given({"XADD s 1-1 f v"});
  EXPECT_EQ(restore("t", "0", dump("s"), {"IDLETIME", "100"}), kOk);
  expect("OBJECT IDLETIME t", ":100");
  EXPECT_EQ(restore("t", "0", dump("s"), {"REPLACE", "IDLETIME", "9223372036854775807"}), kOk);
  EXPECT_EQ(restore("t", "0", dump("s"), {"REPLACE", "FREQ", "255"}), kOk);
  expect("OBJECT IDLETIME t", ":0");
}

TEST_F(KeyDumpTest, WhoWaitsForTheKeyGetsWhatIsRestored) {
  given({"XADD s 1-1 f v"});
  const std::string payload = dump("s");
  const Ref<commands::Client> waiting = connect("127.0.0.1:7");
  EXPECT_EQ(run(*waiting, "XREAD BLOCK 0 STREAMS t 0"), "");
  EXPECT_EQ(restore("t", "0", payload), kOk);
  EXPECT_EQ(host.delivered[waiting->fixed.id], wire("*1 *2 $1 t *1 *2 $3 1-1 *2 $1 f $1 v"));
}

}  // namespace
}  // namespace millrace::tests
