// DeafSubscribers: connections that subscribe and never read again, and what the server does about them.
//
// A server that closes such a connection cannot tell it: the news queues behind what is not read. So CLIENT LIST on
// another connection is asked ten times a second which of them are still there. Run by the thread of the load.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "load/connection.h"
#include "load/fan_out_options.h"

namespace millrace::load {

class DeafSubscribers {
 public:
  explicit DeafSubscribers(const FanOutOptions& options);

  // Of the connection that asks.
  int fd() const { return control_.fd(); }

  void ask_if_due(int64_t now_ns);
  void on_readable(int64_t now_ns);

  size_t count() const { return deaf_.size(); }
  // When those were missed that the server has closed.
  std::vector<int64_t> closed_ns() const;
  // The most the server was seen to keep for one of them.
  int64_t output_bytes_max() const { return output_bytes_max_; }

 private:
  struct Deaf {
    std::unique_ptr<Connection> connection;
    int64_t id = 0;
    std::optional<int64_t> closed_ns = std::nullopt;
  };

  Connection control_;
  std::vector<Deaf> deaf_;
  std::string question_;
  bool is_asking_ = false;
  int64_t next_ask_ns_ = 0;
  int64_t output_bytes_max_ = 0;
};

}  // namespace millrace::load
