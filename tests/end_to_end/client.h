// Client: hiredis as an application uses it, with replies as short texts that a test can compare.
//
//   text, number  as they are          nil    (nil)          error   -ERR ...          array   [a, b, [c, d]]
#pragma once

#include <hiredis/hiredis.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace millrace::test {

std::string to_text(const redisReply& reply);

class Client {
 public:
  // To 127.0.0.1.
  explicit Client(uint16_t port);

  std::string call(const std::vector<std::string>& words);
  // The two halves of call(), for blocking commands and pipelines. A lost connection is "(lost: why)".
  void send(const std::vector<std::string>& words);
  std::string receive();
  // Sends what waits; receive() does it as well.
  bool flush();

 private:
  std::unique_ptr<redisContext, decltype(&redisFree)> context_;
};

}  // namespace millrace::test
