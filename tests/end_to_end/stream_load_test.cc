// The load tool for streams on a small scale: what it measures is not looked at, what it checks is.
#include <string>
#include <vector>

#include "end_to_end/fixture.h"

namespace millrace::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class StreamLoadTest : public EndToEnd {
 protected:
  std::vector<std::string> words(const std::vector<std::string>& arguments) const {
    std::vector<std::string> result = {MILLRACE_STREAM_LOAD_PATH, "--port", port_text()};
    result.insert(result.end(), arguments.begin(), arguments.end());
    return result;
  }
  // Runs the tool to its end; what it printed.
  std::string stream_load(const std::vector<std::string>& arguments) const {
    Process tool(words(arguments));
    EXPECT_EQ(tool.exit_code(), 0) << testing::PrintToString(arguments) << tool.error_output();
    return tool.out();
  }
};

TEST_P(StreamLoadTest, EveryScenarioEndsAndLeavesNothing) {
  start();
  EXPECT_THAT(stream_load({"--requests", "2000", "--pipeline", "16", "--streams", "7"}), HasSubstr("commands|2000\n"));
  EXPECT_THAT(stream_load({"--scenario", "mixed", "--requests", "2000", "--pipeline", "16", "--streams", "3"}),
              HasSubstr("commands|2000\n"));
  EXPECT_EQ(client().call({"DBSIZE"}), "0");
  expect_clean_end();
}

TEST_P(StreamLoadTest, EveryMessageOfAGroupIsAcknowledged) {
  start();
  for (const std::string streams : {"1", "3", "20"}) {
    const std::string out = stream_load(
        {"--scenario", "groups", "--connections", "6", "--pipeline", "5", "--requests", "1000", "--streams", streams});
    EXPECT_THAT(out, AllOf(HasSubstr("messages acknowledged|1000\n"), HasSubstr("latency p99 us|"))) << streams;
  }
}

TEST_P(StreamLoadTest, AtAFixedRateAllThatIsDueIsSent) {
  start();
  EXPECT_THAT(stream_load({"--rate", "500", "--seconds", "1"}),
              AllOf(HasSubstr("commands|500\n"), HasSubstr("latency p99.9 us|")));
}

// More under way than the system takes at once, in both directions.
TEST_P(StreamLoadTest, BigValuesDoNotStopIt) {
  start();
  EXPECT_THAT(stream_load({"--scenario", "mixed", "--requests", "300", "--connections", "2", "--pipeline", "100",
                           "--payload", "100000"}),
              HasSubstr("commands|300\n"));
}

TEST_P(StreamLoadTest, AnErrorEndsItWithOneLine) {
  start();
  EXPECT_EQ(client().call({"CONFIG", "SET", "maxmemory", "1"}), "OK");
  Process tool(words({"--requests", "100"}));
  EXPECT_EQ(tool.exit_code(), 1);
  EXPECT_THAT(tool.error_output(), testing::MatchesRegex("stream_load: the server said: OOM [^\n]*\n"));
}

TEST_P(StreamLoadTest, ArgumentsThatMakeNoSenseGetOneLine) {
  start();
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--connections", "0"},
        {"--rate", "x"},
        {"--seconds"},
        {"--scenario", "none"},
        {"--scenario", "groups", "--payload", "8"},
        {"--pipeline", "10000", "--connections", "10000", "--payload", "1000000"},
        {"--color", "red"}}) {
    Process tool(words(arguments));
    EXPECT_EQ(tool.exit_code(), 2) << testing::PrintToString(arguments);
    EXPECT_THAT(tool.error_output(), testing::MatchesRegex("stream_load: [^\n]*\n"));
  }
}

ON_BOTH_BACKENDS(StreamLoadTest);

}  // namespace
}  // namespace millrace::test
