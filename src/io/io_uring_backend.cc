// See io_uring_backend.h.
#include "io/io_uring_backend.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <limits>
#include <utility>

#include "base/check.h"
#include "io/accept_error.h"
#include "io/ring_message.h"
#include "io/socket.h"
#include "io/system_clock.h"

namespace millrace::io {
namespace {

constexpr uint64_t kKindMask = 7;
static_assert(alignof(AcceptOperation) > kKindMask && alignof(ReceiveOperation) > kKindMask &&
              alignof(SendOperation) > kKindMask && alignof(FileOperation) > kKindMask);

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr size_t kPageBytes = 4096;

uint64_t flags_of(const void* state) {
  return reinterpret_cast<uintptr_t>(state) & 0xff;
}
int fd_of(const void* state) {
  return static_cast<int>(reinterpret_cast<uintptr_t>(state) >> 32);
}
void* make_state(int fd, uint64_t flags) {
  return reinterpret_cast<void*>(static_cast<uintptr_t>(static_cast<uint32_t>(fd)) << 32 | flags);
}
void set_flag(void*& state, uint64_t flag) {
  state = make_state(fd_of(state), flags_of(state) | flag);
}
void clear_flag(void*& state, uint64_t flag) {
  state = make_state(fd_of(state), flags_of(state) & ~flag);
}

size_t round_up_to_page(size_t bytes) {
  return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

}  // namespace

// ---- Setting up -----------------------------------------------------------------------------------------------------

std::unique_ptr<IoUringBackend> IoUringBackend::create(const IoUringFeatures& features, const IoUringOptions& options) {
  CHECK(features.usable && std::has_single_bit(options.receive_buffers) && options.receive_buffers <= 32768);
  std::unique_ptr<IoUringBackend> backend(new IoUringBackend(features, options));
  if (!backend->set_up_ring() || !backend->map_buffers()) return nullptr;
  backend->wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (backend->wake_fd_ < 0) return nullptr;
  backend->arm_wake();
  return backend;
}

IoUringBackend::~IoUringBackend() {
  const int error = errno;
  workers_.end();
  drain_files();
  if (has_ring_) io_uring_queue_exit(&ring_);
  if (mapping_) munmap(mapping_, mapping_bytes_);
  if (wake_fd_ >= 0) ::close(wake_fd_);
  errno = error;
}

// Until the kernel has let go of the bytes of every write. If the thread that waited has ended, it has done so already:
// the end of a thread waits for what its ring still does, and another one may not enter that ring.
void IoUringBackend::drain_files() {
  if (!is_enabled_) return;
  for (const io_uring_sqe& never_submitted : backlog_) {
    if (static_cast<Kind>(never_submitted.user_data & kKindMask) == Kind::kFile) --files_in_flight_;
  }
  while (files_in_flight_ > 0) {
    const int result = io_uring_submit_and_wait(&ring_, 1);
    if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY && result != -ENOMEM) return;
    unsigned head;
    unsigned count = 0;
    io_uring_cqe* next;
    io_uring_for_each_cqe(&ring_, head, next) {
      ++count;
      if (static_cast<Kind>(next->user_data & kKindMask) == Kind::kFile) --files_in_flight_;
    }
    io_uring_cq_advance(&ring_, count);
  }
}

bool IoUringBackend::set_up_ring() {
  io_uring_params parameters{};
  parameters.flags = features_.setup_flags | IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
  parameters.cq_entries = options_.completions;
  const int result = io_uring_queue_init_params(options_.submissions, &ring_, &parameters);
  errno = -result;
  has_ring_ = result == 0;
  return has_ring_;
}

bool IoUringBackend::map_buffers() {
  const size_t ring_bytes = round_up_to_page(options_.receive_buffers * sizeof(io_uring_buf));
  mapping_bytes_ = ring_bytes + size_t{options_.receive_buffers} * options_.receive_buffer_bytes;
  void* mapping = mmap(nullptr, mapping_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) return false;
  mapping_ = mapping;
  buffer_ring_ = static_cast<io_uring_buf_ring*>(mapping);
  buffers_ = static_cast<char*>(mapping) + ring_bytes;

  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<uintptr_t>(mapping);
  registration.ring_entries = options_.receive_buffers;
  registration.bgid = kBufferGroup;
  if (const int result = io_uring_register_buf_ring(&ring_, &registration, 0); result != 0) {
    errno = -result;
    return false;
  }
  io_uring_buf_ring_init(buffer_ring_);
  for (unsigned id = 0; id < options_.receive_buffers; ++id) return_buffer(id);
  return true;
}

void IoUringBackend::enable_on_this_thread() {
  if (is_enabled_) return;
  // By hand: liburing 2.3 declares io_uring_enable_rings() but does not export it.
  CHECK(syscall(__NR_io_uring_register, ring_.ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0) == 0);
  is_enabled_ = true;
}

// ---- Requests -------------------------------------------------------------------------------------------------------

// Never enters the kernel: callers may be on another thread still, or in the middle of the completions.
io_uring_sqe& IoUringBackend::next_submission(Kind kind, const void* operation) {
  io_uring_sqe* submission = backlog_.empty() ? io_uring_get_sqe(&ring_) : nullptr;
  if (!submission) submission = &backlog_.emplace_back();
  *submission = {};
  submission->user_data = reinterpret_cast<uintptr_t>(operation) | static_cast<uint64_t>(kind);
  return *submission;
}

void IoUringBackend::arm(AcceptOperation& operation) {
  io_uring_sqe& submission = next_submission(Kind::kAccept, &operation);
  submission.opcode = IORING_OP_ACCEPT;
  submission.fd = fd_of(operation.backend_state);
  submission.accept_flags = SOCK_CLOEXEC;
  if (features_.multishot_accept) submission.ioprio = IORING_ACCEPT_MULTISHOT;
  set_flag(operation.backend_state, kArmed);
}

void IoUringBackend::arm(ReceiveOperation& operation) {
  io_uring_sqe& submission = next_submission(Kind::kReceive, &operation);
  submission.opcode = IORING_OP_RECV;
  submission.fd = fd_of(operation.backend_state);
  submission.flags = IOSQE_BUFFER_SELECT;
  submission.buf_group = kBufferGroup;
  if (features_.multishot_receive) submission.ioprio = IORING_RECV_MULTISHOT;
  clear_flag(operation.backend_state, kServed);
  set_flag(operation.backend_state, kArmed);
}

void IoUringBackend::arm_wake() {
  io_uring_sqe& submission = next_submission(Kind::kWakePoll, nullptr);
  submission.opcode = IORING_OP_POLL_ADD;
  submission.fd = wake_fd_;
  submission.len = IORING_POLL_ADD_MULTI;
  submission.poll32_events = std::endian::native == std::endian::little ? POLLIN : POLLIN << 16;
}

void IoUringBackend::request_cancel(Kind kind, const void* operation) {
  io_uring_sqe& submission = next_submission(Kind::kIgnored, nullptr);
  submission.opcode = IORING_OP_ASYNC_CANCEL;
  submission.fd = -1;
  submission.addr = reinterpret_cast<uintptr_t>(operation) | static_cast<uint64_t>(kind);
}

void IoUringBackend::accept(AcceptOperation& operation, int listener_fd) {
  CHECK(!operation.backend_state);
  set_blocking(listener_fd, true);
  operation.backend_state = make_state(listener_fd, kBusy);
  arm(operation);
}

void IoUringBackend::receive(ReceiveOperation& operation, int fd) {
  CHECK(!operation.backend_state);
  operation.backend_state = make_state(fd, kBusy);
  arm(operation);
}

void IoUringBackend::send(SendOperation& operation, int fd, std::string_view bytes) {
  CHECK(!operation.backend_state && !bytes.empty());
  io_uring_sqe& submission = next_submission(Kind::kSend, &operation);
  submission.opcode = IORING_OP_SEND;
  submission.fd = fd;
  submission.addr = reinterpret_cast<uintptr_t>(bytes.data());
  submission.len = static_cast<uint32_t>(std::min<size_t>(bytes.size(), std::numeric_limits<int32_t>::max()));
  submission.msg_flags = MSG_NOSIGNAL;
  operation.backend_state = make_state(fd, kBusy | kArmed);
}

void IoUringBackend::cancel(AcceptOperation& operation) {
  const uint64_t flags = flags_of(operation.backend_state);
  if (!(flags & kBusy) || flags & kCancelled) return;
  set_flag(operation.backend_state, kCancelled);
  if (flags & kArmed) {
    request_cancel(Kind::kAccept, &operation);
  } else {
    std::erase(paused_, &operation);
    ended_accepts_.push_back(&operation);
  }
}

void IoUringBackend::cancel(ReceiveOperation& operation) {
  const uint64_t flags = flags_of(operation.backend_state);
  if (!(flags & kBusy) || flags & kCancelled) return;
  set_flag(operation.backend_state, kCancelled);
  if (flags & kArmed) {
    request_cancel(Kind::kReceive, &operation);
  } else {
    std::erase(starved_, &operation);
    ended_receives_.push_back(&operation);
  }
}

void IoUringBackend::shut_down(int fd) {
  ::shutdown(fd, SHUT_RDWR);
}

void IoUringBackend::close(int fd) {
  ::close(fd);
  resume_accepts_ns_ = 0;
}

io_uring_sqe& IoUringBackend::next_file_submission(FileOperation& operation, int fd) {
  CHECK(!operation.backend_state);
  io_uring_sqe& submission = next_submission(Kind::kFile, &operation);
  submission.fd = fd;
  submission.flags = IOSQE_ASYNC;
  operation.backend_state = make_state(fd, kBusy | kArmed);
  ++files_in_flight_;
  return submission;
}

void IoUringBackend::write_file(FileOperation& operation, int fd, std::string_view bytes, int64_t offset) {
  CHECK(!bytes.empty());
  if (!features_.file_operations) return workers_.write_file(operation, fd, bytes, offset);
  io_uring_sqe& submission = next_file_submission(operation, fd);
  submission.opcode = IORING_OP_WRITE;
  submission.addr = reinterpret_cast<uintptr_t>(bytes.data());
  submission.len = static_cast<uint32_t>(std::min<size_t>(bytes.size(), std::numeric_limits<int32_t>::max()));
  submission.off = static_cast<uint64_t>(offset);
}

void IoUringBackend::sync_file(FileOperation& operation, int fd) {
  if (!features_.file_operations) return workers_.sync_file(operation, fd);
  io_uring_sqe& submission = next_file_submission(operation, fd);
  submission.opcode = IORING_OP_FSYNC;
  submission.fsync_flags = IORING_FSYNC_DATASYNC;
}

void IoUringBackend::run_elsewhere(DiskTask& task) {
  workers_.run(task);
}

// ---- The turn -------------------------------------------------------------------------------------------------------

void IoUringBackend::wait(int64_t deadline_ns) {
  enable_on_this_thread();
  if (run_endings()) deadline_ns = 0;
  if (!paused_.empty()) {
    resume_paused_accepts(monotonic_now_ns());
    if (!paused_.empty()) deadline_ns = std::min(deadline_ns, resume_accepts_ns_);
  }
  if (!submit_backlog()) deadline_ns = 0;
  submit_and_sleep(deadline_ns);
  run_completions();
  workers_.run_finished();
  arm_starved_receives();
}

bool IoUringBackend::run_endings() {
  const bool any = !ended_accepts_.empty() || !ended_receives_.empty();
  for (AcceptOperation* operation : std::exchange(ended_accepts_, {})) finish(*operation, 0);
  for (ReceiveOperation* operation : std::exchange(ended_receives_, {})) finish(*operation, 0);
  return any;
}

// Leaves the last of them in the queue, for the call that sleeps. False if the kernel has no memory for them now.
bool IoUringBackend::submit_backlog() {
  while (!backlog_.empty()) {
    if (io_uring_sqe* submission = io_uring_get_sqe(&ring_)) {
      *submission = backlog_.front();
      backlog_.pop_front();
      continue;
    }
    const int result = io_uring_submit(&ring_);
    judge_entered(result);
    if (result <= 0) return false;
  }
  return true;
}

// What the kernel may answer to a backend without bugs; anything else (a second thread, a dead ring) would hang the
// core. After EAGAIN and EBUSY, the signs of a shortage, the requests are still in the queue and the next turn tries
// again.
void IoUringBackend::judge_entered(int result) {
  switch (-result) {
    case ETIME:
    case EINTR:
    case EAGAIN:
    case EBUSY:
    case ENOMEM:
      return;
    case EBADR:  // no memory to keep a completion that the ring has no room for: it is lost
      // One operation will never end, and nobody can say which. It must not be the wake: that would hang the core.
      wake_pending_.exchange(false, std::memory_order_acq_rel);
      return arm_wake();
    default:
      CHECK(result >= 0);
  }
}

void IoUringBackend::submit_and_sleep(int64_t deadline_ns) {
  const bool has_completions = io_uring_cq_ready(&ring_) > 0;
  const int64_t remaining_ns = deadline_ns == 0 || has_completions ? 0 : sleep_ns_until(deadline_ns);
  if (remaining_ns > 0) {
    __kernel_timespec timeout{.tv_sec = remaining_ns / kNsPerSecond, .tv_nsec = remaining_ns % kNsPerSecond};
    io_uring_cqe* first = nullptr;
    judge_entered(io_uring_submit_and_wait_timeout(&ring_, &first, 1, &timeout, nullptr));
    return;
  }
  // Without anything to submit or to fetch the kernel need not be entered at all.
  const unsigned kernel_flags = __atomic_load_n(ring_.sq.kflags, __ATOMIC_ACQUIRE);
  const bool tells_of_work = (features_.setup_flags & IORING_SETUP_TASKRUN_FLAG) != 0;
  const bool has_work = !tells_of_work || (kernel_flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
  if (io_uring_sq_ready(&ring_) > 0 || has_work) judge_entered(io_uring_submit_and_get_events(&ring_));
}

void IoUringBackend::run_completions() {
  unsigned budget = kCompletionsMax;
  unsigned head;
  io_uring_cqe* next;
  io_uring_for_each_cqe(&ring_, head, next) {
    const Completion completion{.user_data = next->user_data, .result = next->res, .flags = next->flags};
    io_uring_cq_advance(&ring_, 1);
    dispatch(completion);
    if (--budget == 0) break;
  }
}

void IoUringBackend::dispatch(const Completion& completion) {
  void* operation = reinterpret_cast<void*>(completion.user_data & ~kKindMask);
  switch (static_cast<Kind>(completion.user_data & kKindMask)) {
    case Kind::kIgnored:
      return;
    case Kind::kWakePoll:
      return complete_wake(completion);
    case Kind::kWakeMessage:
      wake_pending_.exchange(false, std::memory_order_acq_rel);
      return;
    case Kind::kAccept:
      return complete_accept(*static_cast<AcceptOperation*>(operation), completion);
    case Kind::kReceive:
      return complete_receive(*static_cast<ReceiveOperation*>(operation), completion);
    case Kind::kSend: {
      SendOperation& send = *static_cast<SendOperation*>(operation);
      send.backend_state = nullptr;
      return send.sent(completion.result);
    }
    case Kind::kFile:
      return complete_file(*static_cast<FileOperation*>(operation), completion);
  }
}

// An operation stays armed during the callbacks of its last completion, so that a cancel() from inside them only marks
// it (the request to the kernel then finds nothing) and its end is decided in one place: here.
void IoUringBackend::complete_accept(AcceptOperation& operation, const Completion& completion) {
  if (completion.result >= 0) operation.accepted(completion.result);
  if (completion.flags & IORING_CQE_F_MORE) return;
  clear_flag(operation.backend_state, kArmed);
  if (flags_of(operation.backend_state) & kCancelled) return finish(operation, 0);
  if (completion.result >= 0) return arm(operation);

  switch (judge_accept_error(-completion.result)) {
    case AcceptVerdict::kRetry:
      return arm(operation);
    case AcceptVerdict::kPause:
      paused_.push_back(&operation);
      resume_accepts_ns_ = monotonic_now_ns() + kAcceptPauseNs;
      return;
    case AcceptVerdict::kEnd:
      return finish(operation, completion.result);
  }
}

void IoUringBackend::complete_receive(ReceiveOperation& operation, const Completion& completion) {
  if (completion.flags & IORING_CQE_F_BUFFER) hand_out(operation, completion);
  if (completion.flags & IORING_CQE_F_MORE) return;
  clear_flag(operation.backend_state, kArmed);
  if (flags_of(operation.backend_state) & kCancelled) return finish(operation, 0);
  if (completion.result > 0) return arm(operation);

  switch (-completion.result) {
    case ENOBUFS:
    case ENOMEM:
      ++starved_receives_;
      starved_.push_back(&operation);
      return;
    case EAGAIN:  // the socket came in non-blocking mode
      set_blocking(fd_of(operation.backend_state), true);
      return arm(operation);
    case EINTR:
      return arm(operation);
    default:
      return finish(operation, completion.result);
  }
}

void IoUringBackend::complete_file(FileOperation& operation, const Completion& completion) {
  operation.backend_state = nullptr;
  --files_in_flight_;
  operation.done(completion.result);
}

void IoUringBackend::hand_out(ReceiveOperation& operation, const Completion& completion) {
  const unsigned id = completion.flags >> IORING_CQE_BUFFER_SHIFT;
  CHECK(id < options_.receive_buffers);
  if (completion.result > 0) {
    set_flag(operation.backend_state, kServed);
    const char* bytes = buffers_ + size_t{id} * options_.receive_buffer_bytes;
    operation.received({bytes, static_cast<size_t>(completion.result)});
  }
  return_buffer(id);
}

void IoUringBackend::return_buffer(unsigned id) {
  const int mask = io_uring_buf_ring_mask(options_.receive_buffers);
  io_uring_buf_ring_add(buffer_ring_, buffers_ + size_t{id} * options_.receive_buffer_bytes,
                        options_.receive_buffer_bytes, static_cast<unsigned short>(id), mask, 0);
  io_uring_buf_ring_advance(buffer_ring_, 1);
}

// Every buffer of the turn is back; those of completions still queued come back in the next one. Who got nothing since
// it was armed goes first: otherwise a flood, armed before a quiet connection, would take all buffers turn after turn.
void IoUringBackend::arm_starved_receives() {
  const auto was_served = [](const ReceiveOperation* operation) {
    return (flags_of(operation->backend_state) & kServed) != 0;
  };
  const std::vector<ReceiveOperation*> starved = std::exchange(starved_, {});
  for (const bool served : {false, true}) {
    for (ReceiveOperation* operation : starved) {
      if (was_served(operation) == served) arm(*operation);
    }
  }
}

void IoUringBackend::resume_paused_accepts(int64_t now_ns) {
  if (now_ns < resume_accepts_ns_) return;
  for (AcceptOperation* operation : std::exchange(paused_, {})) arm(*operation);
}

void IoUringBackend::finish(AcceptOperation& operation, int error) {
  operation.backend_state = nullptr;
  operation.ended(error);
}

void IoUringBackend::finish(ReceiveOperation& operation, int error) {
  operation.backend_state = nullptr;
  operation.ended(error);
}

// ---- Waking ---------------------------------------------------------------------------------------------------------

void IoUringBackend::wake() {
  if (wake_pending_.exchange(true, std::memory_order_acq_rel)) return;
  if (features_.message_wake && post_message(ring_.ring_fd, static_cast<uint64_t>(Kind::kWakeMessage)) == 0) return;
  const uint64_t one = 1;  // also before the first wait(), while the ring is still disabled
  CHECK(::write(wake_fd_, &one, sizeof one) == sizeof one);
}

// The flag is cleared last: a waker that still sees it need do nothing, because this wait() returns anyway.
void IoUringBackend::complete_wake(const Completion& completion) {
  uint64_t count = 0;
  CHECK(::read(wake_fd_, &count, sizeof count) == sizeof count || errno == EAGAIN);
  wake_pending_.exchange(false, std::memory_order_acq_rel);
  if (!(completion.flags & IORING_CQE_F_MORE)) arm_wake();
}

Instant IoUringBackend::now() {
  return clock_.now();
}

int64_t IoUringBackend::stopwatch_ns() {
  return clock_.stopwatch_ns();
}

void IoUringBackend::stall(int64_t ns) {
  sleep_ns(ns);
}

}  // namespace millrace::io
