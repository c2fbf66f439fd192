// CONFIG, TIME, SHUTDOWN, DEBUG, MEMORY and LOLWUT; texts as Redis 7.0.15 gives them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "unit/commands/command_stage.h"

namespace millrace::commands {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kNoDebug =
    "-ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a "
    "local connection, otherwise you need to set this option in the configuration file, and then restart the "
    "server.\r\n";

class ServerCommandsTest : public testing::Test {
 protected:
  std::string run(std::string_view line) { return stage_.run(line); }
  void allow_debug(settings::Access access) { stage_.settings.enable_debug_command = static_cast<int64_t>(access); }

  CommandStage stage_;
};

TEST_F(ServerCommandsTest, ConfigGet) {
  EXPECT_EQ(run("CONFIG GET nosuch"), "*0\r\n");
  EXPECT_EQ(run("CONFIG GET timeout"), "*2\r\n$7\r\ntimeout\r\n$1\r\n0\r\n");
  run("HELLO 3");
  EXPECT_EQ(run("CONFIG GET TIMEOUT nosuch"), "%1\r\n$7\r\nTIMEOUT\r\n$1\r\n0\r\n");
}

TEST_F(ServerCommandsTest, ConfigSet) {
  EXPECT_EQ(run("CONFIG SET timeout 5 loglevel warning"), "+OK\r\n");
  EXPECT_EQ(stage_.settings.timeout_s, 5);
  EXPECT_EQ(stage_.host.setting_changes, 1);
  EXPECT_FALSE(stage_.log.wants(LogLevel::kNotice));
  EXPECT_EQ(run("CONFIG SET timeout 1 hz"), "-ERR syntax error\r\n");
  EXPECT_EQ(run("CONFIG SET a b"), "-ERR Unknown option or number of arguments for CONFIG SET - 'a'\r\n");
  EXPECT_EQ(stage_.host.setting_changes, 1);
}

TEST_F(ServerCommandsTest, ConfigRewrite) {
  EXPECT_EQ(run("CONFIG REWRITE"), "-ERR The server is running without a config file\r\n");
  std::string file = "# mine\ntimeout 1\n";
  stage_.server.facts.config_file = "/etc/x.conf";
  stage_.server.environment.read_file = [&](const std::string&) { return file; };
  stage_.server.environment.replace_file = [&](const std::string& path,
                                               const std::string& text) -> std::optional<std::string> {
    EXPECT_EQ(path, "/etc/x.conf");
    file = text;
    return std::nullopt;
  };
  run("CONFIG SET timeout 9");
  EXPECT_EQ(run("CONFIG REWRITE"), "+OK\r\n");
  EXPECT_EQ(file, "# mine\ntimeout 9\n");
  stage_.server.environment.replace_file = [](const std::string&, const std::string&) {
    return std::optional<std::string>("Read-only file system");
  };
  EXPECT_EQ(run("CONFIG REWRITE"), "-ERR Rewriting config file: Read-only file system\r\n");
}

TEST_F(ServerCommandsTest, RewriteKeepsAFileThatItCannotRead) {
  bool is_replaced = false;
  stage_.server.environment.replace_file = [&](const std::string&, const std::string&) {
    is_replaced = true;
    return std::optional<std::string>();
  };
  stage_.server.environment.read_file = [](const std::string&) { return std::optional<std::string>(); };
  stage_.server.facts.config_file = "/etc/millrace.conf";
  EXPECT_EQ(run("CONFIG REWRITE"), "-ERR Rewriting config file: the present file cannot be read\r\n");
  EXPECT_FALSE(is_replaced);
}

TEST_F(ServerCommandsTest, Shutdown) {
  for (const std::string_view line :
       {"SHUTDOWN FOO", "SHUTDOWN SAVE NOSAVE", "SHUTDOWN ABORT NOW", "SHUTDOWN NOW FORCE ABORT"}) {
    EXPECT_EQ(run(line), "-ERR syntax error\r\n") << line;
  }
  EXPECT_EQ(run("SHUTDOWN ABORT"), "-ERR No shutdown in progress.\r\n");
  EXPECT_FALSE(stage_.host.is_shut_down);
  EXPECT_EQ(run("SHUTDOWN nosave now FORCE"), "");
  EXPECT_TRUE(stage_.host.is_shut_down);
}

TEST_F(ServerCommandsTest, ShutdownSavesFirstIfItShall) {
  using enum SnapshotKind;
  EXPECT_EQ(run("SHUTDOWN"), "");
  EXPECT_EQ(run("SHUTDOWN FORCE"), "");
  EXPECT_EQ(run("CONFIG SET save \"\""),
            "-ERR CONFIG SET failed (possibly related to argument 'save') - Invalid save "
            "parameters\r\n");
  EXPECT_EQ(stage_.run_args(*stage_.me, {"CONFIG", "SET", "save", ""}), "+OK\r\n");
  EXPECT_EQ(run("SHUTDOWN SAVE"), "");
  EXPECT_FALSE(stage_.host.is_shut_down);
  EXPECT_EQ(stage_.host.snapshots, (std::vector{kFinal, kFinalForced, kFinal}));
  stage_.host.snapshot_can_start = false;
  EXPECT_EQ(run("SHUTDOWN SAVE"), "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
  EXPECT_EQ(run("SHUTDOWN"), "");
  EXPECT_TRUE(stage_.host.is_shut_down);
}

TEST_F(ServerCommandsTest, SnapshotsOneAtATime) {
  using enum SnapshotKind;
  EXPECT_EQ(run("BGSAVE"), "+Background saving started\r\n");
  EXPECT_EQ(run("BGSAVE schedule"), "+Background saving started\r\n");
  EXPECT_EQ(run("BGSAVE now"), "-ERR syntax error\r\n");
  EXPECT_EQ(run("BGSAVE schedule now"), "-ERR syntax error\r\n");
  EXPECT_EQ(run("SAVE"), "");
  EXPECT_EQ(stage_.host.snapshots, (std::vector{kBackground, kBackground, kForeground}));
  stage_.host.snapshot_can_start = false;
  EXPECT_EQ(run("BGSAVE"), "-ERR Background save already in progress\r\n");
  EXPECT_EQ(run("SAVE"), "-ERR Background save already in progress\r\n");
  EXPECT_EQ(run("LASTSAVE"), ":1700000000\r\n");
}

TEST_F(ServerCommandsTest, AFailedSnapshotRefusesWritesAndPing) {
  stage_.server.snapshots.last_failed = true;
  update_refusal(stage_.server);
  EXPECT_THAT(run("XADD s * a b"), StartsWith("-MISCONF Redis is configured to save RDB snapshots, but"));
  EXPECT_THAT(run("PING"), StartsWith("-MISCONF "));
  EXPECT_EQ(run("XLEN s"), ":0\r\n");
  EXPECT_EQ(run("CONFIG SET stop-writes-on-bgsave-error no"), "+OK\r\n");
  EXPECT_EQ(run("PING"), "+PONG\r\n");
  EXPECT_EQ(run("CONFIG SET stop-writes-on-bgsave-error yes"), "+OK\r\n");
  EXPECT_EQ(stage_.run_args(*stage_.me, {"CONFIG", "SET", "save", ""}), "+OK\r\n");
  EXPECT_EQ(run("PING"), "+PONG\r\n");
}

TEST_F(ServerCommandsTest, DebugIsOffUnlessAllowed) {
  EXPECT_EQ(run("DEBUG SLEEP 0"), kNoDebug);
  EXPECT_EQ(run("DEBUG FOO"), kNoDebug);
  allow_debug(settings::Access::kLocal);
  EXPECT_EQ(run("DEBUG SLEEP 0"), "+OK\r\n");
  EXPECT_EQ(stage_.run(*stage_.connect("10.1.2.3:4000"), "DEBUG SLEEP 0"), kNoDebug);
  EXPECT_EQ(stage_.run(*stage_.connect("[::1]:4000"), "DEBUG SLEEP 0"), "+OK\r\n");
  allow_debug(settings::Access::kYes);
  EXPECT_EQ(stage_.run(*stage_.connect("10.1.2.3:4001"), "DEBUG SLEEP 0"), "+OK\r\n");
}

TEST_F(ServerCommandsTest, Debug) {
  allow_debug(settings::Access::kYes);
  EXPECT_EQ(run("DEBUG SLEEP 0.25"), "+OK\r\n");
  EXPECT_EQ(stage_.host.stalled_ns, 250'000'000);
  EXPECT_EQ(run("DEBUG SLEEP x"), "+OK\r\n");
  EXPECT_EQ(run("DEBUG SET-ACTIVE-EXPIRE 0"), "+OK\r\n");
  EXPECT_FALSE(stage_.server.active_expiry);
  EXPECT_EQ(run("DEBUG OBJECT s"), "-ERR no such key\r\n");
  run("XADD s 1-1 f v");
  stage_.pass_ms(3000);
  EXPECT_THAT(run("DEBUG OBJECT s"),
              testing::AllOf(StartsWith("+Value at:0x"), HasSubstr(" refcount:1 encoding:stream serializedlength:"),
                             EndsWith(" lru_seconds_idle:3\r\n")));
  EXPECT_EQ(run("DEBUG SLEEP"),
            "-ERR unknown subcommand or wrong number of arguments for 'SLEEP'. Try DEBUG HELP.\r\n");
  EXPECT_EQ(run("DEBUG FOO"), "-ERR unknown subcommand or wrong number of arguments for 'FOO'. Try DEBUG HELP.\r\n");
  EXPECT_THAT(run("DEBUG HELP"), StartsWith("*25\r\n+DEBUG <subcommand>"));
}

TEST_F(ServerCommandsTest, DebugDigestTellsWhetherAnythingDiffers) {
  allow_debug(settings::Access::kYes);
  const std::string nothing = "+" + std::string(40, '0') + "\r\n";
  EXPECT_EQ(run("DEBUG DIGEST"), nothing);
  EXPECT_EQ(run("DEBUG DIGEST-VALUE"), "*0\r\n");
  run("XADD a 1-1 f v");
  run("XADD b 1-1 f v");
  const std::string both = run("DEBUG DIGEST");
  EXPECT_EQ(both.size(), 43u);
  EXPECT_NE(both, nothing);
  const std::string values = run("DEBUG DIGEST-VALUE a b absent");
  EXPECT_EQ(values.substr(4, 43), values.substr(47, 43));
  EXPECT_THAT(values, EndsWith(nothing));
  run("DEL a");
  EXPECT_NE(run("DEBUG DIGEST"), both);
  run("XADD a 1-1 f v");
  EXPECT_EQ(run("DEBUG DIGEST"), both);
  run("XADD a 2-1 f v");
  EXPECT_NE(run("DEBUG DIGEST"), both);
}

TEST_F(ServerCommandsTest, MemoryUsage) {
  EXPECT_EQ(run("MEMORY USAGE k"), "$-1\r\n");
  EXPECT_EQ(run("MEMORY USAGE k SAMPLES"), "-ERR syntax error\r\n");
  EXPECT_EQ(run("MEMORY USAGE k FOO 3"), "-ERR syntax error\r\n");
  EXPECT_EQ(run("MEMORY USAGE k SAMPLES -1"), "-ERR syntax error\r\n");
  EXPECT_EQ(run("MEMORY USAGE k SAMPLES x"), "-ERR value is not an integer or out of range\r\n");
  run("XADD k 1-1 f v");
  EXPECT_THAT(run("MEMORY USAGE k SAMPLES 0"), StartsWith(":"));
}

TEST_F(ServerCommandsTest, TimeAndLolwut) {
  EXPECT_EQ(run("TIME"), "*2\r\n$1\r\n0\r\n$1\r\n0\r\n");
  EXPECT_THAT(run("LOLWUT"), HasSubstr("Redis ver. 7.2.4"));
  EXPECT_EQ(run("LOLWUT VERSION x"), "-ERR value is not an integer or out of range\r\n");
}

}  // namespace
}  // namespace millrace::commands
