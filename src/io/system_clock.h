// The machine's clocks: the only place of the server that reads them. Any thread.
#pragma once

#include "base/clock.h"

namespace millrace::io {

Instant read_clocks();
// The monotonic half alone.
int64_t monotonic_now_ns();
// How long to sleep to reach a monotonic deadline: never negative, and an hour at most, so that "never" cannot overflow
// what the kernel adds to it (waking once an hour costs nothing).
int64_t sleep_ns_until(int64_t deadline_ns);
// Blocks the calling thread.
void sleep_ns(int64_t ns);

}  // namespace millrace::io
