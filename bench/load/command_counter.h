// CommandCounter: how many commands have come to their end in a stream of requests, whatever they say.
//
//   *1\r\n$4\r\nPING\r\n   one        ping\r\n   one (inline)        \r\n, *0\r\n   none
//
// Keeps nothing of the bytes: a request may be cut anywhere between two calls. A value; one for each connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace millrace::load {

class CommandCounter {
 public:
  // The commands that end in the next bytes of the stream; nothing if they are no requests.
  std::optional<uint64_t> count(std::string_view bytes);

  // Where in a request the stream has come to.
  struct Place {
    enum class Line : uint8_t { kBegins, kArray, kBulk, kInline };

    Line line = Line::kBegins;
    bool has_text = false;       // an inline command is more than the end of its line
    int64_t number = 0;          // of an array's or a bulk's line, as far as it was read
    int64_t arguments_left = 0;  // of the array that is open
    int64_t bulk_left = 0;       // bytes of the present argument with the end of its line
  };

 private:
  Place place_;
};

}  // namespace millrace::load
