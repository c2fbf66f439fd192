// Which backend runs, decided once at start, with the reason in one line for the log. Any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/backend.h"
#include "io/io_uring_features.h"

namespace millrace::io {

enum class BackendChoice { kAuto, kIoUring, kEpoll };

struct BackendPlan {
  bool io_uring = false;
  std::string reason;  // "io_uring (multishot receive, deferred task work)", "epoll: ..."
  IoUringFeatures features;
};

// Probes the kernel. The error is a text: io_uring was asked for and cannot be had.
Result<BackendPlan, std::string> plan_backend(BackendChoice choice);
// The same for features already known.
Result<BackendPlan, std::string> plan_backend(BackendChoice choice, const IoUringFeatures& features);

// One backend per core; may be called on any thread, before the cores' own start. All are of one kind: cores share unix
// listeners, which epoll needs in non-blocking and io_uring in blocking mode. So if the kernel refuses one ring (short
// of memory or of descriptors), `plan` becomes epoll, with that reason. Empty, with errno set, if even that fails.
std::vector<std::unique_ptr<Backend>> make_backends(BackendPlan& plan, size_t count);

}  // namespace millrace::io
