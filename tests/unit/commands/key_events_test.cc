// What each command notes for others: the keyspace events it raises, in order, and the keys whose cached copies it
// makes stale. Handlers run directly, on key events of the test's own. What redis-server 7.0 can raise as well is
// compared with it in tests/comparison/notifications_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "commands/publication.h"
#include "keyspace/partition_locks.h"
#include "unit/commands/command_stage.h"

namespace millrace::tests {
namespace {

using Lines = std::vector<std::string_view>;

const Lines kNothing = {};
const Lines kStream = {"XADD s 1-1 f v", "XADD s 2-1 f v", "XADD s 3-1 f v"};
const Lines kTwoStreams = {"XADD s 1-1 f v", "XADD t 1-1 f v"};
const Lines kGroup = {"XADD s 1-1 f v", "XADD s 2-1 f v", "XGROUP CREATE s g 0"};
// The entries 1-1 and 2-1 are pending at consumer a.
const Lines kPending = {"XADD s 1-1 f v", "XADD s 2-1 f v", "XGROUP CREATE s g 0", "XREADGROUP GROUP g a STREAMS s >"};
const Lines kPendingAndDeleted = {"XADD s 1-1 f v", "XGROUP CREATE s g 0", "XREADGROUP GROUP g a STREAMS s >",
                                  "XDEL s 1-1"};
const Lines kProduced = {"XADD s IDMP p i * f v"};
const Lines kVolatile = {"XADD s 1-1 f v", "EXPIRE s 100"};
// The time of s has come before the command under test runs.
const Lines kExpired = {"XADD t 1-1 f v", "XADD s 1-1 f v", "PEXPIRE s 5"};
const Lines kInBothDatabases = {"XADD s 1-1 f v", "COPY s s DB 1"};

struct Case {
  const Lines& given;
  std::string_view command;
  std::string_view events;    // "event [database/]key", separated by ", "
  std::string_view modified;  // keys, separated by blanks
};

void PrintTo(const Case& test, std::ostream* out) {
  for (const std::string_view line : test.given) *out << line << "; ";
  *out << test.command;
}

// Runs one command's handler and says what it noted.
class Noting : private commands::CommandStage {
 public:
  explicit Noting(const Lines& given) {
    for (const std::string_view line : given) {
      const std::string reply = CommandStage::run(line);
      EXPECT_FALSE(reply.starts_with('-')) << line << ": " << reply;
    }
    pass_ms(50);
    events_.wanted_events = ~0u;
    events_.wants_modified_keys = true;
  }

  void run(std::string_view line) { run_args(split(line)); }
  void run_args(const std::vector<std::string_view>& args) {
    const commands::CommandSpec* spec = table.find(args[0]);
    if (!spec->subcommands.empty()) spec = table.find_subcommand(*spec, args[1]);
    Buffer out;
    resp::ReplyWriter reply(out, resp::Protocol::kResp2);
    Random random(1);
    keyspace::PartitionLocks locks(server.keyspace);
    if (spec->locking != commands::Locking::kSelf) locks.hold_all();
    keyspace::Database db(server.keyspace, 0, now, events_);
    commands::PublishRun publish_run(server, host);
    commands::CommandContext context{*spec, args,        *me,      server, host, reply, db,
                                     locks, publish_run, executor, random, now,  {}};
    spec->handler(context);
  }

  std::string events() const {
    std::string text;
    for (const auto& [event, place] : events_.notifications) {
      text.append(text.empty() ? "" : ", ").append(event).append(" ");
      if (place.database != 0) text += std::to_string(place.database) + "/";
      text += place.key;
    }
    return text;
  }
  std::string modified() const {
    std::string text;
    for (const std::string& key : events_.modified_keys) text.append(text.empty() ? "" : " ").append(key);
    return text;
  }
  bool was_flushed() const { return events_.was_flushed; }
  // What DUMP gives of a key.
  std::string payload_of(std::string_view key) {
    const std::string reply = CommandStage::run("DUMP " + std::string(key));
    const size_t start = reply.find("\r\n") + 2;
    return reply.substr(start, reply.size() - start - 2);
  }

 private:
  static std::vector<std::string_view> split(std::string_view line) {
    std::vector<std::string_view> words;
    while (!line.empty()) {
      words.push_back(line.substr(0, line.find(' ')));
      line.remove_prefix(std::min(line.size(), words.back().size() + 1));
    }
    return words;
  }

  keyspace::KeyEvents events_;
};

class KeyEvents : public testing::TestWithParam<Case> {};

TEST_P(KeyEvents, AreThoseOfTheTable) {
  const Case& test = GetParam();
  Noting noting(test.given);
  noting.run(test.command);
  EXPECT_EQ(noting.events(), test.events);
  EXPECT_EQ(noting.modified(), test.modified);
  EXPECT_FALSE(noting.was_flushed());
}

const Case kEntries[] = {
    {kNothing, "XADD s 5-5 f v", "new s, xadd s", "s"},
    {kStream, "XADD s 5-5 f v", "xadd s", "s"},
    {kStream, "XADD s 1-1 f v", "", ""},
    {kStream, "XADD s MAXLEN 2 5-5 f v", "xadd s, xtrim s", "s"},
    {kStream, "XADD s MAXLEN 9 5-5 f v", "xadd s", "s"},
    {kNothing, "XADD s MAXLEN 0 5-5 f v", "new s, xadd s, xtrim s", "s"},
    {kNothing, "XADD s NOMKSTREAM 5-5 f v", "", ""},
    {kNothing, "XADD s 0-0 f v", "", ""},
    {kProduced, "XADD s IDMP p i * f v", "", ""},
    {kProduced, "XADD s IDMP p j * f v", "xadd s", "s"},
    {kStream, "XTRIM s MAXLEN 1", "xtrim s", "s"},
    {kStream, "XTRIM s MAXLEN 9", "", ""},
    {kNothing, "XTRIM s MAXLEN 1", "", ""},
    {kStream, "XDEL s 1-1 2-1 3-1", "xdel s", "s"},
    {kStream, "XDEL s 9-9", "", ""},
    {kNothing, "XDEL s 9-9", "", ""},
    {kPending, "XDELEX s IDS 2 1-1 2-1", "xdel s", "s"},
    {kPending, "XDELEX s ACKED IDS 2 1-1 2-1", "", ""},
    {kPendingAndDeleted, "XDELEX s DELREF IDS 1 1-1", "", ""},
    {kNothing, "XDELEX s IDS 1 1-1", "", ""},
    {kPending, "XACKDEL s g IDS 2 1-1 2-1", "xdel s", "s"},
    {kPending, "XACKDEL s g IDS 1 9-9", "", ""},
    {kPendingAndDeleted, "XACKDEL s g IDS 1 1-1", "", ""},
    {kNothing, "XACKDEL s g IDS 1 1-1", "keymiss s", ""},
    {kStream, "XSETID s 9-9", "xsetid s", ""},
    {kStream, "XSETID s 1-1", "", ""},
    {kNothing, "XSETID s 9-9", "", ""},
    {kStream, "XCFGSET s IDMP-MAXSIZE 5", "", ""},
    {kStream, "XIDMPRECORD s p i 1-1", "", ""},
};
INSTANTIATE_TEST_SUITE_P(OfEntries, KeyEvents, testing::ValuesIn(kEntries));

const Case kGroups[] = {
    {kStream, "XGROUP CREATE s g 0", "xgroup-create s", ""},
    {kStream, "XGROUP CREATE s g 0 MKSTREAM", "xgroup-create s", ""},
    {kNothing, "XGROUP CREATE s g 0 MKSTREAM", "new s, xgroup-create s", "s"},
    {kNothing, "XGROUP CREATE s g 0", "", ""},
    {kGroup, "XGROUP CREATE s g 0", "", ""},
    {kGroup, "XGROUP SETID s g 0", "xgroup-setid s", ""},
    {kStream, "XGROUP SETID s g 0", "", ""},
    {kGroup, "XGROUP DESTROY s g", "xgroup-destroy s", ""},
    {kStream, "XGROUP DESTROY s g", "", ""},
    {kGroup, "XGROUP CREATECONSUMER s g a", "xgroup-createconsumer s", ""},
    {kPending, "XGROUP CREATECONSUMER s g a", "", ""},
    {kPending, "XGROUP DELCONSUMER s g a", "xgroup-delconsumer s", ""},
    {kPending, "XGROUP DELCONSUMER s g b", "", ""},
    {kGroup, "XREADGROUP GROUP g a STREAMS s >", "xgroup-createconsumer s", ""},
    {kGroup, "XREADGROUP GROUP g a NOACK STREAMS s >", "xgroup-createconsumer s", ""},
    {kPending, "XREADGROUP GROUP g a STREAMS s >", "", ""},
    {kPending, "XREADGROUP GROUP g a STREAMS s 0", "", ""},
    {kPending, "XREADGROUP GROUP g b STREAMS s 0", "xgroup-createconsumer s", ""},
    {kNothing, "XREADGROUP GROUP g a STREAMS s >", "keymiss s", ""},
    {kPending, "XACK s g 1-1", "", ""},
    {kNothing, "XACK s g 1-1", "keymiss s", ""},
    {kPending, "XNACK s g FAIL IDS 1 1-1", "", ""},
    {kPending, "XCLAIM s g b 0 1-1", "xgroup-createconsumer s", ""},
    {kPending, "XCLAIM s g a 0 1-1", "", ""},
    {kNothing, "XCLAIM s g b 0 1-1", "keymiss s", ""},
    {kPending, "XAUTOCLAIM s g b 0 0", "xgroup-createconsumer s", ""},
    {kPending, "XAUTOCLAIM s g a 0 0", "", ""},
    {kNothing, "XAUTOCLAIM s g b 0 0", "keymiss s", ""},
};
INSTANTIATE_TEST_SUITE_P(OfGroups, KeyEvents, testing::ValuesIn(kGroups));

const Case kKeys[] = {
    {kTwoStreams, "DEL s x t", "del s, del t", "s t"},
    {kStream, "UNLINK s s", "del s", "s"},
    {kNothing, "DEL s", "", ""},
    {kStream, "EXPIRE s 100", "expire s", "s"},
    {kStream, "PEXPIREAT s 99999999999999", "expire s", "s"},
    {kStream, "EXPIRE s 0", "del s", "s"},
    {kStream, "EXPIREAT s 1", "del s", "s"},
    {kStream, "EXPIRE s 100 XX", "", ""},
    {kNothing, "EXPIRE s 100", "", ""},
    {kVolatile, "PERSIST s", "persist s", "s"},
    {kStream, "PERSIST s", "", ""},
    {kStream, "RENAME s t", "new t, rename_from s, rename_to t", "s t s"},
    {kTwoStreams, "RENAME s t", "new t, rename_from s, rename_to t, overwritten t", "s t s"},
    {kStream, "RENAME s s", "", ""},
    {kNothing, "RENAME s t", "", ""},
    {kStream, "RENAMENX s t", "new t, rename_from s, rename_to t", "s t s"},
    {kTwoStreams, "RENAMENX s t", "", ""},
    {kStream, "COPY s t", "new t, copy_to t", "t"},
    {kStream, "COPY s s DB 1", "new 1/s, copy_to 1/s", "s"},
    {kTwoStreams, "COPY s t", "", ""},
    {kTwoStreams, "COPY s t REPLACE", "new t, copy_to t, overwritten t", "t"},
    {kNothing, "COPY s t REPLACE", "keymiss s", ""},
    {kStream, "MOVE s 1", "new 1/s, move_from s, move_to 1/s", "s"},
    {kInBothDatabases, "MOVE s 1", "", ""},
    {kNothing, "MOVE s 1", "", ""},
};
INSTANTIATE_TEST_SUITE_P(OfKeys, KeyEvents, testing::ValuesIn(kKeys));

const Lines kString = {"SET n 5"};
const Lines kStreamAndString = {"XADD s 1-1 f v", "SET n 5"};
const Lines kVolatileString = {"SET n 5 EX 100"};
const Case kStrings[] = {
    {kNothing, "SET n 5", "new n, set n", "n"},
    {kNothing, "SET n 5 EX 100", "new n, set n, expire n", "n"},
    {kString, "SET n 6", "overwritten n, set n", "n"},
    {kString, "SET n 6 PX 100", "overwritten n, set n, expire n", "n"},
    {kVolatileString, "SET n 6", "overwritten n, set n", "n"},
    {kVolatileString, "SET n 6 KEEPTTL", "overwritten n, set n", "n"},
    {kStream, "SET s 6", "overwritten s, type_changed s, set s", "s"},
    {kString, "SET n 6 NX", "", ""},
    {kNothing, "SET n 6 XX", "", ""},
    {kNothing, "SET n 6 XX GET", "keymiss n", ""},
    {kNothing, "SET n 6 NX GET", "keymiss n, new n, set n", "n"},
    {kStream, "SET s 6 GET", "", ""},
    {kNothing, "SETNX n 5", "new n, set n", "n"},
    {kString, "SETNX n 5", "", ""},
    {kNothing, "SETEX n 100 5", "new n, set n, expire n", "n"},
    {kString, "PSETEX n 100 5", "overwritten n, set n, expire n", "n"},
    {kNothing, "GETSET n 5", "keymiss n, new n, set n", "n"},
    {kString, "GETSET n 5", "overwritten n, set n", "n"},
    {kString, "MSET n 1 m 2 n 3", "overwritten n, set n, new m, set m, overwritten n, set n", "n m n"},
    {kNothing, "MSETNX n 1 m 2", "new n, set n, new m, set m", "n m"},
    {kString, "MSETNX n 1 m 2", "", ""},
    {kString, "GETDEL n", "del n", "n"},
    {kNothing, "GETDEL n", "keymiss n", ""},
    {kString, "GETEX n", "", ""},
    {kString, "GETEX n EX 100", "expire n", "n"},
    {kString, "GETEX n PXAT 1", "del n", "n"},
    {kVolatileString, "GETEX n PERSIST", "persist n", "n"},
    {kString, "GETEX n PERSIST", "", ""},
    {kNothing, "INCR n", "new n, incrby n", "n"},
    {kString, "DECRBY n 3", "incrby n", "n"},
    {kString, "INCRBYFLOAT n 1.5", "incrbyfloat n", "n"},
    {kNothing, "APPEND n x", "new n, append n", "n"},
    {kString, "APPEND n x", "append n", "n"},
    {kNothing, "SETRANGE n 1 x", "new n, setrange n", "n"},
    {kString, "SETRANGE n 1 x", "setrange n", "n"},
    {kNothing, "MGET n m", "keymiss n, keymiss m", ""},
    {kStream, "INCR s", "", ""},
    {kExpired, "SET s 1", "expired s, new s, set s", "s"},
    {kExpired, "GET s", "expired s, keymiss s", "s"},
    {kStreamAndString, "RENAME n s", "new s, rename_from n, rename_to s, overwritten s, type_changed s", "n s n"},
    {kStreamAndString, "COPY n s REPLACE", "new s, copy_to s, overwritten s, type_changed s", "s"},
};
INSTANTIATE_TEST_SUITE_P(OfStrings, KeyEvents, testing::ValuesIn(kStrings));

// XREAD misses a key when it reads its arguments and when it serves, as Redis does. OBJECT and its like miss silently.
const Case kMisses[] = {
    {kNothing, "XREAD STREAMS s t 0 0", "keymiss s, keymiss t, keymiss s, keymiss t", ""},
    {kNothing, "XLEN s", "keymiss s", ""},
    {kNothing, "XRANGE s - +", "keymiss s", ""},
    {kNothing, "XREVRANGE s + -", "keymiss s", ""},
    {kNothing, "XPENDING s g", "keymiss s", ""},
    {kNothing, "XINFO STREAM s", "keymiss s", ""},
    {kNothing, "XINFO GROUPS s", "keymiss s", ""},
    {kNothing, "XINFO CONSUMERS s g", "keymiss s", ""},
    {kNothing, "EXISTS s s t", "keymiss s, keymiss s, keymiss t", ""},
    {kNothing, "TYPE s", "keymiss s", ""},
    {kNothing, "TTL s", "keymiss s", ""},
    {kNothing, "PEXPIRETIME s", "keymiss s", ""},
    {kNothing, "TOUCH s", "keymiss s", ""},
    {kNothing, "OBJECT ENCODING s", "", ""},
    {kNothing, "OBJECT IDLETIME s", "", ""},
    {kNothing, "MEMORY USAGE s", "", ""},
    {kNothing, "RANDOMKEY", "", ""},
};
INSTANTIATE_TEST_SUITE_P(OfMisses, KeyEvents, testing::ValuesIn(kMisses));

const Case kExpiries[] = {
    {kExpired, "XLEN s", "expired s, keymiss s", "s"},
    {kExpired, "OBJECT ENCODING s", "expired s", "s"},
    {kExpired, "XADD s 1-1 f v", "expired s, new s, xadd s", "s"},
    {kExpired, "DEL s", "expired s", "s"},
    {kExpired, "PERSIST s", "expired s", "s"},
    {kExpired, "RENAME s t", "expired s", "s"},
    {kExpired, "RENAME t s", "expired s, new s, rename_from t, rename_to s", "t s t"},
    {kExpired, "COPY t s", "expired s, new s, copy_to s", "s"},
    {kExpired, "COPY t s REPLACE", "expired s, new s, copy_to s", "s"},
    {kExpired, "COPY s x", "expired s, keymiss s", "s"},
    {kExpired, "MOVE s 1", "expired s", "s"},
    {kExpired, "KEYS *", "", ""},
    {kExpired, "DBSIZE", "", ""},
};
INSTANTIATE_TEST_SUITE_P(OfExpiries, KeyEvents, testing::ValuesIn(kExpiries));

struct RestoreCase {
  std::vector<std::string_view> before;  // RESTORE and its arguments before the payload
  std::vector<std::string_view> behind;
  std::string_view events;
  std::string_view modified;
};

TEST(KeyEventsOfRestore, AreThoseOfAKeyThatIsNewHoweverItCame) {
  const RestoreCase cases[] = {
      {{"RESTORE", "x", "0"}, {}, "new x, restore x", "x"},
      {{"RESTORE", "x", "5000"}, {}, "new x, restore x", "x"},
      {{"RESTORE", "s", "0"}, {}, "", ""},
      {{"RESTORE", "s", "0"}, {"REPLACE"}, "new s, restore s", "s"},
      {{"RESTORE", "s", "5"}, {"REPLACE", "ABSTTL"}, "del s", "s"},
      {{"RESTORE", "x", "5"}, {"ABSTTL"}, "", ""},
  };
  for (const RestoreCase& test : cases) {
    Noting noting(kStream);
    const std::string payload = noting.payload_of("s");
    std::vector<std::string_view> args = test.before;
    args.push_back(payload);
    args.insert(args.end(), test.behind.begin(), test.behind.end());
    noting.run_args(args);
    EXPECT_EQ(noting.events(), test.events) << testing::PrintToString(args);
    EXPECT_EQ(noting.modified(), test.modified) << testing::PrintToString(args);
  }
}

TEST(KeyEventsOfFlushing, NameNoKey) {
  for (const std::string_view command : {"FLUSHDB", "FLUSHALL"}) {
    Noting noting(kTwoStreams);
    noting.run(command);
    EXPECT_EQ(noting.events(), "") << command;
    EXPECT_EQ(noting.modified(), "") << command;
    EXPECT_TRUE(noting.was_flushed()) << command;
  }
}

}  // namespace
}  // namespace millrace::tests
