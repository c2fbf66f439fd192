// See connection.h.
#include "load/connection.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "load/fail.h"

namespace millrace::load {
namespace {

int connect_to(const std::string& host, int64_t port, int segment_bytes) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* addresses = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &addresses) != 0) fail("unknown host ", host);
  int fd = -1;
  for (const addrinfo* a = addresses; a != nullptr && fd < 0; a = a->ai_next) {
    fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
    if (segment_bytes > 0) setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment_bytes, sizeof segment_bytes);
    if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
      close(fd);
      fd = -1;
    }
  }
  freeaddrinfo(addresses);
  return fd;
}

}  // namespace

std::string command(std::initializer_list<std::string_view> words) {
  return command(std::span(words.begin(), words.size()));
}

std::string command(std::span<const std::string_view> words) {
  std::string bytes = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string_view word : words) {
    bytes += "$" + std::to_string(word.size()) + "\r\n";
    bytes += word;
    bytes += "\r\n";
  }
  return bytes;
}

Connection::Connection(const std::string& host, int64_t port, int segment_bytes)
    : fd_(connect_to(host, port, segment_bytes)) {
  if (fd_ < 0) fail("cannot connect: ", std::strerror(errno));
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Connection::~Connection() {
  close(fd_);
}

void Connection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) fail("the server closed a connection: ", std::strerror(errno));
    if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

bool Connection::flush() {
  size_t done = 0;
  while (done < out_.size()) {
    const ssize_t sent = ::send(fd_, out_.data() + done, out_.size() - done, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN) break;
    if (sent < 0 && errno != EINTR) fail("the server closed a connection: ", std::strerror(errno));
    if (sent > 0) done += static_cast<size_t>(sent);
  }
  out_.consume(done);
  return out_.empty();
}

bool Connection::receive(Patience patience) {
  in_.consume(taken_);
  taken_ = 0;
  char* room = in_.reserve(kReceiveBytes);
  const ssize_t count = recv(fd_, room, kReceiveBytes, patience == Patience::kWait ? 0 : MSG_DONTWAIT);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  in_.commit(static_cast<size_t>(count));
  return count > 0;
}

const Reply* Connection::take_reply() {
  if (!parse_reply(in_.view().substr(taken_), reply_)) return nullptr;
  taken_ += reply_.bytes;
  return &reply_;
}

const Reply& Connection::wait_for_reply() {
  const Reply* reply = take_reply();
  for (; reply == nullptr; reply = take_reply()) {
    if (!receive(Patience::kWait)) fail("the server closed a connection");
  }
  if (reply->kind == '-') fail("the server said: ", reply->part(0));
  return *reply;
}

const Reply& Connection::call(std::string_view request) {
  send(request);
  return wait_for_reply();
}

}  // namespace millrace::load
