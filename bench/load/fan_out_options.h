// What fan_out is asked to do. Values are in range once read_fan_out_options returned them. A value.
#pragma once

#include <cstdint>
#include <string>

namespace millrace::load {

struct FanOutOptions {
  // The server.
  std::string host = "127.0.0.1";
  int64_t port = 6379;
  int64_t pid = 0;  // whose processor time is counted; 0 = nobody's

  // Fan-out.
  int64_t subscribers = 100;
  int64_t publishers = 1;
  int64_t channels = 1;
  int64_t payload_bytes = 64;
  int64_t pipeline = 1;
  int64_t seconds = 5;
  int64_t rate = 0;  // messages per second at scheduled times; 0 = as fast as the replies come
  int64_t deaf = 0;  // further subscribers that never read
  bool use_patterns = false;
  bool use_resp3 = false;

  // One-way latency of an idle server.
  bool one_way = false;
  bool one_way_xadd = false;
  int64_t pairs = 8;
  int64_t messages = 1000;  // of each pair
  int64_t pause_us = 200;
};

// Ends the program on arguments that make no sense.
FanOutOptions read_fan_out_options(int argc, char** argv);

}  // namespace millrace::load
