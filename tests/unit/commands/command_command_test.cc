// COMMAND in both protocols. The expected bytes are those of redis-server 7.0.15.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "unit/commands/command_stage.h"

namespace millrace::commands {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class CommandCommand : public testing::Test, protected CommandStage {};

// Lines instead of CR LF, for the eye.
std::string lines(std::string bytes) {
  std::string text;
  for (const char c : bytes) {
    if (c == '\r') continue;
    text += c == '\n' ? ' ' : c;
  }
  return text;
}

TEST_F(CommandCommand, InfoInBothProtocols) {
  EXPECT_EQ(lines(run("COMMAND INFO xlen nosuch")),
            "*2 *10 $4 xlen :2 *2 +readonly +fast :1 :1 :1 *3 +@read +@stream +@fast *0 *1 *6 $5 flags *1 +RO $12 "
            "begin_search *4 $4 type $5 index $4 spec *2 $5 index :1 $9 find_keys *4 $4 type $5 range $4 spec *6 $7 "
            "lastkey :0 $7 keystep :1 $5 limit :0 *0 $-1 ");
  run("HELLO 3");
  EXPECT_EQ(lines(run("COMMAND INFO XLEN nosuch")),
            "*2 *10 $4 xlen :2 ~2 +readonly +fast :1 :1 :1 ~3 +@read +@stream +@fast ~0 ~1 %3 $5 flags ~1 +RO $12 "
            "begin_search %2 $4 type $5 index $4 spec %1 $5 index :1 $9 find_keys %2 $4 type $5 range $4 spec %3 $7 "
            "lastkey :0 $7 keystep :1 $5 limit :0 ~0 _ ");
}

TEST_F(CommandCommand, InfoOfSubcommandsAndTips) {
  EXPECT_EQ(
      lines(run("COMMAND INFO CONFIG|SET config|foo")),
      "*2 *10 $10 config|set :-4 *4 +admin +noscript +loading +stale :0 :0 :0 *3 +@admin +@slow +@dangerous *2 $24 "
      "request_policy:all_nodes $29 response_policy:all_succeeded *0 *0 $-1 ");
  EXPECT_THAT(lines(run("COMMAND INFO memory")), HasSubstr("*0 *0 *6 *10 $12 memory|usage :-3 *1 +readonly :2 :2 :1 "));
}

TEST_F(CommandCommand, TheOldKeyRangeJoinsNeighbours) {
  EXPECT_THAT(lines(run("COMMAND INFO rename")), HasSubstr(" :1 :2 :1 "));
  EXPECT_THAT(lines(run("COMMAND INFO del")), HasSubstr(" :1 :-1 :1 "));
  EXPECT_THAT(lines(run("COMMAND INFO xread")), HasSubstr("+movablekeys :0 :0 :0 "));
}

TEST_F(CommandCommand, DocsLeavesOutTheUnknown) {
  EXPECT_EQ(run("COMMAND DOCS nosuch"), "*0\r\n");
  const std::string usage = lines(run("COMMAND DOCS memory|usage nosuch"));
  EXPECT_THAT(usage, StartsWith("*2 $12 memory|usage *10 $7 summary "));
  EXPECT_THAT(usage, HasSubstr("$9 arguments *2 *6 $4 name $3 key $4 type $3 key $14 key_spec_index :0 *8 $4 name $5 "
                               "count $4 type $7 integer $5 token $7 SAMPLES $5 flags *1 +optional "));
  run("HELLO 3");
  EXPECT_THAT(lines(run("COMMAND DOCS debug")), HasSubstr("$9 doc_flags ~1 +syscmd "));
  EXPECT_THAT(lines(run("COMMAND DOCS config")), HasSubstr("$11 subcommands %5 $10 config|get %5 "));
}

TEST_F(CommandCommand, CountsRowsAndListsSubcommandsToo) {
  EXPECT_EQ(run("COMMAND COUNT"), ":" + std::to_string(table.rows().size()) + "\r\n");
  EXPECT_THAT(run("COMMAND LIST"), StartsWith("*" + std::to_string(table.count()) + "\r\n"));
  EXPECT_THAT(run("COMMAND"), StartsWith("*" + std::to_string(table.rows().size()) + "\r\n"));
}

TEST_F(CommandCommand, ListFilters) {
  EXPECT_EQ(run("COMMAND LIST FILTERBY PATTERN XADD"), "*1\r\n$4\r\nxadd\r\n");
  EXPECT_EQ(run("COMMAND LIST FILTERBY PATTERN client|s*t*"),
            "*2\r\n$14\r\nclient|setname\r\n$14\r\nclient|setinfo\r\n");
  EXPECT_EQ(run("COMMAND LIST FILTERBY MODULE x"), "*0\r\n");
  EXPECT_EQ(run("COMMAND LIST FILTERBY ACLCAT nosuch"), "*0\r\n");
  EXPECT_THAT(run("COMMAND LIST FILTERBY ACLCAT BLOCKING"), HasSubstr("xreadgroup"));
  for (const char* line : {"COMMAND LIST FILTERBY", "COMMAND LIST FILTERBY ACLCAT", "COMMAND LIST FILTERBY foo bar",
                           "COMMAND LIST x y z"}) {
    EXPECT_EQ(run(line), "-ERR syntax error\r\n") << line;
  }
}

TEST_F(CommandCommand, GetKeys) {
  EXPECT_EQ(lines(run("COMMAND GETKEYS xread count 2 streams a b 0 0")), "*2 $1 a $1 b ");
  EXPECT_EQ(lines(run("COMMAND GETKEYS xinfo stream foo")), "*1 $3 foo ");
  EXPECT_EQ(lines(run("COMMAND GETKEYSANDFLAGS rename a b")),
            "*2 *2 $1 a *3 +RW +access +delete *2 $1 b *2 +OW +update ");
  EXPECT_EQ(run("COMMAND GETKEYS foo a"), "-ERR Invalid command specified\r\n");
  EXPECT_EQ(run("COMMAND GETKEYS xinfo foo a"), "-ERR Invalid command specified\r\n");
  EXPECT_EQ(run("COMMAND GETKEYS ping a"), "-ERR The command has no key arguments\r\n");
  EXPECT_EQ(run("COMMAND GETKEYS xadd a"), "-ERR Invalid number of arguments specified for command\r\n");
  EXPECT_EQ(run("COMMAND GETKEYS xread block 5 streams a b c"), "-ERR Invalid arguments specified for command\r\n");
  EXPECT_EQ(run("COMMAND GETKEYS"), "-ERR wrong number of arguments for 'command|getkeys' command\r\n");
}

}  // namespace
}  // namespace millrace::commands
