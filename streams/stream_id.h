// StreamId: "ms-seq", the 128-bit key of a stream entry.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace millrace::streams {

struct StreamId {
  uint64_t ms = 0;
  uint64_t seq = 0;

  friend constexpr auto operator<=>(const StreamId&, const StreamId&) = default;
  constexpr bool is_zero() const { return ms == 0 && seq == 0; }
};

inline constexpr StreamId kStreamIdMin{0, 0};
inline constexpr StreamId kStreamIdMax{std::numeric_limits<uint64_t>::max(), std::numeric_limits<uint64_t>::max()};

// The neighbours in the total order; nullopt past either end.
constexpr std::optional<StreamId> successor(StreamId id) {
  if (id == kStreamIdMax) return std::nullopt;
  return id.seq == std::numeric_limits<uint64_t>::max() ? StreamId{id.ms + 1, 0} : StreamId{id.ms, id.seq + 1};
}
constexpr std::optional<StreamId> predecessor(StreamId id) {
  if (id == kStreamIdMin) return std::nullopt;
  return id.seq == 0 ? StreamId{id.ms - 1, std::numeric_limits<uint64_t>::max()} : StreamId{id.ms, id.seq - 1};
}

inline constexpr size_t kStreamIdTextMax = 41;
// Writes "ms-seq" and returns its length; no terminating zero.
size_t format_stream_id(StreamId id, char* out);

struct ParsedStreamId {
  StreamId id;
  bool seq_given = false;
};
// "ms" or "ms-seq"; a missing sequence becomes `missing_seq`. Longer than 127 bytes, "-" and "+" are refused here:
// where they are allowed, the caller looks for them first.
std::optional<ParsedStreamId> parse_stream_id(std::string_view text, uint64_t missing_seq);

// The id argument of XADD: "*" (both parts chosen), "ms-*" (sequence chosen), or a whole id.
struct NewId {
  enum class Kind : uint8_t { kAuto, kAutoSeq, kExplicit };
  Kind kind = Kind::kAuto;
  StreamId id;  // kAutoSeq: ms only
  bool seq_given = true;
};
std::optional<NewId> parse_new_id(std::string_view text);

}  // namespace millrace::streams
