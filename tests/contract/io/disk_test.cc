// io::Disk: one suite over the machine's disk and the simulated one.
#include "io/disk.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "io/system_disk.h"
#include "support/simulated_disk.h"

namespace millrace::test {
namespace {

struct DiskKind {
  std::string name;
  std::function<std::unique_ptr<io::Disk>()> make;
};

class DiskContract : public testing::TestWithParam<DiskKind> {
 protected:
  void SetUp() override {
    disk_ = GetParam().make();
    directory_ = ".";
    if (GetParam().name != "system") return;
    directory_ = testing::TempDir() + "disk_XXXXXX";
    CHECK(mkdtemp(directory_.data()));
  }
  void TearDown() override {
    if (directory_ != ".") std::filesystem::remove_all(directory_);
  }

  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  int open(const std::string& name, io::OpenMode mode) { return disk_->open(path(name), mode); }
  void put(const std::string& name, const std::string& text) {
    const int fd = open(name, io::OpenMode::kCreateEmpty);
    ASSERT_GE(fd, 0);
    EXPECT_EQ(io::write_fully(*disk_, fd, 0, text), 0);
    EXPECT_EQ(disk_->close(fd), 0);
  }
  // "-" if there is none.
  std::string get(const std::string& name) {
    const int fd = open(name, io::OpenMode::kRead);
    if (fd == -ENOENT) return "-";
    EXPECT_GE(fd, 0);
    std::string text(1000, '\0');
    const int64_t count = io::read_fully(*disk_, fd, 0, text.data(), text.size());
    EXPECT_GE(count, 0);
    EXPECT_EQ(disk_->close(fd), 0);
    return text.substr(0, static_cast<size_t>(count));
  }

  std::unique_ptr<io::Disk> disk_;
  std::string directory_;
};

TEST_P(DiskContract, WhatIsWrittenIsRead) {
  put("file", "text");
  EXPECT_EQ(get("file"), "text");
  EXPECT_EQ(get("other"), "-");
  EXPECT_EQ(disk_->exists(path("file")), 1);
  EXPECT_EQ(disk_->exists(path("other")), 0);
  EXPECT_EQ(disk_->exists(path("other/below")), 0);
}

TEST_P(DiskContract, ModesOfOpening) {
  EXPECT_EQ(open("file", io::OpenMode::kRead), -ENOENT);
  EXPECT_EQ(open("file", io::OpenMode::kUpdate), -ENOENT);
  put("file", "text");
  EXPECT_EQ(open("file", io::OpenMode::kCreateNew), -EEXIST);
  EXPECT_EQ(open("missing/file", io::OpenMode::kCreate), -ENOENT);
  const int kept = open("file", io::OpenMode::kCreate);
  EXPECT_EQ(disk_->size(kept), 4);
  EXPECT_EQ(disk_->close(kept), 0);
  const int emptied = open("file", io::OpenMode::kCreateEmpty);
  EXPECT_EQ(disk_->size(emptied), 0);
  EXPECT_EQ(disk_->close(emptied), 0);
  const int read_only = open("file", io::OpenMode::kRead);
  EXPECT_EQ(disk_->write_at(read_only, 0, "x"), -EBADF);
  EXPECT_EQ(disk_->close(read_only), 0);
  EXPECT_EQ(disk_->close(read_only), -EBADF);
  EXPECT_EQ(disk_->size(read_only), -EBADF);
}

TEST_P(DiskContract, OffsetsHolesAndTruncation) {
  const int fd = open("file", io::OpenMode::kCreate);
  EXPECT_EQ(io::write_fully(*disk_, fd, 3, "text"), 0);
  EXPECT_EQ(get("file"), std::string("\0\0\0text", 7));
  EXPECT_EQ(disk_->truncate(fd, 5), 0);
  EXPECT_EQ(disk_->truncate(fd, 6), 0);
  EXPECT_EQ(get("file"), std::string("\0\0\0te\0", 6));
  char byte;
  EXPECT_EQ(disk_->read_at(fd, 6, &byte, 1), 0);
  EXPECT_EQ(disk_->read_at(fd, 4, &byte, 1), 1);
  EXPECT_EQ(byte, 'e');
  EXPECT_EQ(disk_->read_at(fd, -1, &byte, 1), -EINVAL);
  EXPECT_EQ(disk_->write_at(fd, -1, "x"), -EINVAL);
  EXPECT_EQ(disk_->sync_data(fd), 0);
  EXPECT_EQ(disk_->close(fd), 0);
}

TEST_P(DiskContract, NamesChange) {
  put("a", "1");
  put("b", "2");
  EXPECT_EQ(disk_->rename(path("a"), path("b")), 0);
  EXPECT_EQ(get("a"), "-");
  EXPECT_EQ(get("b"), "1");
  EXPECT_EQ(disk_->rename(path("a"), path("b")), -ENOENT);
  const int fd = open("b", io::OpenMode::kRead);
  EXPECT_EQ(disk_->remove(path("b")), 0);
  EXPECT_EQ(disk_->remove(path("b")), -ENOENT);
  EXPECT_EQ(disk_->size(fd), 1) << "who has it open still has it";
  EXPECT_EQ(disk_->close(fd), 0);
  EXPECT_EQ(disk_->sync_directory(directory_), 0);
}

TEST_P(DiskContract, Directories) {
  EXPECT_EQ(disk_->make_directory(path("data")), 0);
  EXPECT_EQ(disk_->make_directory(path("data")), -EEXIST);
  EXPECT_EQ(disk_->make_directory(path("none/data")), -ENOENT);
  put("data/b", "");
  put("data/a", "");
  put("c", "");
  std::vector<std::string> names;
  EXPECT_EQ(disk_->list_directory(path("data"), names), 0);
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(disk_->list_directory(directory_, names), 0);
  EXPECT_EQ(names, (std::vector<std::string>{"c", "data"}));
  EXPECT_EQ(disk_->list_directory(path("none"), names), -ENOENT);
  EXPECT_EQ(disk_->list_directory(path("c"), names), -ENOTDIR);
  EXPECT_EQ(disk_->sync_directory(path("data")), 0);
  EXPECT_EQ(disk_->sync_directory(path("none")), -ENOENT);
  EXPECT_EQ(disk_->sync_directory(path("c")), -ENOTDIR);
  EXPECT_EQ(disk_->remove(path("data")), -EISDIR);
  EXPECT_EQ(open("data", io::OpenMode::kUpdate), -EISDIR);
}

TEST(DirectoryOf, IsWhatIsBeforeTheLastSlash) {
  EXPECT_EQ(io::directory_of("file"), ".");
  EXPECT_EQ(io::directory_of("data/file"), "data");
  EXPECT_EQ(io::directory_of("/data/more/file"), "/data/more");
  EXPECT_EQ(io::directory_of("/file"), "/");
}

INSTANTIATE_TEST_SUITE_P(Disks, DiskContract,
                         testing::Values(DiskKind{"system", [] { return std::make_unique<io::SystemDisk>(); }},
                                         DiskKind{"simulated_1", [] { return std::make_unique<SimulatedDisk>(1); }},
                                         DiskKind{"simulated_2", [] { return std::make_unique<SimulatedDisk>(2); }}),
                         [](const testing::TestParamInfo<DiskKind>& kind) { return kind.param.name; });

}  // namespace
}  // namespace millrace::test
