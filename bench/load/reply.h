// Reply: one reply or push of a server as its leaves, in order, nested arrays flattened:
//
//   *3 $7 message $7 channel $5 hello   ->   kind '*', parts "message", "channel", "hello"
//   :12                                 ->   kind ':', parts "12"
//
// The parts point into the bytes that were parsed. A value that is used for one reply after another, so that reading
// them allocates nothing.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace millrace::load {

struct Reply {
  char kind = 0;     // first byte
  size_t bytes = 0;  // length of the whole
  std::vector<std::string_view> parts;

  std::string_view part(size_t i) const { return i < parts.size() ? parts[i] : std::string_view(); }
};

// False if the bytes end within the first reply. Ends the program on bytes that are no reply.
bool parse_reply(std::string_view bytes, Reply& reply);

}  // namespace millrace::load
