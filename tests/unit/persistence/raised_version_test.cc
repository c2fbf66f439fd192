// A header that is corrected at the end, and the checksum with it.
#include <gtest/gtest.h>

#include <string>

#include "base/random.h"
#include "persistence/crc64.h"
#include "persistence/rdb_reader.h"
#include "persistence/rdb_writer.h"

namespace millrace::persistence {
namespace {

TEST(RaisedVersion, ZerosBehindAreCountedWithoutReadingThem) {
  Random random(1);
  for (const size_t count : {0, 1, 7, 8, 9, 255, 256, 1000, 65537}) {
    std::string text = "random " + std::to_string(random.below(1'000'000'000));
    const uint64_t crc = crc64(0, text);
    text.append(count, '\0');
    EXPECT_EQ(crc64_followed_by_zeros(crc, count), crc64(0, text)) << count;
  }
}

TEST(RaisedVersion, TheFileIsWhatItWouldHaveBeen) {
  const auto file = [](int version, int raised_to) {
    RdbWriter writer({.version = version});
    writer.begin({.redis_version = "7.2.4"});
    std::string bytes(writer.take());
    for (int i = 0; i < 1000; ++i) {
      writer.aux("name", std::to_string(i));
      if (i == 500) writer.raise_version(raised_to);
      if (i % 100 == 0) bytes += writer.take();
    }
    writer.end();
    bytes += writer.take();
    const std::string header = writer.raised_header();
    return bytes.replace(0, header.size(), header);
  };
  EXPECT_EQ(file(11, 14), file(14, 14));
  EXPECT_EQ(file(11, 10), file(11, 11));
  const std::string bytes = file(10, 13);
  WholeSource source(bytes);
  RdbReader reader(source, {});
  auto item = reader.next();
  while (item && item->kind != RdbItem::Kind::kEnd) item = reader.next();
  ASSERT_TRUE(item);
  EXPECT_EQ(reader.version(), 13);
}

}  // namespace
}  // namespace millrace::persistence
