// Whole files: what the writer says about itself, what the reader passes over, and what it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "persistence/crc64.h"
#include "persistence/rdb_reader.h"
#include "persistence/rdb_writer.h"
#include "persistence/stream_writer.h"
#include "streams/delivery.h"
#include "support/random_stream.h"
#include "unit/persistence/block_source.h"

namespace millrace::persistence {
namespace {

using test::random_stream;

using testing::ElementsAre;
using testing::IsEmpty;

std::string sealed(std::string bytes) {
  const uint64_t checksum = crc64(0, bytes);
  return bytes.append(reinterpret_cast<const char*>(&checksum), sizeof checksum);
}

// Bytes written by hand, zeros among them.
template <size_t kSize>
std::string raw(const char (&text)[kSize]) {
  return {text, kSize - 1};
}

class RdbFile : public testing::Test {
 protected:
  // A line for each item; an error is the last one.
  std::vector<std::string> read(const std::string& bytes, size_t block = 5, const RdbReadOptions& options = {}) {
    BlockSource source(bytes, block);
    RdbReader reader(source, options);
    std::vector<std::string> lines;
    for (;;) {
      auto item = reader.next();
      if (!item) {
        lines.push_back(describe(item.error()));
        EXPECT_EQ(describe(reader.next().error()), lines.back());
        return lines;
      }
      if (item->kind == RdbItem::Kind::kEnd) {
        end_ = reader.offset();
        return lines;
      }
      lines.push_back(line(*item));
    }
  }
  static std::string line(const RdbItem& item) {
    static constexpr std::string_view kKinds[] = {"aux", "stream", "string", "foreign", "functions", "module"};
    std::string text(kKinds[static_cast<size_t>(item.kind)]);
    if (item.kind != RdbItem::Kind::kAux) text += " " + std::to_string(item.database);
    text += " " + item.name + " " + item.text;
    if (item.stream) text += std::to_string(item.stream->length());
    if (item.expire_at_ms) text += " until " + std::to_string(*item.expire_at_ms);
    return text;
  }
  // A file of version 11 with this between header and end.
  std::vector<std::string> read_parts(const std::string& parts) { return read(sealed("REDIS0011" + parts + "\xff")); }

  uint64_t end_ = 0;
};

class WrittenFile : public RdbFile {
 protected:
  std::string write(const RdbWriteOptions& options, size_t slice = 100) {
    RdbWriter writer(options);
    writer.begin({.redis_version = "7.2.0", .created_s = 1700000000, .used_memory_bytes = 12345});
    std::string bytes;
    int database = 0;
    for (const auto& stream : streams_) {
      writer.select_database(database, 1, 1);
      StreamWriter value(*stream, writer.version());
      const int64_t expiry = database % 2 == 0 ? RdbWriter::kNoExpiryMs : 1234567890123;
      writer.begin_key("key" + std::to_string(database++), expiry, value.type());
      while (!value.advance(writer.value(), slice)) bytes += writer.take();
    }
    writer.end();
    bytes += writer.take();
    EXPECT_EQ(writer.bytes_taken(), bytes.size());
    return bytes;
  }
  void SetUp() override {
    Random random(5);
    for (int i = 0; i < 4; ++i) streams_.push_back(random_stream(random, {}));
  }
  std::string length(size_t i) { return std::to_string(streams_[i]->length()); }

  std::vector<std::unique_ptr<streams::Stream>> streams_;
};

TEST_F(WrittenFile, IsRead) {
  for (const int version : {10, 11, 12, 13, 14}) {
    const std::string bytes = write({.version = version});
    EXPECT_THAT(read(bytes),
                ElementsAre("aux redis-ver 7.2.0", "aux redis-bits 64", "aux ctime 1700000000", "aux used-mem 12345",
                            "aux aof-base 0", "stream 0 key0 " + length(0),
                            "stream 1 key1 " + length(1) + " until 1234567890123", "stream 2 key2 " + length(2),
                            "stream 3 key3 " + length(3) + " until 1234567890123"));
    EXPECT_EQ(end_, bytes.size());
    EXPECT_EQ(read(bytes, 1), read(bytes, bytes.size()));
  }
}

TEST_F(WrittenFile, DoesNotDependOnWhenItIsTaken) {
  EXPECT_EQ(write({}, 1), write({}, 1'000'000));
}

TEST_F(WrittenFile, NeedNoChecksum) {
  std::string bytes = write({.checksum = false});
  EXPECT_TRUE(bytes.ends_with(std::string(8, '\0')));
  EXPECT_EQ(read(bytes).size(), 9u);
}

TEST_F(WrittenFile, IsRefusedIfAnyBitOfTheChecksumDiffers) {
  std::string bytes = write({});
  for (size_t bit = 0; bit < 64; ++bit) {
    std::string flipped = bytes;
    flipped[bytes.size() - 8 + bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_EQ(read(flipped, 4096).back(),
              "corrupt at offset " + std::to_string(bytes.size() - 8) + ": the checksum does not match");
    EXPECT_EQ(read(flipped, 4096, {.checksum = false}).size(), 9u);
  }
}

TEST_F(WrittenFile, IsRefusedIfItIsCutAnywhere) {
  streams_.resize(1);
  const std::string bytes = write({});
  for (size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_THAT(read(bytes.substr(0, size), 4096).back(), testing::HasSubstr("the data ends too early")) << size;
  }
}

TEST_F(WrittenFile, MayBeFollowedBySomethingElse) {
  const std::string bytes = write({});
  EXPECT_EQ(read(bytes + "*1\r\n$4\r\nPING\r\n").size(), 9u);
  EXPECT_EQ(end_, bytes.size());
}

// The worked example of FORMAT.md.
TEST_F(RdbFile, TheExampleOfTheFormatPageIsTrue) {
  constexpr int64_t kReadMs = 1'700'000'000'000;
  streams::Stream stream;
  const std::string_view elements[] = {"f", "v"};
  const streams::NewId id{.kind = streams::NewId::Kind::kExplicit, .id = {1, 1}};
  ASSERT_TRUE(stream.append(id, elements, 0, {}).ok());
  streams::Group& group = *stream.create_group("g", {}, streams::kEntriesReadUnknown);
  deliver_new(
      stream, group, group.ensure_consumer("alice", kReadMs), {.now_ms = kReadMs}, [] { return true; },
      [](streams::EntryIterator&) {});

  RdbWriter writer({.version = 11, .compress = false});
  writer.begin({.redis_version = "7.2.0", .created_s = kReadMs / 1000, .used_memory_bytes = 1'000'000});
  writer.select_database(0, 1, 0);
  StreamWriter value(stream, 11);
  writer.begin_key("log", RdbWriter::kNoExpiryMs, value.type());
  ASSERT_TRUE(value.advance(writer.value(), 4096));
  writer.end();
  const std::string entry =
      raw("\x1d\0\0\0\x0a\0\1\1\0\1\1\1\x81"
          "f\2\0\1\2\1\0\1\0\1\x81v\2\4\1\xff");
  const std::string one_one = raw("\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1");
  const std::string read_ms = raw("\0\x68\xe5\xcf\x8b\1\0\0");
  EXPECT_EQ(writer.take(), raw("REDIS0011\xfa\tredis-ver\5"
                               "7.2.0\xfa\nredis-bits\xc0\x40\xfa\5ctime\xc2\0\xf1\x53\x65"
                               "\xfa\x08used-mem\xc2\x40\x42\x0f\0\xfa\x08"
                               "aof-base\xc0\0\xfe\0\xfb\1\0\x15\3log") +
                               raw("\1\x10") + one_one + "\x1d" + entry + raw("\1\1\1\1\1\0\0\1\1\1g\1\1\1\1") +
                               one_one + read_ms +
                               raw("\1\1\5"
                                   "alice") +
                               read_ms + read_ms + "\1" + one_one + raw("\xff\x9e\x28\x7f\x1f\x30\x24\x37\xfe"));
}

TEST_F(RdbFile, OthersAreRefused) {
  EXPECT_THAT(read("MYSQL0011\xff"), ElementsAre("not readable at offset 0: this is no RDB file"));
  EXPECT_THAT(read("REDIS0016\xff"), ElementsAre("not readable at offset 5: this RDB version is not read"));
  EXPECT_THAT(read("REDIS0008\xff"), ElementsAre("not readable at offset 5: this RDB version is not read"));
  EXPECT_THAT(read("REDIS00x1\xff"), ElementsAre("not readable at offset 5: this RDB version is not read"));
  EXPECT_THAT(read("RED"), ElementsAre("corrupt at offset 0: the data ends too early"));
}

TEST_F(RdbFile, WhatSaysNothingToUsIsPassedOver) {
  EXPECT_THAT(read_parts(raw("\xfe\x03\xfb\x05\x02")), IsEmpty());
  EXPECT_THAT(read_parts(raw("\xf4\x01\x40\x50\x03")), IsEmpty());  // slot info
  EXPECT_THAT(read_parts(raw("\xf8\x05\xf9\x07\x00\x01k\x01v")), ElementsAre("string 0 k v"));
  EXPECT_THAT(read_parts(raw("\xf5\x03lib")), ElementsAre("functions 0  "));
  EXPECT_THAT(read_parts(raw("\xf7\x81\x01\x02\x03\x04\x05\x06\x07\x08\x02\x01\x05\x03"
                             "abc\x00")),
              ElementsAre("module 0  "));
}

TEST_F(RdbFile, StringsHaveTheirDatabaseAndExpiry) {
  EXPECT_THAT(read_parts(raw("\xfe\x02\xfc\x00\x10\x00\x00\x00\x00\x00\x00\x00\x01k\xc0\x07"
                             "\xfd\x02\x00\x00\x00\x00\x01m\x02vv\x00\x01n\x01v")),
              ElementsAre("string 2 k 7 until 4096", "string 2 m vv until 2000", "string 2 n v"));
}

TEST_F(RdbFile, NonsenseIsNamedWithItsPlace) {
  EXPECT_THAT(read_parts(raw("\xfe\x10")), ElementsAre("not readable at offset 10: there are not so many databases"));
  EXPECT_THAT(read_parts(raw("\xf3")),
              ElementsAre("not readable at offset 9: an opcode that is not known or cannot be passed over"));
  EXPECT_THAT(read_parts(raw("\x1c\x01k")),
              ElementsAre("not readable at offset 12: a type that is not known or cannot be passed over"));
  EXPECT_THAT(read_parts(raw("\xfc\xff\xff\xff\xff\xff\xff\xff\xff")),
              ElementsAre("corrupt at offset 10: an expiry time out of range"));
  EXPECT_THAT(read_parts(raw("\xf7\x01\x06")), ElementsAre("corrupt at offset 11: malformed data of a module"));
}

// A value of every type there is in other servers, followed by a string that must still be found.
struct Foreign {
  int type;
  std::string name;
  std::string value;
};

class ForeignValue : public RdbFile, public testing::WithParamInterface<Foreign> {};

TEST_P(ForeignValue, IsPassedOver) {
  const auto& [type, name, value] = GetParam();
  EXPECT_THAT(read_parts(std::string(1, static_cast<char>(type)) + "\x03key" + value + raw("\x00\x01s\x01v")),
              ElementsAre("foreign 0 key " + name, "string 0 s v"));
}

INSTANTIATE_TEST_SUITE_P(Types, ForeignValue,
                         testing::Values(Foreign{1, "list",
                                                 raw("\x02\x01"
                                                     "a\xc0\x05")},
                                         Foreign{2, "set", raw("\x01\x01m")},
                                         Foreign{3, "zset",
                                                 raw("\x04\x01"
                                                     "a\x03"
                                                     "1.5\x01"
                                                     "b\xff\x01"
                                                     "c\xfe\x01"
                                                     "d\xfd")},
                                         Foreign{4, "hash",
                                                 raw("\x01\x01"
                                                     "f\x01v")},
                                         Foreign{5, "zset", raw("\x01\x01m12345678")},
                                         Foreign{7, "module",
                                                 raw("\x05\x01\x07\x02\x09\x03"
                                                     "4444\x04"
                                                     "88888888\x05\x02ss\x00")},
                                         Foreign{11, "set", raw("\x03xyz")},
                                         Foreign{14, "list",
                                                 raw("\x02\x01z\xc3\x03\x0a\x00"
                                                     "a\xe0")},
                                         Foreign{18, "list", raw("\x02\x01\x01p\x02\x02zz")},
                                         Foreign{20, "set", raw("\x02lp")},
                                         Foreign{24, "hash",
                                                 raw("88888888\x01\x05\x01"
                                                     "f\x01v")},
                                         Foreign{25, "hash", raw("88888888\x02lp")}),
                         [](const auto& foreign) { return "Type" + std::to_string(foreign.param.type); });

}  // namespace
}  // namespace millrace::persistence
