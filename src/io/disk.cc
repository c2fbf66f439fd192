// See disk.h.
#include "io/disk.h"

#include <cerrno>
#include <cstring>

namespace millrace::io {

int write_fully(Disk& disk, int fd, int64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const int64_t count = disk.write_at(fd, offset, bytes);
    if (count < 0) return static_cast<int>(count);
    if (count == 0) return -EIO;
    offset += count;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return 0;
}

int64_t read_fully(Disk& disk, int fd, int64_t offset, char* buffer, size_t bytes) {
  size_t done = 0;
  while (done < bytes) {
    const int64_t count = disk.read_at(fd, offset + static_cast<int64_t>(done), buffer + done, bytes - done);
    if (count < 0) return count;
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  return static_cast<int64_t>(done);
}

std::string directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string error_text(int64_t result) {
  return std::strerror(static_cast<int>(-result));
}

}  // namespace millrace::io
