// The one-line notation in which the tables write arguments.
#include "commands/syntax.h"

#include <gtest/gtest.h>

namespace millrace::commands {
namespace {

std::vector<Argument> parse(std::string_view notation) {
  std::optional<std::vector<Argument>> arguments = parse_syntax(notation);
  EXPECT_TRUE(arguments.has_value()) << notation;
  return arguments.value_or(std::vector<Argument>());
}

TEST(Syntax, NothingIsNoArguments) {
  EXPECT_TRUE(parse("").empty());
}

TEST(Syntax, EachTypeHasItsName) {
  const std::vector<Argument> all =
      parse("a:string b:integer c:double d:key e:pattern f:unix-time g=G h{i:key} j<k:key>");
  const std::vector<std::string_view> names = {"string",    "integer",    "double", "key",  "pattern",
                                               "unix-time", "pure-token", "block",  "oneof"};
  ASSERT_EQ(all.size(), names.size());
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(name_of(all[i].type), names[i]);
}

TEST(Syntax, ATokenMayStandAloneOrBeforeAValue) {
  const std::vector<Argument> all = parse("nomkstream=NOMKSTREAM count=COUNT:integer");
  EXPECT_EQ(all[0].type, ArgumentType::kPureToken);
  EXPECT_EQ(all[0].token, "NOMKSTREAM");
  EXPECT_EQ(all[1].type, ArgumentType::kInteger);
  EXPECT_EQ(all[1].token, "COUNT");
}

TEST(Syntax, ReadsOptionalAndMultiple) {
  const std::vector<Argument> all = parse("[a:string] b:key... [c=C:pattern...=]");
  EXPECT_TRUE(all[0].optional && !all[0].multiple);
  EXPECT_TRUE(!all[1].optional && all[1].multiple && !all[1].multiple_token);
  EXPECT_TRUE(all[2].optional && all[2].multiple && all[2].multiple_token);
}

TEST(Syntax, ReadsVersionsAndKeySpecIndex) {
  const std::vector<Argument> all = parse("a:integer@6.2.0... b:string!2.8.12 c:key#1 [d@7.0.0<x=X|y=Y@7.2.0>]");
  EXPECT_EQ(all[0].since, "6.2.0");
  EXPECT_TRUE(all[0].multiple);
  EXPECT_EQ(all[1].deprecated_since, "2.8.12");
  EXPECT_EQ(all[2].key_spec_index, 1);
  EXPECT_EQ(all[3].since, "7.0.0");
  EXPECT_EQ(all[3].arguments[1].since, "7.2.0");
}

TEST(Syntax, NestsBlocksAndChoices) {
  const std::vector<Argument> all = parse(
      "key:key [trim{strategy<maxlen=MAXLEN|minid=MINID> [operator<equal='='|approximately=~>] threshold:string}] "
      "id_or_auto<auto_id=*|id:string>   field_value{field:string value:string}...");
  ASSERT_EQ(all.size(), 4u);
  const Argument& trim = all[1];
  EXPECT_TRUE(trim.optional);
  ASSERT_EQ(trim.arguments.size(), 3u);
  EXPECT_EQ(trim.arguments[1].arguments[0].token, "=");
  EXPECT_EQ(trim.arguments[1].arguments[1].token, "~");
  EXPECT_TRUE(trim.arguments[1].optional);
  EXPECT_EQ(all[2].arguments[0].token, "*");
  EXPECT_EQ(all[3].arguments.size(), 2u);
  EXPECT_TRUE(all[3].multiple);
}

TEST(Syntax, QuotesWhatIsNoWord) {
  const std::vector<Argument> all = parse("'ip:port'=ADDR:string");
  EXPECT_EQ(all[0].name, "ip:port");
  EXPECT_EQ(all[0].token, "ADDR");
}

TEST(Syntax, RefusesWhatIsNotInTheNotation) {
  for (const char* notation : {"a",
                               "a:",
                               "a:strin",
                               "a:oneof",
                               ":string",
                               "[a:string",
                               "a:string]",
                               "a{b:string",
                               "a{}",
                               "a<b=B|>",
                               "a<b=B",
                               "a:string:string",
                               "a:string{b:string}",
                               "a=",
                               "a:key#",
                               "a:key#x",
                               "a:string,b:string",
                               "'a:string",
                               "''=A",
                               "a{b:string}c:string",
                               "a<b=B c=C>",
                               "a@:string",
                               "a:string..",
                               "|"}) {
    EXPECT_FALSE(parse_syntax(notation).has_value()) << notation;
  }
}

}  // namespace
}  // namespace millrace::commands
