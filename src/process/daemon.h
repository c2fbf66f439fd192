// What a service has to do to its process: leave the terminal, write its pid, die by a signal in an orderly way. Main
// thread only, before other threads run where not said otherwise.
#pragma once

#include <optional>
#include <string>

namespace millrace::process {

// A server that goes into the background: the process that was started waits until the one behind it serves, and ends
// with 0; if that one gives up, with 1. Until then standard error is the terminal's, for the reason.
class Background {
 public:
  Background() = default;
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // Forks; returns in the child. False if the kernel refuses.
  bool enter();
  // The server serves: lets the waiting process go, and the terminal. Nothing happens in a server in the foreground.
  void report_started();

 private:
  int waiting_fd_ = -1;
};

// The file exists while the object does. An unwritable path is not fatal, as in Redis: ok() tells.
class PidFile {
 public:
  explicit PidFile(std::string path);
  ~PidFile();
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;
  bool ok() const { return ok_; }

 private:
  std::string path_;
  bool ok_ = false;
};

// Blocks SIGTERM and SIGINT for this thread and those it starts, ignores SIGPIPE, SIGHUP and SIGXFSZ.
void block_signals();
// Sleeps until SIGTERM or SIGINT arrives, or request_shutdown() is called; the signal's name, "" for the latter.
std::string wait_for_shutdown();
// The same without sleeping: nothing if there is no reason to end. What it returns wait_for_shutdown() does not see.
std::optional<std::string> poll_for_shutdown();
// Makes the two above return. Any thread.
void request_shutdown();
// From here on a second SIGINT or SIGTERM ends the process at once.
void unblock_signals();

}  // namespace millrace::process
