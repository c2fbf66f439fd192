// The idle latency of one message: from before it is sent on one connection to after it was received on another.
//
// Two threads block in recv(), as a real publisher and a real subscriber do; both read the same clock. The next message
// is sent after a pause, when the last one has arrived, so the server and both threads were asleep.
#pragma once

#include <vector>

#include "load/fan_out_options.h"
#include "load/histogram.h"

namespace millrace::load {

// PUBLISH to a subscriber, or XADD to a reader blocked in XREAD, as the options say; one histogram for each fresh pair
// of connections.
std::vector<Histogram> measure_one_way(const FanOutOptions& options);

}  // namespace millrace::load
