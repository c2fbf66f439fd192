// The lines of a journal: what is written, and that nothing else is taken.
#include "persistence/journal_format.h"

#include <gtest/gtest.h>

#include <string>

#include "base/buffer.h"
#include "journal_file.h"

namespace millrace::persistence {
namespace {

// The checksums can be made with: printf '*1\r\n$4\r\nPING\r\n17' | xxhsum -H3
TEST(JournalFormat, AnnotationsSayLengthChecksumAndWhatWasDurable) {
  EXPECT_EQ(annotated("*1\r\n$4\r\nPING\r\n", 17), "*1\r\n$4\r\nPING\r\n#MR:14:0913a9ca1e335456:17\r\n");
  EXPECT_EQ(annotated("", 0), "#MR:0:1982e3a7bb241055:0\r\n");
}

TEST(JournalFormat, TheExampleOfTheFormatPageIsTrue) {
  JournalFile file = JournalFile::created();
  EXPECT_EQ(file.bytes(), "#MR:0:1982e3a7bb241055:0\r\n");
  file.flush({"SELECT", "0"});
  EXPECT_EQ(file.bytes().substr(49), "#MR:23:2f4b6d651eb4d2dd:26\r\n");
  EXPECT_EQ(file.size(), 77u);
  file.add_raw("#TS:1700000000\r\n");
  file.flush({"XADD", "log", "1-1", "f", "v"});
  EXPECT_EQ(file.bytes().substr(139), "#MR:62:41cddbdea2223d19:26\r\n");
  file.sync();
  file.fence();
  EXPECT_EQ(file.bytes().substr(167), "#MR:0:b274433c5b8ad68d:167\r\n");
  EXPECT_EQ(file.size(), 195u);
}

TEST(JournalFormat, AnAnnotationMayBeAppendedToItsBlock) {
  Buffer apart;
  Buffer together;
  const std::string block(10'000, 'x');
  together.append(block);
  append_annotation(together, together.view(), 5);
  append_annotation(apart, block, 5);
  EXPECT_EQ(together.view(), block + std::string(apart.view()));
}

TEST(JournalFormat, LinesFitIntoRedissBuffer) {
  Buffer out;
  append_annotation(out, "x", INT64_MAX);
  EXPECT_LE(out.size() + 19, kAnnotationBytesMax);
  EXPECT_LT(kAnnotationBytesMax, kCommentBytesMax);
}

TEST(JournalFormat, AnnotationsAreReadAsTheyAreWritten) {
  const auto annotation = parse_annotation("#MR:14:0123456789abcdef:9223372036854775807\r\n");
  ASSERT_TRUE(annotation);
  EXPECT_EQ(annotation->block_bytes, 14u);
  EXPECT_EQ(annotation->checksum, 0x0123456789abcdefu);
  EXPECT_EQ(annotation->synced, static_cast<uint64_t>(INT64_MAX));
}

TEST(JournalFormat, NothingElseIsAnAnnotation) {
  for (const char* line : {
           "",
           "\r\n",
           "#MR:\r\n",
           "#MR:1:0123456789abcdef:2",
           "#MR:1:0123456789abcdef:2\n",
           "#MR:1:0123456789abcdef:2\r",
           "#MR:1:0123456789ABCDEF:2\r\n",
           "#MR:1:0123456789abcde:2\r\n",
           "#MR:1:0123456789abcdef0:2\r\n",
           "#MR:1:0123456789abcdef\r\n",
           "#MR:1:0123456789abcdef:\r\n",
           "#MR::0123456789abcdef:2\r\n",
           "#MR:01:0123456789abcdef:2\r\n",
           "#MR:-1:0123456789abcdef:2\r\n",
           "#MR:1:0123456789abcdef:-2\r\n",
           "#MR:1:0123456789abcdef:2:3\r\n",
           "#MR: 1:0123456789abcdef:2\r\n",
           "#MR:9223372036854775808:0123456789abcdef:2\r\n",
           "#mr:1:0123456789abcdef:2\r\n",
           "#TS:1\r\n",
       }) {
    EXPECT_FALSE(parse_annotation(line)) << line;
  }
}

TEST(JournalFormat, TimestampsAreReadAsTheyAreWritten) {
  Buffer out;
  append_timestamp(out, 1'700'000'000);
  EXPECT_EQ(out.view(), "#TS:1700000000\r\n");
  EXPECT_EQ(parse_timestamp(out.view()), 1'700'000'000);
  for (const char* line : {"#TS:\r\n", "#TS:1\n", "#TS:1", "#TS:-1\r\n", "#TS: 1\r\n", "#TS:1x\r\n", "#MR:1\r\n"}) {
    EXPECT_FALSE(parse_timestamp(line)) << line;
  }
}

TEST(JournalFormat, SomeNumbersArePossibleAtAPlaceAndOthersAreNot) {
  EXPECT_TRUE(is_possible_at({.block_bytes = 60, .checksum = 0, .synced = 40}, 100));
  EXPECT_FALSE(is_possible_at({.block_bytes = 60, .checksum = 0, .synced = 41}, 100));
  EXPECT_FALSE(is_possible_at({.block_bytes = 101, .checksum = 0, .synced = 0}, 100));
}

TEST(JournalFormat, AnRdbPartIsKnownByItsFirstFiveBytes) {
  EXPECT_TRUE(begins_with_rdb("REDIS0011"));
  EXPECT_TRUE(begins_with_rdb("REDIS"));
  EXPECT_FALSE(begins_with_rdb("REDI"));
  EXPECT_FALSE(begins_with_rdb("*2\r\n$6\r\n"));
}

}  // namespace
}  // namespace millrace::persistence
