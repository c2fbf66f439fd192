// See daemon.h.
#include "process/daemon.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <utility>

namespace millrace::process {
namespace {

sigset_t shutdown_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGUSR1);
  return signals;
}

std::string name_of_signal(int number) {
  return number == SIGTERM ? "SIGTERM" : number == SIGINT ? "SIGINT" : "";
}

// Reads one byte, which says that the child serves. The end of the pipe says that it is gone.
[[noreturn]] void wait_for_child(int fd, pid_t child) {
  char started = 0;
  ssize_t got;
  do {
    got = read(fd, &started, 1);
  } while (got < 0 && errno == EINTR);
  if (got == 1) _exit(0);
  waitpid(child, nullptr, 0);
  _exit(1);
}

bool redirect_to_null(int fd) {
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || null == fd) return null == fd;
  const bool done = dup2(null, fd) >= 0;
  close(null);
  return done;
}

}  // namespace

Background::~Background() {
  if (waiting_fd_ >= 0) close(waiting_fd_);
}

bool Background::enter() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  const pid_t child = fork();
  if (child < 0) return false;
  if (child > 0) {
    close(ends[1]);
    wait_for_child(ends[0], child);
  }
  close(ends[0]);
  waiting_fd_ = ends[1];
  setsid();
  return redirect_to_null(STDIN_FILENO) && redirect_to_null(STDOUT_FILENO);
}

void Background::report_started() {
  if (waiting_fd_ < 0) return;
  redirect_to_null(STDERR_FILENO);
  const char started = 1;
  [[maybe_unused]] const ssize_t written = write(waiting_fd_, &started, 1);
  close(std::exchange(waiting_fd_, -1));
}

PidFile::PidFile(std::string path) : path_(std::move(path)) {
  std::FILE* file = std::fopen(path_.c_str(), "w");
  if (file == nullptr) return;
  std::fprintf(file, "%d\n", static_cast<int>(getpid()));
  ok_ = std::fclose(file) == 0;
}

PidFile::~PidFile() {
  if (ok_) unlink(path_.c_str());
}

void block_signals() {
  const sigset_t signals = shutdown_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // a file beyond RLIMIT_FSIZE is EFBIG then, one more error of a disk
}

std::string wait_for_shutdown() {
  const sigset_t signals = shutdown_signals();
  int number = 0;
  sigwait(&signals, &number);
  return name_of_signal(number);
}

std::optional<std::string> poll_for_shutdown() {
  const sigset_t signals = shutdown_signals();
  const timespec at_once{};
  const int number = sigtimedwait(&signals, nullptr, &at_once);
  if (number < 0) return std::nullopt;
  return name_of_signal(number);
}

void request_shutdown() {
  kill(getpid(), SIGUSR1);
}

void unblock_signals() {
  signal(SIGUSR1, SIG_IGN);
  const sigset_t signals = shutdown_signals();
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

}  // namespace millrace::process
