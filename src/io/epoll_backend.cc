// See epoll_backend.h.
#include "io/epoll_backend.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/check.h"
#include "io/accept_error.h"
#include "io/socket.h"
#include "io/system_clock.h"

namespace millrace::io {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kNsPerSecond = 1'000'000'000;

// A busy operation's backend_state is its descriptor plus one, so that it is never null.
void* state_of(int fd) {
  return reinterpret_cast<void*>(static_cast<uintptr_t>(fd) + 1);
}
int fd_of(const void* state) {
  return static_cast<int>(reinterpret_cast<uintptr_t>(state) - 1);
}

}  // namespace

std::unique_ptr<EpollBackend> EpollBackend::create() {
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) return nullptr;
  const int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{.events = EPOLLIN, .data = {.fd = wake_fd}};
  if (wake_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wake_fd, &event) != 0) {
    const int error = errno;
    if (wake_fd >= 0) ::close(wake_fd);
    ::close(epoll_fd);
    errno = error;
    return nullptr;
  }
  return std::unique_ptr<EpollBackend>(new EpollBackend(epoll_fd, wake_fd));
}

EpollBackend::EpollBackend(int epoll_fd, int wake_fd)
    : epoll_fd_(epoll_fd), wake_fd_(wake_fd), receive_buffer_(new char[kReceiveBytesMax]) {}

EpollBackend::~EpollBackend() {
  workers_.end();
  ::close(wake_fd_);
  ::close(epoll_fd_);
}

EpollBackend::Watch& EpollBackend::watch(int fd) {
  CHECK(fd >= 0);
  const auto index = static_cast<size_t>(fd);
  if (index >= watches_.size()) watches_.resize(std::max(index + 1, watches_.size() * 2));
  return watches_[index];
}

int EpollBackend::update_interest(int fd) {
  Watch& w = watch(fd);
  const bool reads = w.receive || (w.accept && !w.paused);
  const uint32_t wanted = (reads ? EPOLLIN : 0U) | (w.send && w.full ? EPOLLOUT : 0U);
  if (wanted == w.interest) return 0;
  const int change = w.interest == 0 ? EPOLL_CTL_ADD : wanted == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  epoll_event event{.events = wanted, .data = {.fd = fd}};
  if (epoll_ctl(epoll_fd_, change, fd, &event) != 0) return -errno;
  w.interest = wanted;
  return 0;
}

void EpollBackend::arm_input(int fd) {
  if (const int error = update_interest(fd)) end_soon(fd, error);
}

void EpollBackend::end_soon(int fd, int error) {
  Watch& w = watch(fd);
  if (w.is_ending) return;
  w.is_ending = true;
  w.ending_error = error;
  endings_.push_back(fd);
}

void EpollBackend::accept(AcceptOperation& operation, int listener_fd) {
  Watch& w = watch(listener_fd);
  CHECK(!operation.backend_state && !w.accept && !w.receive);
  w.accept = &operation;
  w.paused = false;
  operation.backend_state = state_of(listener_fd);
  set_blocking(listener_fd, false);  // accept4 has no flag to try only
  arm_input(listener_fd);
}

void EpollBackend::receive(ReceiveOperation& operation, int fd) {
  Watch& w = watch(fd);
  CHECK(!operation.backend_state && !w.accept && !w.receive);
  w.receive = &operation;
  operation.backend_state = state_of(fd);
  arm_input(fd);
}

void EpollBackend::send(SendOperation& operation, int fd, std::string_view bytes) {
  Watch& w = watch(fd);
  CHECK(!operation.backend_state && !w.send && !bytes.empty());
  w.send = &operation;
  w.unsent = bytes;
  w.full = false;
  operation.backend_state = state_of(fd);
  new_sends_.push_back(fd);
}

void EpollBackend::cancel(AcceptOperation& operation) {
  if (operation.backend_state) end_soon(fd_of(operation.backend_state), 0);
}

void EpollBackend::cancel(ReceiveOperation& operation) {
  if (operation.backend_state) end_soon(fd_of(operation.backend_state), 0);
}

void EpollBackend::shut_down(int fd) {
  ::shutdown(fd, SHUT_RDWR);
}

void EpollBackend::close(int fd) {
  const Watch& w = watch(fd);
  CHECK(!w.accept && !w.receive && !w.send);
  ::close(fd);
  resume_accepts_ns_ = 0;
}

void EpollBackend::write_file(FileOperation& operation, int fd, std::string_view bytes, int64_t offset) {
  workers_.write_file(operation, fd, bytes, offset);
}

void EpollBackend::sync_file(FileOperation& operation, int fd) {
  workers_.sync_file(operation, fd);
}

void EpollBackend::run_elsewhere(DiskTask& task) {
  workers_.run(task);
}

void EpollBackend::end_accept(int fd, int error) {
  Watch& w = watch(fd);
  AcceptOperation& operation = *std::exchange(w.accept, nullptr);
  w.is_ending = false;
  std::erase(paused_listeners_, fd);
  update_interest(fd);
  operation.backend_state = nullptr;
  operation.ended(error);
}

void EpollBackend::end_receive(int fd, int error) {
  Watch& w = watch(fd);
  ReceiveOperation& operation = *std::exchange(w.receive, nullptr);
  w.is_ending = false;
  update_interest(fd);
  operation.backend_state = nullptr;
  operation.ended(error);
}

void EpollBackend::wait(int64_t deadline_ns) {
  bool was_busy = run_endings();
  was_busy |= try_new_sends();
  if (!paused_listeners_.empty()) {
    resume_paused_accepts(monotonic_now_ns());
    if (!paused_listeners_.empty()) deadline_ns = std::min(deadline_ns, resume_accepts_ns_);
  }

  std::array<epoll_event, kEventsMax> events;
  const int count = wait_for_events(events.data(), was_busy ? 0 : deadline_ns);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    if (event.data.fd == wake_fd_) {
      drain_wake();
    } else {
      dispatch(event.data.fd, event.events);
    }
  }
  workers_.run_finished();
}

bool EpollBackend::run_endings() {
  bool any = false;
  // What ends by the doing of these callbacks waits for the next turn.
  for (const int fd : std::exchange(endings_, {})) {
    const Watch& w = watch(fd);
    if (!w.is_ending) continue;
    any = true;
    if (w.accept) {
      end_accept(fd, w.ending_error);
    } else {
      end_receive(fd, w.ending_error);
    }
  }
  return any;
}

bool EpollBackend::try_new_sends() {
  bool any = false;
  // Sends that the callbacks ask for wait for the next turn.
  for (const int fd : std::exchange(new_sends_, {})) any |= try_send(fd);
  return any;
}

bool EpollBackend::try_send(int fd) {
  Watch& w = watch(fd);
  const ssize_t count = ::send(fd, w.unsent.data(), w.unsent.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  int result = count >= 0 ? static_cast<int>(count) : -errno;
  if (result == -EAGAIN || result == -EINTR) {
    w.full = true;
    const int error = update_interest(fd);
    if (error == 0) return false;
    result = error;
  }
  SendOperation& operation = *std::exchange(w.send, nullptr);
  w.full = false;
  update_interest(fd);
  operation.backend_state = nullptr;
  operation.sent(result);
  return true;
}

void EpollBackend::resume_paused_accepts(int64_t now_ns) {
  if (now_ns < resume_accepts_ns_) return;
  for (const int fd : std::exchange(paused_listeners_, {})) {
    watch(fd).paused = false;
    if (update_interest(fd) != 0) pause_accept(fd);
  }
}

void EpollBackend::pause_accept(int fd) {
  watch(fd).paused = true;
  update_interest(fd);
  paused_listeners_.push_back(fd);
  resume_accepts_ns_ = monotonic_now_ns() + kAcceptPauseNs;
}

int EpollBackend::wait_for_events(epoll_event* events, int64_t deadline_ns) {
  const int64_t remaining_ns = deadline_ns == 0 ? 0 : sleep_ns_until(deadline_ns);
  int count = -1;
  if (has_pwait2_) {
    const timespec timeout{.tv_sec = remaining_ns / kNsPerSecond, .tv_nsec = remaining_ns % kNsPerSecond};
    count = epoll_pwait2(epoll_fd_, events, kEventsMax, &timeout, nullptr);
    has_pwait2_ = count >= 0 || errno == EINTR;  // else before Linux 5.11, or refused by a sandbox
  }
  if (!has_pwait2_) {
    count = epoll_wait(epoll_fd_, events, kEventsMax, static_cast<int>((remaining_ns + kNsPerMs - 1) / kNsPerMs));
  }
  // A signal is no reason to return: who handles one calls wake().
  if (count < 0 && errno == EINTR && remaining_ns > 0) return wait_for_events(events, deadline_ns);
  return count;
}

// An event may be stale: a callback before it in the batch may have ended the operation or reused the descriptor. All
// calls are non-blocking, so the worst is one EAGAIN.
void EpollBackend::dispatch(int fd, uint32_t happened) {
  const bool failed = (happened & (EPOLLERR | EPOLLHUP)) != 0;
  if ((happened & EPOLLIN) != 0 || failed) {
    if (watch(fd).accept) {
      accept_some(fd);
    } else if (watch(fd).receive) {
      receive_some(fd);
    }
  }
  const Watch& w = watch(fd);
  if (w.send && w.full && ((happened & EPOLLOUT) != 0 || failed)) try_send(fd);
}

void EpollBackend::accept_some(int fd) {
  for (int i = 0; i < kAcceptsMax; ++i) {
    AcceptOperation* operation = watch(fd).accept;
    if (!operation || watch(fd).paused) return;
    const int accepted_fd = accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
    if (accepted_fd >= 0) {
      operation->accepted(accepted_fd);
      continue;
    }
    if (errno == EAGAIN) return;
    switch (judge_accept_error(errno)) {
      case AcceptVerdict::kRetry:
        break;
      case AcceptVerdict::kPause:
        return pause_accept(fd);
      case AcceptVerdict::kEnd:
        end_accept(fd, -errno);
        return;
    }
  }
}

void EpollBackend::receive_some(int fd) {
  const ssize_t count = ::recv(fd, receive_buffer_.get(), kReceiveBytesMax, MSG_DONTWAIT);
  if (count > 0) {
    watch(fd).receive->received({receive_buffer_.get(), static_cast<size_t>(count)});
  } else if (count == 0) {
    end_receive(fd, 0);
  } else if (errno != EAGAIN && errno != EINTR && errno != ENOMEM && errno != ENOBUFS) {
    end_receive(fd, -errno);
  }
}

void EpollBackend::wake() {
  if (wake_pending_.exchange(true, std::memory_order_acq_rel)) return;
  const uint64_t one = 1;
  CHECK(::write(wake_fd_, &one, sizeof one) == sizeof one);
}

// Emptied before the flag is cleared: a waker that still sees the flag need not write, because this wait() returns
// anyway.
void EpollBackend::drain_wake() {
  uint64_t count = 0;
  CHECK(::read(wake_fd_, &count, sizeof count) == sizeof count);
  wake_pending_.exchange(false, std::memory_order_acq_rel);
}

Instant EpollBackend::now() {
  return clock_.now();
}

int64_t EpollBackend::stopwatch_ns() {
  return clock_.stopwatch_ns();
}

void EpollBackend::stall(int64_t ns) {
  sleep_ns(ns);
}

}  // namespace millrace::io
