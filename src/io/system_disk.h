// SystemDisk: the files of the machine. Has no state; any thread.
#pragma once

#include <string>
#include <vector>

#include "io/disk.h"

namespace millrace::io {

class SystemDisk final : public Disk {
 public:
  int open(const std::string& path, OpenMode mode) override;
  int close(int fd) override;
  int64_t write_at(int fd, int64_t offset, std::string_view bytes) override;
  int64_t read_at(int fd, int64_t offset, char* buffer, size_t bytes) override;
  int64_t size(int fd) override;
  int truncate(int fd, int64_t bytes) override;
  int sync_data(int fd) override;
  int rename(const std::string& from, const std::string& to) override;
  int remove(const std::string& path) override;
  int make_directory(const std::string& path) override;
  int sync_directory(const std::string& path) override;
  int list_directory(const std::string& path, std::vector<std::string>& names) override;
  int exists(const std::string& path) override;
};

}  // namespace millrace::io
