// WATCH, on redis-server and on Millrace: which changes of a watched key make EXEC fail, and when it is watched no
// more.
#include <algorithm>

#include "pubsub_fixture.h"

namespace millrace::test {
namespace {

Words words_of(std::string_view line) {
  Words words;
  while (!line.empty()) {
    words.emplace_back(line.substr(0, line.find(' ')));
    line.remove_prefix(std::min(line.size(), words.back().size() + 1));
  }
  return words;
}

class Watch : public Talk {
 protected:
  void SetUp() override {
    open({"--enable-debug-command", "yes"});
    say_lines(kSpeaker, {"DEBUG SET-ACTIVE-EXPIRE 0"});
  }

  void say_lines(size_t speaker, const std::vector<std::string>& lines) {
    for (const std::string& line : lines) say(speaker, words_of(line));
  }
  // Whether EXEC fails, on both servers.
  bool exec_fails(size_t watcher) {
    say_all(watcher, {{"MULTI"}, {"PING"}, {"EXEC"}});
    return heard_by(watcher).size() == 3 && heard_by(watcher)[2] == (is_resp3() ? "_\r\n" : "*-1\r\n");
  }
  // On both servers, by a command that waits for nothing.
  void pass_ms(int ms) {
    talk_->connection(kThird).command({"XREAD", "BLOCK", std::to_string(ms), "STREAMS", "nothing", "$"});
  }
};

// What somebody else does between WATCH s n and EXEC. Groups are not the value, says Redis. There are two entries and a
// group with one of them pending in `s`, the same in `other`, `s` in database 1, and a number in `n`.
struct Doing {
  const char* line;
  bool is_change;
};

constexpr Doing kDoings[] = {
    {"PING", false},
    {"EXISTS s", false},
    {"TOUCH s", false},
    {"XLEN s", false},
    {"XRANGE s - +", false},
    {"XREAD STREAMS s 0", false},
    {"OBJECT IDLETIME s", false},
    {"XADD s 9-1 f v", true},
    {"XADD s 1-1 f v", false},
    {"XADD other 9-1 f v", false},
    {"XADD s MAXLEN 0 9-1 f v", true},
    {"XDEL s 1-1", true},
    {"XDEL s 7-7", false},
    {"XTRIM s MAXLEN 1", true},
    {"XTRIM s MAXLEN 100", false},
    {"XSETID s 9-9", false},
    {"XGROUP CREATE s h 0", false},
    {"XGROUP CREATE s g 0", false},
    {"XGROUP SETID s g 0", false},
    {"XGROUP DESTROY s g", false},
    {"XGROUP DESTROY s h", false},
    {"XGROUP CREATECONSUMER s g d", false},
    {"XGROUP CREATECONSUMER s g c", false},
    {"XGROUP DELCONSUMER s g c", false},
    {"XGROUP DELCONSUMER s g d", false},
    {"XREADGROUP GROUP g c STREAMS s >", false},
    {"XREADGROUP GROUP g c STREAMS s 0", false},
    {"XACK s g 1-1", false},
    {"XACK s g 7-7", false},
    {"XCLAIM s g c 0 1-1", false},
    {"XCLAIM s g c 0 7-7", false},
    {"XAUTOCLAIM s g c 0 0", false},
    {"XPENDING s g", false},
    {"DEL s", true},
    {"DEL missing", false},
    {"UNLINK s", true},
    {"EXPIRE s 100", true},
    {"EXPIRE s 100 XX", false},
    {"EXPIRE s -1", true},
    {"PERSIST s", false},
    {"RENAME s t", true},
    {"RENAME other s", true},
    {"RENAME other t", false},
    {"RENAMENX other s", false},
    {"RENAMENX s t", true},
    {"RENAME s s", false},
    {"COPY s t", false},
    {"COPY other s", false},
    {"COPY other s REPLACE", true},
    {"MOVE s 2", true},
    {"MOVE s 1", false},
    {"FLUSHDB", true},
    {"FLUSHALL", true},
    {"FLUSHALL NOSUCH", false},
    {"SWAPDB 0 1", true},
    {"SWAPDB 2 0", true},
    {"SWAPDB 0 0", false},
    {"SWAPDB 1 2", false},
    {"DEBUG RELOAD", true},
    {"SCAN 0 COUNT 1000", false},
    {"GET n", false},
    {"GETRANGE n 0 -1", false},
    {"GETEX n", false},
    {"GETEX n EX 100", true},
    {"GETEX n PERSIST", false},
    {"GETDEL n", true},
    {"GETSET n 5", true},
    {"SET n 1", true},
    {"SET n 1 NX", false},
    {"SET n 1 GET", true},
    {"SET s 1", true},
    {"SET missing 1 XX", false},
    {"SETNX n 1", false},
    {"SETEX n 100 1", true},
    {"MSET other 1 n 1", true},
    {"MSETNX other 1 n 1", false},
    {"INCR n", true},
    {"INCRBY n 0", true},
    {"INCRBY n 9223372036854775807", false},
    {"INCRBYFLOAT n 1.5", true},
    {"APPEND n 1", true},
    {"SETRANGE n 0 1", true},
    {"STRLEN n", false},
};

TEST_P(Watch, WhatIsAChange) {
  for (const auto& [line, is_change] : kDoings) {
    say_lines(kSpeaker, {"FLUSHALL", "XADD s 1-1 f v", "XADD s 1-2 f v", "XGROUP CREATE s g 0",
                         "XREADGROUP GROUP g c COUNT 1 STREAMS s >", "COPY s other", "COPY s s DB 1", "SET n 1"});
    say_lines(kOther, {"WATCH s n"});
    talk_->connection(kThird).command(words_of(line));  // its reply is the subject of others
    if (HasFatalFailure()) return;
    EXPECT_EQ(exec_fails(kOther), is_change) << line;
    if (HasFatalFailure()) return;
  }
}

TEST_P(Watch, AKeyThatIsMissing) {
  for (const auto& [line, is_change] : std::vector<Doing>{{"XADD s 1-1 f v", true},
                                                          {"DEL s", false},
                                                          {"FLUSHALL", false},
                                                          {"FLUSHDB", false},
                                                          {"SWAPDB 0 1", false},
                                                          {"EXISTS s", false},
                                                          {"XGROUP CREATE s g 0 MKSTREAM", true},
                                                          {"RENAME other s", true},
                                                          {"COPY other s", true},
                                                          {"MOVE s 1", false},
                                                          {"DEBUG RELOAD", false}}) {
    say_lines(kSpeaker, {"FLUSHALL", "XADD other 1-1 f v"});
    say_lines(kOther, {"WATCH s"});
    say_lines(kThird, {line});
    EXPECT_EQ(exec_fails(kOther), is_change) << line;
  }
}

TEST_P(Watch, WhatWasMadeUndoneIsAChange) {
  say_lines(kOther, {"WATCH s"});
  say_lines(kThird, {"XADD s 1-1 f v", "DEL s"});
  EXPECT_TRUE(exec_fails(kOther));
}

TEST_P(Watch, TheSameKeyInAnotherDatabase) {
  say_lines(kOther, {"SELECT 1", "WATCH s", "SELECT 0"});
  say_lines(kThird, {"XADD s 1-1 f v"});
  EXPECT_FALSE(exec_fails(kOther));
  say_lines(kOther, {"SELECT 1", "WATCH s", "SELECT 0", "WATCH s"});
  say_lines(kThird, {"SELECT 1", "XADD s 1-1 f v"});
  EXPECT_TRUE(exec_fails(kOther));
  say_lines(kOther, {"SELECT 1", "WATCH s"});
  say_lines(kThird, {"SELECT 0", "FLUSHDB"});
  EXPECT_FALSE(exec_fails(kOther));
}

TEST_P(Watch, AnyOfSeveralKeys) {
  say_lines(kOther, {"WATCH a b a c", "WATCH d"});
  say_lines(kThird, {"XADD d 1-1 f v"});
  EXPECT_TRUE(exec_fails(kOther));
  say_lines(kOther, {"WATCH a b"});
  say_lines(kThird, {"XADD d 1-2 f v"});
  EXPECT_FALSE(exec_fails(kOther));
}

TEST_P(Watch, AllWhoWatch) {
  say_lines(kOther, {"WATCH s"});
  say_lines(kListener, {"WATCH s"});
  say_lines(kSpeaker, {"WATCH t"});
  say_lines(kThird, {"XADD s 1-1 f v"});
  EXPECT_TRUE(exec_fails(kOther));
  EXPECT_TRUE(exec_fails(kListener));
  EXPECT_FALSE(exec_fails(kSpeaker));
}

TEST_P(Watch, OwnChanges) {
  say_lines(kOther, {"WATCH s", "XADD s 1-1 f v"});
  EXPECT_TRUE(exec_fails(kOther));
  say_lines(kOther, {"WATCH s", "MULTI", "XADD s 1-2 f v", "EXEC"});
  EXPECT_FALSE(exec_fails(kOther));
}

TEST_P(Watch, AChangeInsideATransaction) {
  say_lines(kOther, {"WATCH s"});
  say_lines(kThird, {"MULTI", "XADD s 1-1 f v", "DISCARD"});
  EXPECT_FALSE(exec_fails(kOther));
  say_lines(kOther, {"WATCH s"});
  say_lines(kThird, {"MULTI", "XADD s 1-1 f v", "EXEC"});
  EXPECT_TRUE(exec_fails(kOther));
}

// When nothing is watched any more, a change made meanwhile is forgotten.
TEST_P(Watch, EndsWithExecDiscardUnwatchAndReset) {
  for (const std::vector<std::string>& end : {std::vector<std::string>{"UNWATCH"},
                                              {"MULTI", "DISCARD"},
                                              {"MULTI", "EXEC"},
                                              {"RESET", "HELLO " + std::to_string(protocol())},
                                              {"EXEC x"},
                                              {"MULTI", "NOSUCH", "EXEC"}}) {
    say_lines(kThird, {"FLUSHALL"});
    for (const bool before : {true, false}) {
      say_lines(kOther, {"WATCH s t"});
      if (before) say_lines(kThird, {"XADD s 1-1 f v"});
      for (const std::string& line : end) {
        if (line.starts_with("HELLO")) {
          talk_->connection(kOther).command(words_of(line));
        } else {
          say_lines(kOther, {line});
        }
      }
      if (!before) say_lines(kThird, {"DEL s"});
      EXPECT_FALSE(exec_fails(kOther)) << end.back();
    }
  }
}

// What does not end it: whatever fails, and a second WATCH.
TEST_P(Watch, GoesOnOtherwise) {
  int next_ms = 1;
  for (const std::string line :
       {"DISCARD", "EXEC", "DISCARD x", "UNWATCH x", "WATCH", "SELECT 1", "WATCH t", "WATCH s"}) {
    say_lines(kOther, {"SELECT 0", "WATCH s"});
    say_lines(kThird, {"XADD s " + std::to_string(next_ms++) + "-1 f v"});
    say_lines(kOther, {line});
    EXPECT_TRUE(exec_fails(kOther)) << line;
  }
}

// Inside MULTI it is queued, and so comes too late.
TEST_P(Watch, AnUnwatchThatIsQueuedSavesNothing) {
  say_lines(kOther, {"WATCH s", "MULTI", "UNWATCH", "PING"});
  say_lines(kThird, {"XADD s 1-1 f v"});
  say_lines(kOther, {"EXEC"});
  say_lines(kOther, {"MULTI", "UNWATCH", "PING", "EXEC"});
}

TEST_P(Watch, AMistakeComesBeforeAChange) {
  say_lines(kOther, {"WATCH s", "MULTI", "NOSUCH"});
  say_lines(kThird, {"XADD s 1-1 f v"});
  say_lines(kOther, {"EXEC"});
  EXPECT_FALSE(exec_fails(kOther));
}

// ---- time

TEST_P(Watch, AKeyWhoseTimeCame) {
  for (const std::string look : {"PING", "EXISTS s", "DEL s", "FLUSHALL", "FLUSHDB", "DEBUG RELOAD"}) {
    say_lines(kSpeaker, {"FLUSHALL", "XADD s 1-1 f v", "PEXPIRE s 1"});
    pass_ms(10);
    say_lines(kOther, {"WATCH s"});
    talk_->connection(kThird).command(words_of(look));
    EXPECT_FALSE(exec_fails(kOther)) << look;

    say_lines(kSpeaker, {"FLUSHALL", "XADD s 1-1 f v", "PEXPIRE s 200"});
    say_lines(kOther, {"WATCH s"});
    pass_ms(250);
    talk_->connection(kThird).command(words_of(look));
    EXPECT_TRUE(exec_fails(kOther)) << look;
  }
}

TEST_P(Watch, AKeyThatIsMadeAnewAfterItsTime) {
  say_lines(kSpeaker, {"XADD s 1-1 f v", "PEXPIRE s 1"});
  pass_ms(10);
  say_lines(kOther, {"WATCH s"});
  say_lines(kThird, {"XADD s 1-1 f v"});
  EXPECT_TRUE(exec_fails(kOther));
}

// From absent, or as good as that, to absent is no change.
TEST_P(Watch, DatabasesThatAreSwappedWhenTheTimeOfAKeyHasCome) {
  for (const char* watched : {"SELECT 0", "SELECT 1"}) {
    for (const bool has_other : {false, true}) {
      say_lines(kSpeaker, {"FLUSHALL", "XADD s 1-1 f v", "PEXPIRE s 1"});
      if (has_other) say_lines(kSpeaker, {"SELECT 1", "XADD s 1-1 f v", "SELECT 0"});
      pass_ms(10);
      say_lines(kOther, {watched, "WATCH s"});
      say_lines(kThird, {"SWAPDB 0 1"});
      EXPECT_EQ(exec_fails(kOther), has_other) << watched;
      say_lines(kOther, {watched, "WATCH s"});
      say_lines(kThird, {"SELECT 0", "EXISTS s", "SELECT 1", "EXISTS s", "SELECT 0"});
      EXPECT_FALSE(exec_fails(kOther)) << watched;
    }
  }
}

TEST_P(Watch, AKeyThatIsRemovedInTheBackgroundWhenItsTimeComes) {
  say_lines(kSpeaker, {"XADD s 1-1 f v", "PEXPIRE s 100"});
  say_lines(kOther, {"WATCH s"});
  say_lines(kSpeaker, {"DEBUG SET-ACTIVE-EXPIRE 1"});
  pass_ms(400);
  EXPECT_TRUE(exec_fails(kOther));
}

IN_BOTH_PROTOCOLS(Watch);

}  // namespace
}  // namespace millrace::test
