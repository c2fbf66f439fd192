// Which backend is taken, and the reason that is logged.
#include "io/choose_backend.h"

#include <gtest/gtest.h>
#include <liburing.h>

#include "io/epoll_backend.h"

namespace millrace::io {
namespace {

const IoUringFeatures kModern{.usable = true,
                              .reason = "",
                              .setup_flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
                              .multishot_accept = true,
                              .multishot_receive = true,
                              .message_wake = true,
                              .file_operations = true};
const IoUringFeatures kForbidden{.usable = false, .reason = "io_uring is disabled by the kernel (io_uring_disabled=2)"};

TEST(ChooseBackend, AutoTakesIoUringWhereItWorks) {
  const auto plan = plan_backend(BackendChoice::kAuto, kModern);
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->io_uring);
  EXPECT_EQ(plan->reason, "io_uring (multishot receive, deferred task work)");
}

TEST(ChooseBackend, AutoSaysWhyItIsEpoll) {
  const auto plan = plan_backend(BackendChoice::kAuto, kForbidden);
  ASSERT_TRUE(plan);
  EXPECT_FALSE(plan->io_uring);
  EXPECT_EQ(plan->reason, "epoll: io_uring is disabled by the kernel (io_uring_disabled=2)");
}

TEST(ChooseBackend, ExplicitChoices) {
  const auto epoll = plan_backend(BackendChoice::kEpoll, kModern);
  ASSERT_TRUE(epoll);
  EXPECT_FALSE(epoll->io_uring);
  EXPECT_TRUE(plan_backend(BackendChoice::kIoUring, kModern)->io_uring);
  const auto refused = plan_backend(BackendChoice::kIoUring, kForbidden);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), "io_uring was asked for, but io_uring is disabled by the kernel (io_uring_disabled=2)");
}

TEST(ChooseBackend, OldKernelsAreDescribed) {
  IoUringFeatures old = kModern;
  old.setup_flags = IORING_SETUP_COOP_TASKRUN;
  old.multishot_accept = old.multishot_receive = old.file_operations = false;
  EXPECT_EQ(describe(old), "single receives, single accepts, cooperative task work, files by threads");
}

TEST(ChooseBackend, WhatIsPlannedCanBeMade) {
  auto plan = plan_backend(BackendChoice::kAuto);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->io_uring, plan->features.usable);
  EXPECT_NE(plan->features.usable, !plan->features.reason.empty());
  const auto backends = make_backends(*plan, 3);
  ASSERT_EQ(backends.size(), 3U);
  for (const auto& backend : backends) backend->wait(0);
}

TEST(ChooseBackend, OneRefusedRingTurnsAllCoresToEpoll) {
  IoUringFeatures beyond_the_kernel = kModern;
  beyond_the_kernel.setup_flags = ~0U;
  auto plan = plan_backend(BackendChoice::kAuto, beyond_the_kernel);
  ASSERT_TRUE(plan);
  const auto backends = make_backends(*plan, 2);
  ASSERT_EQ(backends.size(), 2U);
  EXPECT_FALSE(plan->io_uring);
  EXPECT_EQ(plan->reason, "epoll: the kernel refused an io_uring: Invalid argument");
  for (const auto& backend : backends) EXPECT_TRUE(dynamic_cast<EpollBackend*>(backend.get()));
}

}  // namespace
}  // namespace millrace::io
