// The reader of a journal against a plain list, and on files that servers wrote.
#include "persistence/journal_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"
#include "journal_file.h"
#include "random_journal.h"

namespace millrace::persistence {
namespace {

// Text with LF as it stands in a file.
std::string with_line_ends(std::string_view text) {
  std::string bytes;
  for (const char c : text) {
    if (c == '\n') bytes += '\r';
    bytes += c;
  }
  return bytes;
}

// By Redis 8.0 (development): a group, a delivery of two entries as a transaction, another database, an expiry.
constexpr std::string_view kRedis8 =
    "*2\n$6\nSELECT\n$1\n0\n"
    "*1\n$8\nflushall\n"
    "*9\n$4\nxadd\n$6\norders\n$15\n1700000000007-1\n$3\nsku\n$5\nsku-1\n$3\nqty\n$1\n1\n$4\nnote\n$24\nline 1 of the "
    "order book\n"
    "*5\n$6\nxgroup\n$6\ncreate\n$6\norders\n$7\nbilling\n$1\n0\n"
    "*1\n$5\nMULTI\n"
    "*14\n$6\nXCLAIM\n$6\norders\n$7\nbilling\n$5\nalice\n$1\n0\n$15\n1700000000007-1\n$4\nTIME\n$13\n1795218612137\n$"
    "10\nRETRYCOUNT\n$1\n1\n$5\nFORCE\n$6\nJUSTID\n$6\nLASTID\n$15\n1700000000007-1\n"
    "*14\n$6\nXCLAIM\n$6\norders\n$7\nbilling\n$5\nalice\n$1\n0\n$15\n1700000000014-2\n$4\nTIME\n$13\n1795218612137\n$"
    "10\nRETRYCOUNT\n$1\n1\n$5\nFORCE\n$6\nJUSTID\n$6\nLASTID\n$15\n1700000000014-2\n"
    "*1\n$4\nEXEC\n"
    "*6\n$4\nxack\n$6\norders\n$7\nbilling\n$15\n1700000000007-1\n$15\n1700000000014-2\n$15\n1700000000021-0\n"
    "*2\n$6\nSELECT\n$1\n3\n"
    "*5\n$4\nxadd\n$7\nin-db-3\n$3\n9-9\n$1\nk\n$1\nv\n"
    "*3\n$9\npexpireat\n$8\ngreeting\n$13\n4102444800000\n";

TEST(JournalReader, WhatWasWrittenIsReadBackHoweverTheSourceIsCut) {
  Random random(1);
  for (int round = 0; round < 300; ++round) {
    const uint64_t seed = random.next();
    const RandomJournal journal(seed, {.blocks = 1 + random.below(20), .commands_max = 1 + random.below(30)});
    const size_t source_block = 1 + random.below(random.one_in(2) ? 40 : 4000);
    const auto check = check_of(journal.bytes(), source_block);
    ASSERT_EQ(verdict(check), "whole") << seed;
    ASSERT_EQ(check.commands, journal.commands().size()) << seed;
    ASSERT_EQ(check.blocks, journal.blocks().size() + 1) << seed;
    ASSERT_EQ(commands_of(journal.bytes(), check.valid_bytes, source_block), journal.commands()) << seed;
  }
}

TEST(JournalReader, ReadsUpToTheEndAndNoFurther) {
  const RandomJournal journal(2, {.blocks = 10});
  for (const WrittenBlock& block : journal.blocks()) {
    EXPECT_EQ(commands_of(journal.bytes(), block.end), journal.commands_up_to(block.commands_after));
    EXPECT_EQ(commands_of(journal.bytes() + "garbage", block.end, 13), journal.commands_up_to(block.commands_after));
  }
}

TEST(JournalReader, FailsWhereTheFileIsNotTheOneThatWasChecked) {
  const std::string command = encoded({"PING"});
  EXPECT_EQ(commands_of(command, command.size() - 1), (std::vector<Words>{{"(failed)"}}));
  EXPECT_EQ(commands_of(command, command.size() + 1), (std::vector<Words>{{"PING"}, {"(failed)"}}));
  EXPECT_EQ(commands_of(command + "x", command.size() + 1), (std::vector<Words>{{"PING"}, {"(failed)"}}));
}

TEST(JournalReader, KnowsOffsetsAndTimestamps) {
  const std::string first = encoded({"PING"});
  const std::string bytes = first + "#TS:17\r\n" + "#MR:x\r\n" + first + "#TS:18\r\n";
  constexpr uint64_t kRdbBytes = 100;
  WholeSource source(bytes);
  JournalReader reader(source, kRdbBytes + bytes.size(), {.begin = kRdbBytes});
  EXPECT_EQ(reader.next()->offset, kRdbBytes);
  EXPECT_EQ(reader.timestamp_s(), std::nullopt);
  EXPECT_EQ(reader.next()->offset, kRdbBytes + first.size() + 15);
  EXPECT_EQ(reader.timestamp_s(), 17);
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.failed());
  EXPECT_EQ(reader.timestamp_s(), 18);
  EXPECT_EQ(reader.offset(), kRdbBytes + bytes.size());
}

TEST(JournalReader, CommandsWithinABlockAreNotCopied) {
  const std::string bytes = encoded({"XADD", "s", "1-1", "field", "value"});
  WholeSource source(bytes);
  JournalReader reader(source, bytes.size(), {});
  const auto command = reader.next();
  ASSERT_TRUE(command);
  for (const std::string_view arg : command->args) {
    EXPECT_GE(arg.data(), bytes.data());
    EXPECT_LE(arg.data() + arg.size(), bytes.data() + bytes.size());
  }
}

TEST(JournalReader, LargeAndManyArgumentsSpanBlocks) {
  Words many(5000, "x");
  const Words large = {"SET", std::string(3'000'000, 'k'), "", std::string(70'000, 'v')};
  const std::string bytes = encoded(many) + encoded(large) + encoded({"PING"});
  EXPECT_EQ(verdict(check_of(bytes, 65536)), "whole");
  EXPECT_EQ(commands_of(bytes, bytes.size(), 65536), (std::vector<Words>{many, large, {"PING"}}));
}

TEST(JournalReader, AFileOfRedis8IsRead) {
  const std::string bytes = with_line_ends(kRedis8);
  const auto check = check_of(bytes);
  EXPECT_EQ(verdict(check), "whole");
  EXPECT_EQ(check.commands, 12u);
  EXPECT_EQ(commands_of(bytes, check.valid_bytes),
            (std::vector<Words>{
                {"SELECT", "0"},
                {"flushall"},
                {"xadd", "orders", "1700000000007-1", "sku", "sku-1", "qty", "1", "note", "line 1 of the order book"},
                {"xgroup", "create", "orders", "billing", "0"},
                {"MULTI"},
                {"XCLAIM", "orders", "billing", "alice", "0", "1700000000007-1", "TIME", "1795218612137", "RETRYCOUNT",
                 "1", "FORCE", "JUSTID", "LASTID", "1700000000007-1"},
                {"XCLAIM", "orders", "billing", "alice", "0", "1700000000014-2", "TIME", "1795218612137", "RETRYCOUNT",
                 "1", "FORCE", "JUSTID", "LASTID", "1700000000014-2"},
                {"EXEC"},
                {"xack", "orders", "billing", "1700000000007-1", "1700000000014-2", "1700000000021-0"},
                {"SELECT", "3"},
                {"xadd", "in-db-3", "9-9", "k", "v"},
                {"pexpireat", "greeting", "4102444800000"}}));
}

// By Redis 7.0.15 with aof-timestamp-enabled: a timestamp, a database, a transaction, another database.
TEST(JournalReader, AFileOfRedis7IsRead) {
  const std::string bytes = with_line_ends(
      "#TS:1795242879\n*2\n$6\nSELECT\n$1\n0\n*1\n$5\nMULTI\n*3\n$3\nSET\n$1\na\n$1\n1\n"
      "*5\n$4\nXADD\n$1\ns\n$15\n1795242879817-0\n$1\nf\n$1\nv\n*1\n$4\nEXEC\n"
      "*2\n$6\nSELECT\n$1\n3\n*3\n$3\nSET\n$1\nb\n$1\n2\n");
  const auto check = check_of(bytes);
  EXPECT_EQ(verdict(check), "whole");
  EXPECT_EQ(commands_of(bytes, check.valid_bytes), (std::vector<Words>{{"SELECT", "0"},
                                                                       {"MULTI"},
                                                                       {"SET", "a", "1"},
                                                                       {"XADD", "s", "1795242879817-0", "f", "v"},
                                                                       {"EXEC"},
                                                                       {"SELECT", "3"},
                                                                       {"SET", "b", "2"}}));
}

}  // namespace
}  // namespace millrace::persistence
