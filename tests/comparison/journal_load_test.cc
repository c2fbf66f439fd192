// Append-only directories written by redis-server, with everything a random script does to streams and strings:
// Millrace loads what redis-server loads.
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "random_run.h"
#include "reply_comparison.h"
#include "reply_tree.h"
#include "script_generator.h"
#include "server_pair.h"
#include "support/eventually.h"

namespace millrace::test {
namespace {

constexpr int kCommandsUsual = 6'000;
constexpr int kDatabasesUsed = 3;

class JournalOfRedis : public testing::Test {
 protected:
  void SetUp() override {
    writer_ = start(ServerKind::kRedis, {});
    ASSERT_NE(writer_, nullptr);
  }

  // A server that keeps a journal.
  std::unique_ptr<ServerProcess> start(ServerKind kind, const std::vector<std::string>& more) {
    ServerOptions options{.kind = kind};
    options.extra = {"--appendonly", "yes", "--appendfsync", "no", "--save", ""};
    if (kind == ServerKind::kMillrace) options.extra.insert(options.extra.end(), {"--compat-version", "7.0.15"});
    options.extra.insert(options.extra.end(), more.begin(), more.end());
    std::string why;
    auto server = ServerProcess::start(options, &why);
    EXPECT_NE(server, nullptr) << why;
    return server;
  }

  void run_script(uint64_t seed, ScriptKind kind) {
    const auto connection = RespConnection::connect(writer_->port());
    ASSERT_NE(connection, nullptr);
    connection->command({"CONFIG", "SET", "stream-node-max-entries", "5"});
    ScriptGenerator generator(seed, kind, 2);
    for (int i = 0; i < length_for(kCommandsUsual); ++i) {
      connection->command(generator.next());
      if (i == length_for(kCommandsUsual) / 2 && rewrites_) rewrite();
    }
  }
  void rewrite() {
    const auto connection = RespConnection::connect(writer_->port());
    connection->command({"BGREWRITEAOF"});
    EXPECT_TRUE(eventually([&] {
      const std::string info = connection->command({"INFO", "persistence"});
      return info.find("aof_rewrite_in_progress:0") != std::string::npos;
    }));
  }

  // Stops the writer, and has each of the two load a copy of what it wrote.
  void load_both() {
    ASSERT_EQ(writer_->stop().code, 0);
    const auto source = std::filesystem::path(writer_->directory()) / "appendonlydir";
    for (const char* copy : {"redis", "millrace"}) {
      const auto target = std::filesystem::path(writer_->directory()) / copy;
      std::filesystem::create_directory(target);
      std::filesystem::copy(source, target / "appendonlydir", std::filesystem::copy_options::recursive);
    }
    redis_ = start(ServerKind::kRedis, {"--dir", writer_->directory() + "/redis"});
    millrace_ = start(ServerKind::kMillrace, {"--dir", writer_->directory() + "/millrace"});
    ASSERT_TRUE(redis_ != nullptr && millrace_ != nullptr);
  }

  void expect_same_keys(bool has_gaps) {
    ConnectionPair both(redis_->port(), millrace_->port());
    ASSERT_TRUE(both.is_open());
    ReplyComparison comparison(has_gaps);
    int keys = 0;
    for (int database = 0; database < kDatabasesUsed; ++database) {
      both.command({"SELECT", std::to_string(database)});
      const Words all = {"KEYS", "*"};
      const ReplyPair names = both.command(all);
      ASSERT_TRUE(comparison.equal(all, names.redis, names.millrace))
          << readable_reply(names.redis) << readable_reply(names.millrace);
      for (const Reply& name : parse_reply(names.redis).elements) {
        ++keys;
        for (const Words& look :
             {Words{"XINFO", "STREAM", name.text, "FULL", "COUNT", "0"}, Words{"PEXPIRETIME", name.text},
              Words{"GET", name.text}, Words{"OBJECT", "ENCODING", name.text}}) {
          const ReplyPair pair = both.command(look);
          EXPECT_TRUE(comparison.equal(look, pair.redis, pair.millrace))
              << readable_words(look) << "\nredis:\n"
              << readable_reply(pair.redis) << "millrace:\n"
              << readable_reply(pair.millrace) << millrace_->log();
        }
      }
    }
    EXPECT_GT(keys, 3);
    EXPECT_EQ(millrace_->log().find("gave errors"), std::string::npos) << millrace_->log();
  }

  bool rewrites_ = false;
  std::unique_ptr<ServerProcess> writer_;
  std::unique_ptr<ServerProcess> redis_;
  std::unique_ptr<ServerProcess> millrace_;
};

TEST_F(JournalOfRedis, IsLoadedAsRedisLoadsIt) {
  const uint64_t seed = seed_for(11);
  SCOPED_TRACE("seed " + std::to_string(seed));
  run_script(seed, ScriptKind::kEverything);
  load_both();
  expect_same_keys(true);
}

TEST_F(JournalOfRedis, IsLoadedBehindItsBaseToo) {
  const uint64_t seed = seed_for(12);
  SCOPED_TRACE("seed " + std::to_string(seed));
  rewrites_ = true;
  run_script(seed, ScriptKind::kNoDeletions);
  load_both();
  expect_same_keys(true);
}

TEST_F(JournalOfRedis, IsLoadedWhereItsBaseIsNoRdb) {
  const uint64_t seed = seed_for(13);
  SCOPED_TRACE("seed " + std::to_string(seed));
  const auto connection = RespConnection::connect(writer_->port());
  ASSERT_EQ(connection->command({"CONFIG", "SET", "aof-use-rdb-preamble", "no"}), "+OK\r\n");
  rewrites_ = true;
  run_script(seed, ScriptKind::kAppendOnly);
  load_both();
  expect_same_keys(true);
}

}  // namespace
}  // namespace millrace::test
