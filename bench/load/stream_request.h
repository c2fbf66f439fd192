// Commands about the streams of the load, which are numbered; what makes them writes into a buffer and allocates
// nothing.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "base/buffer.h"
#include "load/connection.h"
#include "load/reply.h"

namespace millrace::load {

inline constexpr std::string_view kGroup = "workers";

// "stream_load:0000012": all of one length.
std::string stream_name(uint64_t stream);

// One command for every stream, ready but for the stream's number.
class StreamRequest {
 public:
  // kAnyStream among the words stands for the name.
  static constexpr std::string_view kAnyStream = "<stream>";
  explicit StreamRequest(std::initializer_list<std::string_view> words);

  void append_to(Buffer& out, uint64_t stream) const;

 private:
  std::string bytes_;
  size_t digits_end_;  // of the stream's number
};

// The entries of a stream as a reply has them: id, field, value, id, field, value, ...
using EntryParts = std::span<const std::string_view>;
inline constexpr size_t kPartsOfEntry = 3;

// Calls on_stream(name, entries) for each stream in the reply to an XREADGROUP. False: it is none.
template <class OnStream>
bool for_each_stream(const Reply& reply, OnStream on_stream) {
  // The parts of a reply say nothing of its nesting. But an id begins with a digit, and the name of a stream does not.
  const auto is_id = [](std::string_view part) { return !part.empty() && part.front() >= '0' && part.front() <= '9'; };
  const std::span<const std::string_view> parts = reply.parts;
  for (size_t at = 0; at < parts.size();) {
    const size_t begin = at + 1;
    size_t end = begin;
    while (end < parts.size() && is_id(parts[end])) end += kPartsOfEntry;
    if (end > parts.size()) return false;
    on_stream(parts[at], parts.subspan(begin, end - begin));
    at = end;
  }
  return true;
}

// XACK of all of them, in one command.
void append_acknowledge(Buffer& out, std::string_view stream, EntryParts entries);

// On a connection that does nothing else, each waiting for all answers: deletes so many streams; makes them, with a
// group that reads them from the start.
void delete_streams(Connection& control, int64_t streams);
void make_streams_with_group(Connection& control, int64_t streams);

}  // namespace millrace::load
