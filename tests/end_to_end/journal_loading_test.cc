// What a real process does with the journal it finds: whole, torn, damaged, of an older kind or not there yet; and what
// it answers while it loads.
#include <signal.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "end_to_end/fixture.h"

namespace millrace::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// One more entry, as Redis writes it.
std::string xadd(const std::string& key, int number, const std::string& value) {
  const std::string id = std::to_string(number) + "-1";
  return RespConnection::request({"XADD", key, id, "field", value});
}

class JournalLoading : public EndToEnd {
 protected:
  std::string path(std::string_view name) const { return directory_.path(name); }
  std::string increment() const { return path("appendonlydir/appendonly.aof.1.incr.aof"); }

  std::vector<std::string> arguments(const std::vector<std::string>& extra) const {
    std::vector<std::string> words = {"--dir", directory_.path("."), "--appendonly", "yes", "--appendfsync", "always"};
    words.insert(words.end(), {"--save", "", "--enable-debug-command", "yes"});
    words.insert(words.end(), extra.begin(), extra.end());
    return words;
  }
  void start_here(const std::vector<std::string>& extra = {}) { start(arguments(extra)); }
  std::string call(const std::vector<std::string>& words) { return client().call(words); }

  // Entries 1-1, 2-1, ... and whatever else a stream can have.
  void fill(int entries) {
    Client c = client();
    for (int i = 1; i <= entries; ++i) {
      c.call({"XADD", "numbers", std::to_string(i) + "-1", "field", "value " + std::to_string(i)});
    }
    c.call({"XGROUP", "CREATE", "numbers", "group", "0"});
    c.call({"XREADGROUP", "GROUP", "group", "alice", "COUNT", "5", "STREAMS", "numbers", ">"});
    c.call({"XACK", "numbers", "group", "2-1"});
    c.call({"SELECT", "3"});
    c.call({"XADD", "elsewhere", "7-7", "a", "b"});
    c.call({"EXPIRE", "elsewhere", "1000"});
  }
  std::string digest() { return call({"DEBUG", "DIGEST"}); }

  // A server that has to give up; what it said.
  std::string refusal(const std::vector<std::string>& extra = {}) const {
    std::vector<std::string> words = {MILLRACE_SERVER_PATH, "--port", std::to_string(free_port())};
    for (const std::string& word : arguments(extra)) words.push_back(word);
    Process process(words);
    EXPECT_EQ(process.exit_code(), 1);
    return process.error_output();
  }
  void write_file(std::string_view name, const std::string& content) { directory_.file(name, content); }

  TemporaryDirectory directory_;
};

ON_BOTH_BACKENDS(JournalLoading);

TEST_P(JournalLoading, EverythingComesBackAfterAKill) {
  start_here();
  fill(300);
  const std::string before = digest();
  for (int round = 0; round < 3; ++round) {
    server_->kill_hard();
    start_here();
    EXPECT_EQ(digest(), before);
    EXPECT_EQ(call({"XPENDING", "numbers", "group"}).substr(0, 2), "[4");
  }
  EXPECT_THAT(log(), HasSubstr("DB loaded from the journal: 2 keys"));
  expect_clean_end();
  EXPECT_FALSE(std::filesystem::exists(path("dump.rdb")));
}

TEST_P(JournalLoading, ATornEndIsCutWithOneWarning) {
  start_here();
  fill(50);
  expect_clean_end();
  const std::string whole = read_whole_file(increment());
  int last = 50;
  for (const size_t cut : {size_t{1}, size_t{40}, size_t{700}, size_t{2000}, size_t{3000}}) {
    SCOPED_TRACE("cut " + std::to_string(cut));
    write_file("appendonlydir/appendonly.aof.1.incr.aof", whole.substr(0, whole.size() - cut));
    start_here();
    const int found = std::stoi(call({"XLEN", "numbers"}));
    EXPECT_LE(found, last);
    EXPECT_THAT(call({"XREVRANGE", "numbers", "+", "-", "COUNT", "1"}), HasSubstr(std::to_string(found) + "-1"));
    last = found;
    EXPECT_EQ(call({"XADD", "after", "1-1", "a", "b"}), "1-1");
    server_->kill_hard();
    start_here();
    EXPECT_EQ(call({"XLEN", "numbers"}), std::to_string(found));
    EXPECT_EQ(call({"XLEN", "after"}), "1");
    EXPECT_THAT(log(), Not(HasSubstr("cut off")));
    expect_clean_end();
  }
  EXPECT_LT(last, 50);
  EXPECT_GT(last, 10);
}

TEST_P(JournalLoading, GarbageBehindTheEndIsDroppedAndNamed) {
  start_here();
  fill(20);
  const std::string before = digest();
  server_->kill_hard();
  const std::string whole = read_whole_file(increment());
  for (const std::string& garbage :
       {std::string("*3\r\n$4\r\nXAD"), std::string(1000, '\0'), std::string("nonsense")}) {
    write_file("appendonlydir/appendonly.aof.1.incr.aof", whole + garbage);
    EXPECT_THAT(refusal({"--aof-load-truncated", "no"}), HasSubstr("offset " + std::to_string(whole.size())));
    EXPECT_EQ(read_whole_file(increment()), whole + garbage) << "who refuses a file leaves it alone";
    start_here();
    EXPECT_THAT(log(), HasSubstr("Dropping its last " + std::to_string(garbage.size()) + " bytes, from offset " +
                                 std::to_string(whole.size())));
    EXPECT_EQ(digest(), before);
    server_->kill_hard();
  }
}

TEST_P(JournalLoading, DamageInTheMiddleIsRefusedAndNothingIsTouched) {
  start_here();
  fill(50);
  expect_clean_end();
  std::string damaged = read_whole_file(increment());
  damaged[damaged.size() / 2] ^= 4;
  write_file("appendonlydir/appendonly.aof.1.incr.aof", damaged);
  const std::string said = refusal();
  EXPECT_THAT(said, HasSubstr("appendonly.aof.1.incr.aof"));
  EXPECT_THAT(said, HasSubstr("damaged at offset"));
  EXPECT_EQ(read_whole_file(increment()), damaged);
}

// Files change while writes to the one before are still on their way.
TEST_P(JournalLoading, OnlyFilesWithoutCommandsMayFollowATornOne) {
  start_here();
  fill(20);
  const std::string before = digest();
  server_->kill_hard();
  const std::string whole = read_whole_file(increment());
  write_file("appendonlydir/appendonly.aof.1.incr.aof", whole + "*3\r\n$4\r\nXAD");
  write_file("appendonlydir/appendonly.aof.2.incr.aof", xadd("numbers", 9000, "value"));
  const std::string manifest = read_whole_file(path("appendonlydir/appendonly.aof.manifest"));
  write_file("appendonlydir/appendonly.aof.manifest", manifest + "file appendonly.aof.2.incr.aof seq 2 type i\n");
  EXPECT_THAT(refusal(), HasSubstr("appendonly.aof.2.incr.aof follows"));
  write_file("appendonlydir/appendonly.aof.2.incr.aof", "");
  for (int round = 0; round < 2; ++round) {
    start_here();
    EXPECT_EQ(digest(), before);
    server_->kill_hard();
  }
  EXPECT_EQ(read_whole_file(increment()), whole);
}

TEST_P(JournalLoading, MissingFilesAreRefused) {
  start_here();
  fill(5);
  expect_clean_end();
  std::filesystem::rename(increment(), path("aside"));
  EXPECT_THAT(refusal(), HasSubstr("appendonly.aof.1.incr.aof: the manifest names it"));
  std::filesystem::rename(path("aside"), increment());
  std::filesystem::remove(path("appendonlydir/appendonly.aof.manifest"));
  EXPECT_THAT(refusal(), HasSubstr("the manifest appendonly.aof.manifest is missing"));
  write_file("appendonlydir/appendonly.aof.manifest", "nonsense\n");
  EXPECT_THAT(refusal(), HasSubstr("at line 1"));
}

TEST_P(JournalLoading, ASnapshotIsWhatANewJournalBeginsWith) {
  start_here({"--appendonly", "no"});
  fill(30);
  EXPECT_EQ(call({"SAVE"}), "OK");
  const std::string before = digest();
  expect_clean_end();
  start_here();
  EXPECT_EQ(digest(), before);
  EXPECT_THAT(log(), HasSubstr("it begins with the keys of"));
  expect_clean_end();
  std::filesystem::remove(path("dump.rdb"));
  start_here();
  EXPECT_EQ(digest(), before);
}

TEST_P(JournalLoading, TheFileOfAnOldRedisBecomesTheBase) {
  std::string commands = RespConnection::request({"SELECT", "3"});
  for (int i = 1; i <= 10; ++i) commands += xadd("old", i, "value");
  write_file("appendonly.aof", commands);
  for (int round = 0; round < 2; ++round) {
    start_here();
    Client c = client();
    c.call({"SELECT", "3"});
    EXPECT_EQ(c.call({"XLEN", "old"}), "10");
    expect_clean_end();
    EXPECT_FALSE(std::filesystem::exists(path("appendonly.aof")));
  }
  EXPECT_THAT(read_whole_file(path("appendonlydir/appendonly.aof.manifest")),
              HasSubstr("file appendonly.aof seq 1 type b"));
}

TEST_P(JournalLoading, CommandsOfOtherTypesAreRefusedOrSkipped) {
  write_file("appendonly.aof", RespConnection::request({"SADD", "set", "1"}) + xadd("s", 1, "v") +
                                   RespConnection::request({"LPUSH", "list", "1"}) +
                                   RespConnection::request({"SADD", "set", "2"}) + xadd("s", 2, "v") +
                                   RespConnection::request({"XADD", "s", "1-1", "too", "late"}));
  EXPECT_THAT(refusal(), HasSubstr("1 LPUSH, 2 SADD"));
  start_here({"--rdb-skip-unknown-types", "yes"});
  EXPECT_EQ(call({"XLEN", "s"}), "2");
  EXPECT_THAT(log(), HasSubstr("Not loaded, for this server does not have them: 1 LPUSH, 2 SADD"));
  EXPECT_THAT(log(), HasSubstr("1 commands gave errors"));
}

TEST_P(JournalLoading, DebugLoadaofLoadsWhatWasJustWritten) {
  start_here({"--appendonly", "no"});
  EXPECT_EQ(call({"DEBUG", "LOADAOF"}), "-ERR Error trying to load the append only file");
  expect_clean_end();
  for (const char* policy : {"always", "everysec", "no"}) {
    start_here({"--appendfsync", policy});
    fill(50);
    const std::string before = digest();
    const auto connection = raw();
    for (int i = 0; i < 20; ++i) {
      const std::string key = "more" + std::to_string(i);
      // The entry is in the same run as what is to load it.
      connection->send_raw(RespConnection::request({"XADD", key, "1-1", "a", "b"}) +
                           RespConnection::request({"DEBUG", "LOADAOF"}) + RespConnection::request({"XLEN", key}));
      EXPECT_EQ(connection->read_reply(), "$3\r\n1-1\r\n");
      EXPECT_EQ(connection->read_reply(), "+OK\r\n");
      EXPECT_EQ(connection->read_reply(), ":1\r\n");
    }
    for (int i = 0; i < 20; ++i) call({"DEL", "more" + std::to_string(i)});
    EXPECT_EQ(call({"DEBUG", "LOADAOF"}), "OK");
    EXPECT_EQ(digest(), before);
    expect_clean_end();
    std::filesystem::remove_all(path("appendonlydir"));
  }
}

// A journal that takes a while.
class LongLoading : public JournalLoading {
 protected:
  void SetUp() override {
    JournalLoading::SetUp();
    if (IsSkipped()) return;
    const size_t bytes = kIsSanitized ? 40'000'000 : 400'000'000;
    const std::string value(100, 'x');
    std::string commands;
    for (entries_ = 0; commands.size() < bytes; ++entries_) {
      commands += xadd("key" + std::to_string(entries_ % 100), entries_ + 1, value);
    }
    write_file("appendonly.aof", commands);
  }

  // The server that is loading, and a connection to it.
  void start_loading() {
    port_ = free_port();
    std::vector<std::string> words = {MILLRACE_SERVER_PATH, "--port", std::to_string(port_), "--cores", "2",
                                      "--io-backend",       backend()};
    for (const std::string& word : arguments({})) words.push_back(word);
    process_ = std::make_unique<Process>(words);
    ASSERT_TRUE(eventually([&] { return (connection_ = RespConnection::connect(port_)) != nullptr; }));
  }
  std::string ask(const Words& words) { return connection_->command(words); }

  uint16_t port_ = 0;
  int entries_ = 0;
  std::unique_ptr<Process> process_;
  std::unique_ptr<RespConnection> connection_;
};

ON_BOTH_BACKENDS(LongLoading);

TEST_P(LongLoading, IsSaidToWhoAsks) {
  start_loading();
  const std::string loading = "-LOADING Redis is loading the dataset in memory\r\n";
  EXPECT_EQ(ask({"PING"}), loading);
  EXPECT_EQ(ask({"XADD", "key1", "*", "a", "b"}), loading);
  EXPECT_EQ(ask({"XLEN", "key1"}), loading);
  EXPECT_EQ(ask({"BGREWRITEAOF"}), loading);
  const std::string info = ask({"INFO", "persistence"});
  EXPECT_THAT(info, HasSubstr("\nloading:1\r\n"));
  EXPECT_THAT(info, HasSubstr("\nloading_total_bytes:"));
  EXPECT_THAT(ask({"CLIENT", "SETNAME", "me"}), "+OK\r\n");
  EXPECT_THAT(ask({"CLIENT", "LIST"}), HasSubstr("name=me"));
  EXPECT_THAT(ask({"SUBSCRIBE", "news"}), StartsWith("*3\r\n$9\r\nsubscribe"));
  EXPECT_THAT(ask({"UNSUBSCRIBE", "news"}), StartsWith("*3\r\n$11\r\nunsubscribe"));
  EXPECT_TRUE(eventually([&] { return ask({"PING"}) == "+PONG\r\n"; }, std::chrono::seconds(60)));
  EXPECT_THAT(process_->out(), HasSubstr("Ready to accept connections"));
  EXPECT_EQ(ask({"XLEN", "key99"}), ":" + std::to_string(entries_ / 100) + "\r\n");
  EXPECT_THAT(ask({"INFO", "persistence"}), HasSubstr("\nloading:0\r\n"));
  EXPECT_THAT(ask({"INFO", "stats"}), HasSubstr("\nexpired_keys:0\r\n"));
  EXPECT_THAT(ask({"INFO", "commandstats"}), HasSubstr("cmdstat_xadd:calls=0,"));
  process_->send_signal(SIGTERM);
  EXPECT_EQ(process_->exit_code(), 0);
}

TEST_P(LongLoading, EndsAtOnceWhenAskedTo) {
  for (const bool by_signal : {true, false}) {
    start_loading();
    EXPECT_THAT(ask({"PING"}), StartsWith("-LOADING"));
    if (by_signal) {
      process_->send_signal(SIGTERM);
    } else {
      EXPECT_EQ(ask({"SHUTDOWN", "SAVE"}), "");
    }
    EXPECT_EQ(process_->exit_code(), 0);
    EXPECT_THAT(process_->out(), HasSubstr("while loading, ending"));
    EXPECT_THAT(process_->out(), Not(HasSubstr("Ready to accept")));
    EXPECT_FALSE(std::filesystem::exists(path("dump.rdb")));
  }
}

}  // namespace
}  // namespace millrace::test
