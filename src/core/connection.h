// Connection: one client's socket on the core that accepted it. It has two halves.
//
//   input   everything below, and the Client's session: touched by the owning core only
//   output  the Outbox: any core may append to it and send it
//
//   kOpen     bytes are parsed and executed as they arrive
//   kBlocked  a command waits for keys; further input is collected, not looked at
//   kPaused   CLIENT PAUSE holds the request at the front of the input back
//
// It is closed in steps: begin_close() stops both halves; the socket is closed, and the core forgets the connection,
// once no receive and no send is in flight. References held elsewhere (a send, a message, a blocked command) keep the
// object alive, never the socket.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/buffer.h"
#include "base/intrusive_list.h"
#include "commands/blocking.h"
#include "commands/client.h"
#include "commands/client_memory.h"
#include "core/outbox.h"
#include "core/timers.h"
#include "io/backend.h"
#include "resp/request_parser.h"

namespace millrace::core {

class Core;

class Connection final : public commands::Client, private io::ReceiveOperation, private Timer {
 public:
  Connection(Core& core, Fixed identity);

  // ---- by the owning core
  void start();
  // Goes on with buffered input for at most one turn's share.
  void run_input();
  // The blocked command was answered (by whoever claimed it).
  void resumed();
  // CLIENT PAUSE may have ended.
  void unpause();
  void begin_close();
  void close_after_send();
  bool is_closing() const { return closing_; }
  // Nothing is in flight any more: the socket can be closed.
  bool is_settled() { return !receiving_ && outbox.is_idle(); }
  bool is_blocked() const { return state_ == State::kBlocked; }
  bool is_idle() const { return state_ == State::kOpen && input_size() == 0; }
  // Counts its memory in, if somebody wants to know.
  void count_memory();
  // The core forgets it: its memory counts no more.
  void count_no_memory();
  commands::ClientMemory& client_memory();
  // Queues bytes for this client and closes it if that takes it beyond its limit.
  void queue(Buffer& bytes);

  // Readable from any core: bytes, or the end of them, wait behind a blocked command, so its owner has to be woken when
  // it is answered.
  bool has_waiting_input() const { return waiting_input_.load(std::memory_order_acquire); }

  Outbox outbox;
  ListLink runnable_link;
  ListLink paused_link;

 private:
  enum class State : uint8_t { kOpen, kBlocked, kPaused };

  void received(std::string_view bytes) override;
  void ended(int error) override;
  void expired() override;

  // Nothing more is executed: it is being closed, or will be (maybe another core said so).
  bool is_ending() const { return session.close_after_reply || is_leaving.load(std::memory_order_relaxed); }
  // It has to log in before it is taken for anybody.
  bool is_stranger();
  bool is_input_over_limit();
  size_t input_size() const { return input_.size() - input_start_; }
  std::string_view input() const { return input_.view().substr(input_start_); }
  void keep_input(std::string_view bytes);
  void give_up_input();
  void drop_input(size_t count);
  void process_buffered();
  size_t process(std::string_view bytes);
  bool execute(std::span<const std::string_view> args);
  void block(Ref<commands::BlockedCommand> command);
  void arm_block_timer();
  void refuse(const std::string& text);
  void publish_input();
  void finish_input();

  Core& core_;
  State state_ = State::kOpen;
  bool closing_ = false;
  bool receiving_ = false;
  bool input_ended_ = false;  // the peer has closed its side
  std::atomic<bool> waiting_input_{false};
  resp::RequestParser parser_;
  Buffer input_;  // bytes not yet executed, from input_start_ on
  size_t input_start_ = 0;
  Ref<commands::BlockedCommand> blocked_;
  commands::CountedBytes counted_;  // all but its output
};

}  // namespace millrace::core
