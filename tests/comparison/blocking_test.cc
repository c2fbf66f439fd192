// Who is woken by what, and with which reply: two connections block, a third one acts, on both servers.
//
// Where 7.2 changed the text that a blocked reader of a group gets when its key or group goes away, only the fact that
// it gets an error is compared. (7.0 also wakes a reader for an entry that was trimmed at once, with nothing.)
#include <gtest/gtest.h>

#include <optional>

#include "reply_tree.h"
#include "server_pair.h"
#include "support/eventually.h"

namespace millrace::test {
namespace {

int blocked_clients(RespConnection& connection) {
  constexpr std::string_view kField = "blocked_clients:";
  const std::string info = connection.command({"INFO", "clients"});
  const size_t at = info.find(kField);
  return at == std::string::npos ? -1 : std::atoi(info.c_str() + at + kField.size());
}

class Blocking : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    std::string why;
    servers_ = ServerPair::start(&why);
    ASSERT_NE(servers_, nullptr) << why;
    for (std::optional<ConnectionPair>* connection : {&actor_, &first_, &second_}) {
      connection->emplace(servers_->connect());
      ASSERT_TRUE((*connection)->is_open());
      (*connection)->command({"HELLO", GetParam()});
    }
  }

  // What the actor does is answered alike.
  void act(const Words& words) {
    const ReplyPair pair = actor_->command(words);
    EXPECT_EQ(readable_reply(pair.redis), readable_reply(pair.millrace)) << readable_words(words);
  }
  // Sends, and waits until both servers say that one more client is blocked.
  void block(ConnectionPair& connection, const Words& words) {
    connection.send(words);
    blocked_++;
    expect_blocked(blocked_);
  }
  void expect_blocked(int count) {
    for (RespConnection* server : {&actor_->redis(), &actor_->millrace()}) {
      EXPECT_TRUE(eventually([&] { return blocked_clients(*server) == count; }))
          << (server == &actor_->redis() ? "redis" : "millrace") << " has not " << count << " blocked clients";
    }
  }
  void expect_still_blocked() { expect_blocked(blocked_); }
  void expect_woken_alike(ConnectionPair& connection) {
    const ReplyPair pair = connection.read();
    blocked_--;
    EXPECT_EQ(readable_reply(pair.redis), readable_reply(pair.millrace));
    EXPECT_NE(pair.redis, "");
  }
  void expect_woken_with_error(ConnectionPair& connection) {
    const ReplyPair pair = connection.read();
    blocked_--;
    EXPECT_EQ(pair.redis.substr(0, 1), "-") << pair.redis;
    EXPECT_EQ(pair.millrace.substr(0, 1), "-") << pair.millrace;
  }

  std::unique_ptr<ServerPair> servers_;
  std::optional<ConnectionPair> actor_;
  std::optional<ConnectionPair> first_;
  std::optional<ConnectionPair> second_;
  int blocked_ = 0;
};

TEST_P(Blocking, AnAppendWakesAllReaders) {
  block(*first_, {"XREAD", "BLOCK", "0", "STREAMS", "s", "$"});
  block(*second_, {"XREAD", "COUNT", "1", "BLOCK", "0", "STREAMS", "other", "s", "0", "$"});
  act({"XADD", "s", "1-1", "f", "v"});
  expect_woken_alike(*first_);
  expect_woken_alike(*second_);
}

TEST_P(Blocking, ReadersOfAGroupAreServedInTurn) {
  act({"XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"});
  block(*first_, {"XREADGROUP", "GROUP", "g", "a", "BLOCK", "0", "STREAMS", "s", ">"});
  block(*second_, {"XREADGROUP", "GROUP", "g", "b", "BLOCK", "0", "STREAMS", "s", ">"});
  act({"XADD", "s", "1-1", "f", "v"});
  expect_woken_alike(*first_);
  expect_still_blocked();
  act({"XADD", "s", "2-1", "f", "v"});
  expect_woken_alike(*second_);
  act({"XPENDING", "s", "g"});
}

TEST_P(Blocking, NoAckLeavesNothingPending) {
  act({"XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"});
  block(*first_, {"XREADGROUP", "GROUP", "g", "a", "BLOCK", "0", "NOACK", "STREAMS", "s", ">"});
  act({"XADD", "s", "1-1", "f", "v"});
  expect_woken_alike(*first_);
  act({"XPENDING", "s", "g"});
  act({"XINFO", "GROUPS", "s"});
}

TEST_P(Blocking, AnIdThatIsNotNewWakesNobody) {
  block(*first_, {"XREAD", "BLOCK", "0", "STREAMS", "s", "5-0"});
  act({"XADD", "s", "4-1", "f", "v"});
  expect_still_blocked();
  act({"XADD", "s", "5-0", "f", "v"});
  expect_still_blocked();
  act({"XADD", "s", "5-1", "f", "v"});
  expect_woken_alike(*first_);
}

TEST_P(Blocking, ADeletedKeyKeepsItsReaders) {
  act({"XADD", "s", "1-1", "f", "v"});
  block(*first_, {"XREAD", "BLOCK", "0", "STREAMS", "s", "$"});
  act({"DEL", "s"});
  expect_still_blocked();
  act({"XADD", "s", "1-2", "f", "v"});
  expect_woken_alike(*first_);
}

TEST_P(Blocking, AStreamThatArrivesUnderTheNameWakes) {
  act({"XADD", "source", "1-1", "f", "v"});
  block(*first_, {"XREAD", "BLOCK", "0", "STREAMS", "renamed", "0"});
  block(*second_, {"XREAD", "BLOCK", "0", "STREAMS", "copied", "0"});
  act({"COPY", "source", "copied"});
  expect_woken_alike(*second_);
  act({"RENAME", "source", "renamed"});
  expect_woken_alike(*first_);
}

TEST_P(Blocking, AMovedStreamWakesTheOtherDatabase) {
  act({"XADD", "s", "1-1", "f", "v"});
  first_->command({"SELECT", "1"});
  block(*first_, {"XREAD", "BLOCK", "0", "STREAMS", "s", "0"});
  act({"MOVE", "s", "1"});
  expect_woken_alike(*first_);
}

TEST_P(Blocking, AGroupThatGoesAwayEndsTheWait) {
  act({"XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"});
  block(*first_, {"XREADGROUP", "GROUP", "g", "a", "BLOCK", "0", "STREAMS", "s", ">"});
  act({"XGROUP", "DESTROY", "s", "g"});
  expect_woken_with_error(*first_);
}

TEST_P(Blocking, AKeyThatGoesAwayEndsTheWaitOfAGroup) {
  act({"XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"});
  block(*first_, {"XREADGROUP", "GROUP", "g", "a", "BLOCK", "0", "STREAMS", "s", ">"});
  act({"DEL", "s"});
  expect_woken_with_error(*first_);
}

TEST_P(Blocking, AKeyThatBecomesAStringEndsTheWaitOfAGroup) {
  for (const Words& change : {Words{"SET", "s", "text"}, Words{"MSET", "s", "text"},
                              Words{"COPY", "text", "s", "REPLACE"}, Words{"SETEX", "s", "100", "text"}}) {
    act({"SET", "text", "text"});
    act({"DEL", "s"});
    act({"XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"});
    block(*first_, {"XREADGROUP", "GROUP", "g", "a", "BLOCK", "0", "STREAMS", "s", ">"});
    act(change);
    expect_woken_with_error(*first_);
  }
}

TEST_P(Blocking, AStringIsNothingToRead) {
  block(*first_, {"XREAD", "BLOCK", "0", "STREAMS", "s", "$"});
  act({"SET", "s", "text"});
  act({"APPEND", "s", "more"});
  expect_still_blocked();
  act({"DEL", "s"});
  act({"XADD", "s", "1-1", "f", "v"});
  expect_woken_alike(*first_);
}

TEST_P(Blocking, TimeRunsOut) {
  act({"XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"});
  first_->send({"XREAD", "BLOCK", "10", "STREAMS", "s", "$"});
  second_->send({"XREADGROUP", "GROUP", "g", "a", "BLOCK", "10", "STREAMS", "s", ">"});
  blocked_ = 2;
  expect_woken_alike(*first_);
  expect_woken_alike(*second_);
  expect_still_blocked();
}

TEST_P(Blocking, CommandsBehindABlockedOneWait) {
  block(*first_, {"XREAD", "BLOCK", "0", "STREAMS", "s", "$"});
  first_->send({"PING", "behind"});
  first_->send({"XLEN", "s"});
  act({"XADD", "s", "1-1", "f", "v"});
  expect_woken_alike(*first_);
  for (int i = 0; i < 2; i++) {
    const ReplyPair pair = first_->read();
    EXPECT_EQ(pair.redis, pair.millrace);
  }
}

INSTANTIATE_TEST_SUITE_P(Protocol, Blocking, testing::Values("2", "3"),
                         [](const auto& protocol) { return std::string("Resp") + protocol.param; });

}  // namespace
}  // namespace millrace::test
