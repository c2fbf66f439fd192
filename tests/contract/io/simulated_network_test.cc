// The simulated network itself: it replays, it differs by seed, and its clock moves only when nobody can run.
#include "support/simulated_network.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace millrace::test {
namespace {

// A two-core echo server that writes down everything that happens to it.
class History {
 public:
  explicit History(uint64_t seed) : world_(seed) {
    for (int i = 0; i < 2; ++i) {
      cores_.push_back(std::make_unique<EchoCore>(*this, world_));
    }
  }
  std::string run() {
    std::vector<std::unique_ptr<SimulatedClient>> clients;
    for (int i = 0; i < 10; ++i) {
      clients.push_back(std::make_unique<SimulatedClient>(world_));
      clients.back()->connect();
      clients.back()->send(std::string(100 * static_cast<size_t>(i + 1), static_cast<char>('a' + i)));
    }
    settle();
    for (size_t i = 0; i < clients.size(); ++i) {
      EXPECT_EQ(clients[i]->received(), std::string(100 * (i + 1), static_cast<char>('a' + i)));
      clients[i]->close();
    }
    settle();
    EXPECT_EQ(world_.open_descriptors(), 2U);
    for (auto& core : cores_) core->stop();
    settle();
    return std::move(text_);
  }

 private:
  struct EchoCore;
  struct EchoConnection final : io::ReceiveOperation, io::SendOperation {
    EchoConnection(EchoCore& core, int fd) : core_(core), fd_(fd) { core_.backend->receive(*this, fd); }
    void received(std::string_view bytes) override {
      core_.history.note("received", fd_, static_cast<int64_t>(bytes.size()));
      waiting_ += bytes;
      send();
    }
    void ended(int error) override {
      core_.history.note("ended", fd_, error);
      core_.backend->close(fd_);
    }
    void sent(int result) override {
      core_.history.note("sent", fd_, result);
      is_sending_ = false;
      in_flight_.erase(0, static_cast<size_t>(std::max(result, 0)));
      send();
    }
    void send() {
      if (is_sending_) return;
      in_flight_ += std::exchange(waiting_, {});
      if (in_flight_.empty()) return;
      is_sending_ = true;
      core_.backend->send(*this, fd_, in_flight_);
    }

    EchoCore& core_;
    const int fd_;
    std::string waiting_;
    std::string in_flight_;
    bool is_sending_ = false;
  };
  struct EchoCore final : io::AcceptOperation {
    EchoCore(History& owner, SimulatedWorld& world)
        : history(owner), backend(world.make_backend()), listener(world.listen()) {
      backend->accept(*this, listener);
    }
    void accepted(int fd) override {
      history.note("accepted", fd, backend->core());
      connections.push_back(std::make_unique<EchoConnection>(*this, fd));
    }
    void ended(int error) override { history.note("accept ended", listener, error); }
    void stop() { backend->cancel(*this); }

    History& history;
    std::unique_ptr<SimulatedBackend> backend;
    const int listener;
    std::vector<std::unique_ptr<EchoConnection>> connections;
  };

  void note(const char* what, int fd, int64_t value) {
    text_ += std::to_string(world_.now().monotonic_ns) + " " + what + " " + std::to_string(fd) + " " +
             std::to_string(value) + "\n";
  }
  void settle() {
    do {
      while (world_.anyone_runnable()) {
        EchoCore& core = *cores_[world_.random().below(cores_.size())];
        if (core.backend->is_runnable()) core.backend->wait(std::numeric_limits<int64_t>::max());
      }
    } while (world_.advance_to_next_event());
  }

  SimulatedWorld world_;
  std::vector<std::unique_ptr<EchoCore>> cores_;
  std::string text_;
};

TEST(SimulatedNetwork, TheSameSeedGivesTheSameHistory) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const std::string first = History(seed).run();
    ASSERT_EQ(first, History(seed).run()) << "seed " << seed;
  }
}

TEST(SimulatedNetwork, AnotherSeedGivesAnotherHistory) {
  EXPECT_NE(History(1).run(), History(2).run());
}

TEST(SimulatedNetwork, BothCoresGetConnections) {
  const std::string history = History(7).run();
  bool cores_seen[2] = {};
  for (size_t at = history.find("accepted"); at != std::string::npos; at = history.find("accepted", at + 1)) {
    cores_seen[history[history.find('\n', at) - 1] - '0'] = true;
  }
  EXPECT_TRUE(cores_seen[0] && cores_seen[1]);
}

TEST(SimulatedNetwork, TheClockMovesToTheDeadlineOfASleepingCore) {
  SimulatedWorld world(1);
  const auto core = world.make_backend();
  EXPECT_FALSE(world.advance_to_next_event()) << "a core that never slept is runnable";
  const int64_t deadline_ns = world.now().monotonic_ns + 5'000'000'000;
  core->wait(deadline_ns);
  EXPECT_FALSE(core->is_runnable());
  EXPECT_TRUE(world.advance_to_next_event());
  EXPECT_EQ(world.now().monotonic_ns, deadline_ns);
  EXPECT_TRUE(core->is_runnable());
  core->wait(std::numeric_limits<int64_t>::max());
  EXPECT_FALSE(world.advance_to_next_event()) << "nothing will ever happen";
}

TEST(SimulatedNetwork, AWakeMakesRunnable) {
  SimulatedWorld world(1);
  const auto core = world.make_backend();
  core->wait(std::numeric_limits<int64_t>::max());
  ASSERT_FALSE(core->is_runnable());
  core->wake();
  EXPECT_TRUE(core->is_runnable());
}

TEST(SimulatedNetwork, TheWallClockJumpsAlone) {
  SimulatedWorld world(1);
  const Instant before = world.now();
  world.jump_wall_clock(-3'600'000);
  EXPECT_EQ(world.now().unix_ms, before.unix_ms - 3'600'000);
  EXPECT_EQ(world.now().monotonic_ns, before.monotonic_ns);
}

TEST(SimulatedNetwork, NobodyListensNobodyAnswers) {
  SimulatedWorld world(1);
  SimulatedClient client(world);
  client.connect(4711);
  EXPECT_TRUE(client.is_closed());
}

}  // namespace
}  // namespace millrace::test
