// A message to many is sent over several turns: who is still to wait shares a send with what is published meanwhile.
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "support/resp_reply.h"
#include "support/simulated_server.h"

namespace millrace::test {
namespace {

constexpr size_t kListeners = 200;
constexpr size_t kSendsMin = 4;

class PubsubSharing : public testing::Test {
 protected:
  PubsubSharing() : publisher_(server_, 0) {
    for (size_t i = 0; i < kListeners; ++i) {
      listeners_.push_back(std::make_unique<SimulatedCaller>(server_, 0));
      last_id_ = listeners_.back()->id();
      listeners_.back()->ask("SUBSCRIBE a");
    }
    server_.settle();
    for (const auto& listener : listeners_) listener->take_replies();
    reached();
  }

  uint64_t executed() { return server_.statistics(0).commands_processed.get(); }
  // To the end of the turn in which it is published.
  void publish(const std::string& payload) {
    publisher_.send("PUBLISH a " + payload);
    server_.world().advance(SimulatedServer::kSettleMs * 1'000'000);
    const uint64_t before = executed();
    while (executed() == before) server_.turn(0);
    server_.turn(0);
  }
  // To whom something was sent since the last call; one send may take the network several pieces.
  std::set<const SimulatedClient*> reached() {
    const std::vector<const SimulatedClient*> order = server_.backend(0).take_send_order();
    return {order.begin(), order.end()};
  }
  static std::string message(const std::string& payload) {
    return "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$" + std::to_string(payload.size()) + "\r\n" + payload + "\r\n";
  }

  SimulatedServer server_{{.cores = 1, .push_sends_min = kSendsMin}};
  std::vector<std::unique_ptr<SimulatedCaller>> listeners_;
  std::string last_id_;
  SimulatedCaller publisher_;
};

TEST_F(PubsubSharing, ATurnSendsToSomeOfThemAndAnswersThePublisher) {
  publish("x");
  std::set<const SimulatedClient*> all = reached();
  EXPECT_EQ(all.size(), kSendsMin + 1);
  EXPECT_TRUE(all.contains(&publisher_.client()));
  for (size_t turns = 2; turns <= kListeners / kSendsMin; ++turns) {
    server_.turn(0);
    all.merge(reached());
    EXPECT_EQ(all.size(), turns * kSendsMin + 1);
  }
  server_.settle();
  for (const auto& listener : listeners_) EXPECT_EQ(listener->take_replies(), std::vector{message("x")});
}

TEST_F(PubsubSharing, WhoWaitsGetsSeveralMessagesWithOneSendInTheirOrder) {
  constexpr size_t kMessages = 30;
  const uint64_t writes = server_.statistics(0).writes.get();
  std::vector<std::string> expected;
  for (size_t i = 0; i < kMessages; ++i) {
    publish(std::to_string(i));
    expected.push_back(message(std::to_string(i)));
  }
  server_.settle();
  EXPECT_LT(server_.statistics(0).writes.get() - writes, kMessages * kListeners / 2);
  for (const auto& listener : listeners_) EXPECT_EQ(listener->take_replies(), expected);
}

TEST_F(PubsubSharing, LongMessagesDoNotGather) {
  publish(std::string(10'000, 'x'));
  EXPECT_EQ(reached().size(), kListeners + 1);
}

// Nobody else is sent these: what obliges to sends is not only how much is pushed to all together.
TEST_F(PubsubSharing, WhoWaitsBehindManyDoesNotRunIntoItsLimitMeanwhile) {
  constexpr size_t kMessages = 20;
  const std::string payload(6'000, 'y');
  SimulatedCaller busy(server_, 0);
  for (const char* line : {"SUBSCRIBE a", "SUBSCRIBE b"}) busy.ask(line);
  publisher_.send_raw(format_request({"CONFIG", "SET", "client-output-buffer-limit", "pubsub 30000 0 0"}));
  server_.settle();
  publish("x");
  for (size_t i = 0; i < kMessages; ++i) {
    publisher_.send("PUBLISH b " + payload);
    server_.world().advance(SimulatedServer::kSettleMs * 1'000'000);
    const uint64_t before = executed();
    while (executed() == before) server_.turn(0);
  }
  server_.settle();
  EXPECT_FALSE(busy.is_closed());
  EXPECT_EQ(busy.take_replies().size(), 1 + kMessages);
}

TEST_F(PubsubSharing, WhoIsKilledWhileItWaitsIsClosedAndTheOthersGetTheirs) {
  publish("x");
  publisher_.send("CLIENT KILL ID " + last_id_);
  server_.settle();
  EXPECT_EQ(publisher_.take_replies(), (std::vector<std::string>{":200\r\n", ":1\r\n"}));
  EXPECT_TRUE(listeners_.back()->is_closed());
  listeners_.pop_back();
  for (const auto& listener : listeners_) EXPECT_EQ(listener->take_replies(), std::vector{message("x")});
}

// Whoever ends the server after the reply has told everybody.
TEST_F(PubsubSharing, WhatWasPublishedBeforeTheEndReachesAll) {
  publish("x");
  publisher_.send("SHUTDOWN NOSAVE");
  server_.world().advance(SimulatedServer::kSettleMs * 1'000'000);
  while (!server_.was_shutdown_requested()) server_.turn(0);
  EXPECT_EQ(reached().size(), kListeners + 1);
  server_.settle();
  for (const auto& listener : listeners_) EXPECT_EQ(listener->take_replies(), std::vector{message("x")});
}

// Here the network may still lose it; a kernel has it.
TEST_F(PubsubSharing, WhatWasPublishedBeforeASignalIsSent) {
  publish("x");
  server_.core(0).stop();
  server_.turn(0);
  EXPECT_EQ(reached().size(), kListeners + 1);
}

// The listeners' own core sleeps, so the publisher's has to send to them before it may go; stop() looks that all end.
TEST(PubsubSharingOfCores, AServerThatStopsLeavesNobodyWaiting) {
  SimulatedServer server({.cores = 2, .push_sends_min = 1});
  std::vector<std::unique_ptr<SimulatedCaller>> listeners;
  for (size_t i = 0; i < kListeners; ++i) {
    listeners.push_back(std::make_unique<SimulatedCaller>(server, 1));
    listeners.back()->ask("SUBSCRIBE a");
  }
  SimulatedCaller publisher(server, 0);
  server.settle();
  server.backend(0).take_send_order();
  publisher.send("PUBLISH a x");
  publisher.client().close();
  std::set<const SimulatedClient*> reached;
  while (server.core(0).connection_count() > 0) {
    server.turn(0);
    server.world().advance(100'000);
    for (const SimulatedClient* one : server.backend(0).take_send_order()) reached.insert(one);
  }
  EXPECT_GT(reached.size(), 0u);
  EXPECT_LT(reached.size(), kListeners);
  server.stop();
}

}  // namespace
}  // namespace millrace::test
