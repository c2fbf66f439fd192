// Which backend runs, decided once at start, with the reason in one line for the log. Any thread.
#pragma once

#include <memory>
#include <string>

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

// One core's backend; may be called on any thread, before the core's own starts. A core whose ring the kernel refuses
// (the memory lock limit counts all of them) runs on epoll, which does the same. nullptr, with errno set, if even that
// fails.
std::unique_ptr<Backend> make_backend(const BackendPlan& plan);

}  // namespace millrace::io
