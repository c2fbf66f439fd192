// INFO: sections, their order, and the fields that programs look for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "commands/info_sections.h"
#include "unit/commands/command_stage.h"

namespace millrace::commands {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class InfoTest : public testing::Test {
 protected:
  std::vector<std::string> headings(std::string_view command) {
    std::vector<std::string> found;
    const std::string reply = stage_.run(command);
    for (size_t at = reply.find("# "); at != std::string::npos; at = reply.find("# ", at + 1)) {
      found.push_back(reply.substr(at + 2, reply.find('\r', at) - at - 2));
    }
    return found;
  }

  CommandStage stage_;
};

TEST_F(InfoTest, DefaultSectionsInRedissOrderOursLast) {
  EXPECT_THAT(headings("INFO"), ElementsAre("Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU",
                                            "Modules", "Errorstats", "Cluster", "Keyspace", "Millrace"));
  EXPECT_EQ(headings("INFO"), headings("INFO DEFAULT"));
}

TEST_F(InfoTest, AllSections) {
  EXPECT_THAT(headings("INFO all"),
              ElementsAre("Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU", "Modules",
                          "Commandstats", "Errorstats", "Latencystats", "Cluster", "Keyspace", "Millrace"));
  EXPECT_EQ(headings("INFO all"), headings("INFO everything"));
}

TEST_F(InfoTest, SectionsByNameInOrderOfTheTable) {
  EXPECT_THAT(headings("INFO keyspace Server"), ElementsAre("Server", "Keyspace"));
  EXPECT_THAT(headings("INFO commandstats default"), testing::Contains("Commandstats"));
  EXPECT_EQ(stage_.run("INFO nosuch"), "$0\r\n\r\n");
}

TEST_F(InfoTest, Layout) {
  stage_.run("XADD s 1-1 f v");
  EXPECT_EQ(stage_.run("INFO cluster keyspace"),
            "$76\r\n# Cluster\r\ncluster_enabled:0\r\n\r\n# Keyspace\r\ndb0:keys=1,expires=0,avg_ttl=0\r\n\r\n");
  stage_.run("HELLO 3");
  EXPECT_THAT(stage_.run("INFO keyspace"), StartsWith("=48\r\ntxt:# Keyspace\r\ndb0:keys=1"));
}

TEST_F(InfoTest, KeysAreCountedByDatabase) {
  stage_.run("XADD a 1-1 f v");
  stage_.run("XADD b 1-1 f v");
  stage_.run("EXPIRE b 100");
  stage_.run("SELECT 3");
  stage_.run("XADD c 1-1 f v");
  const std::string reply = stage_.run("INFO keyspace");
  EXPECT_THAT(reply, HasSubstr("db0:keys=2,expires=1,avg_ttl=100000\r\ndb3:keys=1,expires=0,avg_ttl=0\r\n"));
}

TEST_F(InfoTest, CommandAndErrorStatistics) {
  stage_.run("PING");
  stage_.run("PING");
  stage_.run("XADD s bad f v");
  const std::string reply = stage_.run("INFO commandstats errorstats");
  EXPECT_THAT(reply, HasSubstr("cmdstat_ping:calls=2,usec="));
  EXPECT_THAT(reply, HasSubstr("errorstat_ERR:count=1\r\n"));
  EXPECT_EQ(stage_.run("CONFIG RESETSTAT"), "+OK\r\n");
  EXPECT_THAT(stage_.run("INFO commandstats"), Not(HasSubstr("cmdstat_ping")));
}

TEST_F(InfoTest, FiguresOfTheProcessComeFromOutside) {
  stage_.server.environment.memory = [] {
    MemoryReport report;
    report.allocator = "test-1.0";
    report.used = 2048;
    report.active = 4096;
    report.resident = 4096;
    report.process_resident = 8192;
    return report;
  };
  stage_.server.environment.cpu = [] { return CpuReport{.system_s = 1.5, .user_s = 2.25}; };
  const std::string memory = stage_.run("INFO memory");
  EXPECT_THAT(memory, HasSubstr("used_memory:2048\r\nused_memory_human:2.00K\r\nused_memory_rss:8192\r\n"));
  EXPECT_THAT(memory, HasSubstr("mem_fragmentation_ratio:4.00\r\n"));
  EXPECT_THAT(memory, HasSubstr("mem_allocator:test-1.0\r\n"));
  EXPECT_THAT(stage_.run("INFO cpu"), HasSubstr("used_cpu_sys:1.500000\r\nused_cpu_user:2.250000\r\n"));
}

TEST_F(InfoTest, TheJournalShowsItsSizesWhileItIsOn) {
  JournalState& state = stage_.server.journal_state;
  state.current_bytes = 300;
  state.base_bytes = 200;
  state.buffered_bytes = 7;
  state.delayed_syncs = 2;
  EXPECT_THAT(stage_.run("INFO persistence"), Not(HasSubstr("aof_current_size")));
  stage_.settings.appendonly = 1;
  EXPECT_THAT(stage_.run("INFO persistence"),
              HasSubstr("aof_current_size:300\r\naof_base_size:200\r\naof_pending_rewrite:0\r\naof_buffer_length:7\r\n"
                        "aof_pending_bio_fsync:0\r\naof_delayed_fsync:2\r\n"));
  state.write_error = 28;
  state.last_rewrite_failed = true;
  state.is_rewriting = true;
  state.rewrite_started_monotonic_ns = stage_.now.monotonic_ns;
  stage_.pass_ms(2500);
  EXPECT_THAT(stage_.run("INFO persistence"),
              HasSubstr("aof_enabled:1\r\naof_rewrite_in_progress:1\r\naof_rewrite_scheduled:0\r\n"
                        "aof_last_rewrite_time_sec:-1\r\naof_current_rewrite_time_sec:2\r\n"
                        "aof_last_bgrewrite_status:err\r\naof_rewrites:0\r\naof_rewrites_consecutive_failures:0\r\n"
                        "aof_last_write_status:err\r\n"));
}

TEST_F(InfoTest, LoadingShowsHowFarItIs) {
  LoadingState& loading = stage_.server.loading;
  EXPECT_THAT(stage_.run("INFO persistence"), Not(HasSubstr("loading_start_time")));
  loading.started_unix_s = 1'700'000'000;
  loading.started_monotonic_ns = stage_.now.monotonic_ns;
  loading.total_bytes = 4000;
  loading.loaded_bytes = 999;
  loading.is_loading = true;
  const std::string begun = stage_.run("INFO persistence");
  EXPECT_THAT(begun, HasSubstr("# Persistence\r\nloading:1\r\nasync_loading:0\r\n"));
  EXPECT_THAT(begun, HasSubstr("loading_eta_seconds:1\r\n"));
  stage_.pass_ms(10'000);
  EXPECT_THAT(stage_.run("INFO persistence"),
              HasSubstr("loading_start_time:1700000000\r\nloading_total_bytes:4000\r\nloading_rdb_used_mem:0\r\n"
                        "loading_loaded_bytes:999\r\nloading_loaded_perc:24.98\r\nloading_eta_seconds:30\r\n"));
}

TEST_F(InfoTest, WhileKeysAreLoadedOnlySomeCommandsAreServed) {
  stage_.server.loading.is_loading = true;
  for (const char* line : {"XADD s 1-1 f v", "XLEN s", "SAVE", "WAIT 0 0", "PING"}) {
    EXPECT_EQ(stage_.run(line), "-LOADING Redis is loading the dataset in memory\r\n") << line;
  }
  EXPECT_EQ(stage_.run("CONFIG SET timeout 5"), "+OK\r\n");
  EXPECT_EQ(stage_.run("CLIENT SETNAME me"), "+OK\r\n");
  EXPECT_EQ(stage_.run("PUBLISH channel text"), ":0\r\n");
  EXPECT_EQ(stage_.run("NOSUCH"), "-ERR unknown command 'NOSUCH', with args beginning with: \r\n");
  stage_.server.loading.is_loading = false;
  EXPECT_EQ(stage_.run("XLEN s"), ":0\r\n");
}

TEST_F(InfoTest, SubstringsThatRedisCliLooksForComeFirstInTheirOwnField) {
  const std::string reply = stage_.run("INFO");
  for (const std::string name : {"loading", "used_memory", "connected_clients", "blocked_clients",
                                 "total_commands_processed", "total_connections_received"}) {
    const size_t at = reply.find(name);
    ASSERT_NE(at, std::string::npos) << name;
    EXPECT_EQ(reply.substr(at - 1, name.size() + 2), "\n" + name + ":") << name;
  }
}

TEST(RateSampler, AveragesSixteenSamples) {
  RateSampler sampler;
  EXPECT_EQ(sampler.rates().commands, 0);
  for (int64_t tick = 0; tick <= 16; ++tick) {
    const auto total = static_cast<uint64_t>(tick);
    sampler.sample(tick * 100'000'000, {.commands = total * 10, .input_bytes = total * 100, .output_bytes = 0});
  }
  EXPECT_NEAR(sampler.rates().commands, 100, 0.001);
  EXPECT_NEAR(sampler.rates().input_bytes, 1000, 0.001);
  // Totals set back to zero are no growth, and nothing negative.
  sampler.sample(1'700'000'000, {});
  EXPECT_NEAR(sampler.rates().commands, 100.0 * 15 / 16, 0.001);
  sampler.reset();
  EXPECT_EQ(sampler.rates().commands, 0);
}

TEST(HumanBytes, AsRedisWritesThem) {
  EXPECT_EQ(human_bytes(0), "0B");
  EXPECT_EQ(human_bytes(1023), "1023B");
  EXPECT_EQ(human_bytes(1536), "1.50K");
  EXPECT_EQ(human_bytes(25276514304), "23.54G");
}

}  // namespace
}  // namespace millrace::commands
