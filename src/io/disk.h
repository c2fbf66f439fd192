// Disk: blocking file operations, for threads that may block (helper threads, and main while it loads). A core's turn
// uses io/backend.h instead, on the descriptors opened here.
//
// Every access of the server to its data files goes through this interface or through Backend, so that a simulated disk
// can count each call, fail it, or lose power at it. Results are counts or -errno, 0 for calls that have nothing to
// count. A path means what it says: nothing is prepended. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::io {

// There is no mode that appends: on Linux a descriptor with O_APPEND ignores the offset of a write. Who appends starts
// at size().
enum class OpenMode : uint8_t {
  kRead,        // an existing file, read only
  kUpdate,      // an existing file
  kCreate,      // made if it is missing, kept as it is if not
  kCreateNew,   // -EEXIST if there is one
  kCreateEmpty  // made, or emptied if there is one
};

class Disk {
 public:
  virtual ~Disk() = default;

  // A descriptor that is closed on exec; new files get mode 0644 less the umask. All modes but kRead may read and
  // write.
  virtual int open(const std::string& path, OpenMode mode) = 0;
  // The descriptor is gone whatever the result.
  virtual int close(int fd) = 0;

  // Both may come up short; reading at or behind the end gives 0.
  virtual int64_t write_at(int fd, int64_t offset, std::string_view bytes) = 0;
  virtual int64_t read_at(int fd, int64_t offset, char* buffer, size_t bytes) = 0;
  virtual int64_t size(int fd) = 0;
  virtual int truncate(int fd, int64_t bytes) = 0;  // or extend with zeros
  // Makes the bytes and the size durable; not the name (sync_directory). After a failure nobody knows what is on the
  // disk, and a later success does not cover what was written before.
  virtual int sync_data(int fd) = 0;

  virtual int rename(const std::string& from, const std::string& to) = 0;  // replaces `to` in one step
  virtual int remove(const std::string& path) = 0;                         // a file
  virtual int make_directory(const std::string& path) = 0;                 // mode 0755 less the umask
  // Makes names durable: files and directories created, renamed or removed in it.
  virtual int sync_directory(const std::string& path) = 0;
  // The names in it without "." and "..", in ascending order.
  virtual int list_directory(const std::string& path, std::vector<std::string>& names) = 0;
  // 1 or 0, or -errno if nobody can say.
  virtual int exists(const std::string& path) = 0;
};

// Writes until everything is written or a call fails. 0 or -errno.
int write_fully(Disk& disk, int fd, int64_t offset, std::string_view bytes);
// Reads until the buffer is full, the file ends or a call fails. A count or -errno.
int64_t read_fully(Disk& disk, int fd, int64_t offset, char* buffer, size_t bytes);
// The directory part of a path, for sync_directory: "." where there is none.
std::string directory_of(const std::string& path);

// The system's words for a result below 0.
std::string error_text(int64_t result);

}  // namespace millrace::io
