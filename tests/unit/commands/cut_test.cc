// Whatever changes a key between the start of a cut and its walk: the cut hands out what was there before. Every
// command that writes has a case here; and what changes keys without being asked for.
#include "keyspace/cut.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/random_stream.h"
#include "unit/commands/stream_fixture.h"

namespace millrace::tests {
namespace {

using Lines = std::vector<std::string_view>;
using Contents = std::map<std::pair<int, std::string>, std::string>;

const Lines kStream = {"XADD s 1-1 f v", "XADD s 2-1 f v", "XADD s 3-1 f v"};
const Lines kTwoStreams = {"XADD s 1-1 f v", "XADD t 2-1 f v"};
const Lines kOtherStream = {"XADD t 2-1 f v"};
const Lines kGroup = {"XADD s 1-1 f v", "XADD s 2-1 f v", "XGROUP CREATE s g 0", "XGROUP CREATECONSUMER s g a"};
// The entries 1-1 and 2-1 are pending at consumer a.
const Lines kPending = {"XADD s 1-1 f v", "XADD s 2-1 f v", "XGROUP CREATE s g 0", "XREADGROUP GROUP g a STREAMS s >"};
const Lines kPendingAndDeleted = {"XADD s 1-1 f v", "XGROUP CREATE s g 0", "XREADGROUP GROUP g a STREAMS s >",
                                  "XDEL s 1-1"};
const Lines kProduced = {"XADD s IDMP p i * f v"};
const Lines kText = {"SET s text"};
const Lines kNumber = {"SET s 10 EX 100"};
const Lines kTwoTexts = {"SET s text", "SET t 7"};
const Lines kVolatile = {"XADD s 1-1 f v", "EXPIRE s 100"};
const Lines kExpiring = {"XADD s 1-1 f v", "PEXPIRE s 5"};

struct Case {
  std::string_view name;  // of the command
  const Lines& given;
  std::string_view command;  // {t} is what DUMP t returns
};

const Case kCases[] = {
    {"xadd", kStream, "XADD s * f v"},
    {"xadd", kStream, "XADD s MAXLEN 1 * f v"},
    {"xadd", kProduced, "XADD s IDMP p i * f v"},
    {"xadd", kOtherStream, "XADD s * f v"},
    {"xtrim", kStream, "XTRIM s MAXLEN 1"},
    {"xsetid", kStream, "XSETID s 9-9 ENTRIESADDED 30 MAXDELETEDID 8-8"},
    {"xcfgset", kProduced, "XCFGSET s IDMP-MAXSIZE 5"},
    {"xidmprecord", kStream, "XIDMPRECORD s p i 1-1"},
    {"xdel", kStream, "XDEL s 2-1"},
    {"xdelex", kPending, "XDELEX s DELREF IDS 1 1-1"},
    {"xackdel", kPending, "XACKDEL s g IDS 1 1-1"},
    {"xreadgroup", kGroup, "XREADGROUP GROUP g a STREAMS s >"},
    {"xreadgroup", kGroup, "XREADGROUP GROUP g a NOACK STREAMS s >"},
    {"xreadgroup", kGroup, "XREADGROUP GROUP g new COUNT 1 STREAMS s >"},
    {"xreadgroup", kPending, "XREADGROUP GROUP g a STREAMS s 0"},
    {"xreadgroup", kPending, "XREADGROUP GROUP g a STREAMS s >"},
    {"xreadgroup", kPending, "XREADGROUP GROUP g b CLAIM 1 STREAMS s >"},
    {"xreadgroup", kPending, "XREADGROUP GROUP g a BLOCK 0 STREAMS s >"},
    {"xack", kPending, "XACK s g 1-1"},
    {"xnack", kPending, "XNACK s g FAIL IDS 1 1-1"},
    {"xclaim", kPending, "XCLAIM s g b 0 1-1"},
    {"xclaim", kPending, "XCLAIM s g a 0 1-1 JUSTID"},
    {"xclaim", kGroup, "XCLAIM s g a 0 9-9 LASTID 5-5"},
    {"xclaim", kPendingAndDeleted, "XCLAIM s g a 0 1-1"},
    {"xautoclaim", kPending, "XAUTOCLAIM s g b 0 -"},
    {"xautoclaim", kPendingAndDeleted, "XAUTOCLAIM s g a 0 -"},
    {"xgroup|create", kStream, "XGROUP CREATE s g $"},
    {"xgroup|create", kOtherStream, "XGROUP CREATE s g $ MKSTREAM"},
    {"xgroup|createconsumer", kGroup, "XGROUP CREATECONSUMER s g new"},
    {"xgroup|delconsumer", kPending, "XGROUP DELCONSUMER s g a"},
    {"xgroup|destroy", kPending, "XGROUP DESTROY s g"},
    {"xgroup|setid", kPending, "XGROUP SETID s g 1-1"},
    {"del", kTwoStreams, "DEL s t"},
    {"unlink", kTwoStreams, "UNLINK s"},
    {"expire", kStream, "EXPIRE s 100"},
    {"expire", kStream, "EXPIRE s -1"},
    {"pexpire", kVolatile, "PEXPIRE s 100"},
    {"expireat", kStream, "EXPIREAT s 3000000000"},
    {"pexpireat", kStream, "PEXPIREAT s 3000000000000"},
    {"persist", kVolatile, "PERSIST s"},
    {"rename", kTwoStreams, "RENAME s t"},
    {"rename", kVolatile, "RENAME s t"},
    {"renamenx", kStream, "RENAMENX s t"},
    {"copy", kTwoStreams, "COPY s t REPLACE"},
    {"copy", kStream, "COPY s s DB 1"},
    {"restore", kTwoStreams, "RESTORE s 0 {t} REPLACE"},
    {"restore", kOtherStream, "RESTORE s 0 {t}"},
    {"move", kVolatile, "MOVE s 1"},
    {"swapdb", kTwoStreams, "SWAPDB 0 1"},
    {"set", kText, "SET s other"},
    {"set", kNumber, "SET s 11 KEEPTTL"},
    {"set", kStream, "SET s text"},
    {"setnx", kOtherStream, "SETNX s text"},
    {"setex", kText, "SETEX s 100 other"},
    {"psetex", kText, "PSETEX s 100 other"},
    {"getset", kNumber, "GETSET s other"},
    {"getdel", kTwoTexts, "GETDEL s"},
    {"getex", kNumber, "GETEX s PERSIST"},
    {"mset", kTwoTexts, "MSET s 1 t 2"},
    {"msetnx", kOtherStream, "MSETNX s 1 u 2"},
    {"incr", kNumber, "INCR s"},
    {"decr", kNumber, "DECR s"},
    {"incrby", kNumber, "INCRBY s 5"},
    {"decrby", kNumber, "DECRBY s 5"},
    {"incrbyfloat", kNumber, "INCRBYFLOAT s 0.5"},
    {"append", kText, "APPEND s more"},
    {"setrange", kText, "SETRANGE s 2 xx"},
    {"flushdb", kTwoStreams, "FLUSHDB"},
    {"flushall", kTwoStreams, "FLUSHALL"},
};

class CutCommandTest : public StreamCommandTest {
 protected:
  using StreamCommandTest::executor;

  // What is there now: entries, groups, pending records, records of producers and expiry, of each key.
  Contents live() {
    keyspace::PartitionLocks locks(server.keyspace);
    locks.hold_all();
    keyspace::KeyEvents events;
    Contents contents;
    for (int index = 0; index < server.keyspace.database_count(); ++index) {
      keyspace::Database(server.keyspace, index, now, events).for_each([&](const keyspace::KeyEntry& entry) {
        contents[{index, entry.key}] = content_of(entry.expire_at_ms, entry.value);
      });
    }
    return contents;
  }
  void start_cut() {
    keyspace::PartitionLocks locks(server.keyspace);
    locks.hold_all();
    cut_.start(now);
  }
  Contents take_cut() {
    Contents contents;
    keyspace::PartitionLocks locks(server.keyspace);
    for (keyspace::PartitionIndex i = 0; i < server.keyspace.partition_count(); ++i) {
      std::vector<keyspace::CutItem> items;
      locks.hold_one(i);
      EXPECT_TRUE(cut_.take(i, 1000, items));
      locks.release();
      for (const keyspace::CutItem& item : items) {
        const std::string content = content_of(item.expire_at_ms, item.value);
        EXPECT_TRUE(contents.emplace(std::pair(item.database, item.key), content).second) << item.key;
      }
    }
    cut_.finish(locks);
    return contents;
  }

  void expect_untouched_by(const Case& test) {
    SCOPED_TRACE(test.command);
    given(test.given);
    pass_ms(1);
    std::vector<std::string> words = words_of(test.command);
    const Contents before = live();
    start_cut();
    const std::string reply = run(words);
    EXPECT_FALSE(reply.starts_with('-')) << reply;
    EXPECT_NE(live(), before) << "the command changes nothing";
    EXPECT_EQ(take_cut(), before);
  }

 private:
  static std::string content_of(int64_t expire_at_ms, const keyspace::Value& value) {
    const std::string until = "until " + std::to_string(expire_at_ms) + ": ";
    if (value.stream() != nullptr) return until + test::content_of(*value.stream());
    keyspace::StringValue::Digits digits;
    return until + std::string(value.string()->text(digits));
  }
  std::vector<std::string> words_of(std::string_view line) {
    std::vector<std::string> words;
    while (!line.empty()) {
      words.emplace_back(line.substr(0, line.find(' ')));
      line.remove_prefix(std::min(line.size(), words.back().size() + 1));
      if (words.back() == "{t}") words.back() = dump_of_t();
    }
    return words;
  }
  std::string dump_of_t() {
    const std::string reply = run("DUMP t");
    const size_t start = reply.find("\r\n") + 2;
    return reply.substr(start, reply.size() - start - 2);
  }

  keyspace::Cut cut_{server.keyspace};
};

class CutCommand : public CutCommandTest, public testing::WithParamInterface<Case> {};

TEST_P(CutCommand, LeavesTheCutAsItWas) {
  expect_untouched_by(GetParam());
}
INSTANTIATE_TEST_SUITE_P(EveryWrite, CutCommand, testing::ValuesIn(kCases));

TEST(CutCommands, AreAllThatWrite) {
  std::vector<const commands::CommandSpec*> writing;
  const commands::CommandTable table;
  for (uint32_t i = 0; i < table.count(); ++i) {
    const commands::CommandSpec& spec = table.by_index(i);
    if ((spec.flags & commands::kWrite) != 0 && spec.handler != nullptr) writing.push_back(&spec);
  }
  EXPECT_GT(writing.size(), 20u);
  for (const commands::CommandSpec* spec : writing) {
    EXPECT_TRUE(std::ranges::any_of(kCases, [&](const Case& test) { return test.name == spec->full_name; }))
        << spec->full_name << " has no case";
  }
  for (const Case& test : kCases) {
    EXPECT_TRUE(std::ranges::any_of(writing, [&](const auto* spec) { return spec->full_name == test.name; }))
        << test.name;
  }
}

// ---- changes that no command of the moment asks for

TEST_F(CutCommandTest, ABlockedReaderThatIsAnswered) {
  given(kPending);
  run("XREADGROUP GROUP g b BLOCK 0 STREAMS s >");
  const Contents before = live();
  start_cut();
  run("XADD s * f v");
  EXPECT_EQ(take_woken().size(), 1u);
  EXPECT_EQ(take_cut(), before);
}

TEST_F(CutCommandTest, ABlockedReaderThatTimeAnswers) {
  given(kPending);
  run("XREADGROUP GROUP g b BLOCK 0 CLAIM 100 STREAMS s >");
  const Contents before = live();
  start_cut();
  pass_ms(200);
  look_again();
  EXPECT_EQ(take_woken().size(), 1u);
  EXPECT_NE(live(), before);
  EXPECT_EQ(take_cut(), before);
}

TEST_F(CutCommandTest, ABlockedReaderOfAKeyThatComes) {
  run("XREAD BLOCK 0 STREAMS s $");
  start_cut();
  run("XADD s * f v");
  EXPECT_EQ(take_woken().size(), 1u);
  EXPECT_EQ(take_cut(), Contents());
}

TEST_F(CutCommandTest, AKeyThatExpiresByItself) {
  given(kExpiring);
  const Contents before = live();
  start_cut();
  pass_ms(50);
  for (keyspace::PartitionIndex i = 0; i < server.keyspace.partition_count(); ++i) executor.expire(i, now, 100);
  EXPECT_EQ(live(), Contents());
  EXPECT_EQ(take_cut(), before);
}

TEST_F(CutCommandTest, AKeyThatAReaderFindsExpired) {
  given(kExpiring);
  const Contents before = live();
  start_cut();
  pass_ms(50);
  expect("XLEN s", ":0");
  EXPECT_EQ(take_cut(), before);
}

TEST_F(CutCommandTest, RecordsOfProducersThatGrowOld) {
  given(kProduced);
  const Contents before = live();
  start_cut();
  pass_ms(1'000'000);
  for (keyspace::PartitionIndex i = 0; i < server.keyspace.partition_count(); ++i) executor.expire(i, now, 100);
  EXPECT_NE(live(), before);
  EXPECT_EQ(take_cut(), before);
}

TEST_F(CutCommandTest, ReadersChangeNothingAndCostNothing) {
  given(kPending);
  const Contents before = live();
  start_cut();
  for (const std::string_view line : {"XRANGE s - +",
                                      "XREVRANGE s + -",
                                      "XLEN s",
                                      "XREAD STREAMS s 0",
                                      "XPENDING s g",
                                      "XPENDING s g - + 10",
                                      "XINFO STREAM s FULL",
                                      "XINFO GROUPS s",
                                      "XINFO CONSUMERS s g",
                                      "TYPE s",
                                      "TTL s",
                                      "EXISTS s",
                                      "TOUCH s",
                                      "KEYS *",
                                      "SCAN 0",
                                      "RANDOMKEY",
                                      "DBSIZE",
                                      "DUMP s",
                                      "MEMORY USAGE s",
                                      "OBJECT ENCODING s"}) {
    const std::string reply = run(line);
    EXPECT_FALSE(reply.starts_with('-')) << line << ": " << reply;
  }
  size_t preserved_bytes = 0;
  for (keyspace::PartitionIndex i = 0; i < server.keyspace.partition_count(); ++i) {
    preserved_bytes += server.keyspace.partition(i).preserved_bytes();
  }
  EXPECT_EQ(preserved_bytes, 0u);
  EXPECT_EQ(take_cut(), before);
}

}  // namespace
}  // namespace millrace::tests
