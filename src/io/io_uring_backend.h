// IoUringBackend: one ring per core, one io_uring_enter per turn for all connections.
//
// Accept and receive are multishot requests where the kernel has them; otherwise they are armed again after each
// completion. Receives take their memory from a ring of provided buffers:
//
//   buffer memory, one mapping:   | buffer ring (16 B each) | buffer 0 | buffer 1 | ... | buffer n-1 |
//
// A buffer goes back right after received() returns, so at the end of a turn the kernel owns all of them. A receive
// that found none (-ENOBUFS) was ended by the kernel although its connection is healthy: it is armed again at the end
// of the turn that gave buffers back. The number of buffers thus also bounds the bytes of one turn.
//
// Files are written and synced through the ring as well, by the kernel's own worker threads. Writes carry IOSQE_ASYNC:
// without it io_uring_enter first tries by itself, on the core's time. Filesystems that cannot promise to try without
// blocking (ext4, tmpfs) go to a worker anyway, at 1 us per submission; XFS does its best in place, which was 3 us for
// 4 KB, 8 us for 64 KB, and 50 us to 2 ms for 1 MB, up to 9 ms on a busy machine. With the flag the submission costs
// 1 us everywhere and whatever the size, and the write as a whole some 5 us more, of a sync that takes hundreds. Disk
// tasks run on a thread of FileWorkers, which also stands in where the ring may not touch files.
//
// The completion's user_data says what completed; operations are aligned to 8, so the low bits are free:
//
//   | address of the operation (0 for wake and ignored) : 61 | Kind : 3 |
//
// While an operation is busy its backend_state holds its descriptor and the flags of StateFlag:
//
//   | descriptor : 32 | unused | flags : 8 |
//
// The ring is created disabled, on any thread, and belongs to the thread that first calls wait(); all later calls
// but wake() and shut_down() come from that one. Sockets must be in blocking mode: on others io_uring answers -EAGAIN
// instead of waiting for them. The ring itself never blocks.
#pragma once

#include <liburing.h>

#include <atomic>
#include <deque>
#include <memory>
#include <vector>

#include "io/backend.h"
#include "io/file_workers.h"
#include "io/io_uring_features.h"
#include "io/turn_clock.h"

namespace millrace::io {

struct IoUringOptions {
  unsigned submissions = 512;     // a turn with more costs one more io_uring_enter
  unsigned completions = 4096;    // more wait inside the kernel
  unsigned receive_buffers = 64;  // a power of two, at most 32768
  unsigned receive_buffer_bytes = 16 * 1024;
};

class IoUringBackend final : public Backend {
 public:
  // nullptr, with errno set, if the kernel refuses: descriptors or lockable memory are exhausted.
  // REQUIRES: features.usable.
  static std::unique_ptr<IoUringBackend> create(const IoUringFeatures& features, const IoUringOptions& options = {});
  // REQUIRES: no operation on a socket is busy (the kernel may still write to the buffers otherwise).
  ~IoUringBackend() override;
  IoUringBackend(const IoUringBackend&) = delete;
  IoUringBackend& operator=(const IoUringBackend&) = delete;

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

  // How often a receive found no buffer: the sign that receive_buffers is too small for the load.
  uint64_t starved_receives() const { return starved_receives_; }

 private:
  enum class Kind : uint64_t { kIgnored, kWakePoll, kWakeMessage, kAccept, kReceive, kSend, kFile };
  enum StateFlag : uint64_t {
    kBusy = 1,       // ended() is still to come
    kArmed = 2,      // the kernel has a request of it, whose last completion is still to come
    kCancelled = 4,  // ended() follows as soon as nothing is armed
    kServed = 8,     // has received since it was armed
  };
  struct Completion {
    uint64_t user_data;
    int32_t result;
    uint32_t flags;
  };
  static constexpr unsigned kCompletionsMax = 4096;  // per turn
  static constexpr unsigned kBufferGroup = 0;

  IoUringBackend(const IoUringFeatures& features, const IoUringOptions& options)
      : features_(features), options_(options) {}

  bool set_up_ring();
  bool map_buffers();
  void enable_on_this_thread();

  io_uring_sqe& next_submission(Kind kind, const void* operation);
  void arm(AcceptOperation& operation);
  void arm(ReceiveOperation& operation);
  void arm_wake();
  void request_cancel(Kind kind, const void* operation);
  void finish(AcceptOperation& operation, int error);
  void finish(ReceiveOperation& operation, int error);

  io_uring_sqe& next_file_submission(FileOperation& operation, int fd);
  void drain_files();

  bool run_endings();
  bool submit_backlog();
  void submit_and_sleep(int64_t deadline_ns);
  void judge_entered(int result);
  void run_completions();
  void dispatch(const Completion& completion);
  void complete_accept(AcceptOperation& operation, const Completion& completion);
  void complete_receive(ReceiveOperation& operation, const Completion& completion);
  void complete_file(FileOperation& operation, const Completion& completion);
  void complete_wake(const Completion& completion);
  void hand_out(ReceiveOperation& operation, const Completion& completion);
  void return_buffer(unsigned id);
  void arm_starved_receives();
  void resume_paused_accepts(int64_t now_ns);

  const IoUringFeatures features_;
  const IoUringOptions options_;
  io_uring ring_{};
  bool has_ring_ = false;
  bool is_enabled_ = false;
  int wake_fd_ = -1;  // also with message_wake: takes the wakes that come before the ring is enabled
  std::atomic<bool> wake_pending_{false};

  void* mapping_ = nullptr;
  size_t mapping_bytes_ = 0;
  io_uring_buf_ring* buffer_ring_ = nullptr;
  char* buffers_ = nullptr;

  std::deque<io_uring_sqe> backlog_;  // requests the submission queue has no room for, in order, until the next wait()
  std::vector<ReceiveOperation*> starved_;       // found no buffer; armed again when the turn has returned some
  std::vector<AcceptOperation*> paused_;         // found no descriptor
  std::vector<AcceptOperation*> ended_accepts_;  // cancelled while nothing was armed: ended() is due
  std::vector<ReceiveOperation*> ended_receives_;
  int64_t resume_accepts_ns_ = 0;
  uint64_t starved_receives_ = 0;
  TurnClock clock_;
  size_t files_in_flight_ = 0;  // file operations in the ring or the backlog
  FileWorkers workers_{*this};
};

}  // namespace millrace::io
