// Streams with everything in them, from a seed, and their content as text to compare.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/random.h"
#include "streams/stream.h"

namespace millrace::test {

struct StreamTaste {
  bool nacked = true;
  bool idempotency = true;
  int steps = 150;
};

std::unique_ptr<streams::Stream> random_stream(Random& random, const StreamTaste& taste);

// Everything a snapshot can keep, as text; less of it as a version that cannot keep all would have it.
struct Kept {
  bool active_time = true;
  bool idempotency = true;
  bool nacked = true;
};
std::string content_of(const streams::Stream& stream, const Kept& kept = {});

}  // namespace millrace::test
