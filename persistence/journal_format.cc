// See journal_format.h.
#include "persistence/journal_format.h"

#include <algorithm>

#include "base/check.h"
#include "base/numbers.h"
#include "persistence/journal_checksum.h"

namespace millrace::persistence {
namespace {

constexpr std::string_view kTimestampMark = "#TS:";
constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr size_t kChecksumDigits = 16;

void append_number(Buffer& out, uint64_t value) {
  out.commit(format_u64(value, out.reserve(kNumberTextMax)));
}

void append_header(Buffer& out, char mark, size_t value) {
  out.append({&mark, 1});
  append_number(out, value);
  out.append(kLineEnd);
}

void append_checksum(Buffer& out, uint64_t checksum) {
  char* const digits = out.reserve(kChecksumDigits);
  for (size_t i = kChecksumDigits; i-- > 0; checksum >>= 4) digits[i] = kHexDigits[checksum & 0xf];
  out.commit(kChecksumDigits);
}

std::optional<uint64_t> parse_number(std::string_view text) {
  const auto value = parse_i64(text);
  if (!value || *value < 0) return std::nullopt;
  return static_cast<uint64_t>(*value);
}

std::optional<uint64_t> parse_checksum(std::string_view text) {
  if (text.size() != kChecksumDigits) return std::nullopt;
  uint64_t value = 0;
  for (const char digit : text) {
    const size_t nibble = kHexDigits.find(digit);
    if (nibble == std::string_view::npos) return std::nullopt;
    value = value << 4 | nibble;
  }
  return value;
}

// What stands between the mark and the line end; nothing if either is missing.
std::optional<std::string_view> inside(std::string_view line, std::string_view mark) {
  if (!line.starts_with(mark) || !line.ends_with(kLineEnd)) return std::nullopt;
  return line.substr(mark.size(), line.size() - mark.size() - kLineEnd.size());
}

}  // namespace

void append_annotation(Buffer& out, std::string_view block, uint64_t synced_offset) {
  JournalChecksum checksum;
  checksum.add(block);
  const size_t block_bytes = block.size();  // `block` may be in `out`, which moves
  out.append(kAnnotationMark);
  append_number(out, block_bytes);
  out.append(":");
  append_checksum(out, checksum.of_block(synced_offset));
  out.append(":");
  append_number(out, synced_offset);
  out.append(kLineEnd);
}

void append_timestamp(Buffer& out, int64_t unix_s) {
  CHECK(unix_s >= 0);
  out.append(kTimestampMark);
  append_number(out, static_cast<uint64_t>(unix_s));
  out.append(kLineEnd);
}

std::optional<Annotation> parse_annotation(std::string_view line) {
  const auto fields = inside(line, kAnnotationMark);
  if (!fields || line.size() > kAnnotationBytesMax) return std::nullopt;
  const size_t first = fields->find(':');
  const size_t second = fields->find(':', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return std::nullopt;
  const auto block_bytes = parse_number(fields->substr(0, first));
  const auto checksum = parse_checksum(fields->substr(first + 1, second - first - 1));
  const auto synced = parse_number(fields->substr(second + 1));
  if (!block_bytes || !checksum || !synced) return std::nullopt;
  return Annotation{*block_bytes, *checksum, *synced};
}

std::optional<int64_t> parse_timestamp(std::string_view line) {
  const auto seconds = inside(line, kTimestampMark);
  if (!seconds) return std::nullopt;
  const auto value = parse_number(*seconds);
  if (!value) return std::nullopt;
  return static_cast<int64_t>(*value);
}

bool is_possible_at(const Annotation& annotation, uint64_t offset) {
  return annotation.block_bytes <= offset && annotation.synced <= offset - annotation.block_bytes;
}

bool begins_with_rdb(std::string_view first_bytes) {
  return first_bytes.starts_with("REDIS");
}

void encode_command(Buffer& out, std::span<const std::string_view> args) {
  append_header(out, '*', args.size());
  for (const std::string_view arg : args) {
    append_header(out, '$', arg.size());
    out.append(arg);
    out.append(kLineEnd);
  }
}

}  // namespace millrace::persistence
