// Numbers and sizes as text: what Redis takes and refuses, and the way back.
#include "base/numbers.h"

#include <gtest/gtest.h>

#include <string>

#include "base/random.h"

namespace millrace {
namespace {

std::string text_of_u64(uint64_t value) {
  char out[kNumberTextMax];
  return std::string(out, format_u64(value, out));
}

std::string text_of_i64(int64_t value) {
  char out[kNumberTextMax];
  return std::string(out, format_i64(value, out));
}

TEST(ParseI64, TakesWhatRedisTakes) {
  EXPECT_EQ(parse_i64("0"), 0);
  EXPECT_EQ(parse_i64("7"), 7);
  EXPECT_EQ(parse_i64("-1"), -1);
  EXPECT_EQ(parse_i64("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(parse_i64("-9223372036854775808"), INT64_MIN);
}

TEST(ParseI64, RefusesEverythingElse) {
  for (const char* text : {"", "-", "-0", "01", "-01", "+1", " 1", "1 ", "1a", "0x1", "--1", "9223372036854775808",
                           "-9223372036854775809", "18446744073709551616", "100000000000000000000000"}) {
    EXPECT_EQ(parse_i64(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_i64(std::string_view("1\0", 2)), std::nullopt);
}

TEST(ParseU64, TakesWhatRedisTakesInStreamIds) {
  EXPECT_EQ(parse_u64("0"), 0u);
  EXPECT_EQ(parse_u64("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(parse_u64("9223372036854775808"), uint64_t{1} << 63);
  EXPECT_EQ(parse_u64("007"), 7u);
  EXPECT_EQ(parse_u64("00000000000000000000000000006"), 6u);
  EXPECT_EQ(parse_u64("+5"), 5u);
  EXPECT_EQ(parse_u64(" \t2"), 2u);
  EXPECT_EQ(parse_u64("-05"), 18446744073709551611u);
  EXPECT_EQ(parse_u64("-0"), 0u);
}

TEST(ParseU64, RefusesEverythingElse) {
  for (const char* text : {"", "+", " ", "-", "-5", "-9223372036854775808", "18446744073709551616", "1 ", "1x", "+-1",
                           "99999999999999999999999"}) {
    EXPECT_EQ(parse_u64(text), std::nullopt) << text;
  }
}

TEST(FormatIntegers, AllFourDigitsInEitherHalfOfEight) {
  for (uint64_t value = 0; value < 10'000; ++value) {
    ASSERT_EQ(text_of_u64(value), std::to_string(value));
    const uint64_t both = value * 10'000 + (9'999 - value);
    ASSERT_EQ(text_of_u64(both), std::to_string(both));
  }
}

TEST(FormatIntegers, ReadBackAtEveryDigitBoundary) {
  uint64_t power = 1;
  for (int digits = 1; digits <= 20; ++digits) {
    for (const uint64_t value : {power - 1, power, power + 1}) {
      EXPECT_EQ(text_of_u64(value), std::to_string(value));
      EXPECT_EQ(text_of_i64(static_cast<int64_t>(value)), std::to_string(static_cast<int64_t>(value)));
    }
    power *= 10;
  }
  EXPECT_EQ(text_of_u64(UINT64_MAX), "18446744073709551615");
  EXPECT_EQ(text_of_i64(INT64_MIN), "-9223372036854775808");
  EXPECT_EQ(text_of_i64(INT64_MAX), "9223372036854775807");
}

TEST(FormatIntegers, ReadBackAtRandom) {
  Random random(20261121);
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t value = random.next() >> random.below(64);
    ASSERT_EQ(text_of_u64(value), std::to_string(value));
    ASSERT_EQ(parse_u64(text_of_u64(value)), value);
    const auto number = static_cast<int64_t>(random.next()) >> random.below(64);
    ASSERT_EQ(text_of_i64(number), std::to_string(number));
    ASSERT_EQ(parse_i64(text_of_i64(number)), number);
  }
}

TEST(ParseMemory, KnowsTheUnits) {
  EXPECT_EQ(parse_memory("0"), 0);
  EXPECT_EQ(parse_memory("12b"), 12);
  EXPECT_EQ(parse_memory("1k"), 1000);
  EXPECT_EQ(parse_memory("1KB"), 1024);
  EXPECT_EQ(parse_memory("2m"), 2'000'000);
  EXPECT_EQ(parse_memory("2Mb"), 2 * 1024 * 1024);
  EXPECT_EQ(parse_memory("3g"), 3'000'000'000);
  EXPECT_EQ(parse_memory("3gB"), int64_t{3} << 30);
}

TEST(ParseMemory, RefusesEverythingElse) {
  for (const char* text :
       {"", "kb", "-1", "1t", "1 kb", "1kbx", " 1", "1.5g", "9223372036854775808", "9223372036854775807kb"}) {
    EXPECT_EQ(parse_memory(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace millrace
