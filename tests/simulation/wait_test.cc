// WAIT and WAITAOF on a whole server: what is answered when, and that it is true.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "support/simulated_server.h"

namespace millrace::test {
namespace {

using settings::AppendFsync;

const std::string kSynced = "*2\r\n:1\r\n:0\r\n";
const std::string kNotSynced = "*2\r\n:0\r\n:0\r\n";

class Wait : public testing::TestWithParam<uint64_t> {
 protected:
  void start(AppendFsync policy) {
    disk_ = std::make_unique<SimulatedDisk>(GetParam());
    server_ = std::make_unique<SimulatedServer>(options(*disk_, policy));
    writer_ = std::make_unique<SimulatedCaller>(*server_, 1);
    other_ = std::make_unique<SimulatedCaller>(*server_, 2);
    bystander_ = std::make_unique<SimulatedCaller>(*server_, 1);
  }
  SimulatedServer::Options options(SimulatedDisk& disk, AppendFsync policy) const {
    return {.seed = GetParam(), .disk = &disk, .configure = [policy](settings::Settings& settings) {
              settings.appendonly = 1;
              settings.appendfsync = static_cast<int64_t>(policy);
            }};
  }
  void slow_down_syncs(int64_t ms) { server_->world().set_sync_ns(ms * 1'000'000); }
  // What a power failure now would leave of it.
  std::string length_after_power_loss(const std::string& key) {
    const std::unique_ptr<SimulatedDisk> left = disk_->crash(GetParam());
    SimulatedServer server(options(*left, AppendFsync::kNo));
    SimulatedCaller caller(server, 0);
    return caller.ask("XLEN " + key);
  }
  void expect_nothing_yet(SimulatedCaller& caller, int64_t ms) {
    server_->run_for(ms);
    EXPECT_EQ(caller.take_replies(), std::vector<std::string>{});
  }

  std::unique_ptr<SimulatedDisk> disk_;
  std::unique_ptr<SimulatedServer> server_;
  std::unique_ptr<SimulatedCaller> writer_;
  std::unique_ptr<SimulatedCaller> other_;
  std::unique_ptr<SimulatedCaller> bystander_;  // so that the writer's core has not only clients that wait
};

TEST_P(Wait, UnderEverysecTheNextRegularSyncAnswers) {
  start(AppendFsync::kEverysec);
  for (int i = 1; i <= 3; ++i) {
    ASSERT_EQ(writer_->ask("XADD s " + std::to_string(i) + "-1 f v").substr(0, 1), "$");
    EXPECT_EQ(writer_->ask("WAITAOF 1 0 0", 1200), kSynced);
    EXPECT_EQ(length_after_power_loss("s"), ":" + std::to_string(i) + "\r\n");
  }
}

TEST_P(Wait, UnderAlwaysTheReplyItselfWaited) {
  start(AppendFsync::kAlways);
  slow_down_syncs(300);
  writer_->send("XADD s 1-1 f v");
  writer_->send("WAITAOF 1 0 0");
  writer_->send("ECHO x");
  expect_nothing_yet(*writer_, 100);
  server_->run_for(1000);
  EXPECT_EQ(writer_->take_replies(), (std::vector<std::string>{"$3\r\n1-1\r\n", kSynced, "$1\r\nx\r\n"}));
  EXPECT_EQ(length_after_power_loss("s"), ":1\r\n");
}

TEST_P(Wait, WithoutSyncsItEndsWithItsTime) {
  start(AppendFsync::kNo);
  writer_->ask("XADD s 1-1 f v");
  writer_->send("WAITAOF 1 0 1500");
  expect_nothing_yet(*writer_, 1000);
  server_->run_for(700);
  EXPECT_EQ(writer_->take_replies(), std::vector<std::string>{kNotSynced});
  EXPECT_EQ(other_->ask("WAITAOF 1 0 0"), kSynced);  // it wrote nothing
}

TEST_P(Wait, ADeliveryToABlockedReaderIsWhatItWrote) {
  start(AppendFsync::kAlways);
  other_->ask("XGROUP CREATE s group $ MKSTREAM");
  other_->ask("XGROUP CREATECONSUMER s group reader");
  EXPECT_EQ(other_->ask("CONFIG SET appendfsync no"), "+OK\r\n");
  writer_->send("XREADGROUP GROUP group reader BLOCK 0 STREAMS s >");
  expect_nothing_yet(*writer_, 100);
  other_->ask("XADD s 1-1 f v");
  server_->settle();
  EXPECT_EQ(writer_->take_replies().size(), 1u);
  EXPECT_EQ(writer_->ask("WAITAOF 1 0 500", 600), kNotSynced);
}

TEST_P(Wait, ForReplicasEndsWithItsTimeOrByHand) {
  start(AppendFsync::kAlways);
  writer_->send("WAIT 1 1500");
  expect_nothing_yet(*writer_, 1000);
  server_->run_for(700);
  EXPECT_EQ(writer_->take_replies(), std::vector<std::string>{":0\r\n"});
  const std::string id = writer_->id();
  writer_->send("WAITAOF 1 1 0");
  expect_nothing_yet(*writer_, 5000);
  EXPECT_EQ(other_->ask("CLIENT UNBLOCK " + id), ":1\r\n");
  server_->settle();
  EXPECT_EQ(writer_->take_replies(), std::vector<std::string>{kSynced});
  writer_->send("WAIT 1 0");
  expect_nothing_yet(*writer_, 5000);
  EXPECT_EQ(other_->ask("CLIENT UNBLOCK " + id + " ERROR"), ":1\r\n");
  server_->settle();
  EXPECT_EQ(writer_->take_replies(), std::vector<std::string>{"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"});
}

TEST_P(Wait, WhoHangsUpIsForgotten) {
  start(AppendFsync::kNo);
  const std::string id = writer_->id();
  writer_->ask("XADD s 1-1 f v");
  writer_->send("WAITAOF 1 0 0");
  expect_nothing_yet(*writer_, 200);
  EXPECT_EQ(server_->server().blocked_clients, 1u);
  EXPECT_EQ(other_->ask("CLIENT KILL ID " + id), ":1\r\n");
  server_->settle();
  EXPECT_TRUE(writer_->is_closed());
  EXPECT_EQ(server_->server().blocked_clients, 0u);
  EXPECT_EQ(other_->ask("CONFIG SET appendfsync always"), "+OK\r\n");
  other_->ask("XADD s 2-1 f v");
  EXPECT_EQ(other_->ask("WAITAOF 1 0 0"), kSynced);
}

TEST_P(Wait, TheEndOfTheJournalIsAnError) {
  start(AppendFsync::kNo);
  writer_->ask("XADD s 1-1 f v");
  writer_->send("WAITAOF 1 0 0");
  expect_nothing_yet(*writer_, 200);
  EXPECT_EQ(other_->ask("CONFIG SET appendonly no"), "+OK\r\n");
  server_->settle();
  EXPECT_EQ(
      writer_->take_replies(),
      std::vector<std::string>{"-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.\r\n"});
}

INSTANTIATE_TEST_SUITE_P(Seeds, Wait, testing::Range<uint64_t>(1, 6));

}  // namespace
}  // namespace millrace::test
