// Listener: hands the connections accepted on one listening socket to its core. Lives as long as the core.
#pragma once

#include "core/core.h"
#include "io/backend.h"

namespace millrace::core {

class Listener final : private io::AcceptOperation {
 public:
  Listener(Core& core, int fd) : core_(core), fd_(fd) { start(); }

  void stop() {
    if (accepting_) core_.backend().cancel(*this);
  }
  bool is_stopped() const { return !accepting_; }

 private:
  void start() {
    accepting_ = true;
    core_.backend().accept(*this, fd_);
  }
  void accepted(int fd) override {
    core_.awake();
    core_.accepted(fd);
  }
  void ended(int /*error*/) override { accepting_ = false; }

  Core& core_;
  const int fd_;
  bool accepting_ = false;
};

}  // namespace millrace::core
