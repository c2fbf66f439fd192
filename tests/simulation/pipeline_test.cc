// Pipelines, closing and limits on a simulated server: what one connection sees, whatever core answers it.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/resp_reply.h"
#include "support/simulated_server.h"

namespace millrace::test {
namespace {

using Replies = std::vector<std::string>;

constexpr int kSeeds = 10;

constexpr char kOk[] = "+OK\r\n";
constexpr char kPong[] = "+PONG\r\n";

std::string one_entry(const std::string& key, const std::string& id) {
  const auto bulk = [](const std::string& text) { return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n"; };
  return "*1\r\n*2\r\n" + bulk(key) + "*1\r\n*2\r\n" + bulk(id) + "*2\r\n$1\r\nf\r\n$1\r\nv\r\n";
}

// Every test runs for several seeds: other orders of turns, other pieces, other delays.
class Pipeline : public testing::TestWithParam<int> {
 protected:
  SimulatedServer server_{{.seed = static_cast<uint64_t>(GetParam())}};
};

INSTANTIATE_TEST_SUITE_P(Seeds, Pipeline, testing::Range(1, kSeeds + 1));

TEST_P(Pipeline, RepliesComeInTheOrderOfTheRequestsThoughAnotherCoreAnswersOne) {
  SimulatedCaller reader(server_, 0);
  SimulatedCaller writer(server_, 1);
  reader.send("PING");
  reader.send("XREAD BLOCK 0 STREAMS s 0");
  reader.send("ECHO x");
  server_.settle();
  EXPECT_EQ(reader.take_replies(), Replies{kPong});
  writer.ask("XADD s 1-1 f v");
  server_.settle();
  EXPECT_EQ(reader.take_replies(), (Replies{one_entry("s", "1-1"), "$1\r\nx\r\n"}));
}

// The other core is as quick as can be: it answers between the moment the reader's core gives up its locks and the end
// of its run.
TEST_P(Pipeline, AnAnswerFromAnotherCoreNeverOvertakesTheRepliesBeforeIt) {
  SimulatedCaller reader(server_, 0);
  SimulatedCaller writer(server_, 1);
  server_.settle();
  reader.send_raw(format_request({"PING"}) + format_request(split_words("XREAD BLOCK 0 STREAMS s 0")));
  writer.send("XADD s 1-1 f v");
  server_.world().advance(SimulatedServer::kSettleMs * 1'000'000);
  bool has_happened = false;
  server_.world().while_clock_is_read([&] {
    if (has_happened || server_.server().blocked_clients.load() == 0) return;
    has_happened = true;
    while (server_.waiting_commands() > 0) server_.turn(1);
  });
  while (!has_happened) server_.turn(0);
  server_.world().while_clock_is_read({});
  server_.settle();
  EXPECT_EQ(reader.take_replies(), (Replies{kPong, one_entry("s", "1-1")}));
}

TEST_P(Pipeline, AWokenReaderIsAnsweredInItsOwnProtocol) {
  SimulatedCaller reader(server_, 0);
  SimulatedCaller writer(server_, 1);
  writer.ask("XGROUP CREATE s g $ MKSTREAM");
  reader.ask("HELLO 3");
  reader.send("XREADGROUP GROUP g me BLOCK 0 STREAMS s >");
  server_.settle();
  writer.ask("XADD s 1-1 f v");
  server_.settle();
  EXPECT_EQ(reader.take_replies(), Replies{"%1\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n"});
}

TEST_P(Pipeline, WhatWokeAReaderIsPendingInItsGroupUntilAcknowledgedThere) {
  SimulatedCaller first(server_, 0);
  SimulatedCaller second(server_, 2);
  SimulatedCaller writer(server_, 1);
  const std::string one_pending = "*4\r\n:1\r\n$3\r\n1-1\r\n$3\r\n1-1\r\n*1\r\n*2\r\n$2\r\nme\r\n$1\r\n1\r\n";
  const std::string none_pending = "*4\r\n:0\r\n$-1\r\n$-1\r\n*-1\r\n";
  for (const char* group : {"g", "h"}) writer.ask(std::string("XGROUP CREATE s ") + group + " $ MKSTREAM");
  first.send("XREADGROUP GROUP g me BLOCK 0 STREAMS s >");
  second.send("XREADGROUP GROUP h me BLOCK 0 STREAMS s >");
  server_.settle();
  writer.ask("XADD s 1-1 f v");
  EXPECT_EQ(writer.ask("XPENDING s g"), one_pending);
  EXPECT_EQ(writer.ask("XPENDING s h"), one_pending);
  EXPECT_EQ(writer.ask("XACK s g 1-1"), ":1\r\n");
  EXPECT_EQ(writer.ask("XPENDING s g"), none_pending);
  EXPECT_EQ(writer.ask("XPENDING s h"), one_pending);
}

TEST_P(Pipeline, WhatWaitsBehindABlockedCommandRunsAtOnceThoughItsCoreSleeps) {
  SimulatedCaller reader(server_, 0);
  SimulatedCaller writer(server_, 1);
  reader.send("XREAD BLOCK 0 STREAMS s 0");
  reader.send("XADD done 1-1 f v");
  server_.settle();
  writer.send("XADD s 1-1 f v");
  server_.run_until([&] { return server_.waiting_commands() == 0; }, 1000);
  // Time has not moved since the answer was given: nothing but a wake has brought the reader's core to its second
  // command.
  EXPECT_EQ(server_.server().statistics[0]->commands_processed.get(), 2u);
}

TEST_P(Pipeline, ABlockedCommandInTheMiddleOfEachPipelineOfMany) {
  SimulatedCaller reader(server_, 0);
  SimulatedCaller writer(server_, 2);
  Replies expected;
  for (int i = 1; i <= 20; ++i) {
    const std::string id = std::to_string(i) + "-0";
    reader.send("XREAD BLOCK 0 STREAMS s " + std::to_string(i - 1));
    reader.send("ECHO x");
    expected.push_back(one_entry("s", id));
    expected.push_back("$1\r\nx\r\n");
  }
  for (int i = 1; i <= 20; ++i) writer.ask("XADD s " + std::to_string(i) + "-0 f v");
  server_.settle();
  // A reader that comes late finds several entries at once; the number of replies is the same.
  EXPECT_EQ(reader.take_replies().size(), expected.size());
}

TEST_P(Pipeline, QuitAnswersAndClosesAndLeavesTheRest) {
  SimulatedCaller caller(server_, 0);
  for (const char* line : {"PING", "QUIT", "XADD s 1-1 f v"}) caller.send(line);
  server_.settle();
  EXPECT_EQ(caller.take_replies(), (Replies{kPong, kOk}));
  EXPECT_TRUE(caller.is_closed());
  EXPECT_EQ(SimulatedCaller(server_, 1).ask("EXISTS s"), ":0\r\n");
}

TEST_P(Pipeline, AProtocolErrorClosesAfterTheRepliesBeforeIt) {
  SimulatedCaller caller(server_, 0);
  caller.send("PING");
  caller.send_raw("*1\r\n!4\r\n");
  caller.send("PING");
  server_.settle();
  EXPECT_EQ(caller.take_replies(), (Replies{kPong, "-ERR Protocol error: expected '$', got '!'\r\n"}));
  EXPECT_TRUE(caller.is_closed());
}

TEST_P(Pipeline, KillingOneselfIsTheLastCommandThatRuns) {
  SimulatedCaller caller(server_, 0);
  const std::string id = caller.id();
  caller.send("CLIENT KILL ID " + id + " SKIPME no");
  caller.send("XADD s 1-1 f v");
  server_.settle();
  EXPECT_EQ(caller.take_replies(), Replies{":1\r\n"});
  EXPECT_TRUE(caller.is_closed());
  EXPECT_EQ(SimulatedCaller(server_, 1).ask("EXISTS s"), ":0\r\n");
}

// ---- a peer that has said all it had to say

TEST_P(Pipeline, AHalfClosedPeerGetsItsReplies) {
  SimulatedCaller caller(server_, 0);
  for (int i = 0; i < 100; ++i) caller.send("PING");
  caller.client().finish_sending();
  server_.settle();
  EXPECT_EQ(caller.take_replies().size(), 100u);
  EXPECT_TRUE(caller.is_closed());
}

TEST_P(Pipeline, AHalfClosedPeerGetsWhatWasAnsweredBeforeTheCommandThatBlocks) {
  SimulatedCaller caller(server_, 0);
  caller.send("PING");
  caller.send("XREAD BLOCK 0 STREAMS s 0");
  caller.client().finish_sending();
  server_.settle();
  EXPECT_EQ(caller.take_replies(), Replies{kPong});
  EXPECT_TRUE(caller.is_closed());
  EXPECT_EQ(server_.waiting_commands(), 0u);
}

TEST_P(Pipeline, AHalfClosedPeerGetsAnAnswerThatIsOnItsWay) {
  SimulatedCaller reader(server_, 0);
  SimulatedCaller writer(server_, 1);
  reader.send("XREAD BLOCK 0 STREAMS s 0");
  server_.settle();
  // The answer is given by another core, and the reader's core hears of both only when it wakes.
  writer.send("XADD s 1-1 f v");
  while (server_.waiting_commands() > 0) {
    server_.turn(1);
    if (server_.waiting_commands() > 0 && !server_.world().anyone_runnable()) server_.world().advance_to_next_event();
  }
  reader.client().finish_sending();
  server_.settle();
  EXPECT_EQ(reader.take_replies(), Replies{one_entry("s", "1-1")});
  EXPECT_TRUE(reader.is_closed());
}

TEST_P(Pipeline, ALongPipelineThatBlocksAfterItsPeerIsGoneDoesNotStay) {
  SimulatedCaller caller(server_, 0);
  std::string requests;
  while (requests.size() < 600 * 1024) requests += format_request({"ECHO", std::string(8000, 'x')});
  caller.send("CLIENT PAUSE 60 ALL");
  caller.send_raw(requests + format_request(split_words("XREAD BLOCK 0 STREAMS s 0")));
  caller.client().finish_sending();
  server_.run_for(1000);
  EXPECT_TRUE(caller.is_closed());
  EXPECT_EQ(server_.world().open_descriptors(), server_.core_count());
}

// ---- CLIENT REPLY

TEST_P(Pipeline, SkipMutesTheNextCommandOnly) {
  SimulatedCaller caller(server_, 0);
  for (const char* line : {"CLIENT REPLY SKIP", "PING", "ECHO x"}) caller.send(line);
  server_.settle();
  EXPECT_EQ(caller.take_replies(), Replies{"$1\r\nx\r\n"});
}

TEST_P(Pipeline, SkipMutesACommandThatWasPausedAsWell) {
  SimulatedCaller caller(server_, 0);
  SimulatedCaller other(server_, 1);
  other.ask("CLIENT PAUSE 500 WRITE");
  for (const char* line : {"CLIENT REPLY SKIP", "XADD s 1-1 f v", "PING"}) caller.send(line);
  server_.run_for(1500);
  EXPECT_EQ(caller.take_replies(), Replies{kPong});
}

TEST_P(Pipeline, SkipMutesABlockedCommandHoweverItEnds) {
  const char* const kEnds[] = {"XADD s 1-1 f v", "CLIENT UNBLOCK ", "ECHO timeout"};
  for (const std::string end : kEnds) {
    SimulatedCaller reader(server_, 0);
    SimulatedCaller writer(server_, 1);
    const std::string id = reader.id();
    for (const char* line : {"CLIENT REPLY SKIP", "XREAD BLOCK 500 STREAMS s 0", "PING"}) reader.send(line);
    server_.run_for(200);
    writer.ask(end.ends_with(' ') ? end + id : end);
    server_.run_for(1000);
    EXPECT_EQ(reader.take_replies(), Replies{kPong}) << end;
    writer.ask("DEL s");
  }
}

TEST_P(Pipeline, OffMutesEverythingUntilOn) {
  SimulatedCaller reader(server_, 0);
  SimulatedCaller writer(server_, 1);
  for (const char* line : {"CLIENT REPLY OFF", "PING", "XREAD BLOCK 0 STREAMS s 0", "nonsense", "CLIENT REPLY ON"}) {
    reader.send(line);
  }
  server_.settle();
  writer.ask("XADD s 1-1 f v");
  server_.settle();
  EXPECT_EQ(reader.take_replies(), Replies{kOk});
}

TEST_P(Pipeline, ResetEndsEverythingButTheConnection) {
  SimulatedCaller caller(server_, 0);
  for (const char* line : {"SELECT 3", "CLIENT REPLY OFF", "RESET", "XADD s 1-1 f v", "SELECT 0", "EXISTS s"}) {
    caller.send(line);
  }
  server_.settle();
  EXPECT_EQ(caller.take_replies(), (Replies{kOk, "+RESET\r\n", "$3\r\n1-1\r\n", kOk, ":1\r\n"}));
}

// ---- limits

TEST_P(Pipeline, ClientsBeyondMaxclientsAreToldAndClosed) {
  server_.settings().maxclients.store(2);
  SimulatedCaller first(server_, 0);
  SimulatedCaller second(server_, 1);
  EXPECT_EQ(first.ask("PING"), kPong);
  EXPECT_EQ(second.ask("PING"), kPong);
  SimulatedCaller third(server_, 2);
  server_.settle();
  EXPECT_EQ(third.take_replies(), Replies{"-ERR max number of clients reached\r\n"});
  EXPECT_TRUE(third.is_closed());
  first.client().close();
  server_.settle();
  EXPECT_EQ(SimulatedCaller(server_, 2).ask("PING"), kPong);
}

TEST_P(Pipeline, TheQueryBufferLimitClosesOnlyTheCulprit) {
  SimulatedCaller culprit(server_, 0);
  SimulatedCaller bystander(server_, 0);
  ASSERT_EQ(bystander.ask("CONFIG SET client-query-buffer-limit 1mb"), kOk);
  culprit.send_raw("*2\r\n$4\r\nECHO\r\n$3000000\r\n" + std::string(2'000'000, 'x'));
  server_.run_for(1000);
  EXPECT_TRUE(culprit.is_closed());
  EXPECT_EQ(bystander.ask("PING"), kPong);
}

TEST_P(Pipeline, TheHardOutputLimitClosesOnlyTheCulpritAndEndsItsPipeline) {
  SimulatedCaller culprit(server_, 0);
  SimulatedCaller bystander(server_, 1);
  ASSERT_EQ(bystander.ask("CONFIG SET client-output-buffer-limit normal\\ 1mb\\ 0\\ 0").substr(0, 1), "-");
  server_.settings().normal_output_hard_bytes.store(1'000'000);
  server_.run_for(200);
  culprit.client().pause_reading();
  std::string requests;
  for (int i = 0; i < 500; ++i) requests += format_request({"ECHO", std::string(5000, 'x')});
  culprit.send_raw(requests + format_request(split_words("XADD s 1-1 f v")));
  server_.run_for(1000);
  EXPECT_EQ(bystander.ask("EXISTS s"), ":0\r\n");
  EXPECT_EQ(server_.server().clients.size(), 1u);
  EXPECT_EQ(server_.server().statistics[0]->output_buffer_limit_disconnections.get(), 1u);
}

TEST_P(Pipeline, TheSoftOutputLimitClosesAfterItsTime) {
  server_.settings().normal_output_soft_bytes.store(400'000);
  server_.settings().normal_output_soft_s.store(2);
  SimulatedCaller culprit(server_, 0);
  SimulatedCaller bystander(server_, 1);
  server_.run_for(200);
  culprit.client().pause_reading();
  std::string requests;
  for (int i = 0; i < 400; ++i) requests += format_request({"ECHO", std::string(5000, 'x')});
  culprit.send_raw(requests);
  server_.run_for(1500);
  EXPECT_EQ(server_.server().clients.size(), 2u);
  server_.run_for(1500);
  EXPECT_EQ(server_.server().clients.size(), 1u);
  EXPECT_EQ(bystander.ask("PING"), kPong);
}

TEST_P(Pipeline, AWakerThatOverflowsTheReaderClosesTheReader) {
  SimulatedCaller reader(server_, 0);
  SimulatedCaller writer(server_, 1);
  server_.settings().normal_output_hard_bytes.store(1000);
  server_.run_for(200);
  reader.send("XREAD BLOCK 0 STREAMS s 0");
  server_.settle();
  EXPECT_EQ(writer.ask("XADD s 1-1 f " + std::string(5000, 'x')), "$3\r\n1-1\r\n");
  server_.settle();
  EXPECT_TRUE(reader.is_closed());
  EXPECT_EQ(writer.ask("PING"), kPong);
}

// ---- CLIENT PAUSE

TEST_P(Pipeline, APauseHoldsWritesBackInThePipelineAndLosesNothing) {
  SimulatedCaller caller(server_, 0);
  SimulatedCaller other(server_, 1);
  other.ask("CLIENT PAUSE 5000 WRITE");
  for (const char* line : {"PING", "XADD s 1-1 f v", "XLEN s"}) caller.send(line);
  server_.run_for(2000);
  EXPECT_EQ(caller.take_replies(), Replies{kPong});
  EXPECT_EQ(other.ask("XLEN s"), ":0\r\n");
  EXPECT_EQ(other.ask("CLIENT UNPAUSE"), kOk);
  server_.settle();
  EXPECT_EQ(caller.take_replies(), (Replies{"$3\r\n1-1\r\n", ":1\r\n"}));
}

TEST_P(Pipeline, APauseOfAllEndsByItself) {
  SimulatedCaller caller(server_, 0);
  SimulatedCaller other(server_, 1);
  other.ask("CLIENT PAUSE 1000 ALL");
  for (int i = 0; i < 3; ++i) caller.send("PING");
  server_.run_for(500);
  EXPECT_EQ(caller.take_replies(), Replies{});
  server_.run_for(1000);
  EXPECT_EQ(caller.take_replies(), (Replies{kPong, kPong, kPong}));
}

TEST_P(Pipeline, APausedPeerThatHangsUpStillGetsTheRepliesBefore) {
  SimulatedCaller caller(server_, 0);
  SimulatedCaller other(server_, 1);
  other.ask("CLIENT PAUSE 5000 WRITE");
  for (const char* line : {"PING", "XADD s 1-1 f v"}) caller.send(line);
  caller.client().finish_sending();
  server_.settle();
  EXPECT_EQ(caller.take_replies(), Replies{kPong});
  EXPECT_TRUE(caller.is_closed());
}

// ---- stopping

TEST_P(Pipeline, StoppingWaitsForSendsThatAnotherCoreCarries) {
  SimulatedCaller reader(server_, 0);
  SimulatedCaller writer(server_, 1);
  reader.send("XREAD BLOCK 0 STREAMS s 0");
  server_.settle();
  writer.send("XADD s 1-1 f " + std::string(300'000, 'x'));
  reader.client().pause_reading();
  server_.run_for(200);
  server_.stop();
}

TEST_P(Pipeline, ShutdownAsksTheProcess) {
  SimulatedCaller caller(server_, 0);
  caller.send("SHUTDOWN NOSAVE");
  server_.settle();
  EXPECT_TRUE(server_.was_shutdown_requested());
}

// ---- everyone's share

TEST_P(Pipeline, AnEndlessPipelineDoesNotStarveTheOthersOfItsCore) {
  SimulatedCaller greedy(server_, 0);
  SimulatedCaller modest(server_, 0);
  // The whole flood is in the server's hands behind a pause, so that it runs from the buffer.
  greedy.send("CLIENT PAUSE 300 ALL");
  std::string flood;
  while (flood.size() < 3 * 1024 * 1024) flood += format_request({"ECHO", std::string(8000, 'x')});
  greedy.send_raw(flood);
  server_.run_for(200);
  modest.send("PING");
  size_t answered_before = 0;
  server_.run_until(
      [&] {
        answered_before += greedy.take_replies().size();
        return !modest.take_replies().empty();
      },
      5000);
  const size_t all = flood.size() / 8000;
  EXPECT_LT(answered_before, all / 2);
}

}  // namespace
}  // namespace millrace::test
