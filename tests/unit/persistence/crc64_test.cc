// The checksum: its known value, and folding against tables at every length and alignment.
#include "persistence/crc64.h"

#include <gtest/gtest.h>

#include <string>

#include "base/random.h"

namespace millrace::persistence {
namespace {

std::string random_bytes(size_t size) {
  Random random(1);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.next());
  return bytes;
}

TEST(Crc64, HasTheKnownValue) {
  EXPECT_EQ(crc64(0, "123456789"), 0xe9c6d914c4b8d9ca);
  EXPECT_EQ(crc64(0, ""), 0u);
}

TEST(Crc64, IsTheSameByTablesAndByFolding) {
  const std::string bytes = random_bytes(700);
  for (size_t start = 0; start < 17; ++start) {
    for (size_t size = 0; start + size <= bytes.size(); ++size) {
      const auto part = std::string_view(bytes).substr(start, size);
      ASSERT_EQ(crc64(start, part), crc64_by_table(start, part)) << start << " " << size;
    }
  }
}

TEST(Crc64, GoesOnWhereItStopped) {
  const std::string bytes = random_bytes(1000);
  const uint64_t whole = crc64(0, bytes);
  for (size_t cut = 0; cut <= bytes.size(); cut += 13) {
    EXPECT_EQ(crc64(crc64(0, std::string_view(bytes).substr(0, cut)), std::string_view(bytes).substr(cut)), whole);
  }
}

}  // namespace
}  // namespace millrace::persistence
