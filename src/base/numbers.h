// Numbers as text, exactly as Redis reads and writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace millrace {

// Decimal, no leading zeros, no '+', no spaces, "-0" refused, whole text: what Redis accepts as an integer.
std::optional<int64_t> parse_i64(std::string_view text);
// What Redis accepts as half of a stream id, up to 2^64-1: the above without a sign and, as in its strtoull() fallback,
// leading white space, a '+' and leading zeros ("007"). A number that is negative without those is refused.
std::optional<uint64_t> parse_u64(std::string_view text);
// A size as redis.conf writes it: digits and an optional unit b, k, kb, m, mb, g, gb (k = 1000, kb = 1024), any case.
std::optional<int64_t> parse_memory(std::string_view text);

inline constexpr size_t kNumberTextMax = 20;  // digits of 2^64-1, or of -2^63 with its sign
// Writes the decimal digits to `out` (room for kNumberTextMax) and returns their count; no terminating zero.
size_t format_u64(uint64_t value, char* out);
size_t format_i64(int64_t value, char* out);

// ---- most numbers in replies are lengths of one digit
// REQUIRES: two digits or more.
size_t format_digits(uint64_t value, char* out);
inline size_t format_u64(uint64_t value, char* out) {
  if (value >= 10) return format_digits(value, out);
  *out = static_cast<char>('0' + value);
  return 1;
}
inline size_t format_i64(int64_t value, char* out) {
  if (value >= 0) return format_u64(static_cast<uint64_t>(value), out);
  *out = '-';
  return 1 + format_u64(0 - static_cast<uint64_t>(value), out + 1);
}

}  // namespace millrace
