// See environment.h.
#include "process/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string_view>

#include "base/check.h"
#include "process/allocator.h"
#include "process/files.h"

namespace millrace::process {
namespace {

uint64_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  unsigned long long total = 0;
  unsigned long long resident = 0;
  const int found = std::fscanf(file, "%llu %llu", &total, &resident);
  std::fclose(file);
  return found == 2 ? resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

commands::MemoryReport report_memory() {
  commands::MemoryReport report;
  report_allocator(report);
  report.process_resident = resident_bytes();
  struct sysinfo machine {};
  if (sysinfo(&machine) == 0) report.system_total = static_cast<uint64_t>(machine.totalram) * machine.mem_unit;
  return report;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

commands::CpuReport report_cpu() {
  rusage self{};
  rusage children{};
  rusage thread{};
  getrusage(RUSAGE_SELF, &self);
  getrusage(RUSAGE_CHILDREN, &children);
  getrusage(RUSAGE_THREAD, &thread);
  return {.system_s = seconds(self.ru_stime),
          .user_s = seconds(self.ru_utime),
          .children_system_s = seconds(children.ru_stime),
          .children_user_s = seconds(children.ru_utime),
          .thread_system_s = seconds(thread.ru_stime),
          .thread_user_s = seconds(thread.ru_utime)};
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

std::string directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool sync_directory(const std::string& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool synced = fsync(fd) == 0;
  close(fd);
  return synced;
}

std::optional<std::string> read_file(const std::string& path) {
  if (access(path.c_str(), F_OK) != 0 && errno == ENOENT) return "";
  return file_access().read_file(path);
}

std::optional<std::string> replace_file(const std::string& path, const std::string& text) {
  const auto reason = [] { return std::optional<std::string>(std::strerror(errno)); };
  // Of this thread alone: another core may be writing the same file.
  const std::string temporary = path + ".rewrite-" + std::to_string(gettid());
  struct stat old {};
  const mode_t mode = stat(path.c_str(), &old) == 0 ? (old.st_mode & 07777) : 0644;
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0) return reason();
  const bool written = write_all(fd, text) && fsync(fd) == 0;
  if (!written || rename(temporary.c_str(), path.c_str()) != 0 || !sync_directory(directory_of(path))) {
    const auto why = reason();
    close(fd);
    unlink(temporary.c_str());
    return why;
  }
  close(fd);
  return std::nullopt;
}

void fill_with_secrets(std::string& bytes) {
  size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t got = getrandom(bytes.data() + filled, bytes.size() - filled, 0);
    CHECK(got > 0 || errno == EINTR);
    if (got > 0) filled += static_cast<size_t>(got);
  }
}

}  // namespace

commands::Environment environment() {
  return {.memory = report_memory,
          .used_memory = used_memory,
          .thread_memory = thread_memory,
          .purge_memory = purge_memory,
          .allocator_statistics = allocator_statistics,
          .cpu = report_cpu,
          .read_file = read_file,
          .read_existing_file = file_access().read_file,
          .replace_file = replace_file,
          .fill_with_secrets = fill_with_secrets};
}

}  // namespace millrace::process
