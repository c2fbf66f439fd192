// See numbers.h.
#include "base/numbers.h"

#include <array>
#include <charconv>
#include <cstring>

#include "base/letters.h"

namespace millrace {
namespace {

// "00" "01" ... "99".
constexpr auto kDigitPairs = [] {
  std::array<char, 200> pairs{};
  for (size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

constexpr std::array<uint64_t, 20> kPowersOfTen = [] {
  std::array<uint64_t, 20> powers{};
  uint64_t power = 1;
  for (uint64_t& slot : powers) {
    slot = power;
    power *= 10;
  }
  return powers;
}();

void put_digit(char* out, uint64_t digit) {
  *out = static_cast<char>('0' + digit);
}
// `pair` is below 100.
void put_pair(char* out, uint64_t pair) {
  std::memcpy(out, &kDigitPairs[2 * pair], 2);
}

// 1233 / 4096 is just above log10(2): the guess is the digit count or one less. REQUIRES: value > 0.
size_t count_digits(uint64_t value) {
  const auto bits = static_cast<size_t>(64 - __builtin_clzll(value));
  const size_t guess = bits * 1233 >> 12;
  return guess + (value >= kPowersOfTen[guess] ? 1 : 0);
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Digits without a leading zero (but "0" itself), at most `max`.
std::optional<uint64_t> parse_plain_digits(std::string_view digits, uint64_t max) {
  if (digits.empty() || digits.size() > kNumberTextMax) return std::nullopt;
  if (digits[0] == '0' && digits.size() > 1) return std::nullopt;
  uint64_t value = 0;
  for (const char c : digits) {
    if (!is_digit(c)) return std::nullopt;
    if (__builtin_mul_overflow(value, 10u, &value)) return std::nullopt;
    if (__builtin_add_overflow(value, static_cast<uint64_t>(c - '0'), &value)) return std::nullopt;
  }
  return value <= max ? std::optional<uint64_t>(value) : std::nullopt;
}

}  // namespace

std::optional<int64_t> parse_i64(std::string_view text) {
  constexpr uint64_t kMagnitudeMax = uint64_t{1} << 63;
  const bool negative = !text.empty() && text[0] == '-';
  if (!negative) {
    const auto value = parse_plain_digits(text, kMagnitudeMax - 1);
    return value ? std::optional<int64_t>(static_cast<int64_t>(*value)) : std::nullopt;
  }
  const auto magnitude = parse_plain_digits(text.substr(1), kMagnitudeMax);
  if (!magnitude || *magnitude == 0) return std::nullopt;
  return static_cast<int64_t>(0 - *magnitude);
}

std::optional<uint64_t> parse_u64(std::string_view text) {
  if (const auto plain = parse_plain_digits(text, UINT64_MAX)) return plain;
  if (parse_i64(text)) return std::nullopt;  // what is left of these is negative
  while (!text.empty() && is_space(text[0])) text.remove_prefix(1);
  const bool negative = !text.empty() && text[0] == '-';
  if (negative || (!text.empty() && text[0] == '+')) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  while (text.size() > 1 && text[0] == '0') text.remove_prefix(1);
  const auto magnitude = parse_plain_digits(text, UINT64_MAX);
  if (!magnitude) return std::nullopt;
  return negative ? 0 - *magnitude : *magnitude;
}

std::optional<int64_t> parse_memory(std::string_view text) {
  struct Unit {
    std::string_view name;
    int64_t bytes;
  };
  static constexpr Unit kUnits[] = {{"", 1},         {"b", 1},        {"k", 1000},         {"kb", 1024},
                                    {"m", 1000'000}, {"mb", 1 << 20}, {"g", 1000'000'000}, {"gb", 1 << 30}};
  size_t digit_count = 0;
  while (digit_count < text.size() && is_digit(text[digit_count])) ++digit_count;
  int64_t number = 0;
  const char* digits_end = text.data() + digit_count;
  if (std::from_chars(text.data(), digits_end, number).ec != std::errc()) return std::nullopt;
  for (const Unit& unit : kUnits) {
    if (!same_word(text.substr(digit_count), unit.name)) continue;
    int64_t bytes = 0;
    if (__builtin_mul_overflow(number, unit.bytes, &bytes)) return std::nullopt;
    return bytes;
  }
  return std::nullopt;
}

size_t format_digits(uint64_t value, char* out) {
  if (value < 100) {
    put_pair(out, value);
    return 2;
  }
  const size_t length = count_digits(value);
  char* place = out + length;
  for (; value >= 10'000; value /= 10'000) {
    const auto four = static_cast<uint32_t>(value % 10'000);
    place -= 4;
    put_pair(place, four / 100);
    put_pair(place + 2, four % 100);
  }
  for (; value >= 100; value /= 100) put_pair(place -= 2, value % 100);
  value >= 10 ? put_pair(out, value) : put_digit(out, value);
  return length;
}

}  // namespace millrace
