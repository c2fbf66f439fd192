// What stream_load is asked to do. Values are in range once read_stream_options returned them. A value.
#pragma once

#include <cstdint>
#include <string>

namespace millrace::load {

struct StreamOptions {
  std::string host = "127.0.0.1";
  int64_t port = 6379;
  int64_t pid = 0;  // whose processor time is counted; 0 = nobody's

  std::string scenario = "append";
  int64_t connections = 50;  // that begin something
  int64_t pipeline = 1;      // what each of them has under way, without a rate
  int64_t streams = 1;
  int64_t payload_bytes = 100;
  int64_t seconds = 0;   // 0 = until the requests are done
  int64_t requests = 0;  // 0 = until the time is over
  int64_t rate = 0;      // per second, at scheduled times; 0 = as fast as the replies come
};

// Ends the program on arguments that make no sense.
StreamOptions read_stream_options(int argc, char** argv);

}  // namespace millrace::load
