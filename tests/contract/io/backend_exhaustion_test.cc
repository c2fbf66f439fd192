// What every backend promises when the process runs out of descriptors (io/backend.h).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "contract/io/backend_contract.h"

namespace millrace::test {
namespace {

// Takes every descriptor the process may still open; gives them back when it dies.
class DescriptorHog {
 public:
  DescriptorHog() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit low{.rlim_cur = 128, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &low);
    for (int fd; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) fds_.push_back(fd);
  }
  ~DescriptorHog() {
    for (const int fd : fds_) ::close(fd);
    setrlimit(RLIMIT_NOFILE, &before_);
  }
  void release_one() {
    ::close(fds_.back());
    fds_.pop_back();
  }

 private:
  rlimit before_{};
  std::vector<int> fds_;
};

TEST_P(BackendContract, RunningOutOfDescriptorsDoesNotEndAccepting) {
  if (!GetParam().is_real) GTEST_SKIP() << "the simulated world has descriptors without end";
  std::vector<std::unique_ptr<Peer>> peers;
  {
    DescriptorHog hog;
    accept_anew();
    for (int i = 0; i < 8; ++i) {
      hog.release_one();  // for the peer's own end
      peers.push_back(connect());
    }
    stage_->run_turns(30);
    EXPECT_TRUE(acceptor_->fds.empty());
    EXPECT_EQ(acceptor_->ends, 0);
    hog.release_one();
    EXPECT_TRUE(run_until([&] { return acceptor_->fds.size() == 1; }));
    // A descriptor the backend itself closes is used at once.
    backend_->close(acceptor_->fds.front());
    acceptor_->fds.clear();
    EXPECT_TRUE(run_until([&] { return acceptor_->fds.size() == 1; }));
  }
  EXPECT_TRUE(run_until([&] { return acceptor_->fds.size() == 7; }));
  EXPECT_EQ(acceptor_->ends, 0);
}

TEST_P(BackendContract, CancelWhileAcceptingIsPausedEnds) {
  if (!GetParam().is_real) GTEST_SKIP() << "the simulated world has descriptors without end";
  DescriptorHog hog;
  accept_anew();
  hog.release_one();  // for the peer's own end
  auto peer = connect();
  stage_->run_turns(5);
  EXPECT_TRUE(acceptor_->fds.empty());
  backend_->cancel(*acceptor_);
  EXPECT_TRUE(run_until([&] { return acceptor_->ends == 1; }));
  EXPECT_EQ(acceptor_->last_error, 0);
}

}  // namespace
}  // namespace millrace::test
