// What this kernel, container and seccomp profile let us do with io_uring: found by trying, never by version numbers.
// Any thread; meant to run once, at start.
#pragma once

#include <string>

namespace millrace::io {

struct IoUringFeatures {
  bool usable = false;
  std::string reason;             // why it is not usable; empty otherwise
  unsigned setup_flags = 0;       // the IORING_SETUP_* flags the kernel takes together
  bool multishot_accept = false;  // else one accept is armed after the other
  bool multishot_receive = false;
  bool message_wake = false;     // a thread without a ring may post to one: wakes need no eventfd
  bool file_operations = false;  // may write and sync files; else threads of ours do
};

IoUringFeatures probe_io_uring();
// "multishot receive, deferred task work": what the log says.
std::string describe(const IoUringFeatures& features);

}  // namespace millrace::io
