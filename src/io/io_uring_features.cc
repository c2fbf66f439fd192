// See io_uring_features.h.
#include "io/io_uring_features.h"

#include <liburing.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "io/ring_message.h"
#include "io/system_clock.h"

namespace millrace::io {
namespace {

constexpr unsigned kProbeEntries = 8;
constexpr size_t kProbeBufferBytes = 64;
constexpr uint64_t kProbeMessage = 0x6d696c6c;
constexpr int kAttemptsMax = 50;
constexpr int64_t kAttemptPauseNs = 2'000'000;

struct SetupFlag {
  unsigned flag;
  unsigned needs_any_of;  // 0: nothing
};
// Tried in this order, each on top of those the kernel took before.
constexpr SetupFlag kSetupFlags[] = {
    {IORING_SETUP_SINGLE_ISSUER, 0},
    {IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_SINGLE_ISSUER},
    {IORING_SETUP_COOP_TASKRUN, 0},
    {IORING_SETUP_TASKRUN_FLAG, IORING_SETUP_COOP_TASKRUN | IORING_SETUP_DEFER_TASKRUN},
};

// The kernel takes a dead ring apart in the background, and until then its memory counts against the limit of locked
// memory: a refusal may be about the ring probed before. Returns what `attempt` does, 0 or -errno, in the end.
template <typename Attempt>
int try_patiently(const Attempt& attempt) {
  int result = attempt();
  for (int tries = 0; result == -ENOMEM && tries < kAttemptsMax; ++tries) {
    sleep_ns(kAttemptPauseNs);
    result = attempt();
  }
  return result;
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

// A small ring with buffers to try things on.
class ProbeRing {
 public:
  explicit ProbeRing(unsigned flags)
      : error_(-try_patiently([&] { return io_uring_queue_init(kProbeEntries, &ring_, flags); })) {}
  ~ProbeRing() {
    if (error_ == 0) io_uring_queue_exit(&ring_);
    if (buffers_ != MAP_FAILED) munmap(buffers_, kBufferMappingBytes);
  }
  ProbeRing(const ProbeRing&) = delete;
  ProbeRing& operator=(const ProbeRing&) = delete;

  int error() const { return error_; }
  unsigned features() const { return ring_.features; }
  int fd() const { return ring_.ring_fd; }
  io_uring_sqe& next_submission() { return *io_uring_get_sqe(&ring_); }

  // 0 or -errno.
  int register_buffers() {
    buffers_ = mmap(nullptr, kBufferMappingBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffers_ == MAP_FAILED) return -errno;
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<uintptr_t>(buffers_);
    registration.ring_entries = kProbeEntries;
    const auto attempt = [&] { return io_uring_register_buf_ring(&ring_, &registration, 0); };
    if (const int result = try_patiently(attempt); result != 0) return result;
    auto* ring = static_cast<io_uring_buf_ring*>(buffers_);
    char* memory = static_cast<char*>(buffers_) + kRingBytes;
    for (unsigned short id = 0; id < kProbeEntries; ++id) {
      io_uring_buf_ring_add(ring, memory + id * kProbeBufferBytes, kProbeBufferBytes, id,
                            io_uring_buf_ring_mask(kProbeEntries), id);
    }
    io_uring_buf_ring_advance(ring, kProbeEntries);
    return 0;
  }

  struct Completion {
    int result = -ETIME;
    unsigned flags = 0;
    uint64_t user_data = 0;
  };
  // Submits what was prepared and takes one completion; a second of silence counts as a refusal.
  Completion run() {
    __kernel_timespec patience{.tv_sec = 1, .tv_nsec = 0};
    io_uring_cqe* completion = nullptr;
    io_uring_submit_and_wait_timeout(&ring_, &completion, 1, &patience, nullptr);
    if (!completion) return {};
    const Completion taken{.result = completion->res, .flags = completion->flags, .user_data = completion->user_data};
    io_uring_cqe_seen(&ring_, completion);
    return taken;
  }

 private:
  static constexpr size_t kRingBytes = 4096;
  static constexpr size_t kBufferMappingBytes = kRingBytes + kProbeEntries * kProbeBufferBytes;

  io_uring ring_{};
  const int error_;
  void* buffers_ = MAP_FAILED;
};

bool takes_multishot_receive(unsigned flags) {
  ProbeRing ring(flags);
  std::array<int, 2> pair{-1, -1};
  if (ring.error() != 0 || ring.register_buffers() != 0) return false;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) return false;
  const Descriptor reader(pair[0]);
  const Descriptor writer(pair[1]);
  if (::send(writer.get(), "x", 1, MSG_NOSIGNAL) != 1) return false;
  io_uring_sqe& submission = ring.next_submission();
  io_uring_prep_recv(&submission, reader.get(), nullptr, 0, 0);
  submission.flags = IOSQE_BUFFER_SELECT;
  submission.ioprio = IORING_RECV_MULTISHOT;
  const ProbeRing::Completion completion = ring.run();
  return completion.result == 1 && (completion.flags & IORING_CQE_F_MORE) != 0;
}

bool takes_multishot_accept(unsigned flags) {
  ProbeRing ring(flags);
  const Descriptor listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Descriptor client(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socklen_t size = sizeof(sa_family_t);  // no name: the kernel makes one up
  auto* any = reinterpret_cast<sockaddr*>(&address);
  if (ring.error() != 0 || bind(listener.get(), any, size) != 0 || listen(listener.get(), 1) != 0) return false;
  size = sizeof address;
  if (getsockname(listener.get(), any, &size) != 0 || connect(client.get(), any, size) != 0) return false;
  io_uring_prep_multishot_accept(&ring.next_submission(), listener.get(), nullptr, nullptr, SOCK_CLOEXEC);
  const ProbeRing::Completion completion = ring.run();
  if (completion.result < 0) return false;
  ::close(completion.result);
  return (completion.flags & IORING_CQE_F_MORE) != 0;
}

bool takes_messages(unsigned flags) {
  ProbeRing ring(flags);
  if (ring.error() != 0 || post_message(ring.fd(), kProbeMessage) != 0) return false;
  return ring.run().user_data == kProbeMessage;
}

bool takes_file_operations(unsigned flags) {
  ProbeRing ring(flags);
  const Descriptor file(memfd_create("probe", MFD_CLOEXEC));
  if (ring.error() != 0 || file.get() < 0) return false;
  io_uring_sqe& write = ring.next_submission();
  io_uring_prep_write(&write, file.get(), "x", 1, 0);
  write.flags = IOSQE_ASYNC;
  if (ring.run().result != 1) return false;
  io_uring_prep_fsync(&ring.next_submission(), file.get(), IORING_FSYNC_DATASYNC);
  return ring.run().result == 0;
}

unsigned find_setup_flags() {
  unsigned taken = 0;
  for (const SetupFlag& candidate : kSetupFlags) {
    if (candidate.needs_any_of != 0 && (taken & candidate.needs_any_of) == 0) continue;
    if (ProbeRing(taken | candidate.flag).error() == 0) taken |= candidate.flag;
  }
  return taken;
}

// /proc/sys/kernel/io_uring_disabled; -1 where the kernel has no such switch.
int read_disabled_switch() {
  std::FILE* file = std::fopen("/proc/sys/kernel/io_uring_disabled", "re");
  if (!file) return -1;
  const int digit = std::fgetc(file);
  std::fclose(file);
  return digit >= '0' && digit <= '9' ? digit - '0' : -1;
}

std::string explain_refusal(int error) {
  const int disabled = read_disabled_switch();
  if (error == EPERM && disabled > 0) {
    return "io_uring is disabled by the kernel (io_uring_disabled=" + std::to_string(disabled) + ")";
  }
  if (error == EPERM || error == EACCES) return "io_uring is forbidden here (a container's seccomp profile?)";
  if (error == ENOSYS) return "the kernel has no io_uring";
  if (error == ENOMEM) return "io_uring may not lock enough memory (ulimit -l)";
  return std::string("io_uring cannot be set up: ") + std::strerror(error);
}

// Empty if everything the backend cannot do without is there.
std::string find_obstacle() {
  ProbeRing ring(0);
  if (ring.error() != 0) return explain_refusal(ring.error());
  if (ProbeRing(IORING_SETUP_R_DISABLED).error() != 0) return "io_uring is too old (before Linux 5.10)";
  constexpr unsigned kNeeded = IORING_FEAT_NODROP | IORING_FEAT_FAST_POLL | IORING_FEAT_EXT_ARG;
  if ((ring.features() & kNeeded) != kNeeded) return "io_uring is too old (before Linux 5.11)";
  if (ring.register_buffers() != 0) return "io_uring has no provided buffer rings (before Linux 5.19)";
  return "";
}

}  // namespace

IoUringFeatures probe_io_uring() {
  IoUringFeatures features;
  features.reason = find_obstacle();
  if (!features.reason.empty()) return features;
  features.usable = true;
  features.setup_flags = find_setup_flags();
  features.multishot_accept = takes_multishot_accept(features.setup_flags);
  features.multishot_receive = takes_multishot_receive(features.setup_flags);
  features.message_wake = takes_messages(features.setup_flags);
  features.file_operations = takes_file_operations(features.setup_flags);
  return features;
}

std::string describe(const IoUringFeatures& features) {
  std::string text = features.multishot_receive ? "multishot receive" : "single receives";
  if (!features.multishot_accept) text += ", single accepts";
  if (features.setup_flags & IORING_SETUP_DEFER_TASKRUN) {
    text += ", deferred task work";
  } else if (features.setup_flags & IORING_SETUP_COOP_TASKRUN) {
    text += ", cooperative task work";
  }
  if (!features.file_operations) text += ", files by threads";
  return text;
}

}  // namespace millrace::io
