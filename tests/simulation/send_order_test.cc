// In which order the sends of one turn leave, and what they wait for: who was waiting hears first, then the client
// whose command it was, and only then comes what else follows from the command.
#include <gtest/gtest.h>

#include <vector>

#include "support/simulated_server.h"

namespace millrace::test {
namespace {

constexpr uint64_t kSeeds = 20;

// Turns core 0 alone, as time goes on, up to the end of the turn in which it sends something.
std::vector<const SimulatedClient*> turn_until_it_sends(SimulatedServer& server) {
  std::vector<const SimulatedClient*> order = server.backend(0).take_send_order();
  for (int turns = 0; turns < 1000 && order.empty(); ++turns) {
    server.turn(0);
    server.world().advance(1'000);
    order = server.backend(0).take_send_order();
  }
  return order;
}

class SendOrder : public testing::TestWithParam<uint64_t> {
 protected:
  // A client of the same core and one of another, which sleeps then, wait as the line says.
  void wait_with(std::string_view line) {
    for (SimulatedCaller* waiting : {&own_, &far_}) waiting->send(line);
    server_.settle();
    server_.backend(0).take_send_order();
  }

  void expect_writer_last() {
    const std::vector<const SimulatedClient*> order = turn_until_it_sends(server_);
    ASSERT_GE(order.size(), 3u);  // more: what a send left over follows
    EXPECT_NE(order[0], &writer_.client());
    EXPECT_NE(order[1], &writer_.client());
    EXPECT_EQ(order[2], &writer_.client());
  }

  SimulatedServer server_{{.seed = GetParam(), .cores = 2}};
  SimulatedCaller writer_{server_, 0};
  SimulatedCaller own_{server_, 0};
  SimulatedCaller far_{server_, 1};
};

TEST_P(SendOrder, BlockedReadersHearBeforeTheWriter) {
  wait_with("XREAD BLOCK 0 STREAMS k $");
  writer_.send("XADD k 1-1 f v");
  expect_writer_last();
}

TEST_P(SendOrder, SubscribersHearBeforeThePublisher) {
  wait_with("SUBSCRIBE c");
  writer_.send("PUBLISH c m");
  expect_writer_last();
}

TEST_P(SendOrder, AnAnswerLeavesBeforeItsReaderIsTidiedUpAfter) {
  wait_with("XREAD BLOCK 0 STREAMS k $");
  writer_.send("XADD k 1-1 f v");
  EXPECT_FALSE(turn_until_it_sends(server_).empty());
  EXPECT_EQ(server_.server().blocked_clients.load(), 2);
  server_.turn(0);
  EXPECT_EQ(server_.server().blocked_clients.load(), 1) << "the other core sleeps and is not woken for it";
  server_.settle();
  EXPECT_EQ(server_.server().blocked_clients.load(), 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SendOrder, testing::Range(uint64_t{1}, kSeeds + 1));

}  // namespace
}  // namespace millrace::test
