#include "process/daemon.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
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

}  // namespace

bool detach() {
  const pid_t child = fork();
  if (child < 0) return false;
  if (child > 0) _exit(0);
  setsid();
  const int null = open("/dev/null", O_RDWR);
  if (null < 0) return false;
  dup2(null, STDIN_FILENO);
  dup2(null, STDOUT_FILENO);
  dup2(null, STDERR_FILENO);
  if (null > STDERR_FILENO) close(null);
  return true;
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
}

std::string wait_for_shutdown() {
  const sigset_t signals = shutdown_signals();
  int number = 0;
  sigwait(&signals, &number);
  return number == SIGTERM ? "SIGTERM" : number == SIGINT ? "SIGINT" : "";
}

void request_shutdown() { kill(getpid(), SIGUSR1); }

void unblock_signals() {
  signal(SIGUSR1, SIG_IGN);
  const sigset_t signals = shutdown_signals();
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

}  // namespace millrace::process
