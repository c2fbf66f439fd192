// Client-side caching, on redis-server and on Millrace: who is told which key has changed, in which form and in which
// order. With RESP3 the clients that track hear of it themselves; with RESP2 a subscriber hears for them.
//
//   MILLRACE_TEST_SEED=n   that random script instead of the usual one
//   MILLRACE_TEST_FULL=1   five times as long, from a seed that is different every time
//
// Not compared, because Redis 7.0 has it wrong: two prefixes of one request that overlap, the first of them not the
// first of the list (it answers with an error and with OK); and the null of a flush when the client that tracks and
// the one that hears speak different protocols (it is in the tracking client's).
#include <gtest/gtest.h>

#include "base/numbers.h"
#include "base/random.h"
#include "pubsub_fixture.h"
#include "random_run.h"

namespace millrace::test {
namespace {

class ClientTracking : public Talk {
 protected:
  void SetUp() override {
    Talk::SetUp();
    if (HasFatalFailure()) return;
    align_ids();
    reader_ = join();
    other_ = join();
    writer_ = join();
    target_ = join();
    if (!is_resp3()) say(target_, {"SUBSCRIBE", "__redis__:invalidate"});
  }

  // From here on both servers give their next connection the same id, so that ids can be said and heard.
  void align_ids() {
    // Who is answered has been accepted, and has its id.
    for (size_t member = 0; member < talk_->size(); member++) talk_->connection(member).pipeline({{"CLIENT", "ID"}});
    const uint64_t redis = new_id(servers_->redis());
    const uint64_t millrace = new_id(servers_->millrace());
    for (uint64_t id = redis; id < millrace; id++) new_id(servers_->redis());
    for (uint64_t id = millrace; id < redis; id++) new_id(servers_->millrace());
  }
  static uint64_t new_id(ServerProcess& server) {
    const auto connection = RespConnection::connect(server.port());
    const std::string reply = connection->command({"CLIENT", "ID"});
    return parse_u64(std::string_view(reply).substr(1, reply.size() - 3)).value_or(0);
  }
  // The id of a connection is given when the server accepts it, which the question waits for.
  size_t join() {
    const size_t member = talk_->join(protocol());
    say(member, {"CLIENT", "ID"});
    return member;
  }
  std::string id_of(size_t member) {
    const std::string reply = talk_->connection(member).redis().command({"CLIENT", "ID"});
    EXPECT_EQ(reply, talk_->connection(member).millrace().command({"CLIENT", "ID"}));
    return reply.substr(1, reply.size() - 3);
  }
  Words tracking_on(const Words& options) {
    Words words = {"CLIENT", "TRACKING", "ON"};
    words.insert(words.end(), options.begin(), options.end());
    if (!is_resp3()) words.insert(words.end(), {"REDIRECT", target_id()});
    return words;
  }
  void track(size_t member, const Words& options = {}) { say(member, tracking_on(options)); }
  // The target's id is its place behind the reader's, who can still be asked.
  std::string target_id() { return std::to_string(parse_u64(id_of(reader_)).value_or(0) + target_ - reader_); }
  // A broadcast comes when the server has nothing else to do: before or after the answer to the PING of a step. So what
  // a client does that hears of itself is waited for reply by reply.
  void say_and_hear(size_t member, const std::vector<Words>& commands, size_t messages) {
    std::vector<ReplyPair> replies = talk_->connection(member).pipeline(commands);
    for (size_t i = 0; i < messages; i++) replies.push_back(talk_->connection(member).read());
    for (const ReplyPair& pair : replies) EXPECT_EQ(readable_reply(pair.redis), readable_reply(pair.millrace));
  }
  void write(const std::string& key) { say(writer_, xadd(key)); }
  Words xadd(const std::string& key) { return {"XADD", key, std::to_string(++last_id_) + "-1", "f", "v"}; }
  void read(size_t member, const std::string& key) { say(member, {"XRANGE", key, "-", "+"}); }

  size_t reader_ = 0;
  size_t other_ = 0;
  size_t writer_ = 0;
  size_t target_ = 0;
  uint64_t last_id_ = 0;
};

TEST_P(ClientTracking, AReaderIsToldOnce) {
  track(reader_);
  track(other_);
  read(reader_, "a");
  read(reader_, "b");
  read(other_, "a");
  write("a");
  write("a");
  say_all(writer_, {{"DEL", "b", "a", "none"}, xadd("b"), {"DEL", "b"}});
  say(reader_, {"XREAD", "STREAMS", "a", "b", "c", "0", "0", "0"});
  say_all(writer_, {xadd("c"), xadd("b"), xadd("a")});
}

TEST_P(ClientTracking, OnesOwnReplyComesBeforeOnesOwnMessage) {
  track(reader_);
  say_all(reader_, {{"XLEN", "k"}, xadd("k"), {"XLEN", "k"}, {"ECHO", "between"}, {"DEL", "k"}, {"PING"}});
  say_all(reader_, {{"EXISTS", "a", "b"}, xadd("a"), xadd("b"), {"DEL", "b", "a"}, {"ECHO", "end"}});
  say_all(reader_, {{"EXISTS", "a", "b"}, {"FLUSHALL"}, {"ECHO", "end"}});
  track(reader_, {"NOLOOP"});
  say_all(reader_, {{"XLEN", "k"}, xadd("k"), {"XLEN", "k"}, {"ECHO", "end"}});
  write("k");
  say_all(reader_, {{"XLEN", "k"}, {"FLUSHALL"}, {"ECHO", "end"}});
}

TEST_P(ClientTracking, WhatCountsAsReading) {
  track(reader_);
  say_all(writer_, {{"XGROUP", "CREATE", "k", "g", "0", "MKSTREAM"}, xadd("k")});
  const std::vector<Words> commands = {
      {"XLEN", "k"},
      {"XRANGE", "k", "-", "+"},
      {"XREVRANGE", "k", "+", "-", "COUNT", "1"},
      {"XINFO", "STREAM", "none"},
      {"XPENDING", "k", "g"},
      {"XREADGROUP", "GROUP", "g", "c", "STREAMS", "k", ">"},
      {"XACK", "k", "g", "1-1"},
      {"TYPE", "k"},
      {"TTL", "k"},
      {"EXISTS", "k"},
      {"TOUCH", "k"},
      {"OBJECT", "ENCODING", "k"},
      {"MEMORY", "USAGE", "none"},
      {"SCAN", "0", "COUNT", "100"},
      {"KEYS", "k"},
      {"XRANGE", "k", "bad", "ids"},
      {"GET", "k"},
      {"MGET", "k", "none"},
      {"STRLEN", "k"},
      {"GETRANGE", "k", "0", "1"},
      {"LCS", "k", "none"},
      {"GETEX", "k"},
      {"XLEN"},
      {"XREAD", "STREAMS", "k"},
      {"XREAD", "BLOCK", "1", "STREAMS", "k", "$"},
      {"PERSIST", "k"},
      {"EXPIRE", "k", "100"},
      {"PERSIST", "k"},
  };
  for (const Words& words : commands) {
    say(reader_, words);
    write("k");
  }
}

TEST_P(ClientTracking, WhatCountsAsChanging) {
  track(reader_);
  const std::vector<Words> commands = {
      {"XADD", "k", "NOMKSTREAM", "50-1", "f", "v"},
      {"XADD", "k", "50-1", "f", "v"},
      {"XADD", "k", "50-1", "f", "v"},
      {"XADD", "k", "50-2", "f", "v"},
      {"XADD", "k", "50-3", "f", "v"},
      {"XTRIM", "k", "MAXLEN", "10"},
      {"XTRIM", "k", "MAXLEN", "2"},
      {"XDEL", "k", "1-1"},
      {"XDEL", "k", "50-2"},
      {"XGROUP", "CREATE", "k", "g", "0"},
      {"XGROUP", "CREATE", "k", "g", "0"},
      {"XGROUP", "CREATECONSUMER", "k", "g", "c"},
      {"XREADGROUP", "GROUP", "g", "c", "STREAMS", "k", ">"},
      {"XCLAIM", "k", "g", "d", "0", "50-3"},
      {"XAUTOCLAIM", "k", "g", "e", "0", "0"},
      {"XACK", "k", "g", "50-3"},
      {"XGROUP", "SETID", "k", "g", "0"},
      {"XGROUP", "DELCONSUMER", "k", "g", "c"},
      {"XGROUP", "DESTROY", "k", "g"},
      {"SET", "none", "1"},
      {"SET", "none", "2", "NX"},
      {"SET", "none", "2", "GET", "KEEPTTL"},
      {"INCR", "none"},
      {"INCRBYFLOAT", "none", "1"},
      {"APPEND", "none", ""},
      {"SETRANGE", "none", "1", ""},
      {"SETRANGE", "none", "1", "x"},
      {"GETEX", "none"},
      {"GETEX", "none", "EX", "1000"},
      {"GETEX", "none", "PERSIST"},
      {"GETSET", "none", "3"},
      {"MSETNX", "none", "4"},
      {"MSET", "none", "4", "new", "5"},
      {"GETDEL", "new"},
      {"GETDEL", "none"},
      {"XGROUP", "CREATE", "new", "g", "0", "MKSTREAM"},
      {"XSETID", "k", "60-1"},
      {"EXPIRE", "k", "1000"},
      {"EXPIRE", "k", "1000", "NX"},
      {"EXPIRE", "none", "1000"},
      {"PERSIST", "k"},
      {"PERSIST", "k"},
      {"COPY", "k", "new"},
      {"COPY", "k", "new", "REPLACE"},
      {"RENAME", "new", "k"},
      {"RENAMENX", "k", "new"},
      {"MOVE", "new", "1"},
      {"COPY", "none", "k"},
      {"UNLINK", "k"},
      {"FLUSHDB"},
      {"XADD", "k", "1-1", "f", "v"},
      {"EXPIRE", "k", "-1"},
      {"EXPIREAT", "k", "1"},
  };
  for (const Words& words : commands) {
    say(reader_, {"EXISTS", "k", "new", "none"});
    say(writer_, words);
  }
}

TEST_P(ClientTracking, TheDatabaseDoesNotMatter) {
  track(reader_);
  read(reader_, "k");
  say(writer_, {"SELECT", "3"});
  write("k");
  read(reader_, "k");
  say(writer_, {"FLUSHDB"});
}

TEST_P(ClientTracking, OptInOptOutAndCaching) {
  for (const char* mode : {"OPTIN", "OPTOUT"}) {
    track(reader_, {mode});
    for (const char* word : {"YES", "NO", "maybe"}) {
      say_all(reader_, {{"CLIENT", "CACHING", word}, {"CLIENT", "TRACKINGINFO"}, {"XLEN", "a"}, {"XLEN", "b"}});
      say_all(writer_, {xadd("a"), xadd("b")});
      say_all(reader_, {{"CLIENT", "CACHING", word}, {"CLIENT", "ID"}, {"XLEN", "a"}, {"CLIENT", "TRACKINGINFO"}});
      write("a");
      for (const Words& between : {Words{"PING"}, Words{"NOSUCH"}, Words{"XLEN"}, Words{"CLIENT", "CACHING"}}) {
        say_all(reader_, {{"CLIENT", "CACHING", word}, between, {"CLIENT", "TRACKINGINFO"}, {"XLEN", "a"}});
        write("a");
      }
    }
    say_all(reader_, {{"CLIENT", "CACHING", "YES"}, {"CLIENT", "CACHING", "NO"}, tracking_on({})});
    say_all(reader_, {{"CLIENT", "TRACKINGINFO"}, {"CLIENT", "TRACKING", "OFF"}, {"CLIENT", "TRACKINGINFO"}});
  }
}

TEST_P(ClientTracking, WhatIsAskedForIsCheckedInOrder) {
  const std::string id = id_of(reader_);
  const std::vector<Words> requests = {
      {"ON"},
      {"OFF"},
      {"MAYBE"},
      {"ON", "LOUDLY"},
      {"MAYBE", "PREFIX"},
      {"ON", "PREFIX", "a"},
      {"OFF", "PREFIX", "a"},
      {"ON", "REDIRECT"},
      {"ON", "REDIRECT", "x"},
      {"ON", "REDIRECT", "0"},
      {"ON", "REDIRECT", "-5"},
      {"ON", "REDIRECT", "987654321"},
      {"ON", "REDIRECT", "99999999999999999999"},
      {"OFF", "REDIRECT", "987654321"},
      {"ON", "REDIRECT", id, "REDIRECT", "x"},
      {"ON", "REDIRECT", id},
      {"ON", "OPTIN", "OPTOUT"},
      {"ON", "OPTIN"},
      {"ON", "OPTOUT"},
      {"ON", "OPTOUT", "optin", "BCAST"},
      {"on", "optout", "noloop"},
      {"ON", "BCAST"},
      {"ON", "BCAST", "PREFIX", "a", "PREFIX", "b"},
      {"ON", "BCAST", "PREFIX", "x", "PREFIX", "x"},
      {"ON", "BCAST", "PREFIX", "xyz", "PREFIX", "b", "PREFIX", "x"},
      {"ON", "BCAST", "PREFIX", "bb"},
      {"ON", "BCAST", "PREFIX", ""},
      {"ON", "BCAST", "PREFIX", "c", "NOLOOP"},
      {"ON", "PREFIX", "c", "OPTIN"},
  };
  const std::vector<Words> before = {{"OFF"},         {"ON"},
                                     {"ON", "OPTIN"}, {"ON", "OPTOUT"},
                                     {"ON", "BCAST"}, {"ON", "BCAST", "PREFIX", "b", "PREFIX", "ab", "PREFIX", "ac"}};
  for (const Words& first : before) {
    for (const Words& second : requests) {
      std::vector<Words> commands = {{"CLIENT", "TRACKING", "OFF"}, {"CLIENT", "TRACKING"}, {"CLIENT", "TRACKING"}};
      commands[1].insert(commands[1].end(), first.begin(), first.end());
      commands[2].insert(commands[2].end(), second.begin(), second.end());
      for (const char* question : {"TRACKINGINFO", "GETREDIR"}) commands.push_back({"CLIENT", question});
      say_all(reader_, commands);
    }
  }
}

TEST_P(ClientTracking, ABroadcastHasOneMessageForEachPrefix) {
  track(reader_, {"BCAST", "PREFIX", "b", "PREFIX", "a", "PREFIX", "c:"});
  say_all(writer_, {xadd("b2"), xadd("a"), xadd("b1"), xadd("c"), xadd("zz"), xadd("b2"), {"DEL", "none", "b2"}});
  say_all(writer_, {xadd("zz")});
  say_all(writer_, {xadd("c:"), xadd("a\xff"), xadd(std::string("a\0b", 3)), {"RENAME", "b1", "az"}});
  say_all(writer_, {xadd("a"), {"FLUSHALL"}, xadd("b")});
  track(reader_, {"BCAST"});
  say_all(writer_, {xadd("a"), xadd("q")});
  say(reader_, {"CLIENT", "TRACKING", "OFF"});
  say_all(writer_, {xadd("a"), xadd("q")});
}

TEST_P(ClientTracking, ABroadcastOfOnesOwnChangesComesBehindTheReplies) {
  if (!is_resp3()) GTEST_SKIP() << "the subscriber of RESP2 changes nothing";
  track(reader_, {"BCAST", "PREFIX", "a", "PREFIX", "b"});
  say_and_hear(reader_, {xadd("a"), {"XLEN", "a"}, xadd("b"), {"PING"}}, 2);
  say_and_hear(reader_, {xadd("c"), {"FLUSHALL"}, {"PING"}}, 1);
  say(reader_, {"CLIENT", "TRACKING", "OFF"});
  track(reader_, {"BCAST", "NOLOOP"});
  say_all(reader_, {xadd("a"), {"XLEN", "a"}, xadd("b"), {"DEL", "a"}});
  say_all(writer_, {xadd("a"), xadd("b")});
  say_and_hear(reader_, {xadd("c"), {"FLUSHALL"}, {"PING"}}, 1);
}

TEST_P(ClientTracking, WhoTracksNoMoreIsPassedOver) {
  track(reader_);
  track(other_);
  for (const size_t member : {reader_, other_}) read(member, "k");
  say_all(reader_, {{"CLIENT", "TRACKING", "OFF"}, tracking_on({"BCAST", "PREFIX", "z"})});
  say(other_, {"CLIENT", "TRACKING", "OFF"});
  write("k");
  track(other_);
  read(other_, "k");
  say_all(other_, {{"CLIENT", "TRACKING", "OFF"}, tracking_on({})});
  write("k");
  write("k");
}

TEST_P(ClientTracking, ResetEndsIt) {
  track(reader_, {"OPTIN"});
  say_all(reader_, {{"CLIENT", "CACHING", "YES"}, {"XLEN", "k"}, {"RESET"}, {"CLIENT", "TRACKINGINFO"}});
  write("k");
}

TEST_P(ClientTracking, MessagesComeWithoutReplies) {
  track(reader_);
  say_all(reader_, {{"CLIENT", "REPLY", "OFF"}, {"XLEN", "k"}, xadd("k"), {"CLIENT", "REPLY", "ON"}});
}

// ---- REDIRECT

TEST_P(ClientTracking, TheTargetMayBeOneself) {
  say(reader_, {"CLIENT", "TRACKING", "ON", "REDIRECT", id_of(reader_)});
  say_all(reader_, {{"XLEN", "k"}, xadd("k"), {"CLIENT", "TRACKINGINFO"}, {"CLIENT", "GETREDIR"}});
}

TEST_P(ClientTracking, ATargetOfTheOtherProtocol) {
  const size_t target = talk_->join(is_resp3() ? 2 : 3);
  say(target, {"CLIENT", "ID"});
  say(reader_, {"CLIENT", "TRACKING", "ON", "REDIRECT", id_of(target)});
  read(reader_, "k");
  write("k");
  say(target, {"SUBSCRIBE", "anything"});
  read(reader_, "k");
  write("k");
  say(target, {"UNSUBSCRIBE"});
  say(target, {"PSUBSCRIBE", "*"});
  read(reader_, "k");
  write("k");
}

TEST_P(ClientTracking, ATargetThatIsGone) {
  const size_t target = join();
  const std::string id = id_of(target);
  for (const size_t member : {reader_, other_}) {
    const Words mode = member == reader_ ? Words{} : Words{"BCAST", "PREFIX", "k", "PREFIX", "l"};
    Words words = {"CLIENT", "TRACKING", "ON", "REDIRECT", id};
    words.insert(words.end(), mode.begin(), mode.end());
    say(member, words);
  }
  read(reader_, "k");
  say_and_lose(target, {{"QUIT"}}, {target});
  say(reader_, {"CLIENT", "TRACKINGINFO"});
  write("k");
  say_all(writer_, {xadd("k"), xadd("l")});
  for (const size_t member : {reader_, other_}) say(member, {"CLIENT", "TRACKINGINFO"});
  say_all(reader_, {{"XLEN", "k"}, xadd("k"), {"ECHO", "end"}});
  say(writer_, {"FLUSHALL"});
  say_all(reader_, {{"CLIENT", "TRACKING", "ON", "REDIRECT", id}, {"CLIENT", "TRACKINGINFO"}, {"CLIENT", "GETREDIR"}});
  track(reader_);
  say(reader_, {"CLIENT", "TRACKINGINFO"});
  read(reader_, "k");
  write("k");
}

IN_BOTH_PROTOCOLS(ClientTracking);

// ---- Anything.

class RandomTracking : public ClientTracking {
 public:
  std::string key() { return std::string(1, "abc"[random_.below(3)]) + std::to_string(random_.below(3)); }
  Words any_of(const std::vector<Words>& choices) { return choices[random_.below(choices.size())]; }

  Words a_read() {
    return any_of({{"XLEN", key()},
                   {"XRANGE", key(), "-", "+"},
                   {"EXISTS", key(), key()},
                   {"TYPE", key()},
                   {"GET", key()},
                   {"MGET", key(), key()},
                   {"XREAD", "COUNT", "1", "STREAMS", key(), key(), "0", "0"},
                   {"OBJECT", "ENCODING", key()},
                   {"TTL", key()}});
  }
  Words a_write() {
    if (random_.one_in(40)) return any_of({{"FLUSHALL"}, {"FLUSHDB"}});
    return any_of({xadd(key()),
                   xadd(key()),
                   xadd(key()),
                   {"DEL", key(), key()},
                   {"SET", key(), "1"},
                   {"INCR", key()},
                   {"MSETNX", key(), "1", key(), "2"},
                   {"GETDEL", key()},
                   {"XTRIM", key(), "MAXLEN", "2"},
                   {"RENAME", key(), key()},
                   {"COPY", key(), key(), "REPLACE"},
                   {"MOVE", key(), "1"},
                   {"EXPIRE", key(), "1000"},
                   {"PERSIST", key()},
                   {"XGROUP", "CREATE", key(), "g", "0", "MKSTREAM"},
                   {"XGROUP", "DESTROY", key(), "g"},
                   {"SELECT", std::to_string(random_.below(2))}});
  }
  Words a_default_mode() {
    return any_of({{"CLIENT", "TRACKING", "OFF"},
                   tracking_on({}),
                   tracking_on({"NOLOOP"}),
                   tracking_on({"OPTIN"}),
                   tracking_on({"OPTOUT", "NOLOOP"}),
                   {"CLIENT", "CACHING", "YES"},
                   {"CLIENT", "CACHING", "NO"},
                   {"CLIENT", "TRACKINGINFO"}});
  }
  Words a_broadcast_mode() {
    return any_of({{"CLIENT", "TRACKING", "OFF"},
                   tracking_on({"BCAST", "PREFIX", key().substr(0, 1)}),
                   tracking_on({"BCAST", "PREFIX", key(), "NOLOOP"}),
                   tracking_on({"BCAST"}),
                   {"CLIENT", "TRACKINGINFO"}});
  }
  std::vector<Words> some(Words (RandomTracking::*one)()) {
    std::vector<Words> commands;
    for (uint64_t left = 1 + random_.below(4); left > 0; left--) commands.push_back((this->*one)());
    return commands;
  }

  uint64_t seed_ = 0;
  Random random_{0};
};

// Who broadcasts writes nothing, because of when it would hear of that.
TEST_P(RandomTracking, EverybodyHearsTheSame) {
  seed_ = seed_for(1);
  SCOPED_TRACE("MILLRACE_TEST_SEED=" + std::to_string(seed_));
  random_ = Random(seed_);
  const size_t broad = join();
  const size_t also_broad = join();
  for (int step = 0; step < length_for(1000) && !HasFatalFailure(); step++) {
    const size_t tracker = random_.one_in(2) ? reader_ : other_;
    const size_t listener = random_.one_in(2) ? broad : also_broad;
    switch (random_.below(10)) {
      case 0:
        say_all(tracker, some(&RandomTracking::a_default_mode));
        break;
      case 1:
        say_all(listener, some(&RandomTracking::a_broadcast_mode));
        break;
      case 2:
        say_all(listener, some(&RandomTracking::a_read));
        break;
      case 3:
        say_all(tracker, some(&RandomTracking::a_write));
        break;
      case 4:
      case 5:
        say_all(writer_, some(&RandomTracking::a_write));
        break;
      default:
        say_all(tracker, some(&RandomTracking::a_read));
        break;
    }
  }
}

IN_BOTH_PROTOCOLS(RandomTracking);

}  // namespace
}  // namespace millrace::test
