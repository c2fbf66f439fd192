// The command table: finding names, and refusing rows that do not hold together.
#include "commands/command_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "commands/help.h"

namespace millrace::commands {
namespace {

using testing::ElementsAre;

void nothing(CommandContext&) {}

CommandSpec row(std::string_view name, uint32_t flags = 0, std::string_view categories = "") {
  return {.name = name,
          .arity = -1,
          .flags = flags,
          .categories = categories,
          .group = "generic",
          .since = "1.0.0",
          .summary = "Does nothing.",
          .handler = nothing};
}

std::vector<CommandSpec> small_family() {
  CommandSpec client = row("client");
  client.subcommands = {row("list"), row("kill")};
  CommandSpec config = row("config");
  config.subcommands = {row("get")};
  return {row("xadd"), client, config, row("list")};
}

TEST(CommandTable, FindsNamesInAnyCase) {
  const CommandTable table(small_family());
  for (const char* name : {"xadd", "XADD", "xAdD"}) {
    ASSERT_NE(table.find(name), nullptr) << name;
    EXPECT_EQ(table.find(name)->full_name, "xadd");
  }
  for (const char* name : {"", "xad", "xaddx",
                           "x\x01"
                           "dd",
                           "get", "client|list", "[add", "xad\x04"}) {
    EXPECT_EQ(table.find(name), nullptr) << name;
  }
  EXPECT_EQ(table.find(std::string(1000, 'x')), nullptr);
  EXPECT_EQ(table.find(std::string_view("xadd\0", 5)), nullptr) << "padding is part of no name";
}

// Every byte but A-Z stays itself: '[' is not '{', '@' not '`'.
TEST(CommandTable, OnlyLettersHaveTwoCases) {
  const CommandTable table({row("a{`z")});
  EXPECT_NE(table.find("A{`Z"), nullptr);
  EXPECT_EQ(table.find("A[`Z"), nullptr);
  EXPECT_EQ(table.find("A{@Z"), nullptr);
  EXPECT_EQ(table.find("\xC1{`z"), nullptr);
}

TEST(CommandTable, SubcommandsBelongToTheirContainer) {
  const CommandTable table(small_family());
  const CommandSpec& client = *table.find("client");
  const CommandSpec& config = *table.find("CONFIG");
  EXPECT_EQ(table.find_subcommand(client, "KILL")->full_name, "client|kill");
  EXPECT_EQ(table.find_subcommand(client, "get"), nullptr);
  EXPECT_EQ(table.find_subcommand(config, "get")->parent, &config);
  EXPECT_EQ(table.find("list")->full_name, "list");
}

TEST(CommandTable, NumbersEveryRowOnce) {
  const CommandTable table(small_family());
  ASSERT_EQ(table.count(), 7u);
  std::set<std::string> names;
  for (uint32_t i = 0; i < table.count(); ++i) {
    EXPECT_EQ(table.by_index(i).index, i);
    EXPECT_EQ(table.by_index(i).table, &table);
    names.insert(table.by_index(i).full_name);
  }
  EXPECT_EQ(names.size(), 7u);
}

TEST(CommandTableDeathTest, RefusesRowsThatDoNotHoldTogether) {
  CommandSpec bad_syntax = row("a");
  bad_syntax.syntax = "key:kee";
  EXPECT_DEATH(CommandTable({bad_syntax}), "CHECK");
  EXPECT_DEATH(CommandTable({row("a"), row("a")}), "CHECK");
  EXPECT_DEATH(CommandTable({row("Upper")}), "CHECK");
  EXPECT_DEATH(CommandTable({row("a", 0, "no-such-category")}), "CHECK");
  CommandSpec bad_key_flags = row("a");
  bad_key_flags.keys = {{.flags = "RO ACCESS"}};
  EXPECT_DEATH(CommandTable({bad_key_flags}), "CHECK");
  CommandSpec no_handler = row("a");
  no_handler.handler = nullptr;
  EXPECT_DEATH(CommandTable({no_handler}), "CHECK");
}

TEST(AclCategories, FollowFromTheFlags) {
  EXPECT_THAT(acl_categories(row("a", kWrite | kFast, "stream")), ElementsAre("write", "stream", "fast"));
  EXPECT_THAT(acl_categories(row("a", kReadonly | kBlocking, "stream")),
              ElementsAre("read", "stream", "slow", "blocking"));
  EXPECT_THAT(acl_categories(row("a", kAdmin, "connection")), ElementsAre("admin", "slow", "dangerous", "connection"));
  EXPECT_THAT(acl_categories(row("a", kReadonly, "scripting")), ElementsAre("slow", "scripting"));
}

TEST(SplitWords, LeavesEmptyWordsOut) {
  EXPECT_THAT(split_words(",a,,bc,", ','), ElementsAre("a", "bc"));
  EXPECT_TRUE(split_words("", ',').empty());
}

TEST(Usage, ReadsLikeAManual) {
  CommandSpec spec = row("xadd");
  spec.syntax =
      "key:key [nomkstream=NOMKSTREAM] [trim{strategy<maxlen=MAXLEN|minid=MINID> threshold:string "
      "[count=LIMIT:integer]}] "
      "field_value{field:string value:string}... [prefix=PREFIX:string...=]";
  const CommandTable table({spec});
  EXPECT_EQ(usage_of(*table.find("xadd")),
            "<key> [NOMKSTREAM] [(MAXLEN|MINID) <threshold> [LIMIT <count>]] <field> <value> [<field> <value> ...] "
            "[PREFIX <prefix> [PREFIX <prefix> ...]]");
}

// ---- all rows of the server

class AllRows : public testing::Test {
 protected:
  template <typename Look>
  void for_each(Look look) {
    for (uint32_t i = 0; i < table.count(); ++i) look(table.by_index(i));
  }
  CommandTable table;
};

TEST_F(AllRows, SayWhatTheyAre) {
  for_each([](const CommandSpec& spec) {
    EXPECT_TRUE(spec.handler != nullptr || !spec.subcommands.empty()) << spec.full_name;
    EXPECT_FALSE(spec.summary.empty() || spec.since.empty() || spec.group.empty()) << spec.full_name;
    const bool has_none = spec.full_name == "lolwut" || spec.full_name == "monitor";
    EXPECT_TRUE(!spec.complexity.empty() || has_none) << spec.full_name;
  });
}

TEST_F(AllRows, LeaveRoomForTheirKeysAndNames) {
  for_each([](const CommandSpec& spec) {
    const int required = std::abs(spec.arity);
    EXPECT_GE(required, spec.parent == nullptr ? 1 : 2) << spec.full_name;
    for (const KeySpec& key : spec.keys) {
      if (key.flags == "not_key") continue;  // shard channels, of which SUNSUBSCRIBE needs none
      EXPECT_TRUE(key.begin == KeySpec::Begin::kKeyword || key.begin_index < required) << spec.full_name;
    }
  });
}

// A command that reads or writes keys says where they are; every key argument belongs to a key specification.
TEST_F(AllRows, KeyArgumentsBelongToKeySpecifications) {
  for_each([](const CommandSpec& spec) {
    for (const Argument& argument : spec.arguments) {
      if (argument.type != ArgumentType::kKey) continue;
      EXPECT_LT(static_cast<size_t>(argument.key_spec_index), spec.keys.size()) << spec.full_name;
    }
    const bool writes_streams = (spec.flags & kWrite) != 0 && spec.group == "stream";
    EXPECT_TRUE(!writes_streams || !spec.keys.empty()) << spec.full_name;
  });
}

TEST_F(AllRows, EveryContainerHasHelp) {
  for (const CommandSpec& spec : table.rows()) {
    EXPECT_TRUE(spec.subcommands.empty() || table.find_subcommand(spec, "HELP") != nullptr) << spec.full_name;
  }
}

}  // namespace
}  // namespace millrace::commands
