// See system_disk.h.
#include "io/system_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string_view>

namespace millrace::io {
namespace {

constexpr mode_t kFileMode = 0644;
constexpr mode_t kDirectoryMode = 0755;

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY;
    case OpenMode::kUpdate:
      return O_RDWR;
    case OpenMode::kCreate:
      return O_RDWR | O_CREAT;
    case OpenMode::kCreateNew:
      return O_RDWR | O_CREAT | O_EXCL;
    case OpenMode::kCreateEmpty:
      return O_RDWR | O_CREAT | O_TRUNC;
  }
  return O_RDONLY;
}

// What a call returned, or -errno. A call that a signal interrupted is made again.
template <typename Call>
auto result_of(const Call& call) {
  for (;;) {
    const auto result = call();
    if (result >= 0) return result;
    if (errno != EINTR) return static_cast<decltype(result)>(-errno);
  }
}

}  // namespace

int SystemDisk::open(const std::string& path, OpenMode mode) {
  return result_of([&] { return ::open(path.c_str(), flags_of(mode) | O_CLOEXEC, kFileMode); });
}

// Not repeated after EINTR: Linux has let go of the descriptor by then, and another thread may have got it anew.
int SystemDisk::close(int fd) {
  return ::close(fd) == 0 || errno == EINTR ? 0 : -errno;
}

int64_t SystemDisk::write_at(int fd, int64_t offset, std::string_view bytes) {
  return result_of([&] { return ::pwrite(fd, bytes.data(), bytes.size(), offset); });
}

int64_t SystemDisk::read_at(int fd, int64_t offset, char* buffer, size_t bytes) {
  return result_of([&] { return ::pread(fd, buffer, bytes, offset); });
}

int64_t SystemDisk::size(int fd) {
  struct stat status {};
  const int result = result_of([&] { return ::fstat(fd, &status); });
  return result < 0 ? result : status.st_size;
}

int SystemDisk::truncate(int fd, int64_t bytes) {
  return result_of([&] { return ::ftruncate(fd, bytes); });
}

int SystemDisk::sync_data(int fd) {
  return result_of([&] { return ::fdatasync(fd); });
}

int SystemDisk::rename(const std::string& from, const std::string& to) {
  return result_of([&] { return ::rename(from.c_str(), to.c_str()); });
}

int SystemDisk::remove(const std::string& path) {
  return result_of([&] { return ::unlink(path.c_str()); });
}

int SystemDisk::make_directory(const std::string& path) {
  return result_of([&] { return ::mkdir(path.c_str(), kDirectoryMode); });
}

int SystemDisk::sync_directory(const std::string& path) {
  const int fd = result_of([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (fd < 0) return fd;
  const int result = result_of([&] { return ::fsync(fd); });
  ::close(fd);
  return result;
}

int SystemDisk::list_directory(const std::string& path, std::vector<std::string>& names) {
  names.clear();
  DIR* directory = ::opendir(path.c_str());
  if (!directory) return -errno;
  errno = 0;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  const int error = -errno;
  ::closedir(directory);
  std::sort(names.begin(), names.end());
  return error;
}

int SystemDisk::exists(const std::string& path) {
  struct stat status {};
  const int result = result_of([&] { return ::stat(path.c_str(), &status); });
  if (result == 0) return 1;
  return result == -ENOENT || result == -ENOTDIR ? 0 : result;
}

}  // namespace millrace::io
