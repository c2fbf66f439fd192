// See fan_out_options.h.
#include "load/fan_out_options.h"

#include "load/option_reader.h"
#include "load/stamp.h"

namespace millrace::load {
namespace {

constexpr int64_t kAtMost = 1'000'000'000;

}  // namespace

FanOutOptions read_fan_out_options(int argc, char** argv) {
  FanOutOptions options;
  const Option table[] = {
      {"--host", &options.host, "the server's address"},
      {"--port", &options.port, "the server's port", 1, 65535},
      {"--pid", &options.pid, "the server's process: its processor time is reported", 1, kAtMost},
      {"--subscribers", &options.subscribers, "connections that listen", 0, 100'000},
      {"--publishers", &options.publishers, "connections that publish", 1, 10'000},
      {"--channels", &options.channels, "subscribers are dealt to them, publishers take turns", 1, 10'000},
      {"--payload", &options.payload_bytes, "bytes of a message", kStampBytes, 64 << 20},
      {"--pipeline", &options.pipeline, "commands a publisher sends at once", 1, 10'000},
      {"--seconds", &options.seconds, "how long to publish", 1, 86'400},
      {"--rate", &options.rate, "messages per second at scheduled times: shows latency", 1, 100'000'000},
      {"--deaf", &options.deaf, "further subscribers that never read", 0, 10'000},
      {"--pairs", &options.pairs, "one way: fresh pairs of connections", 1, 10'000},
      {"--messages", &options.messages, "one way: messages of each pair", 1, kAtMost},
      {"--pause-us", &options.pause_us, "one way: pause before each message", 0, 1'000'000},
      {"--patterns", &options.use_patterns, "subscribe by pattern instead of by name"},
      {"--resp3", &options.use_resp3, "subscribers speak RESP3"},
      {"--one-way", &options.one_way, "idle latency of PUBLISH to a subscriber"},
      {"--one-way-xadd", &options.one_way_xadd, "idle latency of XADD to a blocked XREAD"},
  };
  read_all_options("fan_out: load for the pub/sub of any Redis-protocol server", table, argc, argv);
  return options;
}

}  // namespace millrace::load
