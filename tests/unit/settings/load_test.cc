// Settings from files, the command line and standard input, with the texts of what is refused.
#include "settings/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "base/random.h"
#include "base/split_args.h"
#include "settings/directives.h"
#include "settings/values.h"
#include "unit/settings/fixture.h"

namespace millrace::settings {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Load, NothingGivenIsTheDefaults) {
  Loading loading;
  EXPECT_EQ(loading.load({}), "");
  EXPECT_EQ(loading.settings.port, 6379);
  EXPECT_EQ(loading.report.config_file, "");
}

TEST(Load, FileWithQuotesCommentsAndUnits) {
  Loading loading;
  EXPECT_EQ(loading.load_file("# a comment\n"
                              "\n"
                              "  PORT 7000\r\n"
                              "logfile \"/var/log/my \\x41.log\"\n"
                              "unixsocket '/run/it\\'s'\n"
                              "stream-node-max-bytes 8kb\n"
                              "unixsocketperm 700\n"
                              "bind 10.0.0.1 -::1"),
            "");
  EXPECT_EQ(loading.settings.port, 7000);
  EXPECT_EQ(loading.settings.logfile(), "/var/log/my A.log");
  EXPECT_EQ(loading.settings.unixsocket(), "/run/it's");
  EXPECT_EQ(loading.settings.stream_node_max_bytes, 8192);
  EXPECT_EQ(loading.settings.unixsocketperm, 0700);
  EXPECT_THAT(loading.settings.bind(), ElementsAre("10.0.0.1", "-::1"));
  EXPECT_EQ(loading.report.config_file, "redis.conf");
}

TEST(Load, CommandLineOverridesTheFile) {
  Loading loading;
  loading.files["redis.conf"] = "port 7000\ntimeout 3\n";
  EXPECT_EQ(loading.load({"redis.conf", "--port", "7001", "--bind", "127.0.0.1", "::1", "--loglevel", "debug"}), "");
  EXPECT_EQ(loading.settings.port, 7001);
  EXPECT_EQ(loading.settings.timeout_s, 3);
  EXPECT_THAT(loading.settings.bind(), ElementsAre("127.0.0.1", "::1"));
  EXPECT_EQ(loading.settings.log_level(), LogLevel::kDebug);
}

TEST(Load, WordsInOneArgumentCountAsSeveral) {
  Loading loading;
  EXPECT_EQ(loading.load({"--bind", "127.0.0.1 ::1"}), "");
  EXPECT_THAT(loading.settings.bind(), ElementsAre("127.0.0.1", "::1"));
}

TEST(Load, StandardInput) {
  Loading loading;
  loading.files["-"] = "port 7005\n";
  loading.files["redis.conf"] = "port 7000\ntimeout 4\n";
  EXPECT_EQ(loading.load({"redis.conf", "-", "--timeout", "5"}), "");
  EXPECT_EQ(loading.settings.port, 7005);
  EXPECT_EQ(loading.settings.timeout_s, 5);
  Loading alone;
  alone.files["-"] = "port 7006\n";
  EXPECT_EQ(alone.load({"-"}), "");
  EXPECT_EQ(alone.settings.port, 7006);
  EXPECT_EQ(alone.report.config_file, "");
}

TEST(Load, VersionAndHelp) {
  for (const std::string_view word : {"-v", "--version"}) {
    Loading loading;
    EXPECT_EQ(loading.load({word}), "");
    EXPECT_TRUE(loading.report.wants_version);
  }
  for (const std::string_view word : {"-h", "--help"}) {
    Loading loading;
    EXPECT_EQ(loading.load({word}), "");
    EXPECT_TRUE(loading.report.wants_help);
  }
}

TEST(Load, IncludesStandWhereTheyAre) {
  Loading loading;
  loading.files["a/1.conf"] = "port 1\ntimeout 1\n";
  loading.files["a/2.conf"] = "port 2\n";
  EXPECT_EQ(loading.load_file("port 9\ninclude a/*.conf\ninclude none/*.conf\ntimeout 7\n"), "");
  EXPECT_EQ(loading.settings.port, 2);
  EXPECT_EQ(loading.settings.timeout_s, 7);
}

TEST(Load, LimitLinesNameOneClassEach) {
  Loading loading;
  EXPECT_EQ(loading.load_file("client-output-buffer-limit normal 1mb 2kb 3\n"
                              "client-output-buffer-limit replica 4 5 6\n"),
            "");
  EXPECT_EQ(loading.settings.normal_output_hard_bytes, 1024 * 1024);
  EXPECT_EQ(loading.settings.normal_output_soft_bytes, 2048);
  EXPECT_EQ(loading.settings.normal_output_soft_s, 3);
  EXPECT_EQ(loading.settings.replica_output_soft_s, 6);
  EXPECT_EQ(loading.settings.pubsub_output_soft_s, 60);
}

TEST(Load, SavePointsAddUp) {
  Loading loading;
  EXPECT_EQ(loading.load_file("save 900 1\nsave 300 10\n"), "");
  EXPECT_EQ(loading.settings.text("save"), "900 1 300 10");
  Loading cleared;
  EXPECT_EQ(cleared.load_file("save 900 1\nsave \"\"\n"), "");
  EXPECT_EQ(cleared.settings.text("save"), "");
  Loading overridden;
  overridden.files["redis.conf"] = "save 900 1\n";
  EXPECT_EQ(overridden.load({"redis.conf", "--save", "--port", "1"}), "");
  EXPECT_EQ(overridden.settings.text("save"), "");
}

TEST(Load, WithoutEffectIsReportedOnce) {
  Loading loading;
  EXPECT_EQ(loading.load_file("supervised no\nslave-priority 5\nport 1\nsupervised auto\n"), "");
  EXPECT_THAT(loading.report.without_effect, ElementsAre("supervised", "replica-priority"));
  EXPECT_EQ(loading.settings.text("slave-priority"), "5");
}

struct Mistake {
  std::string text;
  std::string error;
};

TEST(Load, ErrorsAreOneLineThatSaysWhere) {
  const Mistake mistakes[] = {
      {"port 1\nprot 2\n", "redis.conf:2: unknown directive 'prot'"},
      {"timeout abc", "redis.conf:1: timeout: argument couldn't be parsed into an integer"},
      {"timeout", "redis.conf:1: timeout: wrong number of arguments"},
      {"timeout 1 2", "redis.conf:1: timeout: wrong number of arguments"},
      {"logfile \"abc", "redis.conf:1: unbalanced quotes in configuration line"},
      {"include none.conf", "redis.conf:1: none.conf: can't read the configuration file"},
      {"include", "redis.conf:1: include: wrong number of arguments"},
      {"user", "redis.conf:1: user: wrong number of arguments"},
      {"user a on\nuser b on\nUSER a off", "redis.conf:3: user 'a' is defined twice"},
      {"tls-port 6380", "redis.conf:1: tls-port: TLS is not supported yet"},
      {"slaveof 1.2.3.4 6379", "redis.conf:1: replicaof: replication is not supported yet"},
      {"rename-command CONFIG \"\"", "redis.conf:1: rename-command: renaming commands is not supported"},
      {"loadmodule x.so", "redis.conf:1: loadmodule: modules are not supported"},
      {"maxmemory-policy volatile-ttl",
       "redis.conf:1: maxmemory-policy: removing keys to free memory is not supported yet: only noeviction is"},
      {"cluster-enabled yes", "redis.conf:1: cluster-enabled: cluster mode is not supported"},
  };
  for (const auto& [text, error] : mistakes) {
    Loading loading;
    EXPECT_EQ(loading.load_file(text), error);
  }
}

TEST(Load, RefusedDirectivesMayStateTheirDefault) {
  Loading loading;
  EXPECT_EQ(
      loading.load_file("replicaof \"\"\ntls-port 0\nmaxmemory-policy noeviction\ncluster-enabled no\nsave \"\"\n"),
      "");
}

TEST(Load, UsersAreKeptForWhoKnowsTheCommands) {
  Loading loading;
  EXPECT_EQ(loading.load_file("user alice on +@all \"(~x +get)\"\nuser bob\n"), "");
  const std::vector<std::vector<std::string>> users = {{"alice", "on", "+@all", "(~x +get)"}, {"bob"}};
  EXPECT_EQ(loading.report.users, users);
}

TEST(Load, CommandLineErrors) {
  Loading loading;
  EXPECT_EQ(loading.load({"--port", "x"}), "command line: port: argument couldn't be parsed into an integer");
  EXPECT_EQ(loading.load({"--nosuch", "x"}), "command line: unknown directive 'nosuch'");
  EXPECT_EQ(loading.load({"none.conf"}), "none.conf: can't read the configuration file");
  EXPECT_EQ(loading.load({"--"}), "command line: '--' is not an option");
}

TEST(Load, IncludeLoopsEnd) {
  Loading loading;
  const std::string error = loading.load_file("include redis.conf\n");
  EXPECT_TRUE(error.ends_with("too many nested include files")) << error;
  Loading wide;
  wide.files["b.conf"] = "port 1\ninclude *.conf\n";
  EXPECT_NE(wide.load_file("include *.conf\n"), "");
}

TEST(Load, SurvivesArbitraryBytes) {
  constexpr uint64_t kSeed = 4711;
  constexpr std::string_view kPieces[] = {"port ",
                                          "save ",
                                          "\"",
                                          "'",
                                          "\n",
                                          "\\x",
                                          "#",
                                          "7",
                                          "bind ",
                                          "-1",
                                          " ",
                                          "\t",
                                          "1gb",
                                          "auto",
                                          "%",
                                          "\0",
                                          "user ",
                                          "include *\n",
                                          "client-output-buffer-limit ",
                                          "normal 1 2 3 ",
                                          "99999999999999999999"};
  Random random(kSeed);
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (uint64_t left = random.below(30); left > 0; --left) text += kPieces[random.below(std::size(kPieces))];
    Loading loading;
    const std::string error = loading.load_file(text);
    EXPECT_EQ(error.find('\n'), std::string::npos) << "seed " << kSeed << ": " << text;
  }
}

// The lines of /etc/redis/redis.conf as Debian 12 ships it.
constexpr std::string_view kDebianLines =
    "bind 127.0.0.1 -::1\nprotected-mode yes\nport 6379\ntcp-backlog 511\ntimeout 0\ntcp-keepalive 300\n"
    "daemonize yes\npidfile /run/redis/redis-server.pid\nloglevel notice\nlogfile /var/log/redis/redis-server.log\n"
    "databases 16\nalways-show-logo no\nset-proc-title yes\n"
    "proc-title-template \"{title} {listen-addr} {server-mode}\"\nstop-writes-on-bgsave-error yes\n"
    "rdbcompression yes\nrdbchecksum yes\ndbfilename dump.rdb\nrdb-del-sync-files no\ndir /var/lib/redis\n"
    "replica-serve-stale-data yes\nreplica-read-only yes\nrepl-diskless-sync yes\nrepl-diskless-sync-delay 5\n"
    "repl-diskless-sync-max-replicas 0\nrepl-diskless-load disabled\nrepl-disable-tcp-nodelay no\n"
    "replica-priority 100\nacllog-max-len 128\nlazyfree-lazy-eviction no\nlazyfree-lazy-expire no\n"
    "lazyfree-lazy-server-del no\nreplica-lazy-flush no\nlazyfree-lazy-user-del no\nlazyfree-lazy-user-flush no\n"
    "oom-score-adj no\noom-score-adj-values 0 200 800\ndisable-thp yes\nappendonly no\n"
    "appendfilename \"appendonly.aof\"\nappenddirname \"appendonlydir\"\nappendfsync everysec\n"
    "no-appendfsync-on-rewrite no\nauto-aof-rewrite-percentage 100\nauto-aof-rewrite-min-size 64mb\n"
    "aof-load-truncated yes\naof-use-rdb-preamble yes\naof-timestamp-enabled no\n \nslowlog-log-slower-than 10000\n"
    "slowlog-max-len 128\nlatency-monitor-threshold 0\nnotify-keyspace-events \"\"\nhash-max-listpack-entries 512\n"
    "hash-max-listpack-value 64\nlist-max-listpack-size -2\nlist-compress-depth 0\nset-max-intset-entries 512\n"
    "zset-max-listpack-entries 128\nzset-max-listpack-value 64\nhll-sparse-max-bytes 3000\n"
    "stream-node-max-bytes 4096\nstream-node-max-entries 100\nactiverehashing yes\n"
    "client-output-buffer-limit normal 0 0 0\nclient-output-buffer-limit replica 256mb 64mb 60\n"
    "client-output-buffer-limit pubsub 32mb 8mb 60\nhz 10\ndynamic-hz yes\naof-rewrite-incremental-fsync yes\n"
    "rdb-save-incremental-fsync yes\njemalloc-bg-thread yes\n";

TEST(Load, DebiansFileLoadsUnchanged) {
  Loading loading;
  loading.files["/etc/redis/redis.conf"] = kDebianLines;
  EXPECT_EQ(loading.load({"/etc/redis/redis.conf", "--supervised", "systemd", "--daemonize", "no"}), "");
  EXPECT_EQ(loading.settings.logfile(), "/var/log/redis/redis-server.log");
  EXPECT_EQ(loading.settings.text("dir"), "/var/lib/redis");
  EXPECT_EQ(loading.settings.daemonize, 0);
}

}  // namespace
}  // namespace millrace::settings
