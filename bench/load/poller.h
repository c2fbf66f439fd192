// Poller: waits for many connections at once (epoll). One thread at a time.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <span>
#include <vector>

namespace millrace::load {

class Poller {
 public:
  Poller();
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // Events of `fd` carry the index, in data.u64.
  void add(int fd, size_t index);
  void remove(int fd);
  // Whether to report as well that it could be written to.
  void watch_writable(int fd, size_t index, bool watches);

  // What has happened by `until_ns` at the latest. Valid until the next wait().
  std::span<const epoll_event> wait(int64_t until_ns);

 private:
  static constexpr size_t kEventsMax = 4096;

  const int fd_;
  std::vector<epoll_event> events_{kEventsMax};
};

}  // namespace millrace::load
