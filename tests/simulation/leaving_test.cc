// The end of a client: its stream stops behind the last reply it is owed, whatever it listens to, and has no gap before
// that; and who only listens is not taken for one that has gone.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/resp_reply.h"
#include "support/simulated_server.h"

namespace millrace::test {
namespace {

class LeavingClient : public testing::TestWithParam<int> {
 protected:
  void configure(const std::string& name, const std::string& value) {
    publisher_.send_raw(format_request({"CONFIG", "SET", name, value}));
    server_.settle();
    ASSERT_EQ(publisher_.take_replies(), std::vector<std::string>{"+OK\r\n"});
  }
  // There is more on its way to the listener than the network takes.
  void fill_the_way() {
    listener_.client().pause_reading();
    for (int i = 0; i < 20; ++i) ASSERT_EQ(publisher_.ask("PUBLISH a " + std::string(10'000, 'x')), ":1\r\n");
  }
  std::vector<std::string> read_all() {
    listener_.client().resume_reading();
    server_.settle();
    return listener_.take_replies();
  }

  SimulatedServer server_{{.seed = static_cast<uint64_t>(GetParam())}};
  SimulatedCaller publisher_{server_, 1};
  SimulatedCaller listener_{server_, 0};
};

INSTANTIATE_TEST_SUITE_P(Seeds, LeavingClient, testing::Range(1, 4));

TEST_P(LeavingClient, HearsNothingBehindTheAnswerToQuit) {
  server_.world().set_send_capacity(20'000);
  listener_.ask("SUBSCRIBE a");
  fill_the_way();
  listener_.send("QUIT");
  server_.settle();
  EXPECT_EQ(publisher_.ask("PUBLISH a late"), ":0\r\n");
  const std::vector<std::string> heard = read_all();
  ASSERT_EQ(heard.size(), 21u);
  EXPECT_EQ(heard.back(), "+OK\r\n");
  EXPECT_TRUE(listener_.is_closed());
}

TEST_P(LeavingClient, ThatEndedItselfHearsNothingBehindTheCount) {
  server_.world().set_send_capacity(20'000);
  listener_.ask("HELLO 3");
  listener_.ask("SUBSCRIBE a");
  fill_the_way();
  listener_.send("CLIENT KILL TYPE pubsub SKIPME no");
  server_.settle();
  publisher_.ask("PUBLISH a late");
  const std::vector<std::string> heard = read_all();
  ASSERT_EQ(heard.size(), 21u);
  EXPECT_EQ(heard.back(), ":1\r\n");
}

TEST_P(LeavingClient, AMonitorSeesNothingBehindTheAnswerToQuit) {
  server_.world().set_send_capacity(20'000);
  listener_.ask("MONITOR");
  listener_.client().pause_reading();
  for (int i = 0; i < 20; ++i) publisher_.ask("ECHO " + std::string(10'000, 'x'));
  listener_.send("QUIT");
  server_.settle();
  publisher_.ask("ECHO late");
  EXPECT_EQ(read_all().back(), "+OK\r\n");
}

// What does not fit closes the client: it must not get what would fit behind the gap.
TEST_P(LeavingClient, GetsNothingBehindWhatExceededItsLimit) {
  const std::string payload(1000, 'x');
  const std::string fits = format_request({"pmessage", "a*", "aa", payload});
  configure("client-output-buffer-limit", "pubsub " + std::to_string(fits.size()) + " 0 0");
  listener_.ask("PSUBSCRIBE a[a]*");
  listener_.ask("PSUBSCRIBE a*");
  EXPECT_EQ(publisher_.ask("PUBLISH aa " + payload), ":2\r\n");
  EXPECT_EQ(read_all(), std::vector<std::string>());
  EXPECT_TRUE(listener_.is_closed());
}

TEST_P(LeavingClient, OnlyWhoHasNothingToWaitForIsClosedForSayingNothing) {
  SimulatedCaller monitor(server_, 2);
  SimulatedCaller idle(server_, 0);
  listener_.ask("SUBSCRIBE a");
  monitor.ask("MONITOR");
  configure("timeout", "1");
  for (int i = 0; i < 10; ++i) {
    server_.run_for(300);
    EXPECT_EQ(publisher_.ask("PUBLISH a x"), ":1\r\n");
  }
  EXPECT_TRUE(idle.is_closed());
  EXPECT_FALSE(listener_.is_closed());
  EXPECT_FALSE(monitor.is_closed());
}

}  // namespace
}  // namespace millrace::test
