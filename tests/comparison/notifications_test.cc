// Keyspace notifications: a listener to every key and every event hears the same from redis-server and from Millrace,
// message by message, after each scripted command and all along a random script.
//
// Redis notifies before it replies, so once the replies are there, the messages are on their way; a PUBLISH by somebody
// else marks their end.
//
//   MILLRACE_TEST_SEED=n   that random script instead of the usual one
//   MILLRACE_TEST_FULL=1   five times as long, from a seed that is different every time
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "random_run.h"
#include "reply_tree.h"
#include "script_generator.h"
#include "server_pair.h"
#include "support/eventually.h"

namespace millrace::test {
namespace {

using Lines = std::vector<std::string>;

Words words_of(std::string_view line) {
  Words words;
  while (!line.empty()) {
    words.emplace_back(line.substr(0, line.find(' ')));
    line.remove_prefix(std::min(line.size(), words.back().size() + 1));
  }
  return words;
}

std::string joined(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += "  " + line + "\n";
  return text;
}

// What one listener heard from each server: "channel payload".
struct HeardPair {
  Lines redis;
  Lines millrace;
};

class Notifications : public testing::Test {
 protected:
  void SetUp() override {
    std::string why;
    servers_ = ServerPair::start(&why);
    ASSERT_NE(servers_, nullptr) << why;
    speaker_.emplace(servers_->connect());
    marker_.emplace(servers_->connect());
    listener_.emplace(servers_->connect());
    ASSERT_TRUE(speaker_->is_open() && marker_->is_open() && listener_->is_open());
    listener_->command({"PSUBSCRIBE", "__key*"});
    notify("KEAmn");
  }

  void notify(const std::string& classes) {
    const ReplyPair reply = marker_->command({"CONFIG", "SET", "notify-keyspace-events", classes});
    ASSERT_EQ(reply.redis, "+OK\r\n");
    ASSERT_EQ(reply.millrace, "+OK\r\n");
  }

  HeardPair heard() {
    marker_->command({"PUBLISH", "__key mark", "end"});
    return {.redis = heard_from(listener_->redis()), .millrace = heard_from(listener_->millrace())};
  }
  static Lines heard_from(RespConnection& connection) {
    Lines lines;
    for (;;) {
      const Reply message = parse_reply(connection.read_reply());
      if (message.elements.size() != 4) return {"no message: " + connection.error()};
      if (message.elements[2].text == "__key mark") return lines;
      lines.push_back(message.elements[2].text + " " + message.elements[3].text);
    }
  }

  void given(const Lines& lines) {
    for (const std::string& line : lines) speaker_->command(words_of(line));
    heard();
  }
  // Two silent servers say the same, too.
  void TearDown() override { EXPECT_TRUE(compared_ == 0 || heard_events_ > 0); }

  // Everything a clean pair of servers says about one command.
  void compare(const Lines& before, const std::string& line) {
    SCOPED_TRACE(joined(before) + "  " + line);
    given({"FLUSHALL", "SELECT 0"});
    given(before);
    speaker_->command(words_of(line));
    const HeardPair messages = heard();
    EXPECT_EQ(joined(messages.redis), joined(messages.millrace));
    heard_events_ += messages.redis.size();
    ++compared_;
  }

  std::unique_ptr<ServerPair> servers_;
  std::optional<ConnectionPair> speaker_;
  std::optional<ConnectionPair> marker_;  // sets up, and publishes where a step ends
  std::optional<ConnectionPair> listener_;
  size_t compared_ = 0;  // commands
  size_t heard_events_ = 0;
};

const Lines kNothing = {};
const Lines kStream = {"XADD s 1-1 f v", "XADD s 2-1 f v", "XADD s 3-1 f v"};
const Lines kTwoStreams = {"XADD s 1-1 f v", "XADD t 1-1 f v"};
const Lines kGroup = {"XADD s 1-1 f v", "XADD s 2-1 f v", "XGROUP CREATE s g 0"};
const Lines kPending = {"XADD s 1-1 f v", "XADD s 2-1 f v", "XGROUP CREATE s g 0", "XREADGROUP GROUP g a STREAMS s >"};
const Lines kVolatile = {"XADD s 1-1 f v", "EXPIRE s 100"};
const Lines kInBothDatabases = {"XADD s 1-1 f v", "COPY s s DB 1"};

TEST_F(Notifications, OfStreamsAreTheSame) {
  for (const char* line :
       {"XADD s 5-5 f v", "XADD s MAXLEN 0 5-5 f v", "XADD s NOMKSTREAM 5-5 f v", "XADD s 0-0 f v", "XTRIM s MAXLEN 1",
        "XDEL s 1-1", "XSETID s 1-1", "XACK s g 1-1", "XLEN s", "XRANGE s - +", "XREVRANGE s + -", "XINFO STREAM s",
        "XINFO GROUPS s", "XINFO CONSUMERS s g", "XPENDING s g", "XREAD STREAMS s t 0 0", "XREAD STREAMS s $"}) {
    compare(kNothing, line);
  }
  for (const char* line :
       {"XADD s 5-5 f v", "XADD s 1-1 f v", "XADD s MAXLEN 2 5-5 f v", "XADD s MAXLEN 9 5-5 f v", "XTRIM s MAXLEN 1",
        "XTRIM s MAXLEN 9", "XDEL s 1-1 2-1", "XDEL s 1-1 2-1 3-1", "XDEL s 9-9", "XSETID s 9-9", "XSETID s 1-1"}) {
    compare(kStream, line);
  }
}

TEST_F(Notifications, OfGroupsAreTheSame) {
  for (const char* line : {"XGROUP CREATE s g 0 MKSTREAM", "XGROUP CREATE s g 0", "XGROUP SETID s g 0",
                           "XREADGROUP GROUP g a STREAMS s >", "XCLAIM s g a 0 1-1", "XAUTOCLAIM s g a 0 0"}) {
    compare(kNothing, line);
  }
  for (const char* line : {"XGROUP CREATE s h 0", "XGROUP CREATE s g 0", "XGROUP SETID s g 0", "XGROUP SETID s h 0",
                           "XGROUP DESTROY s g", "XGROUP DESTROY s h", "XGROUP CREATECONSUMER s g a",
                           "XREADGROUP GROUP g a STREAMS s >", "XREADGROUP GROUP g a NOACK STREAMS s >"}) {
    compare(kGroup, line);
  }
  for (const char* line :
       {"XGROUP CREATECONSUMER s g a", "XGROUP DELCONSUMER s g a", "XGROUP DELCONSUMER s g b",
        "XREADGROUP GROUP g a STREAMS s >", "XREADGROUP GROUP g a STREAMS s 0", "XREADGROUP GROUP g b STREAMS s 0",
        "XACK s g 1-1", "XCLAIM s g b 0 1-1", "XCLAIM s g a 0 1-1", "XAUTOCLAIM s g b 0 0", "XAUTOCLAIM s g a 0 0"}) {
    compare(kPending, line);
  }
}

TEST_F(Notifications, OfStringsAreTheSame) {
  const Lines lines = {"SET n 6",
                       "SET n 6 EX 100",
                       "SET n 6 KEEPTTL",
                       "SET n 6 NX",
                       "SET n 6 XX",
                       "SET n 6 NX GET",
                       "SET n 6 XX GET",
                       "SET n 6 EX 0",
                       "SETNX n 6",
                       "SETEX n 100 6",
                       "PSETEX n 100000 6",
                       "GETSET n 6",
                       "GETDEL n",
                       "GETEX n",
                       "GETEX n EX 100",
                       "GETEX n PXAT 1",
                       "GETEX n PERSIST",
                       "MSET n 1 m 2 n 3",
                       "MSETNX n 1 m 2",
                       "INCR n",
                       "DECRBY n 2",
                       "INCRBYFLOAT n 1.5",
                       "APPEND n x",
                       "SETRANGE n 1 x",
                       "GET n",
                       "MGET n m",
                       "STRLEN n",
                       "GETRANGE n 0 1",
                       "LCS n m",
                       "RENAME n m",
                       "COPY n m",
                       "MOVE n 1",
                       "DEL n"};
  for (const Lines& before : {kNothing, Lines{"SET n 5"}, Lines{"SET n 5 EX 1000"}, Lines{"XADD n 1-1 f v"},
                              Lines{"SET n 5", "XADD m 1-1 f v"}}) {
    for (const std::string& line : lines) compare(before, line);
  }
}

TEST_F(Notifications, OfKeysAreTheSame) {
  for (const char* line : {"DEL s",
                           "EXPIRE s 100",
                           "PERSIST s",
                           "RENAME s t",
                           "RENAMENX s t",
                           "COPY s t",
                           "COPY s t REPLACE",
                           "MOVE s 1",
                           "EXISTS s s t",
                           "TYPE s",
                           "TTL s",
                           "PTTL s",
                           "EXPIRETIME s",
                           "PEXPIRETIME s",
                           "TOUCH s t",
                           "OBJECT ENCODING s",
                           "OBJECT IDLETIME s",
                           "OBJECT REFCOUNT s",
                           "MEMORY USAGE s",
                           "RANDOMKEY",
                           "SCAN 0",
                           "KEYS *",
                           "DBSIZE"}) {
    compare(kNothing, line);
  }
  for (const char* line : {"DEL s x t",
                           "UNLINK s s",
                           "EXPIRE s 100",
                           "PEXPIRE s 100000",
                           "EXPIREAT s 99999999999",
                           "PEXPIREAT s 99999999999999",
                           "EXPIRE s 0",
                           "EXPIRE s -1",
                           "EXPIREAT s 1",
                           "EXPIRE s 100 XX",
                           "PERSIST s",
                           "RENAME s t",
                           "RENAME s u",
                           "RENAME s s",
                           "RENAMENX s t",
                           "RENAMENX s u",
                           "COPY s t",
                           "COPY s t REPLACE",
                           "COPY s u",
                           "COPY s s DB 1",
                           "MOVE s 1",
                           "FLUSHDB",
                           "FLUSHALL"}) {
    compare(kTwoStreams, line);
  }
  for (const char* line : {"PERSIST s", "RENAME s t", "COPY s t", "MOVE s 1"}) compare(kVolatile, line);
  compare(kInBothDatabases, "MOVE s 1");
}

// By a command that finds the key expired, and by nobody at all.
TEST_F(Notifications, OfExpiriesAreTheSame) {
  const auto take_expired = [&](Lines* heard_so_far, const Lines& more) {
    heard_so_far->insert(heard_so_far->end(), more.begin(), more.end());
    return std::ranges::count(*heard_so_far, std::string("__keyevent@0__:expired s")) > 0;
  };
  for (const std::string looked_at : {"s", "x"}) {
    given({"FLUSHALL", "XADD s 1-1 f v"});
    speaker_->command(words_of("PEXPIRE s 1"));
    HeardPair all;
    EXPECT_TRUE(eventually([&] {
      speaker_->command({"OBJECT", "ENCODING", looked_at});
      const HeardPair messages = heard();
      const bool redis_done = take_expired(&all.redis, messages.redis);
      return take_expired(&all.millrace, messages.millrace) && redis_done;
    }));
    EXPECT_EQ(joined(all.redis), joined(all.millrace));
  }
}

// Of blocked readers, the event of the command that wakes them comes first.
TEST_F(Notifications, OfWokenReadersAreTheSame) {
  ConnectionPair reader = servers_->connect();
  for (const char* line : {"XADD s 1-1 f v", "XGROUP DESTROY s g"}) {
    given({"FLUSHALL", "XGROUP CREATE s g $ MKSTREAM", "XGROUP CREATECONSUMER s g a"});
    reader.send(words_of("XREADGROUP GROUP g a BLOCK 0 STREAMS s >"));
    for (RespConnection* server : {&speaker_->redis(), &speaker_->millrace()}) {
      EXPECT_TRUE(eventually([&] {
        return server->command({"INFO", "clients"}).find("blocked_clients:1") != std::string::npos;
      }));
    }
    speaker_->command(words_of(line));
    reader.read();
    const HeardPair messages = heard();
    EXPECT_EQ(joined(messages.redis), joined(messages.millrace)) << line;
  }
}

TEST_F(Notifications, AreTheSameWhateverClassesAreOn) {
  for (const char* classes :
       {"", "A", "K", "E", "KA", "EA", "Kt", "Eg", "KEx", "Em", "Kn", "KEtn", "Egx", "KE$lshzed"}) {
    SCOPED_TRACE(classes);
    notify(classes);
    compare(kNothing, "XADD s 1-1 f v");
    compare(kNothing, "XLEN s");
    compare(kTwoStreams, "RENAME s t");
    compare(kStream, "MOVE s 1");
  }
}

TEST_F(Notifications, SettingReadsBackTheSame) {
  for (const char* classes : {"", "A", "KEA", "AKEmn", "g$lshzxetd", "g$lshzxetdn", "nmdtexzhsl$gEK", "KEn", "xx", "Q",
                              "KEQ", "k", "K E", "em"}) {
    const ReplyPair set = marker_->command({"CONFIG", "SET", "notify-keyspace-events", classes});
    const ReplyPair get = marker_->command({"CONFIG", "GET", "notify-keyspace-events"});
    EXPECT_EQ(set.redis, set.millrace) << classes;
    EXPECT_EQ(get.redis, get.millrace) << classes;
  }
}

// Whether a command looks for its key before it finds fault with its arguments or after is not worth being the same.
Lines without_misses(const Lines& lines) {
  Lines kept;
  std::ranges::copy_if(lines, std::back_inserter(kept),
                       [](const std::string& line) { return line.find("keymiss") == std::string::npos; });
  return kept;
}

TEST_F(Notifications, OfARandomScriptAreTheSame) {
  const int commands = length_for(4'000);
  const uint64_t seed = seed_for(7);
  speaker_->command({"CONFIG", "SET", "stream-node-max-entries", "5"});
  ScriptGenerator generator(seed, ScriptKind::kEverything, 2);
  std::deque<std::string> history;
  size_t total = 0;
  for (int i = 0; i < commands; i++) {
    const Words words = generator.next();
    history.push_back(readable_words(words).substr(0, 200));
    if (history.size() > 10) history.pop_front();
    const bool fails = speaker_->command(words).redis.starts_with('-');
    HeardPair messages = heard();
    if (fails) messages = {.redis = without_misses(messages.redis), .millrace = without_misses(messages.millrace)};
    ASSERT_EQ(joined(messages.redis), joined(messages.millrace)) << "seed " << seed << ", command " << i << "\n"
                                                                 << joined({history.begin(), history.end()});
    total += messages.redis.size();
  }
  EXPECT_GT(total, static_cast<size_t>(commands) / 4);
}

}  // namespace
}  // namespace millrace::test
