// Backend: how one core talks to the kernel (or, in tests, to a simulated one).
//
// Rules every backend keeps (tests/contract runs one suite over all of them):
//   * The caller owns an operation object and keeps it alive from submit until its final callback.
//   * No callback runs inside a submit call, cancel() or close(): callbacks run only from wait().
//   * Results are counts or -errno. Short sends are normal; the caller sends the rest.
//   * accept() and receive() repeat until ended() - after cancel(), an error, or end of stream - which is called
//   exactly
//     once and is the last callback. Temporary failures (EMFILE, ECONNABORTED, no receive buffer left) never end them:
//     the backend re-arms when it can, without a timer for buffers and without spinning.
//   * Bytes handed to received() are valid only during the call: the receive buffer goes back at once.
//   * All calls come from the core's own thread, except wake().
//   * Between cancel() and ended() received() and accepted() may still be called: what the kernel handed over is not
//   lost.
// The caller keeps at most one send in flight per socket, and closes a socket only when nothing is in flight on it. The
// sends of a socket may come from any backend of the process, its receive from one. Sockets are in blocking mode, as
// accepted() hands them out (io_uring wants it so); no backend ever blocks on one.
//
// Files (descriptors come from io/disk.h, never from here):
//   * write_file(), sync_file() and run_elsewhere() never block the core, whatever the disk does. What takes long holds
//   up
//     nothing of another kind: a write does not wait for a slow sync, nor either of them for a task.
//   * Operations in flight at the same time, be it on one file, are done in any order. A sync covers the writes that
//     were done() before it was asked for; it may or may not cover others.
//   * Tasks run one at a time, in the order asked for.
//   * A backend that dies waits for the operations and the task that have begun and may drop those that have not; none
//     of their callbacks is called, and nothing of theirs is touched afterwards. Nothing of the other kinds may be in
//     flight then. A backend dies on the thread that waits on it, or after that one has ended.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace millrace::io {

class AcceptOperation {
 public:
  virtual void accepted(int fd) = 0;  // a connected socket that now belongs to the callee
  virtual void ended(int error) = 0;  // 0 or -errno

  void* backend_state = nullptr;  // the backend's own; nullptr when idle

 protected:
  ~AcceptOperation() = default;
};

class ReceiveOperation {
 public:
  virtual void received(std::string_view bytes) = 0;  // never empty
  virtual void ended(int error) = 0;                  // 0 = the peer closed its side, or cancel()

  void* backend_state = nullptr;

 protected:
  ~ReceiveOperation() = default;
};

class SendOperation {
 public:
  virtual void sent(int result) = 0;  // bytes taken by the kernel (> 0), or -errno; exactly once per send()

  void* backend_state = nullptr;

 protected:
  ~SendOperation() = default;
};

// A write to, or a sync of, a file.
class FileOperation {
 public:
  // Bytes taken by the file (> 0; fewer than asked for is normal), 0 for a sync, or -errno; exactly once per call. A
  // sync that failed says nothing about what is on the disk, and no later one makes up for it.
  virtual void done(int64_t result) = 0;

  void* backend_state = nullptr;

 protected:
  ~FileOperation() = default;
};

// Blocking calls on the disk that belong together: open, rename, sync the directory.
class DiskTask {
 public:
  virtual void run() = 0;   // on a helper thread; may block
  virtual void done() = 0;  // on the core, after run(); exactly once per run_elsewhere()

  void* backend_state = nullptr;

 protected:
  ~DiskTask() = default;
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual void accept(AcceptOperation& operation, int listener_fd) = 0;
  virtual void receive(ReceiveOperation& operation, int fd) = 0;
  // `bytes` stay untouched until sent(). Never raises SIGPIPE.
  virtual void send(SendOperation& operation, int fd, std::string_view bytes) = 0;
  // Ends a repeating operation early; its ended() follows from a later wait(). No effect on an operation that is idle.
  virtual void cancel(AcceptOperation& operation) = 0;
  virtual void cancel(ReceiveOperation& operation) = 0;
  // Makes a pending receive end and a pending send fail: how a connection in flight is brought down. Any thread.
  virtual void shut_down(int fd) = 0;
  virtual void close(int fd) = 0;

  // Both end by themselves and cannot be cancelled. `bytes` stay untouched until done().
  virtual void write_file(FileOperation& operation, int fd, std::string_view bytes, int64_t offset) = 0;
  virtual void sync_file(FileOperation& operation, int fd) = 0;  // the data, and what is needed to find it (fdatasync)
  virtual void run_elsewhere(DiskTask& task) = 0;

  // Submits what was asked for, then runs the callbacks of whatever completed. Sleeps until something completes, wake()
  // is called or `deadline_ns` (monotonic; 0 = do not sleep) passes; returns after at most a few thousand callbacks.
  virtual void wait(int64_t deadline_ns) = 0;
  // Makes the current or the next wait() return. Any thread.
  virtual void wake() = 0;
  virtual Instant now() = 0;
  // How much time passes, more cheaply than by now(): for durations only.
  virtual int64_t stopwatch_ns() = 0;
  // Blocks the thread for that long (DEBUG SLEEP); a simulated backend moves its clock instead, or does nothing.
  virtual void stall(int64_t ns) = 0;
};

}  // namespace millrace::io
