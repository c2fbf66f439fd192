// The machine's clocks: the only place of the server that reads them. Any thread.
#pragma once

#include "base/clock.h"

namespace millrace::io {

Instant read_clocks();
// The monotonic half alone.
int64_t monotonic_now_ns();

}  // namespace millrace::io
