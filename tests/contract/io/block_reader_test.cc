// io::BlockReader: the same blocks whether a thread reads ahead or not.
#include "io/block_reader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <string>

#include "support/simulated_disk.h"

namespace millrace::test {
namespace {

constexpr size_t kBlockBytes = 64;

class BlockReaderTest : public testing::TestWithParam<bool> {
 protected:
  int file_of(const std::string& text) {
    const int fd = disk_.open("file", io::OpenMode::kCreateEmpty);
    EXPECT_GE(fd, 0);
    EXPECT_EQ(io::write_fully(disk_, fd, 0, text), 0);
    return fd;
  }
  SimulatedDisk disk_{1};
};

std::string rest_of(io::BlockReader& reader) {
  std::string text;
  for (std::string_view block = reader.next(); !block.empty(); block = reader.next()) {
    EXPECT_LE(block.size(), kBlockBytes);
    text += block;
  }
  return text;
}

TEST_P(BlockReaderTest, GivesAllBytesFromThePositionOn) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += std::to_string(i) + ",";
  const int fd = file_of(text);
  for (const size_t begin : {size_t{0}, size_t{1}, kBlockBytes, text.size() - 1, text.size(), text.size() + 1}) {
    io::BlockReader reader(disk_, fd, begin, kBlockBytes, GetParam());
    EXPECT_EQ(rest_of(reader), begin < text.size() ? text.substr(begin) : "") << begin;
    EXPECT_EQ(reader.error(), 0);
    EXPECT_EQ(reader.next(), "");
  }
}

TEST_P(BlockReaderTest, ABlockStaysUntilTheNextCall) {
  const int fd = file_of(std::string(kBlockBytes, 'a') + std::string(kBlockBytes, 'b') + std::string(kBlockBytes, 'c'));
  io::BlockReader reader(disk_, fd, 0, kBlockBytes, GetParam());
  for (const char expected : {'a', 'b', 'c'}) {
    const std::string_view block = reader.next();
    EXPECT_EQ(block, std::string(kBlockBytes, expected));
  }
}

TEST_P(BlockReaderTest, MayGoAwayAtAnyTime) {
  const int fd = file_of(std::string(10 * kBlockBytes, 'a'));
  for (int blocks = 0; blocks < 12; ++blocks) {
    io::BlockReader reader(disk_, fd, 0, kBlockBytes, GetParam());
    for (int i = 0; i < blocks; ++i) EXPECT_EQ(reader.next().empty(), i >= 10);
  }
}

TEST_P(BlockReaderTest, TheThreadDoesSomethingBesidesAfterEachFullBlock) {
  const int fd = file_of(std::string(10 * kBlockBytes + 1, 'a'));
  std::atomic<int> times = 0;
  {
    io::BlockReader reader(disk_, fd, 0, kBlockBytes, GetParam(), [&] { ++times; });
    EXPECT_EQ(rest_of(reader).size(), 10 * kBlockBytes + 1);
  }
  EXPECT_EQ(times, GetParam() ? 10 : 0);
}

TEST_P(BlockReaderTest, AFailureEndsItAfterWhatWasRead) {
  const int fd = file_of(std::string(10 * kBlockBytes, 'a'));
  disk_.fail({.only = DiskCall::kRead, .after = 3, .error = EIO});
  io::BlockReader reader(disk_, fd, 0, kBlockBytes, GetParam());
  EXPECT_EQ(rest_of(reader), std::string(3 * kBlockBytes, 'a'));
  EXPECT_EQ(reader.error(), -EIO);
  EXPECT_EQ(reader.next(), "");
}

INSTANTIATE_TEST_SUITE_P(, BlockReaderTest, testing::Bool(),
                         [](const auto& test) { return test.param ? "ahead" : "asked"; });

}  // namespace
}  // namespace millrace::test
