// redis-server and millrace-server side by side: what is sent goes to both.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/resp_connection.h"
#include "support/server_process.h"

namespace millrace::test {

struct ReplyPair {
  std::string redis;
  std::string millrace;
};

// One connection to each server.
class ConnectionPair {
 public:
  ConnectionPair(uint16_t redis_port, uint16_t millrace_port)
      : redis_(RespConnection::connect(redis_port)), millrace_(RespConnection::connect(millrace_port)) {}
  ConnectionPair(std::unique_ptr<RespConnection> redis, std::unique_ptr<RespConnection> millrace)
      : redis_(std::move(redis)), millrace_(std::move(millrace)) {}

  bool is_open() const { return redis_ != nullptr && millrace_ != nullptr; }
  RespConnection& redis() { return *redis_; }
  RespConnection& millrace() { return *millrace_; }

  ReplyPair command(const Words& words) { return pipeline({words}).front(); }
  void send(const Words& words);
  ReplyPair read();
  // Sends all, then reads all.
  std::vector<ReplyPair> pipeline(const std::vector<Words>& commands);

 private:
  std::unique_ptr<RespConnection> redis_;
  std::unique_ptr<RespConnection> millrace_;
};

// Millrace claims to be the Redis it is compared with, so that both answer in the same shapes.
class ServerPair {
 public:
  // `extra` are further arguments for both.
  static std::unique_ptr<ServerPair> start(std::string* why, const std::vector<std::string>& extra = {});

  ConnectionPair connect() const { return {redis_->port(), millrace_->port()}; }
  ServerProcess& redis() { return *redis_; }
  ServerProcess& millrace() { return *millrace_; }

 private:
  ServerPair() = default;

  std::unique_ptr<ServerProcess> redis_;
  std::unique_ptr<ServerProcess> millrace_;
};

}  // namespace millrace::test
