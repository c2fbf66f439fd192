// Rules that change on one core while their user is busy on others.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/simulated_server.h"

namespace millrace::test {
namespace {

class AclOnManyCores : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    ASSERT_EQ(admin_.ask("ACL SETUSER u on nopass ~* &a* +@all"), "+OK\r\n");
    ASSERT_EQ(user_.ask("AUTH u x"), "+OK\r\n");
    ASSERT_EQ(other_.ask("AUTH u x"), "+OK\r\n");
  }

  SimulatedServer server_{{.seed = static_cast<uint64_t>(GetParam())}};
  SimulatedCaller admin_{server_, 1};
  SimulatedCaller user_{server_, 0};
  SimulatedCaller other_{server_, 2};
};

INSTANTIATE_TEST_SUITE_P(Seeds, AclOnManyCores, testing::Range(1, 21));

// Whichever comes first, nobody listens to what is forbidden afterwards.
TEST_P(AclOnManyCores, WhoSubscribesWhileItIsForbiddenDoesNotListen) {
  user_.send("SUBSCRIBE a1");
  other_.send("PSUBSCRIBE a*");
  admin_.send("ACL SETUSER u resetchannels &b");
  server_.settle();
  EXPECT_EQ(admin_.take_replies(), std::vector<std::string>{"+OK\r\n"});
  EXPECT_EQ(admin_.ask("PUBLISH a1 x"), ":0\r\n");
  for (SimulatedCaller* caller : {&user_, &other_}) {
    const std::vector<std::string> heard = caller->take_replies();
    ASSERT_LE(heard.size(), 1u);
    const bool was_refused = !heard.empty() && heard[0] == "-NOPERM No permissions to access a channel\r\n";
    EXPECT_NE(was_refused, caller->is_closed());
  }
}

TEST_P(AclOnManyCores, ConnectionsOfADeletedUserAreClosedOnEveryCore) {
  admin_.ask("XGROUP CREATE s g 0 MKSTREAM");
  user_.send("XREADGROUP GROUP g me BLOCK 0 STREAMS s >");
  server_.settle();
  ASSERT_EQ(server_.waiting_commands(), 1u);
  admin_.send("ACL DELUSER u");
  admin_.send("XADD s 1-1 f v");
  server_.settle();
  EXPECT_EQ(admin_.take_replies(), (std::vector<std::string>{":1\r\n", "$3\r\n1-1\r\n"}));
  EXPECT_TRUE(user_.is_closed());
  EXPECT_TRUE(other_.is_closed());
  EXPECT_EQ(admin_.ask("XPENDING s g"), "*4\r\n:0\r\n$-1\r\n$-1\r\n*-1\r\n") << "who is gone takes nothing";
}

TEST_P(AclOnManyCores, ABlockedReaderIsRefusedByWhoeverWouldAnswerIt) {
  user_.send("XREAD BLOCK 0 STREAMS s 0");
  other_.send("XREAD BLOCK 0 STREAMS s 0");
  server_.settle();
  EXPECT_EQ(admin_.ask("ACL SETUSER u -xread"), "+OK\r\n");
  EXPECT_EQ(other_.take_replies(), std::vector<std::string>{});
  EXPECT_EQ(admin_.ask("XADD s 1-1 f v"), "$3\r\n1-1\r\n");
  server_.settle();
  const std::vector<std::string> refused = {"-NOPERM User u has no permissions to run the 'xread' command\r\n"};
  EXPECT_EQ(user_.take_replies(), refused);
  EXPECT_EQ(other_.take_replies(), refused);
  EXPECT_EQ(user_.ask("XLEN s"), ":1\r\n");
}

TEST_P(AclOnManyCores, AStrangerWhoReadsNothingIsClosed) {
  admin_.ask("CONFIG SET requirepass secret");
  server_.world().set_send_capacity(1000);
  SimulatedCaller stranger(server_, 0);
  stranger.client().pause_reading();
  for (int i = 0; i < 4000; ++i) stranger.send("PING");
  server_.settle();
  stranger.client().resume_reading();
  server_.settle();
  EXPECT_TRUE(stranger.is_closed());
  EXPECT_EQ(user_.ask("PING"), "+PONG\r\n");
}

TEST_P(AclOnManyCores, AStrangerHeldBackByAPauseMayNotSendWithoutEnd) {
  admin_.ask("CONFIG SET requirepass secret");
  SimulatedCaller stranger(server_, 0);
  SimulatedCaller patient(server_, 0);
  admin_.ask("CLIENT PAUSE 1000 ALL");
  patient.send("AUTH secret");
  stranger.send("AUTH secret");
  const std::string line = "ECHO " + std::string(10'000, 'x');
  for (int i = 0; i < 120; ++i) stranger.send(line);
  for (int i = 0; i < 80; ++i) patient.send(line);
  server_.settle();
  EXPECT_TRUE(stranger.is_closed());
  server_.run_for(1500);
  EXPECT_EQ(patient.take_replies().size(), 81u);
}

}  // namespace
}  // namespace millrace::test
