// RecordingProxy: stands between a client and a server and writes down what each says, request by request.
//
// MONITOR shows neither HELLO and AUTH nor replies, and not what came in one piece. The bytes are passed on as they
// are; what is written down is their meaning: requests as words, replies as a type with the beginning of what it holds.
//
// Runs on a thread of its own from start() to finish().
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <thread>

#include "resp/request_parser.h"

namespace millrace::test {

class RecordingProxy {
 public:
  explicit RecordingProxy(uint16_t server_port);
  ~RecordingProxy();
  RecordingProxy(const RecordingProxy&) = delete;
  RecordingProxy& operator=(const RecordingProxy&) = delete;

  // Where clients are to connect.
  uint16_t port() const { return port_; }
  // Ends all connections. Each is a paragraph, in which lines with "C: " are the client's and lines with "S: " the
  // server's; "|" stands between what was said without waiting for the other.
  std::string finish();

 private:
  struct Link {
    int client = -1;
    int server = -1;
    std::string from_client;  // not understood yet
    std::string from_server;
    resp::RequestParser parser;
    char speaker = 0;
    std::string transcript;
  };

  void run();
  void accept_client();
  // False at the end of the stream.
  bool pass_on(Link& link, bool is_from_client);
  static void understand_requests(Link& link);
  static void understand_replies(Link& link);
  static void write_down(Link& link, char speaker, const std::string& text);

  const uint16_t server_port_;
  int listener_ = -1;
  int stop_ = -1;  // an eventfd
  uint16_t port_ = 0;
  std::list<Link> links_;
  std::thread thread_;
};

}  // namespace millrace::test
