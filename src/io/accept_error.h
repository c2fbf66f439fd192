// What a failed accept means for the listener. Most failures concern one connection or a passing shortage; only a
// listener that is gone ends the accepting (a server that stops accepting because of one bad client is down).
#pragma once

#include <cerrno>
#include <cstdint>

namespace millrace::io {

enum class AcceptVerdict {
  kRetry,  // the failure belonged to that one connection: go on at once
  kPause,  // no descriptor or memory left: accept again after a close() or after kAcceptPauseNs
  kEnd,    // the listener itself is unusable
};

// Descriptors may be freed by other cores or by files, which this core does not hear of; hence a pause, not only a wait
// for the next close().
inline constexpr int64_t kAcceptPauseNs = 50'000'000;

inline AcceptVerdict judge_accept_error(int error) {
  switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return AcceptVerdict::kPause;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EFAULT:
    case EOPNOTSUPP:
    case ECANCELED:
      return AcceptVerdict::kEnd;
    default:
      return AcceptVerdict::kRetry;
  }
}

}  // namespace millrace::io
