// See poller.h.
#include "load/poller.h"

#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "base/check.h"
#include "load/time.h"

namespace millrace::load {

Poller::Poller() : fd_(epoll_create1(EPOLL_CLOEXEC)) {
  CHECK(fd_ >= 0);
}

Poller::~Poller() {
  close(fd_);
}

void Poller::add(int fd, size_t index) {
  epoll_event event{.events = EPOLLIN, .data = {.u64 = index}};
  CHECK(epoll_ctl(fd_, EPOLL_CTL_ADD, fd, &event) == 0);
}

void Poller::remove(int fd) {
  epoll_ctl(fd_, EPOLL_CTL_DEL, fd, nullptr);
}

void Poller::watch_writable(int fd, size_t index, bool watches) {
  epoll_event event{.events = EPOLLIN, .data = {.u64 = index}};
  if (watches) event.events |= EPOLLOUT;
  CHECK(epoll_ctl(fd_, EPOLL_CTL_MOD, fd, &event) == 0);
}

std::span<const epoll_event> Poller::wait(int64_t until_ns) {
  const int64_t left_ns = std::max<int64_t>(until_ns - now_ns(), 0);
  const timespec timeout{.tv_sec = left_ns / kNsPerSecond, .tv_nsec = left_ns % kNsPerSecond};
  const int count = epoll_pwait2(fd_, events_.data(), static_cast<int>(events_.size()), &timeout, nullptr);
  return std::span(events_).first(static_cast<size_t>(std::max(count, 0)));
}

}  // namespace millrace::load
