// EndToEnd: a test with a server of its own, once for each backend.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "end_to_end/client.h"
#include "end_to_end/process.h"
#include "io/choose_backend.h"
#include "support/resp_connection.h"
#include "support/server_process.h"

namespace millrace::test {

class EndToEnd : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (backend() != "io_uring") return;
    if (const auto plan = io::plan_backend(io::BackendChoice::kIoUring); !plan) GTEST_SKIP() << plan.error();
  }

  void TearDown() override {
    if (server_ && HasFailure()) ADD_FAILURE() << "The server's log:\n" << server_->log();
  }

  void start(std::vector<std::string> extra = {}, int cores = 2, Confinement confinement = confinement_of_run()) {
    std::string why;
    ServerOptions options;
    options.io_backend = backend();
    options.cores = cores;
    options.extra = std::move(extra);
    options.confinement = confinement;
    server_ = ServerProcess::start(options, &why);
    if (!server_) std::cerr << why << std::endl;
    CHECK(server_ != nullptr);
  }

  // Stops the server in the orderly way and asks whether it went so.
  void expect_clean_end() {
    const ExitStatus status = server_->stop();
    EXPECT_EQ(status.code, 0) << "signal " << status.signal;
  }

  // Where io_uring is denied the server is to find that out by itself.
  std::string backend() const {
    return GetParam() == "io_uring" && confinement_of_run().io_uring_error != 0 ? "auto" : GetParam();
  }
  uint16_t port() const { return server_->port(); }
  std::string port_text() const { return std::to_string(port()); }
  Client client() const { return Client(port()); }
  std::unique_ptr<RespConnection> raw() const { return RespConnection::connect(port()); }
  std::string log() const { return server_->log(); }

  std::unique_ptr<ServerProcess> server_;
};

inline std::string name_of_backend(const testing::TestParamInfo<std::string>& info) {
  return info.param;
}

#define ON_BOTH_BACKENDS(Suite) \
  INSTANTIATE_TEST_SUITE_P(Backends, Suite, testing::Values("io_uring", "epoll"), name_of_backend)

// As many as the system lets this process have; how many that is.
inline size_t allow_open_files() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

// Sanitizers make everything slower and larger; some figures only mean something without them.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif

}  // namespace millrace::test
