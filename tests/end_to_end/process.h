// Process: a program a test runs as a person would, with its output caught in files; and a directory to run it in.
//
// Both clean up after themselves: a process that still runs is killed with the object, the directory is removed. Run by
// one thread of a test.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/confinement.h"
#include "support/eventually.h"
#include "support/server_process.h"

namespace millrace::test {

class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  std::string path(std::string_view name) const { return path_ + "/" + std::string(name); }
  // Writes a file and returns its path.
  std::string file(std::string_view name, std::string_view content) const;

 private:
  std::string path_;
};

std::string read_whole_file(const std::string& path);

class Process {
 public:
  struct Options {
    std::string input = {};                     // on its standard input
    std::vector<std::string> environment = {};  // NAME=value, besides the test's own
    // io_uring is denied to any program, the rest to the server alone: what tests it needs memory, too.
    Confinement confinement = confinement_of_run();
  };

  explicit Process(const std::vector<std::string>& words) : Process(words, Options()) {}
  Process(const std::vector<std::string>& words, const Options& options);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // What it wrote so far.
  std::string out() const { return read_whole_file(directory_.path("out")); }
  std::string error_output() const { return read_whole_file(directory_.path("err")); }

  pid_t pid() const { return pid_; }
  bool is_running() { return !wait(std::chrono::milliseconds(0)); }
  void send_signal(int signal_number) const;
  // Nothing if it still runs after `patience`.
  std::optional<ExitStatus> wait(std::chrono::milliseconds patience = std::chrono::seconds(60));
  // The exit code; -1 if it was ended by a signal or did not end (it is killed then).
  int exit_code();

 private:
  TemporaryDirectory directory_;
  pid_t pid_ = -1;
  std::optional<ExitStatus> exit_;
};

}  // namespace millrace::test
