// The layout of log lines, what is left out, and that a text cannot forge a line.
#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace millrace {
namespace {

class LogTest : public testing::Test {
 protected:
  ~LogTest() override { std::remove(path_.c_str()); }

  std::vector<std::string> lines() const {
    std::ifstream file(path_);
    std::vector<std::string> all;
    for (std::string line; std::getline(file, line);) all.push_back(line);
    return all;
  }

  const std::string path_ = testing::TempDir() + "millrace_log_" + std::to_string(getpid());
  Log log_{path_};
};

TEST_F(LogTest, WritesRedisLayout) {
  log_.notice("Ready to accept connections");
  ASSERT_EQ(lines().size(), 1u);
  EXPECT_THAT(lines()[0], testing::MatchesRegex("[0-9]+:M [0-9][0-9] [A-Z][a-z][a-z] [0-9]+ "
                                                "[0-9][0-9]:[0-9][0-9]:[0-9][0-9]\\.[0-9][0-9][0-9] "
                                                "\\* Ready to accept connections"));
  EXPECT_THAT(lines()[0], testing::StartsWith(std::to_string(getpid()) + ":M "));
}

TEST_F(LogTest, MarksTheLevelAndDropsWhatIsBelowIt) {
  log_.debug("hidden");
  log_.verbose("hidden");
  log_.notice("n");
  log_.warning("w");
  log_.set_level(LogLevel::kDebug);
  EXPECT_TRUE(log_.wants(LogLevel::kDebug));
  log_.debug("d");
  log_.verbose("v");
  std::string marks;
  for (const std::string& line : lines()) marks += line.substr(line.size() - 3);
  EXPECT_EQ(marks, "* n# w. d- v");
}

TEST_F(LogTest, ATextCannotForgeALine) {
  log_.warning("name=a\r\n1:M 01 Jan 2026 00:00:00.000 * forged");
  EXPECT_EQ(lines().size(), 1u);
}

TEST_F(LogTest, SurvivesRotationAndAnUnwritablePath) {
  log_.notice("one");
  std::remove(path_.c_str());
  log_.notice("two");
  EXPECT_EQ(lines().size(), 1u);
  Log("/nonexistent/directory/log").notice("three");
}

TEST_F(LogTest, KeepsLinesOfSeveralThreadsWhole) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < 50; ++i) log_.notice("same text");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(lines().size(), 200u);
  for (const std::string& line : lines()) EXPECT_THAT(line, testing::EndsWith(" * same text"));
}

}  // namespace
}  // namespace millrace
