// Posting a completion to somebody else's ring from a thread that has none (IORING_REGISTER_SEND_MSG_RING, Linux 6.13).
// Half the latency of an eventfd: no file to poll and none to read.
#pragma once

#include <liburing.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace millrace::io {

// Returns 0 or -errno. Any thread; the ring must be enabled.
inline int post_message(int ring_fd, uint64_t user_data) {
  constexpr unsigned kRegisterSendMessage = 31;  // newer than the liburing we build with
  io_uring_sqe message{};
  message.opcode = IORING_OP_MSG_RING;
  message.fd = ring_fd;
  message.off = user_data;
  return syscall(__NR_io_uring_register, -1, kRegisterSendMessage, &message, 1) < 0 ? -errno : 0;
}

}  // namespace millrace::io
