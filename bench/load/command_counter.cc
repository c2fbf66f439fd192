// See command_counter.h.
#include "load/command_counter.h"

#include <algorithm>

namespace millrace::load {
namespace {

using Place = CommandCounter::Place;
using Line = Place::Line;

constexpr int64_t kNumberMax = int64_t{512} << 20;
constexpr int64_t kLineEndBytes = 2;

// Each of these takes something off the front of the bytes; `commands` counts those that end with it. False: the bytes
// are no request.

void take_bulk(Place& place, std::string_view& bytes, uint64_t& commands) {
  const auto taken = std::min<int64_t>(place.bulk_left, static_cast<int64_t>(bytes.size()));
  bytes.remove_prefix(static_cast<size_t>(taken));
  place.bulk_left -= taken;
  if (place.bulk_left == 0 && --place.arguments_left == 0) ++commands;
}

bool begin_line(Place& place, std::string_view& bytes) {
  const char kind = bytes.front();
  place.line = kind == '*' ? Line::kArray : kind == '$' ? Line::kBulk : Line::kInline;
  place.has_text = false;
  place.number = 0;
  if (place.line != Line::kInline) bytes.remove_prefix(1);
  return (place.line == Line::kBulk) == (place.arguments_left > 0);
}

void take_inline(Place& place, std::string_view& bytes, uint64_t& commands) {
  const size_t end = bytes.find('\n');
  const std::string_view text = bytes.substr(0, end);
  place.has_text = place.has_text || text.find_first_not_of('\r') != std::string_view::npos;
  bytes.remove_prefix(text.size());
  if (bytes.empty()) return;
  bytes.remove_prefix(1);
  place.line = Line::kBegins;
  if (place.has_text) ++commands;
}

void end_number(Place& place) {
  if (place.line == Line::kArray) {
    place.arguments_left = place.number;
  } else {
    place.bulk_left = place.number + kLineEndBytes;
  }
  place.line = Line::kBegins;
}

bool take_number(Place& place, std::string_view& bytes) {
  size_t at = 0;
  for (; at < bytes.size() && bytes[at] >= '0' && bytes[at] <= '9'; ++at) {
    place.number = place.number * 10 + (bytes[at] - '0');
    if (place.number > kNumberMax) return false;
  }
  if (at < bytes.size() && bytes[at] == '\r') ++at;
  const bool has_ended = at < bytes.size() && bytes[at] == '\n';
  if (has_ended) end_number(place);
  const bool is_number = has_ended || at == bytes.size();
  bytes.remove_prefix(at + (has_ended ? 1 : 0));
  return is_number;
}

// As far as it has come.
bool take_line(Place& place, std::string_view& bytes, uint64_t& commands) {
  if (place.line == Line::kBegins && !begin_line(place, bytes)) return false;
  if (place.line != Line::kInline) return take_number(place, bytes);
  take_inline(place, bytes, commands);
  return true;
}

}  // namespace

std::optional<uint64_t> CommandCounter::count(std::string_view bytes) {
  uint64_t commands = 0;
  Place place = place_;  // a copy can live in registers: no byte read could be a part of it
  while (!bytes.empty()) {
    if (place.bulk_left > 0) {
      take_bulk(place, bytes, commands);
    } else if (!take_line(place, bytes, commands)) {
      return std::nullopt;
    }
  }
  place_ = place;
  return commands;
}

}  // namespace millrace::load
