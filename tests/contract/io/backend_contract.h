// BackendContract: what the tests of the contract of io/backend.h share - operations that check how they are called,
// and the fixture that gives each test a backend with a listener. The tests are in several files of one suite;
// backend_contract_test.cc says on which kinds of backend it runs. One thread, unless a test says otherwise.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "contract/io/stage.h"
#include "io/backend.h"

namespace millrace::test {

// A text in which every position looks different, so that a lost, doubled or swapped piece shows.
inline std::string make_text(size_t bytes, uint64_t seed = 1) {
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

}  // namespace millrace::test
