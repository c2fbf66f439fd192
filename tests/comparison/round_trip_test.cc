// Keys move from Millrace to redis-server and back, and from redis-server to Millrace and back, by nothing but the
// files that the servers leave in one directory. At each station everything is looked at (round_trip_keys.h) and the
// files are given to redis-check-rdb and redis-check-aof.
//
//   MILLRACE_TEST_SEED=n   that seed instead of the usual ones
//   MILLRACE_TEST_FULL=1   ten journeys of each kind, from seeds that are different every time
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "random_run.h"
#include "round_trip_keys.h"
#include "round_trip_traffic.h"
#include "support/eventually.h"
#include "support/server_process.h"

namespace millrace::test {
namespace {

constexpr int kCommands = 4'000;
constexpr int kCommandsMore = 1'000;
constexpr int kJourneysFull = 10;

constexpr Passage kExact{};
constexpr Passage kToRedis{.has_other_version = true};
constexpr Passage kThroughJournal{.has_journal = true};
constexpr Passage kThroughJournalToRedis{.has_journal = true, .has_other_version = true};
constexpr Passage kReplayed{.has_journal = true, .has_other_version = true, .has_journal_of_redis = true};
constexpr Passage kFromRunningRedis{
    .has_journal = true, .has_other_version = true, .has_journal_of_redis = true, .was_running_redis = true};

// Groups that were said to have read more than they have, in every way.
const std::vector<Words> kReadsBeyond = {
    {"XADD", "s", "1-1", "f", "v"},
    {"XGROUP", "CREATE", "s", "created beyond", "0", "ENTRIESREAD", "50"},
    {"XSETID", "s", "2-1", "ENTRIESADDED", "60"},
    {"XGROUP", "CREATE", "s", "taken back", "0", "ENTRIESREAD", "50"},
    {"XGROUP", "CREATE", "s", "unknown", "1-1"},
    {"XSETID", "s", "3-1", "ENTRIESADDED", "3"},
    {"XADD", "s", "4-1", "f", "v"},
    {"XGROUP", "CREATE", "s", "moved beyond", "0"},
    {"XGROUP", "SETID", "s", "moved beyond", "0", "ENTRIESREAD", "70"},
    {"XGROUP", "CREATE", "s", "reads on", "1-1", "ENTRIESREAD", "4"},
    {"XREADGROUP", "GROUP", "reads on", "c", "STREAMS", "s", ">"},
};

enum class End { kClean, kKilled };

class RoundTrip : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = (std::filesystem::temp_directory_path() / "millrace_round_trip_XXXXXX").string();
    ASSERT_NE(mkdtemp(directory_.data()), nullptr);
  }
  void TearDown() override {
    server_.reset();
    if (!HasFailure()) std::filesystem::remove_all(directory_);
  }

  template <typename Journey>
  void travel(uint64_t usual_seed, Journey journey) {
    const int journeys = is_full_run() ? kJourneysFull : 1;
    for (int i = 0; i < journeys && !HasFatalFailure(); ++i) {
      seed_ = seed_for(usual_seed);
      SCOPED_TRACE("seed " + std::to_string(seed_) + ", files in " + directory_);
      std::filesystem::remove_all(directory_);
      std::filesystem::create_directory(directory_);
      journey();
    }
  }

  // ---- what a journey consists of

  // The server that all else is about until it ends. It finds what the last one left.
  void start(ServerKind kind, const std::vector<std::string>& more = {}) {
    ServerOptions options{.kind = kind};
    options.extra = {"--dir", directory_};
    const bool is_millrace = kind == ServerKind::kMillrace;
    if (is_millrace) {
      options.extra.insert(options.extra.end(), {"--compat-version", "7.0.15", "--rdb-version", "10", "--cores", "2"});
    }
    if (!is_millrace || !keeps_snapshots_) options.extra.insert(options.extra.end(), {"--save", ""});
    if (keeps_journal_) {
      options.extra.insert(options.extra.end(), {"--appendonly", "yes", "--appendfsync", appendfsync_});
    }
    options.extra.insert(options.extra.end(), more.begin(), more.end());
    std::string why;
    server_ = ServerProcess::start(options, &why);
    ASSERT_NE(server_, nullptr) << why;
    connection_ = RespConnection::connect(server_->port());
    ASSERT_NE(connection_, nullptr);
  }

  void fill(Language language, int commands) {
    Traffic traffic(server_->port(), seed_, language);
    const bool is_done = traffic.run(commands, [&] {
      if (rewrites_) begin_rewrite();
    });
    ASSERT_TRUE(is_done) << traffic.problem() << "\n" << server_->log();
    EXPECT_TRUE(commands < kCommands || traffic.served() > 0) << "no blocked reader was served";
    seed_ += 1000;
    if (rewrites_) await_rewrite();
  }

  void run(const std::vector<Words>& commands) {
    for (const Words& words : commands) {
      const std::string reply = connection_->command(words);
      EXPECT_FALSE(reply.empty() || reply[0] == '-') << readable_words(words) << "\n" << reply;
    }
  }

  void begin_rewrite() {
    const std::string reply = connection_->command({"BGREWRITEAOF"});
    EXPECT_TRUE(reply.starts_with("+Background append only file rewriting")) << reply;
  }
  void await_rewrite() {
    std::string info;
    EXPECT_TRUE(eventually([&] {
      info = connection_->command({"INFO", "persistence"});
      return info.find("aof_rewrite_in_progress:0") != std::string::npos &&
             info.find("aof_rewrite_scheduled:0") != std::string::npos;
    }));
    EXPECT_NE(info.find("aof_last_bgrewrite_status:ok"), std::string::npos) << info << server_->log();
  }

  KeysShown look() { return look_at_all_keys(*connection_); }

  // Of what it is worth to compare.
  static void expect_rich(const KeysShown& keys) {
    const Richness richness = richness_of(keys);
    EXPECT_GT(richness.keys, 2u);
    EXPECT_GT(richness.strings, 0u);
    EXPECT_GT(richness.groups, 2u);
    EXPECT_GT(richness.consumers, 2u);
    EXPECT_GT(richness.pending, 5u);
  }
  void expect_equal(const KeysShown& before, const KeysShown& after, const Passage& passage, const char* station) {
    EXPECT_EQ(difference(before, after, passage), "") << station << "\n" << server_->log();
  }

  void end(End how = End::kClean) {
    connection_.reset();
    if (how == End::kKilled) {
      server_->kill_hard();
    } else {
      EXPECT_EQ(server_->stop().code, 0) << server_->log();
    }
    check_files();
  }
  void shut_down_with_snapshot() {
    connection_->send({"SHUTDOWN", "SAVE"});
    const auto status = server_->wait_for_exit(std::chrono::seconds(30));
    ASSERT_TRUE(status && status->code == 0) << server_->log();
    check_files();
  }

  void check_files() {
    const std::string manifest = directory_ + "/appendonlydir/appendonly.aof.manifest";
    const std::string snapshot = directory_ + "/dump.rdb";
    EXPECT_EQ(std::filesystem::exists(manifest), keeps_journal_);
    if (keeps_journal_) run_tool("redis-check-aof " + manifest);
    EXPECT_EQ(std::filesystem::exists(snapshot), keeps_snapshots_);
    if (keeps_snapshots_) run_tool("redis-check-rdb " + snapshot);
  }
  static void run_tool(const std::string& command) {
    FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::string text(1 << 16, '\0');
    text.resize(fread(text.data(), 1, text.size(), pipe));
    const int status = pclose(pipe);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << command << "\n" << text;
  }

  uint64_t seed_ = 0;
  std::string directory_;
  bool keeps_snapshots_ = false;
  bool keeps_journal_ = false;
  bool rewrites_ = false;
  std::string appendfsync_ = "everysec";
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<RespConnection> connection_;
};

class SnapshotRoundTrip : public RoundTrip {
 protected:
  void SetUp() override {
    RoundTrip::SetUp();
    keeps_snapshots_ = true;
  }
};

// Even nodes, times and what older versions compute otherwise are the same when a file comes back from redis-server.
TEST_F(SnapshotRoundTrip, FromMillraceToRedisAndBack) {
  travel(101, [&] {
    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kMillrace));
    ASSERT_NO_FATAL_FAILURE(fill(Language::kComplete, kCommands));
    const KeysShown at_first = look();
    expect_rich(at_first);
    end();

    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kRedis));
    expect_equal(at_first, look(), kToRedis, "in redis-server");
    ASSERT_NO_FATAL_FAILURE(shut_down_with_snapshot());

    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kMillrace));
    expect_equal(at_first, look(), kExact, "back in Millrace");
    end();
  });
}

TEST_F(SnapshotRoundTrip, FromRedisToMillraceAndBack) {
  travel(102, [&] {
    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kRedis));
    ASSERT_NO_FATAL_FAILURE(fill(Language::kOfRedis70, kCommands));
    const KeysShown at_first = look();
    expect_rich(at_first);
    ASSERT_NO_FATAL_FAILURE(shut_down_with_snapshot());

    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kMillrace));
    expect_equal(at_first, look(), kToRedis, "in Millrace");
    ASSERT_NO_FATAL_FAILURE(fill(Language::kComplete, kCommandsMore));
    const KeysShown changed = look();
    end();

    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kRedis));
    expect_equal(changed, look(), kToRedis, "back in redis-server");
  });
}

TEST_F(SnapshotRoundTrip, OfWhatNewerVersionsClamp) {
  travel(103, [&] {
    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kMillrace));
    run(kReadsBeyond);
    const KeysShown at_first = look();
    end();

    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kRedis));
    expect_equal(at_first, look(), kToRedis, "in redis-server");
    ASSERT_NO_FATAL_FAILURE(shut_down_with_snapshot());
    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kMillrace));
    expect_equal(at_first, look(), kExact, "back in Millrace");
  });
}

// appendfsync; whether the journal is rewritten in the middle; how the first server ends.
using JournalJourney = std::tuple<const char*, bool, End>;

class JournalRoundTrip : public RoundTrip, public testing::WithParamInterface<JournalJourney> {
 protected:
  void SetUp() override {
    RoundTrip::SetUp();
    keeps_journal_ = true;
    appendfsync_ = std::get<0>(GetParam());
    rewrites_ = std::get<1>(GetParam());
  }
  static End first_end() { return std::get<2>(GetParam()); }
};

TEST_P(JournalRoundTrip, FromMillraceToRedisAndBack) {
  travel(201, [&] {
    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kMillrace));
    ASSERT_NO_FATAL_FAILURE(fill(Language::kReadByRedis70, kCommands));
    const KeysShown at_first = look();
    expect_rich(at_first);
    end(first_end());

    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kRedis));
    expect_equal(at_first, look(), kThroughJournalToRedis, "in redis-server");
    end();

    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kMillrace));
    expect_equal(at_first, look(), kThroughJournal, "back in Millrace");
    end();
  });
}

TEST_P(JournalRoundTrip, FromRedisToMillraceAndBack) {
  travel(202, [&] {
    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kRedis));
    ASSERT_NO_FATAL_FAILURE(fill(Language::kOfRedis70, kCommands));
    const KeysShown running = look();
    expect_rich(running);
    end(first_end());
    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kRedis));
    const KeysShown loaded = look();
    end();

    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kMillrace));
    const KeysShown moved = look();
    expect_equal(running, moved, kFromRunningRedis, "in Millrace, as redis-server had it");
    expect_equal(loaded, moved, kReplayed, "in Millrace, as redis-server loads it");
    EXPECT_EQ(server_->log().find("gave errors"), std::string::npos) << server_->log();
    ASSERT_NO_FATAL_FAILURE(fill(Language::kReadByRedis70, kCommandsMore));
    const KeysShown changed = look();
    end(first_end());

    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kRedis));
    expect_equal(changed, look(), kReplayed, "back in redis-server");
  });
}

// What only newer versions of Redis can do is not in a journal that was just rewritten.
TEST_P(JournalRoundTrip, WithNewCommandsToRedisAfterARewrite) {
  travel(203, [&] {
    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kMillrace));
    ASSERT_NO_FATAL_FAILURE(fill(Language::kComplete, kCommandsMore));
    const KeysShown at_first = look();
    begin_rewrite();
    await_rewrite();
    end(first_end());

    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kRedis));
    expect_equal(at_first, look(), kThroughJournalToRedis, "in redis-server");
  });
}

// Where redis-server 7.0 would come out elsewhere if it just did the same again.
TEST_P(JournalRoundTrip, OfWhatNewerVersionsClamp) {
  travel(204, [&] {
    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kMillrace));
    run(kReadsBeyond);
    const KeysShown at_first = look();
    end(first_end());

    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kRedis));
    expect_equal(at_first, look(), kThroughJournalToRedis, "in redis-server");
    end();
    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kMillrace));
    expect_equal(at_first, look(), kThroughJournal, "back in Millrace");
  });
}

class RoundTripOfRedisVariants : public RoundTrip {
 protected:
  void SetUp() override {
    RoundTrip::SetUp();
    keeps_journal_ = true;
  }
};

// A base of commands, and lines with the time: what Redis can write, Millrace goes on with, and Redis again.
TEST_F(RoundTripOfRedisVariants, FromRedisToMillraceAndBack) {
  travel(301, [&] {
    rewrites_ = true;
    const std::vector<std::string> timestamps = {"--aof-timestamp-enabled", "yes"};
    const std::vector<std::string> variants = {"--aof-timestamp-enabled", "yes", "--aof-use-rdb-preamble", "no"};
    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kRedis, variants));
    ASSERT_NO_FATAL_FAILURE(fill(Language::kOfRedis70, kCommands));
    end();
    EXPECT_TRUE(std::filesystem::exists(directory_ + "/appendonlydir/appendonly.aof.2.base.aof"));
    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kRedis, variants));
    const KeysShown loaded = look();
    expect_rich(loaded);
    end();

    rewrites_ = false;
    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kMillrace, timestamps));
    expect_equal(loaded, look(), kReplayed, "in Millrace");
    ASSERT_NO_FATAL_FAILURE(fill(Language::kReadByRedis70, kCommandsMore));
    const KeysShown changed = look();
    end();

    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kRedis, variants));
    expect_equal(changed, look(), kReplayed, "back in redis-server");
    ASSERT_NO_FATAL_FAILURE(fill(Language::kOfRedis70, kCommandsMore));
    end(End::kKilled);
    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kRedis, variants));
    const KeysShown again = look();
    end();
    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kMillrace, timestamps));
    expect_equal(again, look(), kReplayed, "in Millrace once more");
  });
}

TEST_F(RoundTripOfRedisVariants, SwapsOfDatabasesAreReplayedByEither) {
  travel(302, [&] {
    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kRedis));
    run({{"XADD", "s", "1-1", "f", "v"}, {"SWAPDB", "0", "1"}, {"XADD", "s", "2-2", "f", "v"}, {"SWAPDB", "1", "7"}});
    const KeysShown at_first = look();
    end();
    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kMillrace));
    expect_equal(at_first, look(), kToRedis, "in Millrace");
    run({{"SWAPDB", "7", "0"}, {"XADD", "s", "3-3", "f", "v"}, {"SWAPDB", "0", "3"}});
    const KeysShown changed = look();
    end();
    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kMillrace));
    expect_equal(changed, look(), kToRedis, "in Millrace once more");
    end();
    ASSERT_NO_FATAL_FAILURE(start(ServerKind::kRedis));
    expect_equal(changed, look(), kToRedis, "back in redis-server");
  });
}

std::string name_of(const testing::TestParamInfo<JournalJourney>& info) {
  const auto& [appendfsync, rewrites, end] = info.param;
  return std::string(appendfsync) + (rewrites ? "_rewritten" : "") + (end == End::kKilled ? "_killed" : "");
}

INSTANTIATE_TEST_SUITE_P(Journeys, JournalRoundTrip,
                         testing::Combine(testing::Values("always", "everysec"), testing::Bool(),
                                          testing::Values(End::kClean, End::kKilled)),
                         name_of);

}  // namespace
}  // namespace millrace::test
