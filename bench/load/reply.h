// Reply: one reply or push of a server as its leaves, in order, nested arrays flattened:
//
//   *3 $7 message $7 channel $5 hello   ->   kind '*', parts "message", "channel", "hello"
//   :12                                 ->   kind ':', parts "12"
//
// The parts point into the bytes that were parsed. A value.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace millrace::load {

struct Reply {
  static constexpr size_t kPartsMax = 8;  // leaves beyond are passed over

  char kind = 0;     // first byte
  size_t bytes = 0;  // length of the whole
  size_t count = 0;  // of parts
  std::array<std::string_view, kPartsMax> parts;

  std::string_view part(size_t i) const { return i < count ? parts[i] : std::string_view(); }
};

// Nothing if the bytes end within the first reply. Ends the program on bytes that are no reply.
std::optional<Reply> parse_reply(std::string_view bytes);

}  // namespace millrace::load
