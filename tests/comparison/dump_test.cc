// DUMP payloads between redis-server and the RDB reader and writer of ours, byte for byte. The server looks at every
// part of what it is handed (sanitize-dump-payload) and compresses nothing, so that its bytes can be told in advance.
#include "persistence/dump.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/numbers.h"
#include "reply_tree.h"
#include "script_generator.h"
#include "support/random_stream.h"
#include "support/resp_connection.h"
#include "support/server_process.h"

namespace millrace::test {
namespace {

using persistence::dump_value;
using persistence::restore_value;

// redis-server 7.0.
constexpr int kRdbVersion = 10;
constexpr Kept kKept{.active_time = false, .idempotency = false, .nacked = false};

class DumpComparison : public testing::Test {
 protected:
  void SetUp() override {
    std::string why;
    server_ = ServerProcess::start(
        {.kind = ServerKind::kRedis,
         .extra = {"--sanitize-dump-payload", "yes", "--rdbcompression", "no", "--stream-node-max-entries", "6"}},
        &why);
    ASSERT_NE(server_, nullptr) << why;
    redis_ = RespConnection::connect(server_->port());
    ASSERT_NE(redis_, nullptr);
  }
  std::string dump(const std::string& key) { return parse_reply(redis_->command({"DUMP", key})).text; }
  std::string restore(const std::string& key, const std::string& payload) {
    return redis_->command({"RESTORE", key, "0", payload, "REPLACE"});
  }
  // All that XINFO shows, but for how the index is laid out.
  std::string full_look(const std::string& key) {
    return redis_->command({"XINFO", "STREAM", key, "FULL", "COUNT", "0"});
  }

  // Groups of Redis 7.0 may have read more than was ever added; Millrace, like later versions, corrects that.
  void correct_entries_read(const std::string& key) {
    const Reply stream = parse_reply(redis_->command({"XINFO", "STREAM", key}));
    const int64_t added = number(stream, "entries-added");
    for (const Reply& group : parse_reply(redis_->command({"XINFO", "GROUPS", key})).elements) {
      if (number(group, "entries-read") <= added) continue;
      redis_->command({"XGROUP", "SETID", key, find_field(group, "name")->text,
                       find_field(group, "last-delivered-id")->text, "ENTRIESREAD", std::to_string(added)});
    }
  }
  static int64_t number(const Reply& map, std::string_view name) {
    return parse_i64(find_field(map, name)->text).value_or(-1);
  }

  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<RespConnection> redis_;
};

TEST_F(DumpComparison, OurStreamsAreReadByRedisAndComeBackTheSame) {
  for (uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const auto stream = random_stream(random, {.steps = 50 + static_cast<int>(random.below(300))});
    const std::string payload = dump_value(*stream, kRdbVersion, false);
    ASSERT_EQ(restore("plain", payload), "+OK\r\n");
    ASSERT_EQ(restore("packed", dump_value(*stream, kRdbVersion, true)), "+OK\r\n");
    ASSERT_EQ(full_look("plain"), full_look("packed"));
    const std::string back = dump("plain");
    ASSERT_EQ(readable_text(back), readable_text(payload));
    auto copy = restore_value(back, {});
    ASSERT_TRUE(copy.ok()) << describe(copy.error());
    ASSERT_EQ(content_of(*copy->stream, kKept), content_of(*stream, kKept));
  }
}

TEST_F(DumpComparison, StringsAreTheSameBytes) {
  const std::vector<std::string> texts = {"",
                                          "0",
                                          "-1",
                                          "127",
                                          "128",
                                          "-128",
                                          "-129",
                                          "32767",
                                          "-32769",
                                          "2147483647",
                                          "2147483648",
                                          "-2147483648",
                                          "-2147483649",
                                          "9223372036854775807",
                                          "12345678901",
                                          "007",
                                          "+1",
                                          "text",
                                          std::string("\0\r\n", 3),
                                          std::string(44, 'x'),
                                          std::string(63, 'y'),
                                          std::string(64, 'y'),
                                          std::string(16383, 'z'),
                                          std::string(16384, 'z'),
                                          std::string(200'000, 'z')};
  for (const std::string& text : texts) {
    SCOPED_TRACE(readable_text(text.substr(0, 40)) + ", " + std::to_string(text.size()) + " bytes");
    redis_->command({"SET", "text", text});
    const std::string payload = dump("text");
    EXPECT_EQ(payload, dump_value(text, kRdbVersion, false));
    const auto value = restore_value(payload, {});
    ASSERT_TRUE(value.ok());
    EXPECT_EQ(value->stream, nullptr);
    EXPECT_EQ(value->text, text);
    EXPECT_EQ(restore("packed", dump_value(text, kRdbVersion, true)), "+OK\r\n");
    EXPECT_EQ(parse_reply(redis_->command({"GET", "packed"})).text, text);
  }
}

// What commands leave behind in Redis, with every option of theirs.
class ScriptDump : public DumpComparison, public testing::WithParamInterface<ScriptKind> {};

TEST_P(ScriptDump, IsReadAndWrittenBackTheSame) {
  constexpr int kCommands = 6000;
  constexpr int kLookEvery = 200;
  ScriptGenerator generator(21, GetParam(), 2);
  int streams_seen = 0;
  for (int i = 1; i <= kCommands; ++i) {
    redis_->command(generator.next());
    if (i % kLookEvery != 0) continue;
    redis_->command({"HELLO", "2"});
    redis_->command({"SELECT", "0"});
    for (const Reply& key : parse_reply(redis_->command({"KEYS", "*"})).elements) {
      if (redis_->command({"TYPE", key.text}) != "+stream\r\n" || key.text == "copy") continue;
      SCOPED_TRACE("command " + std::to_string(i) + ", key " + key.text);
      correct_entries_read(key.text);
      const std::string payload = dump(key.text);
      auto value = restore_value(payload, {});
      ASSERT_TRUE(value.ok()) << describe(value.error());
      value->stream->check_invariants();
      const std::string written = dump_value(*value->stream, kRdbVersion, false);
      ASSERT_EQ(readable_text(written), readable_text(payload));
      ASSERT_EQ(restore("copy", dump_value(*value->stream, kRdbVersion, true)), "+OK\r\n");
      ASSERT_EQ(full_look("copy"), full_look(key.text));
      ++streams_seen;
    }
    redis_->command({"DEL", "copy"});
  }
  EXPECT_GT(streams_seen, 30);
}

INSTANTIATE_TEST_SUITE_P(Kinds, ScriptDump,
                         testing::Values(ScriptKind::kEverything, ScriptKind::kNoDeletions, ScriptKind::kAppendOnly));

}  // namespace
}  // namespace millrace::test
