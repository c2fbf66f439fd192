// Stream ids as text and in order.
#include "streams/stream_id.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace::streams {
namespace {

constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

std::string text_of(StreamId id) {
  char out[kStreamIdTextMax];
  return {out, format_stream_id(id, out)};
}

void expect_parsed(std::string_view text, StreamId id, bool seq_given) {
  const auto parsed = parse_stream_id(text, 77);
  ASSERT_TRUE(parsed) << text;
  EXPECT_EQ(text_of(parsed->id), text_of(id)) << text;
  EXPECT_EQ(parsed->seq_given, seq_given) << text;
}

TEST(StreamId, IsWrittenAsTwoNumbers) {
  EXPECT_EQ(text_of({0, 0}), "0-0");
  EXPECT_EQ(text_of({1526919030474, 55}), "1526919030474-55");
  EXPECT_EQ(text_of(kStreamIdMax), "18446744073709551615-18446744073709551615");
  EXPECT_EQ(text_of(kStreamIdMax).size(), kStreamIdTextMax);
}

TEST(StreamId, IsReadBack) {
  expect_parsed("0-0", {0, 0}, true);
  expect_parsed("1526919030474-55", {1526919030474, 55}, true);
  expect_parsed("18446744073709551615-18446744073709551615", kStreamIdMax, true);
}

TEST(StreamId, TakesTheMissingSequenceFromTheCaller) {
  expect_parsed("12", {12, 77}, false);
}

TEST(StreamId, LetsLeadingZerosPassAsRedisDoes) {
  expect_parsed("007-01", {7, 1}, true);
  expect_parsed("+7", {7, 77}, false);
}

TEST(StreamId, RefusesWhatIsNoId) {
  for (const char* text : {"", "-", "+", "1-", "-1", "1-2-3", "a", "1a", "1-a", "1 ", "*", "1-*", "--",
                           "18446744073709551616", "1-18446744073709551616", "99999999999999999999999"}) {
    EXPECT_FALSE(parse_stream_id(text, 0)) << text;
  }
  EXPECT_TRUE(parse_stream_id(std::string(126, '0') + "1", 0));
  EXPECT_FALSE(parse_stream_id(std::string(127, '0') + "1", 0));
}

TEST(StreamId, KnowsItsNeighbours) {
  EXPECT_EQ(successor({1, 2}), (StreamId{1, 3}));
  EXPECT_EQ(successor({1, kMax}), (StreamId{2, 0}));
  EXPECT_EQ(successor(kStreamIdMax), std::nullopt);
  EXPECT_EQ(predecessor({1, 0}), (StreamId{0, kMax}));
  EXPECT_EQ(predecessor({1, 2}), (StreamId{1, 1}));
  EXPECT_EQ(predecessor(kStreamIdMin), std::nullopt);
}

TEST(NewId, IsChosenWhollyPartlyOrNotAtAll) {
  EXPECT_EQ(parse_new_id("*")->kind, NewId::Kind::kAuto);
  EXPECT_EQ(parse_new_id("5-*")->kind, NewId::Kind::kAutoSeq);
  EXPECT_EQ(parse_new_id("5-*")->id, (StreamId{5, 0}));
  EXPECT_EQ(parse_new_id("5-6")->kind, NewId::Kind::kExplicit);
  EXPECT_EQ(parse_new_id("5-6")->id, (StreamId{5, 6}));
  EXPECT_EQ(parse_new_id("5")->id, (StreamId{5, 0}));
  for (const char* text : {"", "**", "*-*", "-*", "*-5", "5-**", "5-6*", "+"}) EXPECT_FALSE(parse_new_id(text)) << text;
}

}  // namespace
}  // namespace millrace::streams
