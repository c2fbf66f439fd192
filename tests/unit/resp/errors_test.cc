// Error texts with a variable part.
#include "resp/errors.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace millrace::resp {
namespace {

std::string unknown(const std::vector<std::string>& words) {
  const std::vector<std::string_view> args(words.begin(), words.end());
  return unknown_command(args);
}

TEST(Errors, FillInTheVariablePart) {
  EXPECT_EQ(wrong_arity("xgroup|create"), "wrong number of arguments for 'xgroup|create' command");
  EXPECT_EQ(invalid_expire("set"), "invalid expire time in 'set' command");
  EXPECT_EQ(unknown_subcommand("FOO", "XGROUP"), "unknown subcommand 'FOO'. Try XGROUP HELP.");
  EXPECT_EQ(no_group_in_xreadgroup("k", "g"),
            "-NOGROUP No such key 'k' or consumer group 'g' in XREADGROUP with GROUP option");
  EXPECT_EQ(no_consumer_group("g", "k"), "-NOGROUP No such consumer group 'g' for key name 'k'");
}

TEST(Errors, UnknownCommandShowsItsFirstArguments) {
  EXPECT_EQ(unknown({"FOO"}), "unknown command 'FOO', with args beginning with: ");
  EXPECT_EQ(unknown({"FOO", "a", "b"}), "unknown command 'FOO', with args beginning with: 'a' 'b' ");
}

TEST(Errors, UnknownCommandCutsWhereRedisDoes) {
  const std::string head = "unknown command 'FOO', with args beginning with: ";
  const std::string a126(126, 'a');
  const std::string a124(124, 'a');
  const std::string a125(125, 'a');
  EXPECT_EQ(unknown({"FOO", a126, "b", "c"}), head + "'" + a126 + "' ");
  EXPECT_EQ(unknown({"FOO", a125, "bcd", "c"}), head + "'" + a125 + "' ");
  EXPECT_EQ(unknown({"FOO", a124, "bcd", "c"}), head + "'" + a124 + "' 'b' ");
  EXPECT_EQ(unknown({std::string(200, 'N')}),
            "unknown command '" + std::string(128, 'N') + "', with args beginning with: ");
  EXPECT_EQ(unknown_subcommand(std::string(200, 'N'), "XGROUP"),
            "unknown subcommand '" + std::string(128, 'N') + "'. Try XGROUP HELP.");
}

}  // namespace
}  // namespace millrace::resp
