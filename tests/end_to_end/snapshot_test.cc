// Snapshots of a real process: through restarts, under load, when killed, in a broken file, and to redis-server and
// back.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "end_to_end/fixture.h"

namespace millrace::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class SnapshotTest : public EndToEnd {
 protected:
  std::string path(std::string_view name = "dump.rdb") const { return directory_.path(name); }

  void start_here(std::vector<std::string> extra = {}) {
    extra.insert(extra.end(), {"--dir", directory_.path("."), "--enable-debug-command", "yes"});
    start(std::move(extra));
  }
  std::string call(const std::vector<std::string>& words) { return client().call(words); }

  // Everything a stream can have.
  void fill() {
    Client c = client();
    for (int i = 1; i <= 500; ++i) {
      c.call(
          {"XADD", "stream", std::to_string(i) + "-0", "field", "value " + std::to_string(i), "n", std::to_string(i)});
    }
    c.call({"XGROUP", "CREATE", "stream", "group", "0"});
    c.call({"XREADGROUP", "GROUP", "group", "alice", "COUNT", "20", "STREAMS", "stream", ">"});
    c.call({"XREADGROUP", "GROUP", "group", "bob", "COUNT", "20", "STREAMS", "stream", ">"});
    c.call({"XACK", "stream", "group", "3-0", "25-0"});
    c.call({"XDEL", "stream", "5-0", "400-0", "500-0"});
    c.call({"XGROUP", "CREATE", "stream", "other group", "$"});
    c.call({"XADD", "expiring", "*", "a", "b"});
    c.call({"EXPIRE", "expiring", "1000"});
    c.call({"XADD", "gone soon", "*", "a", "b"});
    c.call({"PEXPIRE", "gone soon", "1"});
    EXPECT_TRUE(eventually([&] { return c.call({"EXISTS", "gone soon"}) == "0"; }));
    c.call({"SELECT", "3"});
    c.call({"XADD", "elsewhere", "7-7", "a", "b"});
  }
  // What only Millrace and Redis 8 have.
  void fill_new() {
    Client c = client();
    c.call({"XADD", "produced", "IDMP", "producer", "one", "*", "a", "b"});
    c.call({"XADD", "nacked", "1-1", "a", "b"});
    c.call({"XGROUP", "CREATE", "nacked", "group", "0"});
    c.call({"XREADGROUP", "GROUP", "group", "alice", "STREAMS", "nacked", ">"});
    c.call({"XNACK", "nacked", "group", "FAIL", "IDS", "1", "1-1"});
  }
  std::string digest() { return call({"DEBUG", "DIGEST"}); }
  int64_t info(const std::string& field) {
    const std::string text = call({"INFO", "persistence"});
    const size_t at = text.find("\n" + field + ":");
    return at == std::string::npos ? -100 : std::stoll(text.substr(at + field.size() + 2));
  }
  bool await_saves(int64_t count) {
    return eventually([&] { return info("rdb_saves") >= count && info("rdb_bgsave_in_progress") == 0; });
  }
  // Runs the server on a file, which it has to refuse; what it said.
  std::string refusal(const std::vector<std::string>& extra = {}) {
    std::vector<std::string> words = {MILLRACE_SERVER_PATH, "--port", std::to_string(free_port()), "--dir",
                                      directory_.path(".")};
    words.insert(words.end(), extra.begin(), extra.end());
    Process process(words);
    EXPECT_EQ(process.exit_code(), 1);
    return process.error_output();
  }

  TemporaryDirectory directory_;
};

TEST_P(SnapshotTest, EverythingComesBackAfterARestart) {
  start_here({"--save", ""});
  fill();
  fill_new();
  const std::string before = digest();
  EXPECT_EQ(call({"SAVE"}), "OK");
  server_->kill_hard();
  start_here({"--save", ""});
  EXPECT_EQ(digest(), before);
  EXPECT_EQ(call({"XLEN", "stream"}), "497");
  EXPECT_EQ(call({"TTL", "stream"}), "-1");
  EXPECT_EQ(call({"EXISTS", "gone soon"}), "0");
  EXPECT_GT(std::stoi(call({"TTL", "expiring"})), 900);
  EXPECT_EQ(info("rdb_last_load_keys_loaded"), 5);
  EXPECT_THAT(log(), HasSubstr("DB loaded from disk: 5 keys"));
  expect_clean_end();
}

TEST_P(SnapshotTest, TheEndSavesIfThereAreSavePoints) {
  start_here({"--save", "3600 1"});
  fill();
  std::string before = digest();
  expect_clean_end();
  start_here({"--save", "3600 1"});
  EXPECT_EQ(digest(), before);
  call({"XADD", "more", "*", "a", "b"});
  before = digest();
  EXPECT_THAT(call({"SHUTDOWN"}), StartsWith("(lost"));
  EXPECT_EQ(server_->wait_for_exit(std::chrono::seconds(20))->code, 0);
  start_here({"--save", ""});
  EXPECT_EQ(digest(), before);
  call({"XADD", "lost", "*", "a", "b"});
  expect_clean_end();
  start_here({"--save", "3600 1"});
  EXPECT_EQ(digest(), before);
  call({"XADD", "lost", "*", "a", "b"});
  EXPECT_THAT(call({"SHUTDOWN", "NOSAVE"}), StartsWith("(lost"));
  EXPECT_EQ(server_->wait_for_exit(std::chrono::seconds(20))->code, 0);
  start_here({"--save", ""});
  EXPECT_EQ(digest(), before);
}

TEST_P(SnapshotTest, KilledOnTheWayTheOldFileStays) {
  start_here({"--save", ""});
  fill();
  const std::string before = digest();
  EXPECT_EQ(call({"SAVE"}), "OK");
  const std::string old_file = read_whole_file(path());
  Client c = client();
  const std::string value(100'000, 'x');
  for (int i = 0; i < 300; ++i) c.call({"XADD", "large" + std::to_string(i), "*", "field", value + std::to_string(i)});
  EXPECT_EQ(c.call({"CONFIG", "SET", "rdbcompression", "no"}), "OK");
  EXPECT_EQ(c.call({"BGSAVE"}), "Background saving started");
  server_->kill_hard();
  if (std::filesystem::exists(path("temp-" + std::to_string(server_->pid()) + ".rdb"))) {
    EXPECT_EQ(read_whole_file(path()), old_file);
    start_here({"--save", ""});
    EXPECT_EQ(digest(), before);
  }
}

TEST_P(SnapshotTest, CommandsAnswerAsRedis) {
  start_here({"--save", ""});
  const int64_t last = std::stoll(call({"LASTSAVE"}));
  EXPECT_GT(last, 1'600'000'000);
  EXPECT_EQ(call({"BGSAVE", "x"}), "-ERR syntax error");
  EXPECT_EQ(call({"BGSAVE", "SCHEDULE"}), "Background saving started");
  ASSERT_TRUE(await_saves(1));
  EXPECT_EQ(info("rdb_changes_since_last_save"), 0);
  call({"XADD", "s", "*", "a", "b"});
  EXPECT_EQ(info("rdb_changes_since_last_save"), 1);
  EXPECT_EQ(call({"CONFIG", "SET", "dir", "/"}),
            "-ERR CONFIG SET failed (possibly related to argument 'dir') - can't set protected config");
  EXPECT_EQ(call({"DEBUG", "RELOAD"}), "OK");
  EXPECT_EQ(call({"XLEN", "s"}), "1");
  EXPECT_EQ(call({"DEBUG", "RELOAD", "MERGE"}),
            "-ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
}

TEST_P(SnapshotTest, FilesGoWhereTheSettingSays) {
  start_here({"--save", "", "--enable-protected-configs", "local"});
  std::filesystem::create_directory(path("sub"));
  EXPECT_EQ(call({"CONFIG", "SET", "dir", path("none")}),
            "-ERR CONFIG SET failed (possibly related to argument 'dir') - No such file or directory");
  EXPECT_EQ(call({"CONFIG", "SET", "dir", path("sub"), "dbfilename", "x.rdb"}), "OK");
  EXPECT_EQ(call({"SAVE"}), "OK");
  EXPECT_TRUE(std::filesystem::exists(path("sub/x.rdb")));
}

TEST_P(SnapshotTest, AFailedSaveRefusesWritesUntilOneWorks) {
  start_here({"--save", "3600 1", "--enable-protected-configs", "yes"});
  std::filesystem::create_directory(path("sub"));
  EXPECT_EQ(call({"CONFIG", "SET", "dir", path("sub")}), "OK");
  std::filesystem::remove(path("sub"));
  EXPECT_EQ(call({"SAVE"}), "-ERR");
  EXPECT_EQ(call({"BGSAVE"}), "Background saving started");
  EXPECT_TRUE(eventually([&] { return call({"PING"}).starts_with("-MISCONF Redis is "); }));
  EXPECT_THAT(call({"XADD", "s", "*", "a", "b"}), StartsWith("-MISCONF Redis is "));
  EXPECT_THAT(call({"INFO", "persistence"}), HasSubstr("rdb_last_bgsave_status:err"));
  EXPECT_THAT(call({"SHUTDOWN"}), StartsWith("-ERR Errors trying to SHUTDOWN. Check logs."));
  EXPECT_EQ(call({"CONFIG", "SET", "stop-writes-on-bgsave-error", "no"}), "OK");
  EXPECT_THAT(call({"XADD", "s", "*", "a", "b"}), HasSubstr("-0"));
  EXPECT_EQ(call({"CONFIG", "SET", "stop-writes-on-bgsave-error", "yes", "dir", path(".")}), "OK");
  EXPECT_EQ(call({"SAVE"}), "OK");
  EXPECT_THAT(call({"XADD", "s", "*", "a", "b"}), HasSubstr("-"));
  EXPECT_EQ(call({"XLEN", "s"}), "2");
  expect_clean_end();
}

TEST_P(SnapshotTest, WhatIsBrokenIsRefusedWithOneLine) {
  start_here({"--save", ""});
  fill();
  EXPECT_EQ(call({"SAVE"}), "OK");
  expect_clean_end();
  const std::string good = read_whole_file(path());
  const std::string start = "millrace-server: Can't load " + directory_.path(".") + "/dump.rdb: ";

  std::string flipped = good;
  flipped[flipped.size() - 3] = static_cast<char>(flipped[flipped.size() - 3] ^ 1);
  directory_.file("dump.rdb", flipped);
  EXPECT_EQ(refusal(),
            start + "corrupt at offset " + std::to_string(good.size() - 8) + ": the checksum does not match\n");
  directory_.file("dump.rdb", good.substr(0, good.size() / 2));
  EXPECT_THAT(refusal(), HasSubstr(": the data ends too early\n"));
  directory_.file("dump.rdb", "");
  EXPECT_THAT(refusal(), HasSubstr("corrupt at offset 0: the data ends too early\n"));
  directory_.file("dump.rdb", "This is something else entirely.");
  EXPECT_THAT(refusal(), StartsWith(start + "not readable at offset 0: this is no RDB file"));
  directory_.file("dump.rdb", "REDIS0099" + good.substr(9));
  EXPECT_THAT(refusal(), HasSubstr("this RDB version is not read"));
  EXPECT_THAT(refusal({"--dir", path("none")}), HasSubstr("Can't use the directory "));
}

TEST_P(SnapshotTest, OverToRedisAndBack) {
  std::string why;
  const auto redis = [&] {
    return ServerProcess::start({.kind = ServerKind::kRedis, .extra = {"--dir", directory_.path(".")}}, &why);
  };
  start_here({"--save", "", "--rdb-version", "10"});
  fill();
  EXPECT_EQ(call({"SAVE"}), "OK");
  const std::string full = call({"XINFO", "STREAM", "stream", "FULL", "COUNT", "0"});
  const std::string digest_before = digest();
  expect_clean_end();
  Process check({"redis-check-rdb", path()});
  EXPECT_EQ(check.exit_code(), 0) << check.out();
  {
    const auto server = redis();
    ASSERT_NE(server, nullptr) << why;
    Client there(server->port());
    EXPECT_EQ(there.call({"XLEN", "stream"}), "497");
    EXPECT_EQ(there.call({"XRANGE", "stream", "-", "+", "COUNT", "1"}), "[[1-0, [field, value 1, n, 1]]]");
    EXPECT_EQ(there.call({"XPENDING", "stream", "group"}), "[38, 1-0, 40-0, [[alice, 19], [bob, 19]]]");
    EXPECT_EQ(there.call({"SAVE"}), "OK");
  }
  start_here({"--save", ""});
  EXPECT_EQ(digest(), digest_before);
  EXPECT_EQ(call({"XINFO", "STREAM", "stream", "FULL", "COUNT", "0"}).size(), full.size());
}

TEST_P(SnapshotTest, OtherTypesAreNamedOrSkipped) {
  std::string why;
  const auto redis = ServerProcess::start({.kind = ServerKind::kRedis, .extra = {"--dir", directory_.path(".")}}, &why);
  ASSERT_NE(redis, nullptr) << why;
  Client there(redis->port());
  there.call({"SADD", "set", "value"});
  there.call({"HSET", "hash", "field", "value"});
  there.call({"RPUSH", "list", "value"});
  there.call({"XADD", "stream", "1-1", "field", "value"});
  EXPECT_EQ(there.call({"SAVE"}), "OK");
  const std::string said = refusal();
  EXPECT_THAT(said, HasSubstr("1 hash (hash), 1 list (list), 1 set (set)"));
  start_here({"--save", "", "--rdb-skip-unknown-types", "yes"});
  EXPECT_EQ(call({"XLEN", "stream"}), "1");
  EXPECT_EQ(call({"DBSIZE"}), "1");
}

TEST_P(SnapshotTest, UnderLoadItIsOneMoment) {
  start_here({"--save", ""});
  std::atomic<bool> done{false};
  const auto append = [&](const std::string& name) {
    Client c = client();
    while (!done) {
      c.call({"XADD", name + " first", "*", "field", "value"});
      c.call({"XADD", name + " second", "*", "field", "value"});
    }
  };
  std::thread one(append, "a");
  std::thread other(append, "b");
  for (int round = 1; round <= 5; ++round) {
    EXPECT_EQ(call({"BGSAVE"}), "Background saving started");
    EXPECT_TRUE(await_saves(round));
    std::filesystem::copy_file(path(), path("copy" + std::to_string(round) + ".rdb"));
  }
  done = true;
  one.join();
  other.join();
  for (int round = 1; round <= 5; ++round) {
    start_here({"--save", "", "--dbfilename", "copy" + std::to_string(round) + ".rdb"});
    for (const std::string name : {"a", "b"}) {
      const int64_t ahead = std::stoll(call({"XLEN", name + " first"})) - std::stoll(call({"XLEN", name + " second"}));
      EXPECT_TRUE(ahead == 0 || ahead == 1) << ahead;
    }
  }
}

ON_BOTH_BACKENDS(SnapshotTest);

}  // namespace
}  // namespace millrace::test
