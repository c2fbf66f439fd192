// Lengths and strings: what is written is read, in blocks of any size, and nonsense is refused where it stands.
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "persistence/byte_reader.h"
#include "persistence/crc64.h"
#include "persistence/rdb_encoder.h"
#include "unit/persistence/block_source.h"

namespace millrace::persistence {
namespace {

class Primitives : public testing::Test {
 protected:
  std::string written(const std::string& text, bool compress = true) {
    Buffer out;
    RdbEncoder(out, compress).string(text);
    return std::string(out.view());
  }
  std::string length_written(uint64_t length) {
    Buffer out;
    RdbEncoder(out, false).length(length);
    return std::string(out.view());
  }
  void expect_read(const std::string& bytes, const std::string& text) {
    for (size_t block = 1; block <= bytes.size(); block = block * 2 + 1) {
      BlockSource source(bytes, block);
      ByteReader in(source);
      ASSERT_EQ(in.string(), text);
      ASSERT_TRUE(in.ok());
      ASSERT_EQ(in.offset(), bytes.size());
      ASSERT_EQ(in.checksum(), crc64(0, bytes));
      BlockSource again(bytes, block);
      ByteReader skipper(again);
      skipper.skip_string();
      ASSERT_TRUE(skipper.ok());
      ASSERT_EQ(skipper.offset(), bytes.size());
      ASSERT_EQ(skipper.checksum(), crc64(0, bytes));
    }
  }
  RdbError refusal(const std::string& bytes, uint64_t read_before = 0) {
    BlockSource source(bytes, 3);
    ByteReader in(source);
    in.skip(read_before);
    EXPECT_EQ(in.string(), "");
    EXPECT_FALSE(in.ok());
    EXPECT_EQ(in.length(), 0u);
    return in.error();
  }
};

TEST_F(Primitives, LengthsTakeOneTwoFiveOrNineBytes) {
  EXPECT_EQ(length_written(63), "\x3f");
  EXPECT_EQ(length_written(64), "\x40\x40");
  EXPECT_EQ(length_written(16383), "\x7f\xff");
  EXPECT_EQ(length_written(16384), std::string("\x80\0\0\x40\0", 5));
  EXPECT_EQ(length_written(uint64_t{1} << 32), std::string("\x81\0\0\0\1\0\0\0\0", 9));
  for (const uint64_t length : {uint64_t{0}, uint64_t{63}, uint64_t{64}, uint64_t{16383}, uint64_t{16384},
                                (uint64_t{1} << 32) - 1, uint64_t{1} << 32, std::numeric_limits<uint64_t>::max()}) {
    const std::string bytes = length_written(length);
    BlockSource source(bytes, 2);
    ByteReader in(source);
    EXPECT_EQ(in.length(), length);
    EXPECT_EQ(in.offset(), bytes.size());
  }
}

TEST_F(Primitives, NumbersOf32BitsAreWrittenAsNumbers) {
  EXPECT_EQ(written("12"), "\xc0\x0c");
  EXPECT_EQ(written("-129"), "\xc1\x7f\xff");
  EXPECT_EQ(written("70000"), std::string("\xc2\x70\x11\x01\0", 5));
  EXPECT_EQ(written("012"),
            "\x03"
            "012");
  EXPECT_EQ(written("2147483648"),
            "\x0a"
            "2147483648");
  for (const char* text : {"0", "127", "-128", "128", "32767", "-32768", "2147483647", "-2147483648", "-2147483649"}) {
    expect_read(written(text), text);
  }
}

TEST_F(Primitives, LongTextIsCompressedIfThatIsShorter) {
  const std::string text(500, 'a');
  EXPECT_LT(written(text).size(), 40u);
  EXPECT_EQ(written(text)[0], '\xc3');
  EXPECT_EQ(written(text, false).size(), 502u);
  EXPECT_EQ(written(std::string(20, 'a')).size(), 21u);
  expect_read(written(text), text);
  expect_read(written(text, false), text);
  std::string mixed;
  for (int i = 0; i < 256; ++i) mixed.push_back(static_cast<char>(i * 37));
  expect_read(written(mixed), mixed);
}

TEST_F(Primitives, WhatIsMissingIsNotWaitedFor) {
  const std::string bytes = written(std::string(500, 'a'), false);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(refusal(bytes.substr(0, size)).fault, RdbFault::kTruncated);
  }
}

TEST_F(Primitives, HugeLengthsSizeNothing) {
  EXPECT_EQ(refusal("\x81\x7f\xff\xff\xff\xff\xff\xff\xff"
                    "abc")
                .fault,
            RdbFault::kTruncated);
  // Two bytes of LZF that claim to be four gigabytes.
  EXPECT_EQ(refusal(std::string("\xc3\x02\x80\xff\xff\xff\xff"
                                "ab",
                                9))
                .fault,
            RdbFault::kCompressed);
  EXPECT_EQ(refusal(std::string("\xc3\x81\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                                "ab",
                                13))
                .fault,
            RdbFault::kTruncated);
}

TEST_F(Primitives, NonsenseIsRefusedWhereItStands) {
  const RdbError encoded = refusal("xx\xc4", 2);
  EXPECT_EQ(encoded.fault, RdbFault::kString);
  EXPECT_EQ(describe(encoded), "corrupt at offset 2: a string was expected");
  EXPECT_EQ(refusal("\x82").fault, RdbFault::kLength);
  EXPECT_EQ(refusal(std::string("\xc3\x01\x0a\xe0", 4)).fault, RdbFault::kCompressed);
  EXPECT_EQ(refusal(std::string("\xc3\0\0", 3)).fault, RdbFault::kCompressed);
  EXPECT_EQ(refusal("\xc3\x02\x05\x01"
                    "a")
                .fault,
            RdbFault::kCompressed);
}

TEST_F(Primitives, TheFirstFaultStays) {
  WholeSource source("\xff");
  ByteReader in(source);
  in.length();
  in.skip(100);
  in.fail(RdbFault::kNode);
  EXPECT_EQ(in.error().fault, RdbFault::kLength);
  EXPECT_EQ(in.error().offset, 0u);
}

}  // namespace
}  // namespace millrace::persistence
