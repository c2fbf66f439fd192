// Pub/sub at chosen moments: what one core does between two steps of another, and who sends for a core that sleeps.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "support/resp_reply.h"
#include "support/simulated_server.h"

namespace millrace::test {
namespace {

using Replies = std::vector<std::string>;

constexpr int kSeeds = 10;

std::string text_of(const Reply& value) {
  if (value.mark == ':') return std::to_string(value.number);
  if (value.is_null) return "null";
  std::string text = value.text;
  for (const Reply& item : value.items) text += (text.empty() ? "" : " ") + text_of(item);
  return text;
}

// A value as it is easiest to read: its mark and its words, "*message a x", ":1".
std::string readable(const std::string& raw) {
  size_t position = 0;
  Reply reply;
  read_reply(raw, position, reply);
  return reply.mark + text_of(reply);
}

Replies readable(const Replies& all) {
  Replies result;
  for (const std::string& raw : all) result.push_back(readable(raw));
  return result;
}

class PubsubOrder : public testing::TestWithParam<int> {
 protected:
  static constexpr int64_t kNsPerMs = 1'000'000;

  std::unique_ptr<SimulatedCaller> listener(uint32_t core, const std::string& line, int protocol = 2) {
    auto caller = std::make_unique<SimulatedCaller>(server_, core);
    if (protocol == 3) caller->ask("HELLO 3");
    caller->ask(line);
    return caller;
  }
  // What was sent is in the server's hands, and nobody has looked at it.
  void let_it_arrive() { server_.world().advance(SimulatedServer::kSettleMs * kNsPerMs); }
  uint64_t executed(uint32_t core) { return server_.statistics(core).commands_processed.get(); }
  // Turns of one core alone until it has executed something.
  void turn_until_it_executes(uint32_t core) {
    const uint64_t before = executed(core);
    for (int i = 0; i < 1000 && executed(core) == before; ++i) server_.turn(core);
    ASSERT_GT(executed(core), before);
  }
  // The same, with the time it takes bytes to travel; nobody else has a turn.
  bool turn_until(uint32_t core, const std::function<bool()>& done) {
    for (int i = 0; i < 1000; ++i) {
      if (done()) return true;
      server_.turn(core);
      server_.world().advance(kNsPerMs / 10);
    }
    return false;
  }

  SimulatedServer server_{{.seed = static_cast<uint64_t>(GetParam())}};
};

INSTANTIATE_TEST_SUITE_P(Seeds, PubsubOrder, testing::Range(1, kSeeds + 1));

// ---- a message published at any moment of a change

struct Change {
  const char* before;  // what the client listens to, or ""
  int protocol;
  const char* line;
  const char* publish;
  const char* message;  // as the client gets it if it is counted; FORM stands for the mark of its protocol
  const char* reply;    // to the change
  bool is_heard_before;
  bool is_heard_after;
  int protocol_after;
};

constexpr Change kChanges[] = {
    {"", 2, "SUBSCRIBE a", "PUBLISH a x", "message a x", "*subscribe a 1", false, true, 2},
    {"", 3, "SUBSCRIBE a", "PUBLISH a x", "message a x", ">subscribe a 1", false, true, 3},
    {"", 2, "PSUBSCRIBE *", "PUBLISH a x", "pmessage * a x", "*psubscribe * 1", false, true, 2},
    {"", 2, "SSUBSCRIBE a", "SPUBLISH a x", "smessage a x", "*ssubscribe a 1", false, true, 2},
    {"SUBSCRIBE a", 2, "UNSUBSCRIBE a", "PUBLISH a x", "message a x", "*unsubscribe a 0", true, false, 2},
    {"SUBSCRIBE a", 3, "UNSUBSCRIBE", "PUBLISH a x", "message a x", ">unsubscribe a 0", true, false, 3},
    {"PSUBSCRIBE *", 2, "PUNSUBSCRIBE", "PUBLISH a x", "pmessage * a x", "*punsubscribe * 0", true, false, 2},
    {"SSUBSCRIBE a", 2, "SUNSUBSCRIBE a", "SPUBLISH a x", "smessage a x", "*sunsubscribe a 0", true, false, 2},
    {"SUBSCRIBE a", 3, "RESET", "PUBLISH a x", "message a x", "+RESET", true, false, 2},
    {"SUBSCRIBE a", 3, "PING x", "PUBLISH a x", "message a x", "$x", true, true, 3},
    {"SUBSCRIBE a", 2, "PING x", "PUBLISH a x", "message a x", "*pong x", true, true, 2},
    {"SUBSCRIBE a", 3, "HELLO 2", "PUBLISH a x", "message a x", "*HELLO", true, true, 2},
};

// Core 1 publishes at the `moment`-th time core 0 reads the clock while it executes the change: one message, or a run
// of them.
class ChangeAtMoment {
 public:
  ChangeAtMoment(SimulatedServer& server, const Change& change, size_t messages)
      : server_(server), change_(change), messages_(messages), listener_(server, 0), publisher_(server, 1) {
    if (change.protocol == 3) listener_.ask("HELLO 3");
    if (*change.before != 0) listener_.ask(change.before);
    server_.settle();
  }

  void happen(int moment) {
    listener_.send(change_.line);
    std::string run;
    for (size_t i = 0; i < messages_; ++i) run += std::string(change_.publish) + "\r\n";
    publisher_.send_raw(run);
    server_.world().advance(SimulatedServer::kSettleMs * 1'000'000);
    int reads = 0;
    bool is_publishing = false;
    server_.world().while_clock_is_read([&] {
      if (is_publishing || reads++ != moment) return;
      is_publishing = true;
      const uint64_t before = executed(1);
      for (int i = 0; i < 1000 && executed(1) < before + messages_; ++i) server_.turn(1);
    });
    const uint64_t before = executed(0);
    for (int i = 0; i < 1000 && executed(0) == before; ++i) server_.turn(0);
    server_.world().while_clock_is_read({});
    server_.settle();
  }

  // The message stands before the reply to the change, after it, or nowhere; as PUBLISH told.
  void check(bool& was_before, bool& was_after) {
    Replies received = readable(listener_.take_replies());
    for (std::string& value : received) {
      if (value.starts_with("*server")) value = "*HELLO";
    }
    const Replies published = readable(publisher_.take_replies());
    ASSERT_EQ(published, Replies(messages_, published.at(0)));
    const auto all = [&](int protocol) {
      return Replies(messages_, (protocol == 3 ? ">" : "*") + std::string(change_.message));
    };
    Replies before = all(change_.protocol);
    before.push_back(change_.reply);
    Replies after = all(change_.protocol_after);
    after.insert(after.begin(), change_.reply);
    const Replies without{change_.reply};
    if (published[0] == ":0") {
      EXPECT_EQ(received, without);
      EXPECT_FALSE(change_.is_heard_before && change_.is_heard_after);
      (change_.is_heard_before ? was_after : was_before) = true;
      return;
    }
    EXPECT_EQ(published[0], ":1");
    const bool fits_before = change_.is_heard_before && received == before;
    const bool fits_after = change_.is_heard_after && received == after;
    EXPECT_TRUE(fits_before || fits_after) << testing::PrintToString(received);
    (fits_before ? was_before : was_after) = true;
  }

 private:
  uint64_t executed(uint32_t core) { return server_.statistics(core).commands_processed.get(); }

  SimulatedServer& server_;
  const Change& change_;
  const size_t messages_;
  SimulatedCaller listener_;
  SimulatedCaller publisher_;
};

TEST_P(PubsubOrder, AMessageAtAnyMomentOfAChangeComesExactlyIfItIsCounted) {
  for (const Change& change : kChanges) {
    bool was_before = false;
    bool was_after = false;
    for (int moment = 0; moment < 40; ++moment) {
      SCOPED_TRACE(std::string(change.before) + " | " + change.line + " at half moment " + std::to_string(moment));
      ChangeAtMoment scene(server_, change, moment % 2 == 0 ? 1 : 3);
      scene.happen(moment / 2);
      scene.check(was_before, was_after);
    }
    EXPECT_TRUE(was_before && was_after) << change.line << ": the moments do not lie on both sides";
  }
}

TEST_P(PubsubOrder, AnUnsubscribeInAPipelineDoesNotOvertakeWhatWasPublishedBefore) {
  const auto both = listener(0, "SUBSCRIBE a b", 3);
  server_.settle();
  both->take_replies();
  for (const char* line : {"PUBLISH a 1", "PUBLISH b 2", "UNSUBSCRIBE a", "PUBLISH a 3", "PUBLISH b 4", "UNSUBSCRIBE",
                           "PUBLISH b 5", "PING"}) {
    both->send(line);
  }
  server_.settle();
  EXPECT_EQ(readable(both->take_replies()), (Replies{":1", ">message a 1", ":1", ">message b 2", ">unsubscribe a 1",
                                                     ":0", ":1", ">message b 4", ">unsubscribe b 0", ":0", "+PONG"}));
}

TEST_P(PubsubOrder, AProtocolSwitchedInSilenceIsTheOneOfTheNextMessage) {
  const auto client = listener(0, "SUBSCRIBE a", 3);
  SimulatedCaller publisher(server_, 1);
  for (const char* line : {"CLIENT REPLY OFF", "HELLO 2"}) client->send(line);
  server_.settle();
  client->take_replies();
  EXPECT_EQ(publisher.ask("PUBLISH a x"), ":1\r\n");
  server_.settle();
  EXPECT_EQ(readable(client->take_replies()), Replies{"*message a x"});
}

TEST_P(PubsubOrder, SilenceDoesNotHoldMessagesAndConfirmationsBack) {
  SimulatedCaller client(server_, 0);
  SimulatedCaller publisher(server_, 1);
  for (const char* line : {"HELLO 3", "CLIENT REPLY OFF", "SUBSCRIBE a", "PUBLISH a 1", "PING"}) client.send(line);
  server_.settle();
  EXPECT_EQ(publisher.ask("PUBLISH a 2"), ":1\r\n");
  server_.settle();
  Replies received = readable(client.take_replies());
  ASSERT_EQ(received.size(), 4u);
  received.erase(received.begin());
  EXPECT_EQ(received, (Replies{">subscribe a 1", ">message a 1", ">message a 2"}));
}

// The pipeline ends in the middle of a run, each time in another way.
TEST_P(PubsubOrder, ARunIsDeliveredBeforeWhateverEndsItsPublisher) {
  const auto hears = listener(0, "SUBSCRIBE a");
  server_.settle();
  hears->take_replies();
  const std::pair<std::string, Replies> ends[] = {
      {"*x\r\n", {":1", ":1", "-ERR Protocol error: invalid multibulk length"}},
      {"QUIT\r\n", {":1", ":1", "+OK"}},
      {"POST / HTTP/1.1\r\n", {}},
      {"CLIENT KILL ID ", {":1", ":1", ":1"}},
  };
  for (const auto& [end, replies] : ends) {
    SCOPED_TRACE(end);
    SimulatedCaller publisher(server_, 0);
    const std::string rest = end.starts_with("CLIENT") ? publisher.id() + " SKIPME no\r\n" : "";
    publisher.send_raw("PUBLISH a 1\r\nPUBLISH a 2\r\n" + end + rest + "PUBLISH a 3\r\n");
    server_.settle();
    EXPECT_TRUE(publisher.is_closed());
    const Replies received = readable(publisher.take_replies());
    // HTTP is cut off: of the replies before it there is what had come in a piece of its own.
    EXPECT_EQ(received, replies.empty() ? Replies(received.size(), ":1") : replies);
    EXPECT_EQ(readable(hears->take_replies()), (Replies{"*message a 1", "*message a 2"}));
  }
}

// ---- whose core sleeps, whose core is awake

TEST_P(PubsubOrder, ASleepingCoreIsNotWokenAndItsListenersHearAtOnce) {
  std::vector<std::unique_ptr<SimulatedCaller>> listeners;
  for (const char* line : {"SUBSCRIBE a", "PSUBSCRIBE *", "SUBSCRIBE a b"}) listeners.push_back(listener(0, line));
  SimulatedCaller publisher(server_, 1);
  server_.settle();
  for (const auto& one : listeners) one->take_replies();
  const size_t wakes = server_.backend(0).wakes();
  const uint64_t turns = server_.statistics(0).turns.get();
  publisher.send("PUBLISH a x");
  std::vector<Replies> received(listeners.size());
  EXPECT_TRUE(turn_until(1, [&] {
    bool has_all = true;
    for (size_t i = 0; i < listeners.size(); ++i) {
      for (const std::string& value : listeners[i]->take_replies()) received[i].push_back(readable(value));
      has_all = has_all && !received[i].empty();
    }
    return has_all;
  }));
  EXPECT_EQ(received, (std::vector<Replies>{{"*message a x"}, {"*pmessage * a x"}, {"*message a x"}}));
  EXPECT_EQ(server_.backend(0).wakes(), wakes);
  EXPECT_EQ(server_.statistics(0).turns.get(), turns);
}

// The first core's commands ran in its wait, so it is awake and about to have its next turn.
TEST_P(PubsubOrder, AnAwakeCoreSendsToItsListenersInItsNextTurn) {
  std::vector<std::unique_ptr<SimulatedCaller>> listeners;
  for (int i = 0; i < 5; ++i) listeners.push_back(listener(0, "SUBSCRIBE a"));
  SimulatedCaller busy(server_, 0);
  SimulatedCaller publisher(server_, 1);
  server_.settle();
  for (const auto& one : listeners) one->take_replies();
  busy.send("CLIENT REPLY OFF");
  publisher.send("PUBLISH a x");
  let_it_arrive();
  turn_until_it_executes(0);
  const size_t wakes = server_.backend(0).wakes();
  turn_until_it_executes(1);
  for (int i = 0; i < 20; ++i) server_.turn(1);
  EXPECT_EQ(server_.backend(0).wakes(), wakes);
  const auto is_on_its_way = [&](const std::unique_ptr<SimulatedCaller>& one, uint32_t core) {
    return server_.backend(core).is_sending_to(one->client()) || one->client().has_something_to_read();
  };
  for (const auto& one : listeners) EXPECT_FALSE(is_on_its_way(one, 1)) << "it is not for this core to send";
  server_.turn(0);
  for (const auto& one : listeners) EXPECT_TRUE(is_on_its_way(one, 0)) << "after the next turn of its core";
  server_.settle();
  for (const auto& one : listeners) EXPECT_EQ(readable(one->take_replies()), Replies{"*message a x"});
}

// Three publishers, one of them on the listeners' own core, turned in every order: what one hands over and another
// appends to keeps one order.
TEST_P(PubsubOrder, HandedOverOrNotThereIsOneOrder) {
  std::vector<std::unique_ptr<SimulatedCaller>> listeners;
  for (uint32_t core : {0u, 0u, 1u, 2u}) listeners.push_back(listener(core, "SUBSCRIBE a"));
  std::vector<std::unique_ptr<SimulatedCaller>> publishers;
  for (uint32_t core : {0u, 1u, 2u}) publishers.push_back(std::make_unique<SimulatedCaller>(server_, core));
  server_.settle();
  for (const auto& one : listeners) one->take_replies();
  for (int round = 0; round < 20; ++round) {
    for (size_t i = 0; i < publishers.size(); ++i) {
      publishers[i]->send("PUBLISH a " + std::to_string(i) + "." + std::to_string(round));
    }
    let_it_arrive();
    for (int i = 0; i < 12; ++i) server_.turn(static_cast<uint32_t>(server_.world().random().below(3)));
  }
  server_.settle();
  const Replies first = readable(listeners[0]->take_replies());
  EXPECT_EQ(first.size(), 60u);
  for (size_t i = 1; i < listeners.size(); ++i) EXPECT_EQ(readable(listeners[i]->take_replies()), first);
  for (const auto& one : publishers) EXPECT_EQ(one->take_replies(), Replies(20, ":4\r\n"));
}

// ---- listeners that go

TEST_P(PubsubOrder, AListenerThatGoesWhileAnotherCoreSendsToItIsForgotten) {
  server_.world().set_send_capacity(1000);
  for (const std::string way : {"close", "reset", "kill"}) {
    SCOPED_TRACE(way);
    server_.settle();
    const auto goes = listener(0, "SUBSCRIBE a");
    const auto stays = listener(0, "SUBSCRIBE a");
    SimulatedCaller publisher(server_, 1);
    server_.settle();
    stays->take_replies();
    goes->client().pause_reading();
    const std::string payload(20'000, 'x');
    EXPECT_EQ(publisher.ask("PUBLISH a " + payload), ":2\r\n");
    if (way == "close") goes->client().close();
    if (way == "reset") goes->client().reset();
    if (way == "kill") {
      EXPECT_EQ(publisher.ask("CLIENT KILL TYPE pubsub"), ":2\r\n");
    }
    server_.settle();
    const bool stays_open = way != "kill";
    if (stays_open) {
      EXPECT_EQ(readable(stays->take_replies()), Replies{"*message a " + payload});
    }
    EXPECT_EQ(publisher.ask("PUBLISH a y"), stays_open ? ":1\r\n" : ":0\r\n");
    EXPECT_EQ(publisher.ask("PUBSUB NUMSUB a"), stays_open ? "*2\r\n$1\r\na\r\n:1\r\n" : "*2\r\n$1\r\na\r\n:0\r\n");
  }
}

TEST_P(PubsubOrder, AKilledListenerDoesNotCountThoughItsCoreHasNotHeardOfIt) {
  SimulatedCaller victim(server_, 0);
  const std::string id = victim.id();
  for (const char* line : {"SUBSCRIBE a", "PSUBSCRIBE a*"}) victim.ask(line);
  const auto other = listener(0, "SUBSCRIBE a");
  SimulatedCaller killer(server_, 2);
  server_.settle();
  other->take_replies();
  const uint64_t turns = server_.statistics(0).turns.get();
  killer.send_raw(format_request({"PUBLISH", "a", "1"}) + format_request({"CLIENT", "KILL", "ID", id}) +
                  format_request({"PUBLISH", "a", "2"}));
  Replies replies;
  EXPECT_TRUE(turn_until(2, [&] {
    for (std::string& reply : killer.take_replies()) replies.push_back(std::move(reply));
    return replies.size() == 3;
  }));
  EXPECT_EQ(server_.statistics(0).turns.get(), turns);
  EXPECT_EQ(replies, (Replies{":3\r\n", ":1\r\n", ":1\r\n"}));
  server_.settle();
  EXPECT_TRUE(victim.is_closed());
  EXPECT_EQ(readable(other->take_replies()), (Replies{"*message a 1", "*message a 2"}));
}

TEST_P(PubsubOrder, QuitEndsAllSubscriptionsAfterWhatWasPublishedBefore) {
  const auto client = listener(0, "SUBSCRIBE a");
  SimulatedCaller publisher(server_, 1);
  server_.settle();
  client->take_replies();
  EXPECT_EQ(publisher.ask("PUBLISH a 1"), ":1\r\n");
  client->send("QUIT");
  server_.settle();
  EXPECT_EQ(readable(client->take_replies()), (Replies{"*message a 1", "+OK"}));
  EXPECT_TRUE(client->is_closed());
  EXPECT_EQ(publisher.ask("PUBLISH a 2"), ":0\r\n");
}

}  // namespace
}  // namespace millrace::test
