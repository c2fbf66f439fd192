// What every backend promises about sleeping, waking and its threads (io/backend.h).
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "contract/io/backend_contract.h"

namespace millrace::test {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kNsPerSecond = 1'000'000'000;

TEST_P(BackendContract, AWakeBeforeWaitIsNotLost) {
  for (int round = 0; round < 20; ++round) {
    const int64_t deadline_ns = backend_->now().monotonic_ns + 60 * kNsPerSecond;
    backend_->wake();
    backend_->wake();
    backend_->wait(deadline_ns);
    EXPECT_LT(backend_->now().monotonic_ns, deadline_ns);
  }
}

TEST_P(BackendContract, AWakeFromAnotherThreadEndsTheSleep) {
  if (!GetParam().is_real) GTEST_SKIP() << "the simulated world has one thread";
  const std::unique_ptr<io::Backend> other = stage_->make_free_backend();
  constexpr int kRounds = 2000;
  std::atomic<int> ball{0};
  const int64_t deadline_ns = backend_->now().monotonic_ns + 60 * kNsPerSecond;
  // Two threads throw a ball; each sleeps until the other one has thrown. A lost wake shows as a missed deadline.
  const auto play = [&](io::Backend& own, io::Backend& theirs, int parity) {
    while (ball.load() < kRounds && own.now().monotonic_ns < deadline_ns) {
      if (ball.load() % 2 == parity) {
        ball.fetch_add(1);
        theirs.wake();
      } else {
        own.wait(deadline_ns);
      }
    }
  };
  std::thread thread([&] { play(*other, *backend_, 1); });
  play(*backend_, *other, 0);
  thread.join();
  EXPECT_EQ(ball.load(), kRounds);
}

TEST_P(BackendContract, ManyThreadsWakeOneSleeper) {
  if (!GetParam().is_real) GTEST_SKIP() << "the simulated world has one thread";
  constexpr int kThreads = 4;
  constexpr int kWakesEach = 500;
  std::atomic<int> posted{0};
  const int64_t deadline_ns = backend_->now().monotonic_ns + 60 * kNsPerSecond;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < kWakesEach; ++j) {
        posted.fetch_add(1);
        backend_->wake();
      }
    });
  }
  while (posted.load() < kThreads * kWakesEach && backend_->now().monotonic_ns < deadline_ns)
    backend_->wait(deadline_ns);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(posted.load(), kThreads * kWakesEach);
}

// A server arms its listeners before its cores have threads.
TEST_P(BackendContract, OneThreadArmsAndAnotherOneWaits) {
  if (!GetParam().is_real) GTEST_SKIP() << "the simulated world has one thread";
  struct Doorman final : io::AcceptOperation {
    void accepted(int fd) override { ::close(fd); }
    void ended(int error) override {
      ++ends;
      EXPECT_EQ(error, 0);
    }
    int ends = 0;
  };
  const std::unique_ptr<io::Backend> other = stage_->make_free_backend();
  std::vector<Doorman> doormen(12);
  for (Doorman& doorman : doormen) other->accept(doorman, stage_->make_listener());
  const auto peer = connect();  // to the last of them
  std::thread thread([&] {
    while (!peer->is_closed() && stage_->has_patience()) other->wait(other->now().monotonic_ns + kNsPerMs);
    for (Doorman& doorman : doormen) other->cancel(doorman);
    for (Doorman& doorman : doormen) {
      while (doorman.ends == 0 && stage_->has_patience()) other->wait(other->now().monotonic_ns + kNsPerMs);
    }
  });
  thread.join();
  EXPECT_TRUE(peer->is_closed());
  for (const Doorman& doorman : doormen) EXPECT_EQ(doorman.ends, 1);
}

TEST_P(BackendContract, AnotherThreadShutsAConnectionDown) {
  if (!GetParam().is_real) GTEST_SKIP() << "the simulated world has one thread";
  std::unique_ptr<Peer> peer;
  const int fd = connect(peer);
  Reader& reader = read(fd);
  std::thread thread([&] { backend_->shut_down(fd); });
  EXPECT_TRUE(run_until([&] { return reader.ends == 1; }));
  thread.join();
}

TEST_P(BackendContract, SleepsUntilTheDeadlineAndNoLess) {
  if (!GetParam().is_real) GTEST_SKIP() << "simulated time stands still inside wait()";
  stage_->run_turns(3);
  for (const int64_t sleep_ns : {int64_t{0}, int64_t{300'000}, 3 * kNsPerMs, 20 * kNsPerMs}) {
    const int64_t deadline_ns = backend_->now().monotonic_ns + sleep_ns;
    backend_->wait(deadline_ns);
    EXPECT_GE(backend_->now().monotonic_ns, deadline_ns);
  }
}

TEST_P(BackendContract, DoesNotSleepWithoutADeadline) {
  for (int i = 0; i < 100; ++i) backend_->wait(0);
  EXPECT_TRUE(acceptor_->fds.empty());
}

}  // namespace
}  // namespace millrace::test
