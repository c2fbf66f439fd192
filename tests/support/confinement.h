// Confinement: how little of the machine a server under test is left with.
//
// The environment variable MILLRACE_TEST_CONFINEMENT names one for a whole run of the tests, so that every suite can be
// run in it as it stands (tests/CMakeLists.txt does):
//
//   io_uring_eperm    the kernel refuses io_uring, as in containers
//   io_uring_enosys   it does not know it, as an old one
//   small             one processor, and an address space of 64 MB
#pragma once

#include <cstdint>

namespace millrace::test {

struct Confinement {
  int io_uring_error = 0;  // what io_uring_setup fails with; 0 = it works
  bool one_processor = false;
  uint64_t address_space_bytes = 0;  // 0 = no limit
};

Confinement confinement_of_run();

// In the child, after fork: for this process and what it becomes. False if the system does not let us.
bool confine(const Confinement& confinement);

}  // namespace millrace::test
