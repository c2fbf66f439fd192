// DUMP and RESTORE of both servers: the same errors, and each takes what the other gives.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "reply_comparison.h"
#include "reply_tree.h"
#include "script_generator.h"
#include "server_pair.h"

namespace millrace::test {
namespace {

class RestoreComparison : public testing::Test {
 protected:
  void SetUp() override {
    std::string why;
    servers_ = ServerPair::start(&why, {"--sanitize-dump-payload", "yes", "--stream-node-max-entries", "6"});
    ASSERT_NE(servers_, nullptr) << why;
    both_ = std::make_unique<ConnectionPair>(servers_->connect());
    ASSERT_TRUE(both_->is_open());
  }
  void expect_same(const Words& words) {
    const ReplyPair replies = both_->command(words);
    EXPECT_EQ(readable_reply(replies.millrace), readable_reply(replies.redis)) << readable_words(words);
  }
  // Takes a key of one server to the other, under another name.
  void carry(RespConnection& from, RespConnection& to, const std::string& key) {
    const std::string payload = parse_reply(from.command({"DUMP", key})).text;
    ASSERT_EQ(to.command({"RESTORE", key + "-carried", "0", payload, "REPLACE"}), "+OK\r\n") << key;
  }

  std::unique_ptr<ServerPair> servers_;
  std::unique_ptr<ConnectionPair> both_;
};

TEST_F(RestoreComparison, TheSameIsRefusedInTheSameWords) {
  expect_same({"XADD", "s", "1-1", "f", "v"});
  const std::string payload = parse_reply(both_->redis().command({"DUMP", "s"})).text;
  std::string damaged = payload;
  damaged[5] ^= 1;
  const std::vector<Words> cases = {
      {"DUMP"},
      {"DUMP", "absent"},
      {"DUMP", "a", "b"},
      {"RESTORE", "t", "0"},
      {"RESTORE", "s", "0", payload},
      {"RESTORE", "s", "x", payload},
      {"RESTORE", "s", "x", payload, "REPLACE"},
      {"RESTORE", "t", "-1", payload},
      {"RESTORE", "t", "1.5", payload},
      {"RESTORE", "t", "-1", "nonsense"},
      {"RESTORE", "t", "0", "nonsense"},
      {"RESTORE", "t", "0", ""},
      {"RESTORE", "t", "0", damaged},
      {"RESTORE", "t", "0", payload + "x"},
      {"RESTORE", "t", "0", payload, "FOO"},
      {"RESTORE", "t", "0", payload, "IDLETIME"},
      {"RESTORE", "t", "0", payload, "IDLETIME", "-1"},
      {"RESTORE", "t", "0", payload, "IDLETIME", "x"},
      {"RESTORE", "t", "0", payload, "FREQ", "256"},
      {"RESTORE", "t", "0", payload, "FREQ", "-1"},
      {"RESTORE", "t", "0", payload, "IDLETIME", "1", "FREQ", "1"},
      {"RESTORE", "t", "0", payload, "FREQ", "1", "IDLETIME", "1"},
      {"EXISTS", "t"},
      {"RESTORE", "t", "0", payload, "idletime", "10"},
      {"OBJECT", "IDLETIME", "t"},
      {"RESTORE", "t", "0", payload, "replace", "FREQ", "10"},
      {"RESTORE", "t", "4102444800000", payload, "ABSTTL", "REPLACE", "REPLACE"},
      {"PEXPIRETIME", "t"},
      {"RESTORE", "t", "1", payload, "REPLACE", "ABSTTL"},
      {"EXISTS", "t"},
      {"XINFO", "STREAM", "s", "FULL"},
  };
  for (const Words& words : cases) expect_same(words);
}

TEST_F(RestoreComparison, EachTakesTheStringsThatTheOtherGives) {
  for (const std::string& text : {std::string(), std::string("5"), std::string("-2147483649"), std::string(44, 'x'),
                                  std::string(100'000, 'y'), std::string("\0\xff\r\n", 4)}) {
    both_->command({"SET", "n", text});
    carry(both_->redis(), both_->millrace(), "n");
    carry(both_->millrace(), both_->redis(), "n");
    for (const std::string key : {"n", "n-carried"}) {
      const ReplyPair pair = both_->command({"GET", key});
      EXPECT_EQ(parse_reply(pair.redis).text, text);
      EXPECT_EQ(pair.redis, pair.millrace);
      expect_same({"OBJECT", "ENCODING", key});
    }
  }
}

TEST_F(RestoreComparison, EachTakesWhatTheOtherGives) {
  constexpr int kCommands = 3000;
  constexpr int kLookEvery = 300;
  ScriptGenerator generator(77, ScriptKind::kNoDeletions, 2);
  int carried = 0;
  for (int i = 1; i <= kCommands; ++i) {
    both_->command(generator.next());
    if (i % kLookEvery != 0) continue;
    both_->command({"HELLO", "2"});
    both_->command({"SELECT", "0"});
    for (const Reply& key : parse_reply(both_->command({"KEYS", "*"}).redis).elements) {
      if (both_->command({"TYPE", key.text}).redis != "+stream\r\n") continue;
      SCOPED_TRACE("command " + std::to_string(i) + ", key " + key.text);
      carry(both_->redis(), both_->millrace(), key.text);
      carry(both_->millrace(), both_->redis(), key.text);
      const Words whole = {"XINFO", "STREAM", key.text, "FULL", "COUNT", "0"};
      const Words copy = {"XINFO", "STREAM", key.text + "-carried", "FULL", "COUNT", "0"};
      const ReplyPair originals = both_->command(whole);
      const ReplyPair copies = both_->command(copy);
      ReplyComparison comparison(true);
      EXPECT_TRUE(comparison.equal(whole, originals.redis, copies.millrace))
          << readable_reply(originals.redis) << readable_reply(copies.millrace);
      EXPECT_TRUE(comparison.equal(whole, copies.redis, originals.millrace))
          << readable_reply(copies.redis) << readable_reply(originals.millrace);
      both_->command({"DEL", key.text + "-carried"});
      ++carried;
    }
  }
  EXPECT_GT(carried, 20);
}

}  // namespace
}  // namespace millrace::test
