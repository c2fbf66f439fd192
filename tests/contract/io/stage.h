// A stage is one kind of backend with a listener, peers that connect to it and a disk, so that one suite runs over all
// kinds.
//
// Everything happens on the test's thread: turn() lets the peers move their bytes and runs one wait() of every backend.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/backend.h"
#include "io/disk.h"

namespace millrace::test {

// The other end of a connection.
class Peer {
 public:
  virtual ~Peer() = default;
  virtual void send(std::string_view bytes) = 0;
  virtual const std::string& received() = 0;
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;
  virtual void close() = 0;
  virtual void reset() = 0;
  virtual bool is_closed() = 0;  // by the backend's side
};

class Stage {
 public:
  virtual ~Stage() = default;

  // A backend that turn() runs; lives as long as the stage.
  virtual io::Backend& add_backend() = 0;
  // One for another thread, which runs it itself.
  virtual std::unique_ptr<io::Backend> make_free_backend() = 0;
  virtual int make_listener() = 0;
  virtual std::unique_ptr<Peer> connect() = 0;
  // Whose descriptors the backends take, and an empty directory on it.
  virtual io::Disk& disk() = 0;
  virtual std::string directory() = 0;
  // Writes beyond that size of a file come up short, then fail. 0: there is room again.
  virtual void limit_file_bytes(size_t bytes) = 0;
  // Lets the peers move bytes, then runs one wait() of each backend added.
  virtual void turn() = 0;
  // Whether there is still time to wait for something: generous, because it ends only tests that fail.
  virtual bool has_patience() = 0;

  bool is_inside_wait() const { return is_inside_wait_; }
  bool run_until(const std::function<bool()>& condition) {
    while (!condition()) {
      if (!has_patience()) return false;
      turn();
    }
    return true;
  }
  void run_turns(int count) {
    for (int i = 0; i < count; ++i) turn();
  }

  // One wait() of a backend that turn() does not run, on this thread.
  void wait(io::Backend& backend, int64_t deadline_ns) {
    is_inside_wait_ = true;
    backend.wait(deadline_ns);
    is_inside_wait_ = false;
  }

 private:
  bool is_inside_wait_ = false;
};

struct StageKind {
  std::string name;
  bool is_real = true;       // kernel sockets, real time, threads
  bool must_starve = false;  // so few receive buffers that running out of them is certain
  std::function<std::unique_ptr<Stage>()> make;
  std::string unavailable = "";  // why the kernel does not offer it
};

std::vector<StageKind> all_stages();

}  // namespace millrace::test
