// XCFGSET, XIDMPRECORD, XSETID, XGROUP and XCLAIM: what came after Redis 7.0.
#include "unit/commands/stream_fixture.h"

namespace millrace::tests {
namespace {

class StreamSettingsTest : public StreamCommandTest {
 protected:
  void SetUp() override { set_compat_version(0x00080600); }
  std::string records() { return info("XINFO STREAM s", "iids-tracked"); }
};

TEST_F(StreamSettingsTest, XcfgsetForgetsRecordsOnlyWhenAValueChanges) {
  given({"XADD s IDMP p i * f v"});
  expect_ok("XCFGSET s IDMP-DURATION 100 IDMP-MAXSIZE 100");
  EXPECT_EQ(take_changes(), 0u);
  EXPECT_EQ(records(), wire(":1"));
  expect_ok("XCFGSET s idmp-maxsize 5");
  EXPECT_EQ(take_changes(), 1u);
  EXPECT_EQ(records(), wire(":0"));
  EXPECT_EQ(info("XINFO STREAM s", "iids-added"), wire(":1"));
  EXPECT_EQ(info("XINFO STREAM s", "idmp-maxsize"), wire(":5"));
}

TEST_F(StreamSettingsTest, XcfgsetRefusesInOrder) {
  expect_error("XCFGSET s", "no such key");
  given({"XADD s * f v"});
  expect_error("XCFGSET s", "At least one parameter must be specified");
  expect_error("XCFGSET s IDMP-DURATION 0", "IDMP-DURATION must be between 1 and 86400 seconds");
  expect_error("XCFGSET s IDMP-DURATION 86401", "IDMP-DURATION must be between 1 and 86400 seconds");
  expect_error("XCFGSET s IDMP-MAXSIZE 10001", "IDMP-MAXSIZE must be between 1 and 10000 entries");
  expect_error("XCFGSET s IDMP-MAXSIZE x", "value is not an integer or out of range");
  expect_error("XCFGSET s IDMP-MAXSIZE 5 IDMP-MAXSIZE 5", "IDMP-MAXSIZE specified multiple times");
  expect_error("XCFGSET s IDMP-DURATION 5 IDMP-DURATION 5", "IDMP-DURATION specified multiple times");
  expect_error("XCFGSET s IDMP-DURATION", "syntax error");
  expect_error("XCFGSET s BOGUS 5", "syntax error");
}

TEST_F(StreamSettingsTest, NewStreamsTakeTheServersLimits) {
  settings.stream_idmp_duration_s.store(7);
  settings.stream_idmp_maxsize.store(1);
  given({"XADD s IDMP p i * f v", "XADD s IDMP p j * f v"});
  EXPECT_EQ(info("XINFO STREAM s", "idmp-duration"), wire(":7"));
  EXPECT_EQ(records(), wire(":1"));
}

TEST_F(StreamSettingsTest, XidmprecordRemembersForAnExistingEntry) {
  given({"XADD s 1-0 f v", "XADD s 2-0 f v"});
  expect_ok("XIDMPRECORD s p i 1-0");
  EXPECT_EQ(take_changes(), 1u);
  expect("XADD s IDMP p i * f v", "$3 1-0");
  take_changes();
  expect_ok("XIDMPRECORD s p i 1-0");
  EXPECT_EQ(take_changes(), 0u);
  expect_error("XIDMPRECORD s p i 2-0", "IID already exists for this producer with a different stream ID");
}

TEST_F(StreamSettingsTest, XidmprecordRefusesInOrder) {
  const auto record = [this](std::vector<std::string> words) { return run(words); };
  EXPECT_EQ(record({"XIDMPRECORD", "s", "", "", "bad"}), error(kInvalidId));
  EXPECT_EQ(record({"XIDMPRECORD", "s", "", "", "1-0"}), error("producer ID must be non-empty"));
  EXPECT_EQ(record({"XIDMPRECORD", "s", "p", "", "1-0"}), error("idempotent ID must be non-empty"));
  expect_error("XIDMPRECORD s p i 1-0", "no such key");
  given({"XADD s 1-0 f v"});
  expect_error("XIDMPRECORD s p i 2-0", "No such message in stream");
}

TEST_F(StreamSettingsTest, EntriesReadIsClampedToWhatWasAdded) {
  given({"XADD s 1-0 f v", "XADD s 2-0 f v", "XGROUP CREATE s g 0 ENTRIESREAD 100"});
  EXPECT_EQ(info("XINFO GROUPS s", "entries-read"), wire(":2"));
  given({"XGROUP SETID s g 0 ENTRIESREAD 99"});
  EXPECT_EQ(info("XINFO GROUPS s", "entries-read"), wire(":2"));
  given({"XSETID s 5-0 ENTRIESADDED 9", "XGROUP SETID s g 0 ENTRIESREAD 9", "XSETID s 5-0 ENTRIESADDED 3"});
  EXPECT_EQ(info("XINFO GROUPS s", "entries-read"), wire(":3"));
}

TEST_F(StreamSettingsTest, XclaimMakesTheConsumerEvenWhenItClaimsNothing) {
  given({"XGROUP CREATE s g 0 MKSTREAM"});
  expect("XCLAIM s g c 0 1-0", "*0");
  expect("XAUTOCLAIM s g d 0 0", "*3 $3 0-0 *0 *0");
  expect("XGROUP CREATECONSUMER s g c", ":0");
  expect("XGROUP CREATECONSUMER s g d", ":0");
}

TEST_F(StreamSettingsTest, HelpListsEverySubcommand) {
  for (const std::string_view word : {"CREATE", "CREATECONSUMER", "DELCONSUMER", "DESTROY", "SETID", "HELP"}) {
    EXPECT_THAT(run("XGROUP HELP"), ::testing::HasSubstr("+" + std::string(word)));
  }
  EXPECT_THAT(run("XINFO HELP"), ::testing::HasSubstr("+CONSUMERS"));
}

}  // namespace
}  // namespace millrace::tests
