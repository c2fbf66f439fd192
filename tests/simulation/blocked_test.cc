// Blocked commands against everything that can happen to their keys and to themselves: each event alone, from the
// client's own core and from another, and every two of them at one moment from two cores.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "support/simulated_server.h"

namespace millrace::test {
namespace {

constexpr int64_t kBlockMs = 2000;
constexpr int64_t kSlackMs = 150;

enum class Ending {
  kServed,       // with an entry
  kNoGroup,      // -NOGROUP
  kInterrupted,  // as if its time were up, but now
  kUnblocked,    // -UNBLOCKED
  kClosed,       // no reply, no connection
  kTimedOut,     // it waits on until its deadline
};

std::string name_of(Ending ending) {
  const char* const kNames[] = {"served", "NOGROUP", "interrupted", "UNBLOCKED", "closed", "timed out"};
  return kNames[static_cast<int>(ending)];
}

// 'k' and 'l' (in another partition) are empty streams with a group; 'src' has an entry and no group.
struct BlockedKind {
  const char* command;
  bool in_group;
};

constexpr BlockedKind kKinds[] = {
    {"XREAD BLOCK 2000 STREAMS k $", false},
    {"XREAD BLOCK 2000 STREAMS LL k $ $", false},
    {"XREADGROUP GROUP g me BLOCK 2000 STREAMS k >", true},
    {"XREADGROUP GROUP g me BLOCK 2000 STREAMS k LL > >", true},
    {"XREADGROUP GROUP g me BLOCK 2000 CLAIM 100 STREAMS k >", true},
    {"XREADGROUP GROUP g me BLOCK 2000 CLAIM 100 STREAMS LL k > >", true},
};

struct Event {
  const char* command;  // ID stands for the blocked client's; "" = it hangs up itself; "ECHO x" = nothing happens
  Ending of_read;
  Ending of_group_read;
};

constexpr Event kEvents[] = {
    {"DEL k", Ending::kTimedOut, Ending::kNoGroup},
    {"UNLINK k", Ending::kTimedOut, Ending::kNoGroup},
    {"PEXPIRE k 50", Ending::kTimedOut, Ending::kNoGroup},
    {"RENAME k gone", Ending::kTimedOut, Ending::kNoGroup},
    {"RENAME src k", Ending::kServed, Ending::kNoGroup},
    {"COPY src k REPLACE", Ending::kServed, Ending::kNoGroup},
    {"MOVE k 1", Ending::kTimedOut, Ending::kNoGroup},
    {"FLUSHDB", Ending::kTimedOut, Ending::kNoGroup},
    {"FLUSHALL", Ending::kTimedOut, Ending::kNoGroup},
    {"XGROUP DESTROY k g", Ending::kTimedOut, Ending::kNoGroup},
    {"XTRIM k MAXLEN 0", Ending::kTimedOut, Ending::kTimedOut},
    {"XADD k 7-7 f v", Ending::kServed, Ending::kServed},
    {"XADD k MAXLEN 0 7-7 f v", Ending::kTimedOut, Ending::kTimedOut},
    {"XSETID k 9-9", Ending::kTimedOut, Ending::kTimedOut},
    {"CLIENT KILL ID ID", Ending::kClosed, Ending::kClosed},
    {"CLIENT UNBLOCK ID TIMEOUT", Ending::kInterrupted, Ending::kInterrupted},
    {"CLIENT UNBLOCK ID ERROR", Ending::kUnblocked, Ending::kUnblocked},
    {"ECHO x", Ending::kTimedOut, Ending::kTimedOut},
    {"", Ending::kClosed, Ending::kClosed},
};

Ending expected(const BlockedKind& kind, const Event& event) {
  return kind.in_group ? event.of_group_read : event.of_read;
}

std::string replaced(std::string text, const std::string& word, const std::string& by) {
  const size_t at = text.rfind(word);
  return at == std::string::npos ? text : text.replace(at, word.size(), by);
}

// One blocked client, and others on every core that make things happen.
class Scene {
 public:
  Scene(uint64_t seed, const BlockedKind& kind)
      : server_({.seed = seed}), reader_(server_, 0), near_(server_, 0), far_(server_, 1), farther_(server_, 2) {
    const std::string second = server_.key_apart_from("k");
    for (const std::string& line : {std::string("XGROUP CREATE k g $ MKSTREAM"),
                                    "XGROUP CREATE " + second + " g $ MKSTREAM", std::string("XADD src 5-5 f v")}) {
      far_.ask(line);
    }
    id_ = reader_.id();
    reader_.send(replaced(kind.command, "LL", second));
    server_.run_until([this] { return server_.waiting_commands() == 1; }, 1000);
    deadline_ns_ = server_.world().now().monotonic_ns + kBlockMs * 1'000'000;
  }

  SimulatedCaller& on_core(int core) { return core == 0 ? near_ : core == 1 ? far_ : farther_; }

  void happens(const Event& event, int core) {
    if (std::string_view(event.command).empty()) return reader_.client().close();
    on_core(core).send(replaced(event.command, "ID", id_));
  }

  // How it ended. Whatever happens, there is one end: at most one reply, and none after it.
  Ending ending() {
    std::vector<std::string> replies;
    server_.run_until([&] { return take(replies); }, kBlockMs + kSlackMs);
    const int64_t late_ms = (server_.world().now().monotonic_ns - deadline_ns_) / 1'000'000;
    server_.run_for(kBlockMs);
    take(replies);
    EXPECT_LE(replies.size(), 1u);
    EXPECT_EQ(server_.waiting_commands(), 0u);
    if (replies.empty()) {
      EXPECT_TRUE(reader_.is_closed()) << "no end within its time";
      return Ending::kClosed;
    }
    if (!reader_.is_closed()) {
      EXPECT_EQ(reader_.ask("PING"), "+PONG\r\n");
    }
    return classify(replies[0], late_ms);
  }

 private:
  // True once there is something to judge by.
  bool take(std::vector<std::string>& replies) {
    for (std::string& reply : reader_.take_replies()) replies.push_back(std::move(reply));
    return !replies.empty() || reader_.is_closed();
  }

  static Ending classify(const std::string& reply, int64_t late_ms) {
    if (reply == "*-1\r\n") return late_ms >= 0 ? Ending::kTimedOut : Ending::kInterrupted;
    if (reply == "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n") return Ending::kUnblocked;
    // A flush takes both keys, and which of them is named depends on where they live.
    if (reply.starts_with("-NOGROUP No such key '")) return Ending::kNoGroup;
    EXPECT_TRUE(reply.starts_with("*1\r\n*2\r\n$1\r\nk\r\n*1\r\n*")) << reply;
    return Ending::kServed;
  }

  SimulatedServer server_;
  SimulatedCaller reader_;
  SimulatedCaller near_;
  SimulatedCaller far_;
  SimulatedCaller farther_;
  std::string id_;
  int64_t deadline_ns_ = 0;
};

TEST(Blocked, EachEventEndsTheCommandOrLeavesItWaiting) {
  uint64_t seed = 0;
  for (const BlockedKind& kind : kKinds) {
    for (const Event& event : kEvents) {
      for (const int core : {0, 1}) {
        SCOPED_TRACE(std::string(kind.command) + " | " + event.command + " from core " + std::to_string(core));
        Scene scene(++seed, kind);
        scene.happens(event, core);
        const Ending ending = scene.ending();
        EXPECT_EQ(name_of(ending), name_of(expected(kind, event)));
      }
    }
  }
}

// Of two events at one moment either may be the one that counts, but one does, and only one.
TEST(Blocked, TwoEventsAtOneMomentGiveOneReply) {
  uint64_t seed = 1000;
  for (const BlockedKind& kind : kKinds) {
    for (const Event& one : kEvents) {
      for (const Event& other : kEvents) {
        SCOPED_TRACE(std::string(kind.command) + " | " + one.command + " | " + other.command + " seed " +
                     std::to_string(seed + 1));
        Scene scene(++seed, kind);
        scene.happens(one, 1);
        if (&one != &other || *one.command != 0) scene.happens(other, 2);
        const std::string ending = name_of(scene.ending());
        const std::set<std::string> allowed = {name_of(expected(kind, one)), name_of(expected(kind, other))};
        EXPECT_TRUE(allowed.contains(ending)) << ending;
        if (testing::Test::HasFailure()) return;
      }
    }
  }
}

// A key that was not there is looked at however it comes to be.
TEST(Blocked, AReaderOfAnAbsentKeyIsServedWhenAStreamIsPutThere) {
  uint64_t seed = 2000;
  for (const std::string arrival : {"RENAME src k", "RENAMENX src k", "COPY src k", "MOVE k 0", "XADD k 5-5 f v"}) {
    SCOPED_TRACE(arrival);
    SimulatedServer server({.seed = ++seed});
    SimulatedCaller reader(server, 0);
    SimulatedCaller other(server, 1);
    reader.send("XREAD BLOCK 0 STREAMS k 0");
    other.ask("XADD src 5-5 f v");
    if (arrival.starts_with("MOVE")) {
      other.ask("SELECT 1");
      other.ask("XADD k 5-5 f v");
    }
    server.settle();
    EXPECT_EQ(server.waiting_commands(), 1u);
    other.ask(arrival);
    server.settle();
    EXPECT_EQ(server.waiting_commands(), 0u);
    EXPECT_EQ(reader.take_replies().size(), 1u);
  }
}

// ---- several who wait

class Waiters : public testing::TestWithParam<int> {
 protected:
  static constexpr size_t kReaders = 6;

  Waiters() : writer_(server_, 2) {
    writer_.ask("XGROUP CREATE k g $ MKSTREAM");
    for (size_t i = 0; i < kReaders; ++i) {
      readers_.push_back(std::make_unique<SimulatedCaller>(server_, static_cast<uint32_t>(i % 3)));
    }
  }
  void everyone_waits(const std::string& command) {
    for (size_t i = 0; i < kReaders; ++i) {
      readers_[i]->send(command);
      server_.run_until([&] { return server_.waiting_commands() == i + 1; }, 1000);
    }
  }

  SimulatedServer server_{{.seed = static_cast<uint64_t>(GetParam())}};
  SimulatedCaller writer_;
  std::vector<std::unique_ptr<SimulatedCaller>> readers_;
};

INSTANTIATE_TEST_SUITE_P(Seeds, Waiters, testing::Range(1, 21));

TEST_P(Waiters, OfOneGroupAreServedInTheOrderInWhichTheyCame) {
  everyone_waits("XREADGROUP GROUP g c COUNT 1 BLOCK 0 STREAMS k >");
  for (size_t i = 0; i < kReaders; ++i) {
    const std::string id = std::to_string(i + 1) + "-0";
    writer_.ask("XADD k " + id + " f v");
    server_.settle();
    for (size_t j = 0; j < kReaders; ++j) {
      const std::vector<std::string> replies = readers_[j]->take_replies();
      ASSERT_EQ(replies.size(), i == j ? 1u : 0u) << "reader " << j << ", entry " << i;
      if (i == j) {
        EXPECT_NE(replies[0].find(id), std::string::npos) << replies[0];
      }
    }
  }
}

TEST_P(Waiters, AsManyAreServedAsThereAreEntries) {
  everyone_waits("XREADGROUP GROUP g c COUNT 1 BLOCK 0 STREAMS k >");
  for (const char* id : {"1-0", "2-0", "3-0"}) writer_.send(std::string("XADD k ") + id + " f v");
  server_.settle();
  for (size_t i = 0; i < kReaders; ++i) EXPECT_EQ(readers_[i]->take_replies().size(), i < 3 ? 1u : 0u);
  EXPECT_EQ(server_.waiting_commands(), 3u);
}

TEST_P(Waiters, ReadersWithoutAGroupAllGetTheEntry) {
  everyone_waits("XREAD BLOCK 0 STREAMS k $");
  writer_.ask("XADD k 1-0 f v");
  server_.settle();
  for (const auto& reader : readers_) EXPECT_EQ(reader->take_replies().size(), 1u);
}

TEST_P(Waiters, TheLoserOfARaceKeepsItsDeadline) {
  everyone_waits("XREADGROUP GROUP g c BLOCK 2000 STREAMS k >");
  const int64_t blocked_ns = server_.world().now().monotonic_ns;
  server_.run_for(1500);
  writer_.ask("XADD k 1-0 f v");
  server_.run_until([this] { return server_.waiting_commands() == 0; }, 5000);
  EXPECT_LE((server_.world().now().monotonic_ns - blocked_ns) / 1'000'000, 2000 + kSlackMs);
  server_.settle();
  EXPECT_NE(readers_[0]->take_replies(), std::vector<std::string>{"*-1\r\n"});
  for (size_t i = 1; i < kReaders; ++i) EXPECT_EQ(readers_[i]->take_replies(), std::vector<std::string>{"*-1\r\n"});
}

TEST_P(Waiters, ALookInVainLeavesTheDeadlineWhereItWas) {
  everyone_waits("XREADGROUP GROUP g c BLOCK 2000 CLAIM 1500 STREAMS k >");
  EXPECT_TRUE(server_.run_until([this] { return server_.waiting_commands() == 0; }, 2000 + kSlackMs));
  server_.settle();
  for (const auto& reader : readers_) EXPECT_EQ(reader->take_replies(), std::vector<std::string>{"*-1\r\n"});
}

TEST_P(Waiters, AnEntryThatGrowsOldEnoughWakesWhoClaims) {
  writer_.ask("XADD k 1-0 f v");
  writer_.ask("XREADGROUP GROUP g other STREAMS k >");
  everyone_waits("XREADGROUP GROUP g c BLOCK 0 CLAIM 1000 STREAMS k >");
  server_.run_for(500);
  EXPECT_EQ(server_.waiting_commands(), kReaders);
  server_.run_for(1000);
  EXPECT_EQ(server_.waiting_commands(), kReaders - 1);
  EXPECT_EQ(readers_[0]->take_replies().size(), 1u);
}

}  // namespace
}  // namespace millrace::test
