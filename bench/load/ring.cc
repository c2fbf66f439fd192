// See ring.h.
#include "load/ring.h"

#include <sys/mman.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "load/fail.h"

namespace millrace::load {
namespace {

constexpr unsigned kSubmissions = 4096;
constexpr unsigned kCompletions = 4 * kSubmissions;
constexpr unsigned kBuffers = 256;  // a power of two
constexpr unsigned kBufferBytes = 16 << 10;
constexpr int kBufferGroup = 0;

}  // namespace

Ring::Ring() {
  set_up();
  map_buffers();
}

void Ring::set_up() {
  constexpr std::array<unsigned, 3> kChoices = {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
                                                IORING_SETUP_COOP_TASKRUN, 0};
  int result = -EINVAL;
  for (size_t i = 0; i < kChoices.size() && result == -EINVAL; ++i) {
    io_uring_params parameters{};
    parameters.flags = kChoices[i] | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    parameters.cq_entries = kCompletions;
    result = io_uring_queue_init_params(kSubmissions, &ring_, &parameters);
  }
  if (result != 0) fail("no io_uring here: ", std::strerror(-result));
}

void Ring::map_buffers() {
  constexpr size_t kRingBytes = kBuffers * sizeof(io_uring_buf);
  static_assert(kRingBytes % 4096 == 0);
  void* memory = mmap(nullptr, kRingBytes + size_t{kBuffers} * kBufferBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED);
  buffer_ring_ = static_cast<io_uring_buf_ring*>(memory);
  buffers_ = static_cast<char*>(memory) + kRingBytes;
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<uintptr_t>(memory);
  registration.ring_entries = kBuffers;
  registration.bgid = kBufferGroup;
  const int result = io_uring_register_buf_ring(&ring_, &registration, 0);
  if (result != 0) fail("no ring of buffers here: ", std::strerror(-result));
  io_uring_buf_ring_init(buffer_ring_);
  for (unsigned id = 0; id < kBuffers; ++id) add_buffer(id);
}

void Ring::add_buffer(unsigned id) {
  io_uring_buf_ring_add(buffer_ring_, buffers_ + size_t{id} * kBufferBytes, kBufferBytes,
                        static_cast<unsigned short>(id), io_uring_buf_ring_mask(kBuffers), 0);
  io_uring_buf_ring_advance(buffer_ring_, 1);
}

void Ring::submit_and_wait() {
  const int result = io_uring_submit_and_wait(&ring_, 1);
  if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY) {
    fail("io_uring: ", std::strerror(-result));
  }
}

io_uring_sqe* Ring::next_submission() {
  io_uring_sqe* submission = io_uring_get_sqe(&ring_);
  while (submission == nullptr) {
    io_uring_submit(&ring_);
    submission = io_uring_get_sqe(&ring_);
  }
  return submission;
}

void Ring::prepare_receive(io_uring_sqe* submission, int fd) {
  io_uring_prep_recv(submission, fd, nullptr, 0, 0);
  submission->ioprio = IORING_RECV_MULTISHOT;
  submission->flags |= IOSQE_BUFFER_SELECT;
  submission->buf_group = kBufferGroup;
}

std::string_view Ring::received(const io_uring_cqe& completion) const {
  const unsigned id = completion.flags >> IORING_CQE_BUFFER_SHIFT;
  return {buffers_ + size_t{id} * kBufferBytes, static_cast<size_t>(completion.res)};
}

void Ring::give_back_buffer(const io_uring_cqe& completion) {
  add_buffer(completion.flags >> IORING_CQE_BUFFER_SHIFT);
}

}  // namespace millrace::load
