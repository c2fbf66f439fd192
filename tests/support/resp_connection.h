// RespConnection: a blocking client that hands out replies as the bytes they are.
//
// Comparing servers, or speaking to one impolitely, needs what a client library hides: the exact bytes of a reply, and
// requests that no library would send. Every call that reads has a deadline; a reply that is late, a connection that
// was closed, and bytes that are no RESP yield an empty text, and error() says which.
//
// Run by one thread of a test.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::test {

using Words = std::vector<std::string>;

class RespConnection {
 public:
  // To 127.0.0.1; null if nobody listens.
  static std::unique_ptr<RespConnection> connect(uint16_t port);
  static std::unique_ptr<RespConnection> connect_unix(const std::string& path);
  ~RespConnection();
  RespConnection(const RespConnection&) = delete;
  RespConnection& operator=(const RespConnection&) = delete;

  // Sends a request as an array of bulk strings, or bytes as they stand.
  bool send(const Words& words) { return send_raw(request(words)); }
  bool send_raw(std::string_view bytes);
  // Exactly one reply of any RESP2 or RESP3 type, as raw bytes; attributes and pushes count as replies.
  std::string read_reply();
  // Both of the above.
  std::string command(const Words& words);

  // True if a byte of a reply is there or comes within `patience`.
  bool has_reply(std::chrono::milliseconds patience);
  // True if the other side closes within the deadline; unread replies are thrown away.
  bool is_closed_by_peer();
  // Sends a FIN: "no more requests"; replies can still be read.
  void finish_sending();
  void set_deadline(std::chrono::milliseconds deadline) { deadline_ = deadline; }
  int fd() const { return fd_; }
  // Why the last read_reply() was empty.
  const std::string& error() const { return error_; }

  static std::string request(const Words& words);

 private:
  explicit RespConnection(int fd) : fd_(fd) {}

  bool fill();

  int fd_;
  std::chrono::milliseconds deadline_{30'000};
  std::string received_;  // bytes from `taken_` on are not handed out yet
  size_t taken_ = 0;
  std::string error_;
};

// The length of the first reply in `bytes`; 0 = incomplete, kNotResp = not RESP.
inline constexpr size_t kNotResp = static_cast<size_t>(-1);
size_t reply_size(std::string_view bytes);

// A raw reply as one line per element, indented by depth, unprintable bytes escaped: for messages to people.
std::string readable_reply(std::string_view raw);
// Words in quotes where needed, unprintable bytes escaped.
std::string readable_words(const Words& words);
std::string readable_text(std::string_view text);

}  // namespace millrace::test
