// StringValue: how texts are kept, and that clones do not see what is written afterwards.
#include "keyspace/string_value.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "base/random.h"

namespace millrace::keyspace {
namespace {

std::string text_of(const StringValue& value) {
  StringValue::Digits digits;
  return std::string(value.text(digits));
}

struct Kept {
  std::string text;
  std::string_view encoding;
  bool has_block;
};

TEST(StringValueTest, TextsAreKeptInTheSmallestForm) {
  const Kept cases[] = {
      {"", "embstr", false},
      {"0", "int", false},
      {"-1", "int", false},
      {"9223372036854775807", "int", false},
      {"-9223372036854775808", "int", false},
      {"9223372036854775808", "embstr", false},
      {"01", "embstr", false},
      {"+1", "embstr", false},
      {"-0", "embstr", false},
      {" 1", "embstr", false},
      {std::string(30, 'x'), "embstr", false},
      {std::string(31, 'x'), "embstr", true},
      {std::string(44, 'x'), "embstr", true},
      {std::string(45, 'x'), "raw", true},
      {std::string(100'000, '\0'), "raw", true},
  };
  for (const Kept& kept : cases) {
    const StringValue value(kept.text);
    EXPECT_EQ(text_of(value), kept.text);
    EXPECT_EQ(value.size(), kept.text.size());
    EXPECT_EQ(value.encoding_name(), kept.encoding) << kept.text;
    EXPECT_EQ(value.memory_bytes() > 0, kept.has_block) << kept.text;
    EXPECT_EQ(text_of(value.clone()), kept.text);
    EXPECT_EQ(value.clone().encoding_name(), kept.encoding);
  }
}

TEST(StringValueTest, WhatWasChangedInPlaceIsRawUntilItIsReplaced) {
  StringValue value(std::string_view("5"));
  value.append("");
  EXPECT_EQ(value.encoding_name(), "raw");
  EXPECT_EQ(value.integer(), 5);
  value.append("0");
  EXPECT_EQ(text_of(value), "50");
  EXPECT_EQ(value.clone().encoding_name(), "raw");
  value.assign(std::string_view("50"));
  EXPECT_EQ(value.encoding_name(), "int");
  value.assign_text("50");
  EXPECT_EQ(value.encoding_name(), "embstr");
}

TEST(StringValueTest, IntegersAreReadWhateverTheForm) {
  StringValue value(std::string_view("x"));
  EXPECT_EQ(value.integer(), std::nullopt);
  value.assign(std::numeric_limits<int64_t>::min());
  EXPECT_EQ(value.integer(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(value.size(), 20u);
  value.assign_text("12");
  EXPECT_EQ(value.integer(), 12);
}

TEST(StringValueTest, AGapIsFilledWithZeros) {
  StringValue value;
  value.write(3, "x");
  EXPECT_EQ(text_of(value), std::string("\0\0\0x", 4));
  value.write(40, "y");
  EXPECT_EQ(text_of(value), std::string("\0\0\0x", 4) + std::string(36, '\0') + "y");
}

TEST(StringValueTest, AGrowingValueHasRoomToSpareAndAReplacedOneHasNot) {
  StringValue value(std::string(1000, 'x'));
  const size_t before = value.memory_bytes();
  value.append("y");
  EXPECT_GT(value.memory_bytes(), before + 500);
  value.assign(std::string(100, 'z'));
  EXPECT_LT(value.memory_bytes(), 200u);
}

TEST(StringValueTest, MovedFromIsEmpty) {
  StringValue value(std::string(1000, 'x'));
  const StringValue other = std::move(value);
  EXPECT_EQ(value.size(), 0u);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(other.size(), 1000u);
}

// Random operations on a value and a few clones, against plain strings.
TEST(StringValueTest, ClonesAreIndependent) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    constexpr size_t kCount = 4;
    StringValue values[kCount];
    std::string twins[kCount];
    for (int step = 0; step < 400; ++step) {
      const size_t at = random.below(kCount);
      const std::string text(random.below(random.one_in(8) ? 3000 : 40), static_cast<char>('0' + random.below(10)));
      switch (random.below(5)) {
        case 0: {
          const size_t from = random.below(kCount);
          values[at] = values[from].clone();
          twins[at] = twins[from];
          break;
        }
        case 1:
          values[at].assign(text);
          twins[at] = text;
          break;
        case 2:
          values[at].append(text);
          twins[at] += text;
          break;
        case 3: {
          const size_t offset = random.below(twins[at].size() + 20);
          values[at].write(offset, text);
          if (twins[at].size() < offset + text.size()) twins[at].resize(offset + text.size());
          twins[at].replace(offset, text.size(), text);
          break;
        }
        default:
          values[at].assign(static_cast<int64_t>(random.next()));
          twins[at] = text_of(values[at]);
      }
      for (size_t i = 0; i < kCount; ++i) ASSERT_EQ(text_of(values[i]), twins[i]);
    }
  }
}

}  // namespace
}  // namespace millrace::keyspace
