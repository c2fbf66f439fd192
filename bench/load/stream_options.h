// What stream_load is asked to do. Values are in range once read_stream_options returned them. A value.
#pragma once

#include <cstdint>
#include <string>

#include "load/scenario_load.h"

namespace millrace::load {

struct StreamOptions : LoadOptions {
  std::string scenario = "append";
  int64_t streams = 1;
  int64_t payload_bytes = 100;
};

// Ends the program on arguments that make no sense.
StreamOptions read_stream_options(int argc, char** argv);

}  // namespace millrace::load
