// Connection: a TCP connection to the server, with what it has received and not yet taken.
//
// The socket blocks, and send() with it: a server reads from its clients whatever its subscribers do. What may be more
// than the system takes at once goes through out() and flush(), which does not wait. Receiving can do both. Owned by
// one thread at a time; never moved. What cannot go on ends the program.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "base/buffer.h"
#include "load/reply.h"

namespace millrace::load {

// The words as a command in the server's protocol.
std::string command(std::span<const std::string_view> words);
std::string command(std::initializer_list<std::string_view> words);

class Connection {
 public:
  // `segment_bytes`: at most so much in one segment; 0 = what the system chooses, 64 KB on the loopback device.
  Connection(const std::string& host, int64_t port, int segment_bytes = 0);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int fd() const { return fd_; }

  void send(std::string_view bytes);

  // What the next flush() is to send.
  Buffer& out() { return out_; }
  // False if the system did not take all of it; the rest stays.
  bool flush();

  enum class Patience { kWait, kDoNotWait };
  // False if the server closed the connection. Invalidates replies that were taken before.
  bool receive(Patience patience);
  // The next complete reply of those received, or null. Valid until the next one is taken, its parts until the next
  // receive() as well.
  const Reply* take_reply();

  // Sends and waits for the answer. An error reply ends the program.
  const Reply& call(std::string_view request);
  // The answer to something sent before.
  const Reply& wait_for_reply();

 private:
  static constexpr size_t kReceiveBytes = size_t{64} << 10;

  int fd_ = -1;
  Buffer out_;
  Buffer in_;
  size_t taken_ = 0;  // bytes of in_ whose replies were taken
  Reply reply_;
};

}  // namespace millrace::load
