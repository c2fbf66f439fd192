// Limits on memory, on several cores: beyond maxmemory every core refuses what needs memory and serves all else; beyond
// maxmemory-clients the largest clients go, wherever they live, and nobody else notices.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "support/resp_reply.h"
#include "support/simulated_server.h"

namespace millrace::test {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

constexpr std::string_view kRefused = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";

class MemoryLimits : public testing::TestWithParam<int> {
 protected:
  MemoryLimits() {
    for (uint32_t core = 0; core < server_.core_count(); ++core) {
      callers_.push_back(std::make_unique<SimulatedCaller>(server_, core));
    }
  }

  std::vector<std::string> everybody(std::string_view line) {
    std::vector<std::string> replies;
    for (const auto& caller : callers_) replies.push_back(caller->ask(line));
    return replies;
  }
  uint64_t evicted() {
    uint64_t sum = 0;
    for (uint32_t core = 0; core < server_.core_count(); ++core) {
      sum += server_.statistics(core).evicted_clients.get();
    }
    return sum;
  }
  int64_t counted() { return server_.server().client_memory.total(); }

  SimulatedServer server_{{.seed = static_cast<uint64_t>(GetParam())}};
  std::vector<std::unique_ptr<SimulatedCaller>> callers_;  // by core
};

INSTANTIATE_TEST_SUITE_P(Seeds, MemoryLimits, testing::Range(1, 9));

TEST_P(MemoryLimits, EveryCoreRefusesAndServes) {
  uint64_t used = 1000;
  server_.server().environment.used_memory = [&used] { return used; };
  EXPECT_THAT(everybody("XADD s * f v"), Each(StartsWith("$")));
  callers_[1]->ask("XGROUP CREATE s g $");
  callers_[2]->ask("CONFIG SET maxmemory 1000");
  EXPECT_THAT(everybody("XADD s * f v"), Each(StartsWith("$"))) << "the limit itself is allowed";
  SimulatedCaller blocked(server_, 0);
  blocked.send("XREADGROUP GROUP g c BLOCK 0 STREAMS s nothing >");
  callers_[0]->ask("XREADGROUP GROUP g c STREAMS s >");
  ++used;
  EXPECT_THAT(everybody("XADD s * f v"), Each(kRefused));
  EXPECT_THAT(everybody("XLEN s"), Each(":6\r\n"));
  EXPECT_THAT(everybody("XACK s g 1-1"), Each(":0\r\n"));
  EXPECT_THAT(everybody("XREADGROUP GROUP g c STREAMS s 0"), Each(HasSubstr("f\r\n")));
  EXPECT_EQ(callers_[1]->ask("DEL s"), ":1\r\n");
  --used;
  EXPECT_THAT(everybody("XADD s * f v"), Each(StartsWith("$")));
}

// Each look finds a little more in use: a pipeline is served up to the limit and not beyond.
TEST_P(MemoryLimits, APipelineEndsAtTheLimit) {
  uint64_t used = 0;
  server_.server().environment.used_memory = [&used] { return used += 100; };
  callers_[0]->ask("CONFIG SET maxmemory 3000");
  used = 0;
  for (int i = 0; i < 50; ++i) callers_[1]->send("XADD s * f v");
  server_.run_for(50);
  const std::vector<std::string> replies = callers_[1]->take_replies();
  ASSERT_THAT(replies, SizeIs(50));
  EXPECT_EQ(replies.back(), kRefused);
  const auto first_refused = std::find(replies.begin(), replies.end(), kRefused);
  EXPECT_THAT(std::vector<std::string>(first_refused, replies.end()), Each(kRefused));
  // Housekeeping looks as well.
  EXPECT_LE(first_refused - replies.begin(), 30);
  EXPECT_GE(first_refused - replies.begin(), 20);
}

// What a core took while no command of it asked counts once, not a second time when one does.
TEST(MemoryOfACore, IsCountedOnceWhenItWasMeasuredBefore) {
  SimulatedServer server({.seed = 1, .cores = 1});
  uint64_t taken = 10'000;
  const uint64_t given_back = 0;
  server.server().environment.used_memory = [&] { return taken; };
  server.server().environment.thread_memory = [&] { return commands::ThreadMemory{&taken, &given_back}; };
  server.settings().maxmemory_bytes.store(1'500'000);
  SimulatedCaller caller(server, 0);
  server.settle();
  EXPECT_EQ(caller.ask("SET k v"), "+OK\r\n");
  taken += 1'000'000;
  server.settle();
  EXPECT_EQ(caller.ask("SET k v"), "+OK\r\n");
  taken += 490'001;
  EXPECT_EQ(caller.ask("SET k v"), kRefused);
}

// ---- client-output-buffer-limit

// What comes for a client while its EXEC runs is held back until the reply is complete, but no more than the limit. Who
// redirects messages to it hears that it was closed in the middle.
TEST_P(MemoryLimits, WhatAnExecHoldsBackIsLimited) {
  SimulatedCaller& reader = *callers_[1];
  SimulatedCaller& runner = *callers_[2];
  callers_[0]->send_raw(format_request({"CONFIG", "SET", "client-output-buffer-limit", "pubsub 100000 0 0"}));
  server_.settle();
  reader.ask("HELLO 3");
  EXPECT_EQ(reader.ask("CLIENT TRACKING ON REDIRECT " + runner.id()), "+OK\r\n");
  reader.ask("GET k");
  runner.ask("HELLO 3");
  const std::string publish = "PUBLISH c " + std::string(60'000, 'x');
  for (const std::string& line : {std::string("MULTI"), std::string("SUBSCRIBE c"), publish, publish}) runner.ask(line);
  runner.ask("SET k v");
  EXPECT_THAT(reader.take_replies(), SizeIs(0));
  runner.send("EXEC");
  server_.settle();
  EXPECT_TRUE(runner.is_closed());
  EXPECT_THAT(reader.take_replies(), testing::ElementsAre(HasSubstr("tracking-redir-broken")));
}

// ---- maxmemory-clients

class ClientLimits : public MemoryLimits {
 protected:
  ClientLimits() {
    server_.world().set_send_capacity(20'000);
    deaf_ = std::make_unique<SimulatedCaller>(server_, 2);
  }

  void limit(std::string_view bytes) {
    EXPECT_EQ(callers_[0]->ask("CONFIG SET maxmemory-clients " + std::string(bytes)), "+OK\r\n");
    server_.settle();
  }
  bool is_there(SimulatedCaller& caller) { return !caller.client().is_closed(); }

  std::unique_ptr<SimulatedCaller> deaf_;
};

INSTANTIATE_TEST_SUITE_P(Seeds, ClientLimits, testing::Range(1, 9));

TEST_P(ClientLimits, WhoAsksAndDoesNotReadIsClosedAndNobodyElse) {
  callers_[1]->ask("XADD s * f " + std::string(10'000, 'x'));
  limit("300000");
  deaf_->client().pause_reading();
  for (int i = 0; i < 100; ++i) deaf_->send("XRANGE s - +");
  for (int i = 0; i < 20; ++i) EXPECT_THAT(everybody("XLEN s"), Each(":1\r\n"));
  server_.settle();
  EXPECT_EQ(server_.server().clients.size(), callers_.size());
  EXPECT_EQ(evicted(), 1u);
  EXPECT_LT(counted(), 100'000);
  deaf_->client().resume_reading();
  server_.settle();
  EXPECT_FALSE(is_there(*deaf_));
}

TEST_P(ClientLimits, ASubscriberOfAnotherCoreIsClosedWhileItIsFilled) {
  callers_[0]->send_raw(format_request({"CONFIG", "SET", "client-output-buffer-limit", "pubsub 0 0 0"}));
  server_.settle();
  EXPECT_THAT(callers_[0]->take_replies(), testing::ElementsAre("+OK\r\n"));
  limit("300000");
  deaf_->ask("SUBSCRIBE channel");
  deaf_->client().pause_reading();
  for (int i = 0; i < 100; ++i) callers_[1]->send("PUBLISH channel " + std::string(10'000, 'x'));
  server_.settle();
  EXPECT_EQ(evicted(), 1u);
  EXPECT_EQ(server_.server().clients.size(), callers_.size());
  EXPECT_THAT(callers_[1]->take_replies(), SizeIs(100)) << "who publishes stays";
  EXPECT_EQ(callers_[1]->ask("PUBLISH channel x"), ":0\r\n");
}

TEST_P(ClientLimits, AnUnfinishedRequestCountsToo) {
  limit("300000");
  deaf_->send_raw("*3\r\n$4\r\nECHO\r\n$1000000\r\n" + std::string(500'000, 'x'));
  server_.settle();
  EXPECT_FALSE(is_there(*deaf_));
  EXPECT_EQ(evicted(), 1u);
  EXPECT_THAT(everybody("PING"), Each("+PONG\r\n"));
}

TEST_P(ClientLimits, ALimitSetLaterHoldsForWhatIsThere) {
  deaf_->send_raw("*3\r\n$4\r\nECHO\r\n$1000000\r\n" + std::string(500'000, 'x'));
  server_.settle();
  EXPECT_TRUE(is_there(*deaf_));
  EXPECT_EQ(counted(), 0);
  limit("300000");
  EXPECT_FALSE(is_there(*deaf_));
  limit("0");
  EXPECT_EQ(counted(), 0);
}

TEST_P(ClientLimits, WhoAskedNotToBeEvictedStaysAndTheOthersGo) {
  limit("300000");
  deaf_->ask("CLIENT NO-EVICT ON");
  deaf_->send_raw("*3\r\n$4\r\nECHO\r\n$1000000\r\n" + std::string(500'000, 'x'));
  server_.settle();
  EXPECT_TRUE(is_there(*deaf_));
  EXPECT_EQ(evicted(), callers_.size());
}

}  // namespace
}  // namespace millrace::test
