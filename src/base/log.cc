// See log.h.
#include "base/log.h"

#include <fcntl.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ctime>

namespace millrace {
namespace {

constexpr char kLevelMarks[] = {'.', '-', '*', '#'};

std::string timestamp() {
  timeval now{};
  gettimeofday(&now, nullptr);
  tm local{};
  localtime_r(&now.tv_sec, &local);
  char text[64];
  const size_t length = std::strftime(text, sizeof text, "%d %b %Y %H:%M:%S.", &local);
  std::snprintf(text + length, sizeof text - length, "%03d", static_cast<int>(now.tv_usec / 1000));
  return text;
}

// A log that cannot be written is no reason to stop serving: errors end the line, nothing else.
void write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace

void Log::write(LogLevel level, std::string_view text) {
  if (!wants(level)) return;
  std::string line = std::to_string(getpid()) + ":M " + timestamp() + ' ';
  line += kLevelMarks[static_cast<size_t>(level)];
  line += ' ';
  // A client's bytes may be part of the text: they must not be able to forge a line.
  for (const char c : text) line += c == '\n' || c == '\r' ? ' ' : c;
  line += '\n';

  MutexLock lock(mutex_);
  if (path_.empty()) {
    write_all(STDOUT_FILENO, line);
    return;
  }
  const int file = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) return;
  write_all(file, line);
  ::close(file);
}

}  // namespace millrace
