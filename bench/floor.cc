// floor: how little a server can do. It counts the commands that arrive and answers +OK to each.
//
//   floor --port P       "ready" once it listens; on SIGTERM or SIGINT "commands|" and how many there were
//
// One thread and one io_uring: multishot accept, multishot receive into buffers the kernel chooses from, one send for
// each connection and turn, one system call for the turn. Nothing is copied and nothing is kept of a request, so that
// what a real server takes beyond this is what it does with its commands. Linux 6.0 or newer.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "load/command_counter.h"
#include "load/fail.h"
#include "load/option_reader.h"
#include "load/prepare_process.h"
#include "load/ring.h"

namespace millrace::load {
namespace {

constexpr int kBacklog = 511;

constexpr std::string_view kReply = "+OK\r\n";
constexpr size_t kRepliesAtOnce = 4096;

enum class Event : uint8_t { kAccepted, kReceived, kSent, kSignal };

struct Connection {
  CommandCounter counter;
  uint64_t owed_bytes = 0;  // of replies
  uint64_t sent_bytes = 0;
  bool is_receiving = false;
  bool is_sending = false;
  bool is_in_turn = false;  // is on the list of those that something is owed
  bool is_closing = false;
};

int listen_on(int64_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // connections inherit it
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(fd, kBacklog) != 0) {
    fail("cannot listen: ", std::strerror(errno));
  }
  return fd;
}

// Readable once the process was asked to end.
int signals_to_end() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  return signalfd(-1, &signals, SFD_CLOEXEC);
}

class Floor {
 public:
  explicit Floor(int64_t port) : listener_(listen_on(port)), signals_(signals_to_end()) {
    for (size_t i = 0; i < kRepliesAtOnce; ++i) replies_ += kReply;
    accept();
    wait_for_signal();
  }

  // Until a signal comes; how many commands there were.
  uint64_t run() {
    while (!is_ended_) {
      ring_.turn([this](const io_uring_cqe& completion) { handle(completion); });
      for (const int fd : turn_) send_replies(fd);
      turn_.clear();
    }
    return commands_;
  }

 private:
  // ---- Requests to the kernel

  // What its completion will be about.
  static void tag(io_uring_sqe* submission, Event event, int fd) {
    io_uring_sqe_set_data64(submission, static_cast<uint64_t>(fd) << 8 | static_cast<uint64_t>(event));
  }

  void accept() {
    io_uring_sqe* submission = ring_.next_submission();
    io_uring_prep_multishot_accept(submission, listener_, nullptr, nullptr, SOCK_CLOEXEC);
    tag(submission, Event::kAccepted, listener_);
  }

  void wait_for_signal() {
    io_uring_sqe* submission = ring_.next_submission();
    io_uring_prep_read(submission, signals_, &signal_, sizeof signal_, 0);
    tag(submission, Event::kSignal, signals_);
  }

  void receive(int fd) {
    io_uring_sqe* submission = ring_.next_submission();
    ring_.prepare_receive(submission, fd);
    tag(submission, Event::kReceived, fd);
    connections_[static_cast<size_t>(fd)].is_receiving = true;
  }

  void send_replies(int fd) {
    Connection& connection = connections_[static_cast<size_t>(fd)];
    connection.is_in_turn = false;
    if (connection.is_sending || connection.is_closing) return;
    // A send may have ended within a reply.
    const size_t begin = connection.sent_bytes % kReply.size();
    const size_t length = std::min<uint64_t>(connection.owed_bytes, replies_.size() - begin);
    io_uring_sqe* submission = ring_.next_submission();
    io_uring_prep_send(submission, fd, replies_.data() + begin, length, MSG_NOSIGNAL);
    tag(submission, Event::kSent, fd);
    connection.is_sending = true;
  }

  // ---- Completions

  void handle(const io_uring_cqe& completion) {
    const int fd = static_cast<int>(completion.user_data >> 8);
    switch (static_cast<Event>(completion.user_data & 0xff)) {
      case Event::kAccepted:
        return on_accepted(completion);
      case Event::kReceived:
        return on_received(completion, fd);
      case Event::kSent:
        return on_sent(completion.res, fd);
      case Event::kSignal:
        is_ended_ = true;
    }
  }

  void on_accepted(const io_uring_cqe& completion) {
    if (completion.res < 0) fail("cannot accept: ", std::strerror(-completion.res));
    const auto fd = static_cast<size_t>(completion.res);
    if (connections_.size() <= fd) connections_.resize(fd + 1);
    connections_[fd] = {};
    receive(completion.res);
    if ((completion.flags & IORING_CQE_F_MORE) == 0) accept();
  }

  void on_received(const io_uring_cqe& completion, int fd) {
    Connection& connection = connections_[static_cast<size_t>(fd)];
    connection.is_receiving = (completion.flags & IORING_CQE_F_MORE) != 0;
    if (completion.res > 0) {
      take_requests(connection, ring_.received(completion));
      ring_.give_back_buffer(completion);
    } else if (completion.res != -ENOBUFS) {
      connection.is_closing = true;
    }
    go_on(connection, fd);
  }

  void take_requests(Connection& connection, std::string_view bytes) {
    const auto count = connection.counter.count(bytes);
    commands_ += count.value_or(0);
    connection.owed_bytes += count.value_or(0) * kReply.size();
    if (!count) connection.is_closing = true;
  }

  void on_sent(int result, int fd) {
    Connection& connection = connections_[static_cast<size_t>(fd)];
    connection.is_sending = false;
    if (result < 0) {
      connection.is_closing = true;
    } else {
      connection.owed_bytes -= static_cast<uint64_t>(result);
      connection.sent_bytes += static_cast<uint64_t>(result);
    }
    go_on(connection, fd);
  }

  // With whatever is not under way and should be.
  void go_on(Connection& connection, int fd) {
    if (connection.is_closing) {
      if (connection.is_receiving) shutdown(fd, SHUT_RDWR);
      if (!connection.is_receiving && !connection.is_sending) close(fd);
      return;
    }
    // It ends without an error when there was no buffer; by the end of the turn all are back.
    if (!connection.is_receiving) receive(fd);
    if (connection.owed_bytes > 0 && !connection.is_in_turn) {
      connection.is_in_turn = true;
      turn_.push_back(fd);
    }
  }

  const int listener_;
  const int signals_;
  Ring ring_;
  signalfd_siginfo signal_{};
  bool is_ended_ = false;
  std::string replies_;                  // as many as one send takes
  std::vector<Connection> connections_;  // by descriptor
  std::vector<int> turn_;
  uint64_t commands_ = 0;
};

int run(int argc, char** argv) {
  int64_t port = 6379;
  const Option options[] = {{"--port", &port, "where to listen, on 127.0.0.1", 1, 65535}};
  read_all_options("floor: a server that counts commands and answers +OK to each", options, argc, argv);
  prepare_process();
  Floor floor(port);
  std::cout << "ready" << std::endl;
  std::cout << "commands|" << floor.run() << std::endl;
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace millrace::load

int main(int argc, char** argv) {
  return millrace::load::run(argc, argv);
}
