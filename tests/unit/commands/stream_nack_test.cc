// XNACK, and how entries that nobody owns show elsewhere.
#include "unit/commands/stream_fixture.h"

namespace millrace::tests {
namespace {

class XnackTest : public StreamCommandTest {
 protected:
  // s has 1-0 ... 3-0; g has handed out 1-0 and 2-0 to c.
  void given_pending() {
    given({"XADD s 1-0 f v", "XADD s 2-0 f v", "XADD s 3-0 f v", "XGROUP CREATE s g 0",
           "XREADGROUP GROUP g c COUNT 2 STREAMS s >"});
  }
  std::string count_of(std::string_view id) {
    const std::string reply = run("XPENDING s g " + std::string(id) + " " + std::string(id) + " 1");
    const size_t at = reply.rfind(':');
    return at == std::string::npos ? reply : reply.substr(at + 1, reply.size() - at - 3);
  }
};

TEST_F(XnackTest, GivesEntriesBack) {
  given_pending();
  expect("XNACK s g FAIL IDS 1 1-0", ":1");
  expect("XPENDING s g - + 10", "*2 *4 $3 1-0 $0 '' :-1 :1 *4 $3 2-0 $1 c :0 :1");
  EXPECT_EQ(take_changes(), 1u);
}

TEST_F(XnackTest, ModesSetTheDeliveryCount) {
  given_pending();
  given({"XNACK s g SILENT IDS 2 1-0 2-0"});
  EXPECT_EQ(count_of("1-0"), "0");
  given({"XNACK s g SILENT IDS 1 1-0"});
  EXPECT_EQ(count_of("1-0"), "0");
  given({"XNACK s g fatal IDS 1 1-0"});
  EXPECT_EQ(count_of("1-0"), "9223372036854775807");
  given({"XNACK s g FAIL IDS 1 2-0 RETRYCOUNT 7"});
  EXPECT_EQ(count_of("2-0"), "7");
}

TEST_F(XnackTest, CountsStaySaturated) {
  given_pending();
  given({"XNACK s g FATAL IDS 1 1-0", "XCLAIM s g d 0 1-0"});
  EXPECT_EQ(count_of("1-0"), "9223372036854775807");
}

TEST_F(XnackTest, CountsARepeatedIdEachTime) {
  given_pending();
  expect("XNACK s g FAIL IDS 3 1-0 1-0 9-0", ":2");
}

TEST_F(XnackTest, ForceTakesInWhatIsInTheStream) {
  given_pending();
  expect("XNACK s g FAIL IDS 2 3-0 9-0", ":0");
  expect("XNACK s g FAIL FORCE IDS 2 3-0 9-0", ":1");
  EXPECT_EQ(count_of("3-0"), "0");
  given({"XREADGROUP GROUP g c STREAMS s >"});  // last-delivered-id had not moved: 3-0 is handed out and owned now
  expect("XPENDING s g 3-0 3-0 1", "*1 *4 $3 3-0 $1 c :0 :1");
}

TEST_F(XnackTest, ForceWithFatalOrRetryCount) {
  given_pending();
  expect("XNACK s g FATAL IDS 1 3-0 FORCE", ":1");
  EXPECT_EQ(count_of("3-0"), "9223372036854775807");
  given({"XACK s g 3-0"});
  expect("XNACK s g SILENT RETRYCOUNT 4 FORCE IDS 1 3-0", ":1");
  EXPECT_EQ(count_of("3-0"), "4");
}

TEST_F(XnackTest, RefusesInOrder) {
  expect_error("XNACK s g BOGUS IDS 1 1-0", "-NOGROUP No such key 's' or consumer group 'g'");
  given_pending();
  expect_error("XNACK s nog BOGUS IDS 1 1-0", "-NOGROUP No such key 's' or consumer group 'nog'");
  expect_error("XNACK s g BOGUS IDS 1 1-0", "mode must be SILENT, FAIL, or FATAL");
  expect_error("XNACK s g FAIL IDS 0 1-0", "numids must be a positive integer");
  expect_error("XNACK s g FAIL IDS 2147483648 1-0", "numids must be a positive integer");
  expect_error("XNACK s g FAIL IDS 2 1-0", "number of IDs doesn't match numids");
  expect_error("XNACK s g FAIL IDS 1 1-0 2-0", "Unrecognized XNACK option '2-0'");
  expect_error("XNACK s g FAIL IDS 1 1-0 RETRYCOUNT -1", "Invalid RETRYCOUNT value, must be >= 0");
  expect_error("XNACK s g FAIL FORCE RETRYCOUNT 1", "syntax error, expected IDS keyword");
  expect_error("XNACK s g FAIL IDS 2 1-0 bad", kInvalidId);
}

TEST_F(XnackTest, UnownedEntriesInTheSummary) {
  given_pending();
  given({"XNACK s g FAIL IDS 1 1-0"});
  expect("XPENDING s g", "*4 :2 $3 1-0 $3 2-0 *1 *2 $1 c $1 1");
  given({"XNACK s g FAIL IDS 1 2-0"});
  expect("XPENDING s g", "*4 :2 $3 1-0 $3 2-0 *0");
}

TEST_F(XnackTest, UnownedEntriesPassIdleFiltersButNoConsumerFilter) {
  given_pending();
  given({"XNACK s g FAIL IDS 1 1-0"});
  expect("XPENDING s g IDLE 1000 - + 10", "*1 *4 $3 1-0 $0 '' :-1 :1");
  expect("XPENDING s g - + 10 c", "*1 *4 $3 2-0 $1 c :0 :1");
}

TEST_F(XnackTest, UnownedEntriesAreClaimableWhateverTheIdleTime) {
  given_pending();
  given({"XNACK s g FAIL IDS 2 1-0 2-0"});
  expect("XCLAIM s g d 100000 1-0 JUSTID", "*1 $3 1-0");
  expect("XAUTOCLAIM s g d 100000 0 JUSTID", "*3 $3 0-0 *1 $3 2-0 *0");
}

TEST_F(XnackTest, UnownedEntriesAreNobodysHistory) {
  given_pending();
  given({"XNACK s g FAIL IDS 2 1-0 2-0"});
  expect("XREADGROUP GROUP g c STREAMS s 0", "*1 *2 $1 s *0");
  expect("XGROUP DELCONSUMER s g c", ":0");
  expect("XACK s g 1-0", ":1");
}

TEST_F(XnackTest, ReadsWithClaimTakeTheZoneInOrder) {
  now.unix_ms = 1774378417999;
  given_pending();
  given({"XNACK s g FAIL IDS 1 2-0", "XNACK s g FAIL IDS 1 1-0", "XGROUP SETID s g 3-0"});
  expect("XREADGROUP GROUP g d CLAIM 5000 STREAMS s >",
         "*1 *2 $1 s *2 *4 $3 2-0 *2 $1 f $1 v :1774378417999 :1 *4 $3 1-0 *2 $1 f $1 v :1774378417999 :1");
  expect("XPENDING s g - + 10 d", "*2 *4 $3 1-0 $1 d :0 :2 *4 $3 2-0 $1 d :0 :2");
}

TEST_F(XnackTest, ReadsInTheShapesOfTheReference) {
  now.unix_ms = 1774378417999;
  for (const bool resp3 : {false, true}) {
    given({"XADD s 1-0 f v", "XGROUP CREATE s g 0", "XREADGROUP GROUP g b STREAMS s >", "XNACK s g FAIL IDS 1 1-0"});
    if (resp3) {
      expect_resp3("XREADGROUP GROUP g c CLAIM 0 STREAMS s >", "%1 $1 s *1 *4 $3 1-0 *2 $1 f $1 v :1774378417999 :1");
    } else {
      expect("XREADGROUP GROUP g c CLAIM 0 STREAMS s >", "*1 *2 $1 s *1 *4 $3 1-0 *2 $1 f $1 v :1774378417999 :1");
    }
    run("DEL s");
  }
}

}  // namespace
}  // namespace millrace::tests
