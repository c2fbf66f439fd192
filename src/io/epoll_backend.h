// EpollBackend: the backend that works on every Linux. Has every feature of the io_uring one, at more system calls.
//
// Level-triggered: a turn is one epoll_wait, then at most one recv of kReceiveBytesMax per readable socket, so a
// flooding connection cannot starve the others, and what is left is reported again by the next turn. All sockets of the
// core share one receive buffer. A send is tried at the start of wait(); only when the socket is full is it watched.
// epoll knows nothing of files: FileWorkers writes and syncs them.
//
//   watches_[fd]   what this core wants of each descriptor; a descriptor may be watched by several cores (one receives,
//                  another one sends), each in its own epoll instance.
//
// Constructed on any thread, then used by one, except wake() and shut_down().
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "io/backend.h"
#include "io/file_workers.h"
#include "io/turn_clock.h"

struct epoll_event;

namespace millrace::io {

class EpollBackend final : public Backend {
 public:
  // nullptr, with errno set, if the process has no descriptors left.
  static std::unique_ptr<EpollBackend> create();
  ~EpollBackend() override;
  EpollBackend(const EpollBackend&) = delete;
  EpollBackend& operator=(const EpollBackend&) = delete;

  void accept(AcceptOperation& operation, int listener_fd) override;
  void receive(ReceiveOperation& operation, int fd) override;
  void send(SendOperation& operation, int fd, std::string_view bytes) override;
  void cancel(AcceptOperation& operation) override;
  void cancel(ReceiveOperation& operation) override;
  void shut_down(int fd) override;
  void close(int fd) override;
  void write_file(FileOperation& operation, int fd, std::string_view bytes, int64_t offset) override;
  void sync_file(FileOperation& operation, int fd) override;
  void run_elsewhere(DiskTask& task) override;
  void wait(int64_t deadline_ns) override;
  void wake() override;
  Instant now() override;
  int64_t stopwatch_ns() override;
  void stall(int64_t ns) override;

 private:
  static constexpr size_t kReceiveBytesMax = 64 * 1024;  // per connection and turn
  static constexpr int kAcceptsMax = 64;                 // per listener and turn
  static constexpr int kEventsMax = 1024;                // per turn

  struct Watch {
    AcceptOperation* accept = nullptr;
    ReceiveOperation* receive = nullptr;
    SendOperation* send = nullptr;
    std::string_view unsent;
    uint32_t interest = 0;   // what the kernel was told
    bool full = false;       // the last attempt to send found no room
    bool paused = false;     // accepting waits for a free descriptor
    bool is_ending = false;  // ended() is due because of a call of ours, not of an event
    int ending_error = 0;
  };

  EpollBackend(int epoll_fd, int wake_fd);

  Watch& watch(int fd);
  // Tells the kernel what the watch wants now. Returns 0 or -errno.
  int update_interest(int fd);
  void arm_input(int fd);
  void end_soon(int fd, int error);
  void end_accept(int fd, int error);
  void end_receive(int fd, int error);

  bool run_endings();
  bool try_new_sends();
  void resume_paused_accepts(int64_t now_ns);
  void pause_accept(int fd);
  int wait_for_events(epoll_event* events, int64_t deadline_ns);
  void dispatch(int fd, uint32_t happened);
  void accept_some(int fd);
  void receive_some(int fd);
  // False if the socket is full and the send stays in flight.
  bool try_send(int fd);
  void drain_wake();

  const int epoll_fd_;
  const int wake_fd_;
  std::atomic<bool> wake_pending_{false};
  bool has_pwait2_ = true;
  TurnClock clock_;

  std::vector<Watch> watches_;  // by descriptor
  std::vector<int> new_sends_;
  std::vector<int> endings_;  // descriptors; one whose watch is not ending any more has ended by an event meanwhile
  std::vector<int> paused_listeners_;
  int64_t resume_accepts_ns_ = 0;
  std::unique_ptr<char[]> receive_buffer_;
  FileWorkers workers_{*this};
};

}  // namespace millrace::io
