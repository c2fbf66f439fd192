// See choose_backend.h.
#include "io/choose_backend.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "io/epoll_backend.h"
#include "io/io_uring_backend.h"

namespace millrace::io {
namespace {

std::unique_ptr<Backend> make_backend(const BackendPlan& plan) {
  if (plan.io_uring) return IoUringBackend::create(plan.features);
  return EpollBackend::create();
}

}  // namespace

Result<BackendPlan, std::string> plan_backend(BackendChoice choice) {
  // An explicit epoll never touches io_uring: some sandboxes kill a process that tries.
  return plan_backend(choice, choice == BackendChoice::kEpoll ? IoUringFeatures{} : probe_io_uring());
}

Result<BackendPlan, std::string> plan_backend(BackendChoice choice, const IoUringFeatures& features) {
  if (choice == BackendChoice::kEpoll) {
    return BackendPlan{.io_uring = false, .reason = "epoll: chosen by the configuration", .features = {}};
  }
  if (features.usable) {
    return BackendPlan{.io_uring = true, .reason = "io_uring (" + describe(features) + ")", .features = features};
  }
  if (choice == BackendChoice::kIoUring) return "io_uring was asked for, but " + features.reason;
  return BackendPlan{.io_uring = false, .reason = "epoll: " + features.reason, .features = features};
}

std::vector<std::unique_ptr<Backend>> make_backends(BackendPlan& plan, size_t count) {
  std::vector<std::unique_ptr<Backend>> backends;
  while (backends.size() < count) {
    if (auto backend = make_backend(plan)) {
      backends.push_back(std::move(backend));
    } else if (plan.io_uring) {
      const int error = errno;
      plan.io_uring = false;
      plan.reason = "epoll: the kernel refused an io_uring: " + std::string(std::strerror(error));
      if (error == ENOMEM) plan.reason += " (ulimit -l)";
      backends.clear();
    } else {
      return {};
    }
  }
  return backends;
}

}  // namespace millrace::io
