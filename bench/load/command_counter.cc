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
  place.is_negative = place.has_text = false;
  place.number = 0;
  if (place.line != Line::kInline) bytes.remove_prefix(1);
  return (place.line == Line::kBulk) == (place.arguments_left > 0);
}

bool take_character(Place& place, char next) {
  if (next == '\r') return true;
  place.has_text = true;
  if (place.line == Line::kInline) return true;
  if (next == '-' && place.number == 0 && place.line == Line::kArray) {
    place.is_negative = true;
    return true;
  }
  if (next < '0' || next > '9') return false;
  place.number = place.number * 10 + (next - '0');
  return place.number <= kNumberMax;
}

bool end_line(Place& place, uint64_t& commands) {
  if (place.line == Line::kInline) {
    commands += place.has_text ? 1 : 0;
  } else if (!place.has_text) {
    return false;
  } else if (place.line == Line::kArray) {
    place.arguments_left = place.is_negative ? 0 : place.number;
  } else {
    place.bulk_left = place.number + kLineEndBytes;
  }
  place.line = Line::kBegins;
  return true;
}

// As far as it has come.
bool take_line(Place& place, std::string_view& bytes, uint64_t& commands) {
  if (place.line == Line::kBegins && !begin_line(place, bytes)) return false;
  while (!bytes.empty()) {
    const char next = bytes.front();
    bytes.remove_prefix(1);
    if (next == '\n') return end_line(place, commands);
    if (!take_character(place, next)) return false;
  }
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
