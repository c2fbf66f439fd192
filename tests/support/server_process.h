// ServerProcess: a millrace-server or redis-server of a test's own, on a free port, ended with the test.
//
// The server starts in a fresh directory below the system's temporary one, which is removed afterwards, and its output
// is kept there until then: log() belongs into the message of a failed expectation. start() returns once the server
// answered PING and INFO says that the answer came from this very process and not from a stranger on the same port.
//
// Run by one thread of a test.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/confinement.h"

namespace millrace::test {

enum class ServerKind { kMillrace, kRedis };

struct ServerOptions {
  ServerKind kind = ServerKind::kMillrace;
  std::string io_backend = {};          // Millrace: --io-backend; empty = the server's choice
  int cores = 0;                        // Millrace: --cores; 0 = the server's choice
  std::vector<std::string> extra = {};  // further arguments, as they stand
  Confinement confinement = confinement_of_run();
  std::string program = {};  // another binary than the one that was built; empty = that one
  std::string password = {};            // --requirepass; empty = none
};

struct ExitStatus {
  int code = -1;   // of exit(), or -1
  int signal = 0;  // that ended it, or 0
};

// How the child process ended; nothing if it still runs after `patience`. It can be asked for once.
std::optional<ExitStatus> wait_for_child(pid_t child, std::chrono::milliseconds patience);

// A TCP port of 127.0.0.1 that nobody uses at this moment.
uint16_t free_port();

class ServerProcess {
 public:
  // Null if the server did not come up; `why` then says so and quotes the log.
  static std::unique_ptr<ServerProcess> start(const ServerOptions& options, std::string* why);
  // Stops it if it still runs.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  uint16_t port() const { return port_; }
  pid_t pid() const { return pid_; }
  const std::string& directory() const { return directory_; }
  // Everything it wrote to its standard output and error so far.
  std::string log() const;

  bool is_running();
  // SIGTERM; SIGKILL if it has not gone by the deadline (the status then shows that signal).
  ExitStatus stop(std::chrono::milliseconds patience = std::chrono::seconds(20));
  // SIGKILL, at once.
  ExitStatus kill_hard();
  void send_signal(int signal_number) const;
  // Nothing if it still runs after `patience`.
  std::optional<ExitStatus> wait_for_exit(std::chrono::milliseconds patience);

 private:
  ServerProcess() = default;

  bool spawn(const ServerOptions& options);
  bool wait_until_it_answers();
  bool answers_as_itself() const;

  pid_t pid_ = -1;
  uint16_t port_ = 0;
  std::string directory_;
  std::string password_;
  std::optional<ExitStatus> exit_;
};

}  // namespace millrace::test
