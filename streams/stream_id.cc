// Stream ids as text.
#include "streams/stream_id.h"

#include "base/letters.h"
#include "base/numbers.h"

namespace millrace::streams {
namespace {

constexpr size_t kTextMax = 127;

// One half of an id. Like the C library's reader, which Redis falls back to, it lets leading blanks, one plus sign and
// leading zeros pass.
std::optional<uint64_t> parse_half(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    if (__builtin_mul_overflow(value, uint64_t{10}, &value)) return std::nullopt;
    if (__builtin_add_overflow(value, static_cast<uint64_t>(c - '0'), &value)) return std::nullopt;
  }
  return value;
}

}  // namespace

size_t format_stream_id(StreamId id, char* out) {
  const size_t ms_size = format_u64(id.ms, out);
  out[ms_size] = '-';
  return ms_size + 1 + format_u64(id.seq, out + ms_size + 1);
}

std::optional<ParsedStreamId> parse_stream_id(std::string_view text, uint64_t missing_seq) {
  if (text.size() > kTextMax) return std::nullopt;
  const size_t dash = text.find('-');
  const auto ms = parse_half(text.substr(0, dash));
  if (!ms) return std::nullopt;
  if (dash == std::string_view::npos) return ParsedStreamId{{*ms, missing_seq}, false};
  const auto seq = parse_half(text.substr(dash + 1));
  if (!seq) return std::nullopt;
  return ParsedStreamId{{*ms, *seq}, true};
}

std::optional<NewId> parse_new_id(std::string_view text) {
  if (text == "*") return NewId{NewId::Kind::kAuto, {}, false};
  if (text.size() <= kTextMax && text.ends_with("-*")) {
    const auto ms = parse_half(text.substr(0, text.size() - 2));
    if (!ms) return std::nullopt;
    return NewId{NewId::Kind::kAutoSeq, {*ms, 0}, false};
  }
  const auto parsed = parse_stream_id(text, 0);
  if (!parsed) return std::nullopt;
  return NewId{NewId::Kind::kExplicit, parsed->id, parsed->seq_given};
}

}  // namespace millrace::streams
