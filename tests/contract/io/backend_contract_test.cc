// What every backend promises (io/backend.h), on every kind of backend.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/random.h"
#include "contract/io/stage.h"
#include "io/io_uring_backend.h"

namespace millrace::test {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kNsPerSecond = 1'000'000'000;

// A text in which every position looks different, so that a lost, doubled or swapped piece shows.
std::string make_text(size_t bytes, uint64_t seed = 1) {
  Random random(seed);
  std::string text(bytes, ' ');
  for (char& c : text) c = static_cast<char>('a' + random.below(26));
  return text;
}

class Acceptor final : public io::AcceptOperation {
 public:
  explicit Acceptor(const Stage& stage) : stage_(stage) {}
  void accepted(int fd) override {
    EXPECT_TRUE(stage_.is_inside_wait());
    EXPECT_EQ(ends, 0) << "accepted() after ended()";
    fds.push_back(fd);
  }
  void ended(int error) override {
    EXPECT_TRUE(stage_.is_inside_wait());
    EXPECT_EQ(backend_state, nullptr);
    ++ends;
    last_error = error;
  }

  std::vector<int> fds;
  int ends = 0;
  int last_error = 0;

 private:
  const Stage& stage_;
};

class Reader final : public io::ReceiveOperation {
 public:
  explicit Reader(const Stage& stage) : stage_(stage) {}
  void received(std::string_view bytes) override {
    EXPECT_TRUE(stage_.is_inside_wait());
    EXPECT_EQ(ends, 0) << "received() after ended()";
    EXPECT_FALSE(bytes.empty());
    text += bytes;
    if (on_received) on_received();
  }
  void ended(int error) override {
    EXPECT_TRUE(stage_.is_inside_wait());
    EXPECT_EQ(backend_state, nullptr);
    ++ends;
    last_error = error;
    if (on_ended) on_ended();
  }

  std::string text;
  int ends = 0;
  int last_error = 0;
  std::function<void()> on_received;
  std::function<void()> on_ended;

 private:
  const Stage& stage_;
};

// Sends a text, however short the single sends come up.
class Writer final : public io::SendOperation {
 public:
  Writer(const Stage& stage, io::Backend& backend, int fd) : stage_(stage), backend_(backend), fd_(fd) {}
  void write(std::string text) {
    text_ = std::move(text);
    sent_ = 0;
    send_rest();
  }
  void sent(int result) override {
    EXPECT_TRUE(stage_.is_inside_wait());
    EXPECT_NE(result, 0);
    EXPECT_EQ(backend_state, nullptr);
    ASSERT_TRUE(is_in_flight_) << "sent() without send()";
    is_in_flight_ = false;
    if (result < 0) {
      error = result;
      return;
    }
    sent_ += static_cast<size_t>(result);
    ASSERT_LE(sent_, text_.size());
    if (sent_ < text_.size()) send_rest();
  }
  bool is_done() const { return sent_ == text_.size(); }
  bool is_in_flight() const { return is_in_flight_; }

  int error = 0;

 private:
  void send_rest() {
    is_in_flight_ = true;
    backend_.send(*this, fd_, std::string_view(text_).substr(sent_));
  }

  const Stage& stage_;
  io::Backend& backend_;
  const int fd_;
  std::string text_;
  size_t sent_ = 0;
  bool is_in_flight_ = false;
};

// One served connection: sends back what it receives, and closes when the peer has.
class Echo {
 public:
  Echo(const Stage& stage, io::Backend& backend, int fd)
      : backend_(backend), fd_(fd), reader_(stage), writer_(stage, backend, fd) {
    reader_.on_received = [this] { echo(); };
    backend_.receive(reader_, fd_);
  }
  // To be called every turn, as a core does with its outboxes.
  void echo() {
    if (writer_.is_in_flight() || reader_.text.empty()) return;
    writer_.write(std::exchange(reader_.text, {}));
  }
  bool is_over() const { return reader_.ends == 1 && !writer_.is_in_flight(); }
  void close() { backend_.close(fd_); }

 private:
  io::Backend& backend_;
  const int fd_;
  Reader reader_;
  Writer writer_;
};

class BackendContract : public testing::TestWithParam<StageKind> {
 protected:
  void SetUp() override {
    if (!GetParam().unavailable.empty()) GTEST_SKIP() << GetParam().unavailable;
    stage_ = GetParam().make();
    backend_ = &stage_->add_backend();
    acceptor_ = std::make_unique<Acceptor>(*stage_);
    listener_ = stage_->make_listener();
    backend_->accept(*acceptor_, listener_);
  }
  void TearDown() override {
    if (!stage_) return;
    close_all();
    if (acceptor_->ends == 0) backend_->cancel(*acceptor_);
    EXPECT_TRUE(run_until([&] { return acceptor_->ends == 1; }));
    for (const int fd : acceptor_->fds) backend_->close(fd);
  }

  bool run_until(const std::function<bool()>& condition) { return stage_->run_until(condition); }
  std::unique_ptr<Peer> connect() { return stage_->connect(); }
  // Connects a peer, accepts it, and returns both ends.
  int connect(std::unique_ptr<Peer>& peer) {
    peer = stage_->connect();
    EXPECT_TRUE(run_until([&] { return !acceptor_->fds.empty(); }));
    return take_accepted();
  }
  int take_accepted() {
    const int fd = acceptor_->fds.front();
    acceptor_->fds.erase(acceptor_->fds.begin());
    open_.push_back(fd);
    return fd;
  }
  Reader& read(int fd) {
    Reader& reader = readers_.emplace_back(*stage_);
    backend_->receive(reader, fd);
    return reader;
  }
  Writer& write(int fd, std::string text) { return write(*backend_, fd, std::move(text)); }
  Writer& write(io::Backend& backend, int fd, std::string text) {
    Writer& writer = writers_.emplace_back(*stage_, backend, fd);
    writer.write(std::move(text));
    return writer;
  }
  // io_uring samples the limit of open files when it arms an accept: one armed before would not hit a lowered limit.
  void accept_anew() {
    backend_->cancel(*acceptor_);
    EXPECT_TRUE(run_until([&] { return acceptor_->ends == 1; }));
    acceptor_->ends = 0;
    backend_->accept(*acceptor_, listener_);
  }
  void close_all() {
    for (const int fd : open_) backend_->shut_down(fd);
    EXPECT_TRUE(run_until([&] { return is_everything_idle(); }));
    for (const int fd : std::exchange(open_, {})) backend_->close(fd);
  }
  bool is_everything_idle() const {
    for (const Reader& reader : readers_) {
      if (reader.backend_state) return false;
    }
    for (const Writer& writer : writers_) {
      if (writer.backend_state) return false;
    }
    return true;
  }

  std::unique_ptr<Stage> stage_;
  io::Backend* backend_ = nullptr;
  std::unique_ptr<Acceptor> acceptor_;
  int listener_ = -1;
  std::deque<Reader> readers_;
  std::deque<Writer> writers_;
  std::vector<int> open_;
};

TEST_P(BackendContract, TakesNothingBeforeTheFirstWait) {
  auto peer = connect();
  peer->send("early");
  EXPECT_TRUE(acceptor_->fds.empty());
  EXPECT_TRUE(run_until([&] { return acceptor_->fds.size() == 1; }));
  Reader& reader = read(take_accepted());
  EXPECT_TRUE(reader.text.empty());
  EXPECT_TRUE(run_until([&] { return reader.text == "early"; }));
}

TEST_P(BackendContract, ReceivesEveryPieceInOrder) {
  std::unique_ptr<Peer> peer;
  Reader& reader = read(connect(peer));
  std::string sent;
  for (size_t i = 1; i <= 60; ++i) {
    const std::string piece = make_text(i * i, i);
    peer->send(piece);
    sent += piece;
    if (i % 7 == 0) stage_->turn();
  }
  EXPECT_TRUE(run_until([&] { return reader.text.size() >= sent.size(); }));
  EXPECT_EQ(reader.text, sent);
  EXPECT_EQ(reader.ends, 0);
}

TEST_P(BackendContract, SendsAndReceivesOnOneSocketAtOnce) {
  std::unique_ptr<Peer> peer;
  const int fd = connect(peer);
  const std::string there = make_text(700'000, 1);
  const std::string back = make_text(900'000, 2);
  Reader& reader = read(fd);
  Writer& writer = write(fd, back);
  peer->send(there);
  EXPECT_TRUE(run_until([&] { return reader.text.size() == there.size() && peer->received().size() == back.size(); }));
  EXPECT_EQ(reader.text, there);
  EXPECT_EQ(peer->received(), back);
  EXPECT_TRUE(writer.is_done());
}

TEST_P(BackendContract, AWholeSendArrivesAtASlowReader) {
  std::unique_ptr<Peer> peer;
  const int fd = connect(peer);
  peer->pause_reading();
  const std::string text = make_text(16 * 1024 * 1024);
  Writer& writer = write(fd, text);
  stage_->run_turns(50);
  EXPECT_FALSE(writer.is_done());
  EXPECT_TRUE(writer.is_in_flight());
  peer->resume_reading();
  EXPECT_TRUE(run_until([&] { return peer->received().size() >= text.size(); }));
  EXPECT_TRUE(peer->received() == text);
  EXPECT_TRUE(run_until([&] { return writer.is_done(); }));
}

TEST_P(BackendContract, AnotherBackendMaySendWhileTheFirstReceives) {
  io::Backend& other = stage_->add_backend();
  std::unique_ptr<Peer> peer;
  const int fd = connect(peer);
  Reader& reader = read(fd);
  peer->pause_reading();
  const std::string text = make_text(12 * 1024 * 1024);
  Writer& writer = write(other, fd, text);
  stage_->run_turns(20);
  peer->resume_reading();
  peer->send("and back");
  EXPECT_TRUE(run_until([&] { return peer->received().size() == text.size() && reader.text == "and back"; }));
  EXPECT_TRUE(peer->received() == text);
  EXPECT_TRUE(run_until([&] { return writer.is_done(); }));
  Writer& second = write(fd, "from its own");
  EXPECT_TRUE(run_until([&] { return peer->received().size() == text.size() + 12; }));
  EXPECT_TRUE(run_until([&] { return second.is_done(); }));
  close_all();
}

TEST_P(BackendContract, PeerCloseEndsOnceAfterTheLastByte) {
  std::unique_ptr<Peer> peer;
  Reader& reader = read(connect(peer));
  const std::string text = make_text(50'000);
  peer->send(text);
  ASSERT_TRUE(run_until([&] { return reader.text.size() >= text.size() - 1000; }));
  EXPECT_TRUE(run_until([&] { return reader.text.size() == text.size(); }));
  peer->close();
  EXPECT_TRUE(run_until([&] { return reader.ends > 0; }));
  stage_->run_turns(20);
  EXPECT_EQ(reader.ends, 1);
  EXPECT_EQ(reader.last_error, 0);
  EXPECT_EQ(reader.text, text);
}

TEST_P(BackendContract, PeerResetEndsWithTheError) {
  std::unique_ptr<Peer> peer;
  Reader& reader = read(connect(peer));
  stage_->run_turns(3);
  peer->reset();
  EXPECT_TRUE(run_until([&] { return reader.ends > 0; }));
  EXPECT_EQ(reader.last_error, -ECONNRESET);
}

TEST_P(BackendContract, SendingToAPeerThatLeftFailsWithoutASignal) {
  std::unique_ptr<Peer> peer;
  const int fd = connect(peer);
  peer->close();
  int error = 0;
  EXPECT_TRUE(run_until([&] {
    if (!writers_.empty() && writers_.back().is_in_flight()) return false;
    if (!writers_.empty()) error = writers_.back().error;
    if (error == 0) write(fd, "anybody?");
    return error != 0;
  }));
  EXPECT_TRUE(error == -EPIPE || error == -ECONNRESET) << error;
}

TEST_P(BackendContract, BackendCloseIsSeenByThePeerAfterTheBytes) {
  std::unique_ptr<Peer> peer;
  const int fd = connect(peer);
  Writer& writer = write(fd, "bye");
  EXPECT_TRUE(run_until([&] { return writer.is_done(); }));
  std::erase(open_, fd);
  backend_->close(fd);
  EXPECT_TRUE(run_until([&] { return peer->is_closed(); }));
  EXPECT_EQ(peer->received(), "bye");
}

TEST_P(BackendContract, ShutDownEndsReceiveAndSendInFlight) {
  std::unique_ptr<Peer> peer;
  const int fd = connect(peer);
  peer->pause_reading();
  Reader& reader = read(fd);
  Writer& writer = write(fd, make_text(16 * 1024 * 1024));
  stage_->run_turns(50);
  ASSERT_TRUE(writer.is_in_flight());
  ASSERT_EQ(reader.ends, 0);
  backend_->shut_down(fd);
  EXPECT_EQ(reader.ends, 0);
  EXPECT_TRUE(run_until([&] { return reader.ends == 1 && !writer.is_in_flight(); }));
  EXPECT_EQ(reader.last_error, 0);
  EXPECT_EQ(writer.error, -EPIPE);
}

TEST_P(BackendContract, CancelledReceiveEndsOnceAndLosesNothing) {
  std::unique_ptr<Peer> peer;
  const int fd = connect(peer);
  const std::string text = make_text(200'000);
  std::string taken;
  size_t sent = 0;
  for (int round = 0; round < 40; ++round) {
    Reader& reader = read(fd);
    peer->send(std::string_view(text).substr(sent, 5000));
    sent += 5000;
    stage_->run_turns(round % 3);
    backend_->cancel(reader);
    backend_->cancel(reader);
    EXPECT_EQ(reader.ends, 0);
    ASSERT_TRUE(run_until([&] { return reader.ends > 0; }));
    EXPECT_EQ(reader.last_error, 0);
    taken += reader.text;
  }
  Reader& reader = read(fd);
  EXPECT_TRUE(run_until([&] { return taken.size() + reader.text.size() == text.size(); }));
  EXPECT_EQ(taken + reader.text, text);
  for (size_t i = 0; i + 1 < readers_.size(); ++i) EXPECT_EQ(readers_[i].ends, 1);
}

TEST_P(BackendContract, CancelFromInsideReceived) {
  std::unique_ptr<Peer> peer;
  const int fd = connect(peer);
  Reader& reader = readers_.emplace_back(*stage_);
  reader.on_received = [&] { backend_->cancel(reader); };
  backend_->receive(reader, fd);
  peer->send("stop");
  EXPECT_TRUE(run_until([&] { return reader.ends == 1; }));
  stage_->run_turns(10);
  EXPECT_EQ(reader.ends, 1);
}

TEST_P(BackendContract, AnEndedOperationMayStartAgainInItsLastCallback) {
  std::unique_ptr<Peer> peer;
  const int fd = connect(peer);
  Reader& second = readers_.emplace_back(*stage_);
  Reader& first = readers_.emplace_back(*stage_);
  first.on_ended = [&] { backend_->receive(second, fd); };
  backend_->receive(first, fd);
  backend_->cancel(first);
  peer->send("to whom?");
  EXPECT_TRUE(run_until([&] { return first.text + second.text == "to whom?"; }));
  EXPECT_EQ(first.ends, 1);
}

TEST_P(BackendContract, CancelOfAnIdleOperationDoesNothing) {
  Reader idle(*stage_);
  Acceptor never(*stage_);
  backend_->cancel(idle);
  backend_->cancel(never);
  stage_->run_turns(5);
  EXPECT_EQ(idle.ends + never.ends, 0);
}

TEST_P(BackendContract, CancelledAcceptEndsOnceAndCanBeStartedAgain) {
  backend_->cancel(*acceptor_);
  EXPECT_TRUE(run_until([&] { return acceptor_->ends > 0; }));
  EXPECT_EQ(acceptor_->last_error, 0);
  stage_->run_turns(5);
  EXPECT_EQ(acceptor_->ends, 1);
  auto peer = connect();
  Acceptor again(*stage_);
  backend_->accept(again, listener_);
  EXPECT_TRUE(run_until([&] { return again.fds.size() == 1; }));
  open_.push_back(again.fds.front());
  backend_->cancel(again);
  EXPECT_TRUE(run_until([&] { return again.ends == 1; }));
}

TEST_P(BackendContract, TwoHundredConnectionsEachGetTheirOwnBytes) {
  constexpr size_t kConnections = 200;
  std::vector<std::unique_ptr<Peer>> peers;
  std::vector<std::string> texts;
  std::deque<Echo> echoes;
  const auto serve = [&] {
    for (const int fd : std::exchange(acceptor_->fds, {})) echoes.emplace_back(*stage_, *backend_, fd);
    for (Echo& echo : echoes) echo.echo();
  };
  for (size_t i = 0; i < kConnections; ++i) {
    peers.push_back(connect());
    texts.push_back(make_text(3000 + i, i));
    peers.back()->send(texts.back());
  }
  for (size_t i = 0; i < kConnections; ++i) {
    EXPECT_TRUE(run_until([&] {
      serve();
      return peers[i]->received().size() >= texts[i].size();
    }));
    EXPECT_EQ(peers[i]->received(), texts[i]);
  }
  for (auto& peer : peers) peer->close();
  for (Echo& echo : echoes) EXPECT_TRUE(run_until([&] { return echo.is_over(); }));
  for (Echo& echo : echoes) echo.close();
}

TEST_P(BackendContract, MoreSendersThanReceiveBuffersAllGetThrough) {
  constexpr size_t kConnections = 40;
  std::vector<std::unique_ptr<Peer>> peers;
  std::vector<Reader*> served;
  for (size_t i = 0; i < kConnections; ++i) {
    std::unique_ptr<Peer> peer;
    served.push_back(&read(connect(peer)));
    peers.push_back(std::move(peer));
  }
  stage_->run_turns(2);
  for (size_t i = 0; i < kConnections; ++i) peers[i]->send(make_text(40'000, i));
  for (size_t i = 0; i < kConnections; ++i) {
    EXPECT_TRUE(run_until([&] { return served[i]->text.size() == 40'000; }));
    EXPECT_EQ(served[i]->text, make_text(40'000, i));
    EXPECT_EQ(served[i]->ends, 0);
  }
  if (GetParam().must_starve) {
    EXPECT_GT(dynamic_cast<io::IoUringBackend&>(*backend_).starved_receives(), 0U);
  }
}

TEST_P(BackendContract, AFloodDoesNotStarveAQuietConnection) {
  std::unique_ptr<Peer> loud;
  std::unique_ptr<Peer> quiet;
  Reader& flood = read(connect(loud));
  Reader& word = read(connect(quiet));
  loud->send(make_text(GetParam().is_real ? 24U * 1024 * 1024 : 1024U * 1024));
  stage_->run_turns(2);
  quiet->send("me too");
  EXPECT_TRUE(run_until([&] { return word.text == "me too"; }));
  // Simulated time stands still as long as the flood keeps the core busy, so there the word may come late.
  if (GetParam().is_real) {
    EXPECT_LT(flood.text.size(), 24U * 1024 * 1024);
  }
}

TEST_P(BackendContract, RandomTrafficComesBackUnharmed) {
  constexpr uint64_t kSeed = 20261121;
  SCOPED_TRACE(kSeed);
  Random random(kSeed);
  std::vector<std::unique_ptr<Peer>> peers;
  std::vector<std::string> expected;
  std::deque<Echo> echoes;
  const auto serve = [&] {
    for (const int fd : std::exchange(acceptor_->fds, {})) echoes.emplace_back(*stage_, *backend_, fd);
    for (Echo& echo : echoes) echo.echo();
  };
  for (int step = 0; step < 1500; ++step) {
    if (peers.empty() || (peers.size() < 24 && random.one_in(20))) {
      peers.push_back(connect());
      expected.emplace_back();
    }
    const size_t i = random.below(peers.size());
    if (random.one_in(5)) peers[i]->pause_reading();
    if (random.one_in(4)) peers[i]->resume_reading();
    const std::string text = make_text(1 + random.below(random.one_in(10) ? 30'000 : 100), random.next());
    peers[i]->send(text);
    expected[i] += text;
    if (random.one_in(3)) stage_->turn();
    serve();
  }
  for (auto& peer : peers) peer->resume_reading();
  for (size_t i = 0; i < peers.size(); ++i) {
    EXPECT_TRUE(run_until([&] {
      serve();
      return peers[i]->received().size() >= expected[i].size();
    }));
    EXPECT_TRUE(peers[i]->received() == expected[i]) << "connection " << i;
  }
  for (auto& peer : peers) peer->close();
  for (Echo& echo : echoes) EXPECT_TRUE(run_until([&] { return echo.is_over(); }));
  for (Echo& echo : echoes) echo.close();
}

// ---- Waking and sleeping --------------------------------------------------------------------------------------------

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

// ---- Exhaustion -----------------------------------------------------------------------------------------------------

// Takes every descriptor the process may still open; gives them back when it dies.
class DescriptorHog {
 public:
  DescriptorHog() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit low{.rlim_cur = 128, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &low);
    for (int fd; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) fds_.push_back(fd);
  }
  ~DescriptorHog() {
    for (const int fd : fds_) ::close(fd);
    setrlimit(RLIMIT_NOFILE, &before_);
  }
  void release_one() {
    ::close(fds_.back());
    fds_.pop_back();
  }

 private:
  rlimit before_{};
  std::vector<int> fds_;
};

TEST_P(BackendContract, RunningOutOfDescriptorsDoesNotEndAccepting) {
  if (!GetParam().is_real) GTEST_SKIP() << "the simulated world has descriptors without end";
  std::vector<std::unique_ptr<Peer>> peers;
  {
    DescriptorHog hog;
    accept_anew();
    for (int i = 0; i < 8; ++i) {
      hog.release_one();  // for the peer's own end
      peers.push_back(connect());
    }
    stage_->run_turns(30);
    EXPECT_TRUE(acceptor_->fds.empty());
    EXPECT_EQ(acceptor_->ends, 0);
    hog.release_one();
    EXPECT_TRUE(run_until([&] { return acceptor_->fds.size() == 1; }));
    // A descriptor the backend itself closes is used at once.
    backend_->close(acceptor_->fds.front());
    acceptor_->fds.clear();
    EXPECT_TRUE(run_until([&] { return acceptor_->fds.size() == 1; }));
  }
  EXPECT_TRUE(run_until([&] { return acceptor_->fds.size() == 7; }));
  EXPECT_EQ(acceptor_->ends, 0);
}

TEST_P(BackendContract, CancelWhileAcceptingIsPausedEnds) {
  if (!GetParam().is_real) GTEST_SKIP() << "the simulated world has descriptors without end";
  DescriptorHog hog;
  accept_anew();
  hog.release_one();  // for the peer's own end
  auto peer = connect();
  stage_->run_turns(5);
  EXPECT_TRUE(acceptor_->fds.empty());
  backend_->cancel(*acceptor_);
  EXPECT_TRUE(run_until([&] { return acceptor_->ends == 1; }));
  EXPECT_EQ(acceptor_->last_error, 0);
}

INSTANTIATE_TEST_SUITE_P(Backends, BackendContract, testing::ValuesIn(all_stages()),
                         [](const testing::TestParamInfo<StageKind>& stage) { return stage.param.name; });

}  // namespace
}  // namespace millrace::test
