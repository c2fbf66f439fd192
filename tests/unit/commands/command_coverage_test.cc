// The README says what of Redis is there; this says whether that is still true.
#include "unit/commands/command_coverage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace millrace::tests {
namespace {

using testing::HasSubstr;

std::string read_file(const std::filesystem::path& path) {
  std::ifstream stream(path);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

constexpr const char* kList = "tests/readme_commands/redis_commands.txt";

// The sources are where the test is started, or above that.
std::filesystem::path source_file(const char* name) {
  std::filesystem::path directory = std::filesystem::current_path();
  while (!std::filesystem::exists(directory / kList) && directory.has_relative_path()) {
    directory = directory.parent_path();
  }
  return directory / name;
}

TEST(CommandCoverage, TheReadmeIsUpToDate) {
  const std::string readme = read_file(source_file("README.md"));
  const std::string made = with_coverage(readme, command_coverage(commands::CommandTable(), read_file(source_file(kList))));
  ASSERT_NE(made, "") << "the lines around the table are missing";
  EXPECT_EQ(readme, made) << "run scripts/readme_commands.sh";
}

// Every command of ours is one of Redis's.
TEST(CommandCoverage, TheListKnowsEveryCommand) {
  std::set<std::string, std::less<>> known;
  const std::string list = read_file(source_file(kList));
  for (const std::string_view line : commands::split_words(list, '\n')) {
    for (const std::string_view word : commands::split_words(line, ' ')) known.emplace(word.substr(0, word.find('@')));
  }
  const commands::CommandTable table;
  for (uint32_t index = 0; index < table.count(); ++index) {
    EXPECT_TRUE(known.contains(table.by_index(index).full_name)) << table.by_index(index).full_name;
  }
}

TEST(CommandCoverage, SubcommandsShowOnlyWhereTheyAreMissing) {
  const std::string text = command_coverage(
      commands::CommandTable(), "# names\nstream: xadd xgroup xgroup|create xgroup|frob\n  xnosuch@9.0 nosuch|sub\n");
  EXPECT_EQ(text, "| | here | not here |\n|---|---|---|\n| stream | XADD, XGROUP | XGROUP FROB, XNOSUCH |\n");
}

TEST(CommandCoverage, GoesBetweenItsLines) {
  const std::string begin(kCoverageBegin);
  const std::string end(kCoverageEnd);
  EXPECT_EQ(with_coverage("a\n" + begin + "old\n" + end + "b\n", "new\n"), "a\n" + begin + "new\n" + end + "b\n");
  EXPECT_EQ(with_coverage("a\n" + begin, "new\n"), "");
}

}  // namespace
}  // namespace millrace::tests
