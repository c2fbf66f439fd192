// The load tool of bench/ on a small scale: what it measures is not looked at, what it checks is.
#include <string>
#include <vector>

#include "end_to_end/fixture.h"

namespace millrace::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class FanOutTest : public EndToEnd {
 protected:
  std::vector<std::string> words(const std::vector<std::string>& arguments) const {
    std::vector<std::string> result = {MILLRACE_FAN_OUT_PATH, "--port", port_text()};
    result.insert(result.end(), arguments.begin(), arguments.end());
    return result;
  }
  // Runs the tool to its end; what it printed.
  std::string fan_out(const std::vector<std::string>& arguments) const {
    Process tool(words(arguments));
    EXPECT_EQ(tool.exit_code(), 0) << testing::PrintToString(arguments) << tool.error_output();
    return tool.out();
  }
};

// The figure of that name.
double figure(const std::string& out, const std::string& name) {
  const size_t at = ("\n" + out).find("\n" + name + "|");
  return at == std::string::npos ? -1 : std::stod(out.substr(at + name.size() + 1));
}

TEST_P(FanOutTest, EveryMessageArrivesOnceAndInOrder) {
  start();
  const std::string out = fan_out({"--seconds", "1", "--subscribers", "20", "--publishers", "4", "--channels", "3",
                                   "--pipeline", "8", "--pid", std::to_string(server_->pid())});
  EXPECT_GT(figure(out, "published"), 0);
  EXPECT_EQ(figure(out, "delivered"), figure(out, "publish replies sum"));
  EXPECT_GT(figure(out, "CPU ns per message"), 0);
  expect_clean_end();
}

TEST_P(FanOutTest, AtAFixedRateByPatternInResp3) {
  start();
  const std::string out = fan_out({"--seconds", "1", "--subscribers", "5", "--publishers", "2", "--rate", "200",
                                   "--patterns", "--resp3", "--payload", "100"});
  EXPECT_EQ(figure(out, "published"), 200);
  EXPECT_EQ(figure(out, "delivered"), 1000);
  EXPECT_GE(figure(out, "p99 us"), figure(out, "p50 us"));
}

TEST_P(FanOutTest, DeafSubscribersAreClosedAndNobodyElseMissesAnything) {
  start({"--client-output-buffer-limit", "pubsub 1mb 0 0"});
  const std::string out =
      fan_out({"--seconds", "2", "--subscribers", "3", "--deaf", "2", "--pipeline", "4", "--payload", "20000"});
  EXPECT_EQ(figure(out, "deaf closed"), 2) << out;
}

TEST_P(FanOutTest, OneWay) {
  start();
  for (const std::string mode : {"--one-way", "--one-way-xadd"}) {
    const std::string out = fan_out({mode, "--pairs", "2", "--messages", "20"});
    EXPECT_GT(figure(out, "p50 us"), 0) << out;
  }
}

// What the tool is for: it says so if a subscriber did not get everything.
TEST_P(FanOutTest, ALostSubscriberIsNoticed) {
  start();
  Process tool(words({"--seconds", "2", "--subscribers", "3"}));
  Client killer = client();
  EXPECT_TRUE(eventually([&] { return killer.call({"PUBSUB", "NUMSUB", "fan_out:0:news"}) == "[fan_out:0:news, 3]"; }));
  EXPECT_EQ(killer.call({"CLIENT", "KILL", "TYPE", "pubsub"}), "3");
  EXPECT_EQ(tool.exit_code(), 1);
  EXPECT_THAT(tool.error_output(), AllOf(HasSubstr("are missing"), HasSubstr("3 subscribers were closed")));
}

ON_BOTH_BACKENDS(FanOutTest);

}  // namespace
}  // namespace millrace::test
