// See stream_options.h.
#include "load/stream_options.h"

#include "load/fail.h"
#include "load/option_reader.h"

namespace millrace::load {
namespace {

constexpr int64_t kAtMost = 1'000'000'000;
constexpr int64_t kBytesInFlightMax = int64_t{1} << 30;
constexpr int64_t kSecondsByDefault = 5;

}  // namespace

StreamOptions read_stream_options(int argc, char** argv) {
  StreamOptions options;
  const Option table[] = {
      {"--host", &options.host, "the server's address"},
      {"--port", &options.port, "the server's port", 1, 65535},
      {"--pid", &options.pid, "the server's process: its processor time is reported", 1, kAtMost},
      {"--scenario", &options.scenario, "append, groups or mixed"},
      {"--connections", &options.connections, "that send commands (groups: producers, and as many consumers)", 1,
       10'000},
      {"--pipeline", &options.pipeline, "commands (groups: messages) each of them has under way", 1, 10'000},
      {"--streams", &options.streams, "that the commands are spread over", 1, 1'000'000},
      {"--payload", &options.payload_bytes, "bytes of an entry's value", 0, 64 << 20},
      {"--seconds", &options.seconds, "how long; 5 if --requests does not say how many", 1, 86'400},
      {"--requests", &options.requests, "how many commands (groups: messages)", 1, kAtMost},
      {"--rate", &options.rate, "so many per second at scheduled times: shows latency", 1, 100'000'000},
  };
  read_all_options("stream_load: load for the streams of any Redis-protocol server", table, argc, argv);
  if (options.seconds == 0 && options.requests == 0) options.seconds = kSecondsByDefault;
  const int64_t in_flight = options.connections * (options.rate > 0 ? 1 : options.pipeline);
  if (in_flight * options.payload_bytes > kBytesInFlightMax) {
    fail("--connections times --pipeline times --payload is more than a gigabyte under way");
  }
  return options;
}

}  // namespace millrace::load
