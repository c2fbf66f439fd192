// What a load tool asks of the system before it begins. Any thread, once.
#pragma once

#include <sys/prctl.h>
#include <sys/resource.h>

namespace millrace::load {

// As many connections as the system allows; timers that do not wait for company.
inline void prepare_process() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  prctl(PR_SET_TIMERSLACK, 1);
}

}  // namespace millrace::load
