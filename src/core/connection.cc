// See connection.h.
#include "core/connection.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "core/core.h"
#include "core/try_reserve.h"
#include "resp/errors.h"

namespace millrace::core {
namespace {

// One connection's share of a turn; what lies beyond it waits until the others had theirs.
constexpr size_t kInputBytesPerTurn = 256 * 1024;
// Replies of one run are handed to the outbox in pieces of about this size.
constexpr size_t kReplyBytesPerPiece = 64 * 1024;
// What an idle connection may keep of its input buffer.
constexpr size_t kKeptInputBytesMax = 1024;
// What may wait for a client that has yet to log in: more than an honest one lets gather.
constexpr OutboxLimits kStrangerLimits{.hard_bytes = 64 * 1024};
// What it may send while it has to wait (CLIENT PAUSE holds a login back).
constexpr int64_t kStrangerInputBytesMax = 1024 * 1024;

}  // namespace

Connection::Connection(Core& core, Fixed identity)
    : Client(std::move(identity)), outbox(*this, core.is_alone()), core_(core) {
  const uint64_t bytes = sizeof(Connection) + fixed.address.capacity() + fixed.local_address.capacity();
  card.object_bytes.store(bytes, std::memory_order_relaxed);
}

commands::ClientMemory& Connection::client_memory() {
  return core_.server().client_memory;
}

void Connection::count_memory() {
  commands::ClientMemory& all = client_memory();
  counted_.set(all, all.limit() == 0 ? 0 : commands::memory_but_output(*this));
}

void Connection::count_no_memory() {
  counted_.set(client_memory(), 0);
  outbox.count_no_memory();
}

void Connection::start() {
  receiving_ = true;
  core_.backend().receive(*this, fixed.fd);
}

void Connection::received(std::string_view bytes) {
  core_.awake();
  core_.statistics().reads.add();
  core_.statistics().input_bytes.add(bytes.size());
  if (closing_ || session.close_after_reply) return;
  card.input_bytes.add(bytes.size());
  card.last_interaction_ms.store(core_.now().unix_ms, std::memory_order_relaxed);
  if (input_size() == 0 && state_ == State::kOpen) {
    const size_t used = process(bytes);
    if (!closing_) keep_input(bytes.substr(used));
  } else {
    keep_input(bytes);
    if (state_ == State::kOpen && !runnable_link.is_linked()) process_buffered();
  }
  if (is_input_over_limit()) {
    core_.statistics().query_buffer_limit_disconnections.add();
    core_.log().warning("Closing client that reached the query buffer limit: " + fixed.address);
    begin_close();
  }
}

void Connection::ended(int error) {
  core_.awake();
  receiving_ = false;
  if (!closing_ && error == 0) {
    input_ended_ = true;
    publish_input();
    return finish_input();
  }
  begin_close();
  core_.settled(*this);
}

// The peer has said all it had to say; it still gets the replies to what was executed. A command that waits is given
// up: nobody would notice that the peer has left meanwhile.
void Connection::finish_input() {
  if (closing_ || runnable_link.is_linked()) return;
  if (blocked_ && !blocked_->claim()) return;  // answered just now: its resumed() is on the way
  session.close_after_reply = true;
  if (blocked_) resumed();
  close_after_send();
}

// What is queued after MULTI is input that was not executed yet.
bool Connection::is_input_over_limit() {
  const auto bytes = static_cast<int64_t>(input_size() + session.transaction.bytes());
  return bytes > core_.settings().client_query_buffer_limit_bytes || (bytes > kStrangerInputBytesMax && is_stranger());
}

bool Connection::is_stranger() {
  return core_.executor().permissions().must_log_in(*this);
}

void Connection::keep_input(std::string_view bytes) {
  if (input_start_ > 0 && input_start_ >= input_.size() / 2) {
    input_.consume(input_start_);
    input_start_ = 0;
  }
  if (bytes.empty()) return publish_input();
  const size_t known = input_size() + bytes.size();
  const size_t wanted = std::max(parser_.bytes_wanted(), known) - input_size();
  if (!try_reserve(input_, wanted)) return give_up_input();
  input_.append(bytes);
  publish_input();
}

void Connection::give_up_input() {
  core_.log().warning("Closing client for whose request of over " + std::to_string(input_size()) +
                      " bytes there is no memory: " + fixed.address);
  input_.release();
  input_start_ = 0;
  refuse(std::string(resp::kNoMemoryForRequest));
  queue(core_.replies());
  publish_input();
  close_after_send();
}

void Connection::drop_input(size_t count) {
  input_start_ += count;
  if (input_size() > 0) return;
  input_start_ = 0;
  input_.clear();
  if (input_.capacity() > kKeptInputBytesMax) input_.release();
}

void Connection::publish_input() {
  waiting_input_.store(input_size() > 0 || input_ended_, std::memory_order_release);
  card.query_buffer_bytes.store(input_size(), std::memory_order_relaxed);
  card.query_buffer_free_bytes.store(input_.capacity() - input_size(), std::memory_order_relaxed);
  count_memory();
}

void Connection::run_input() {
  if (closing_ || state_ != State::kOpen) return;
  process_buffered();
  if (input_ended_) finish_input();
}

void Connection::process_buffered() {
  const size_t used = process(input());
  drop_input(used);
  publish_input();
}

// Executes the requests at the start of `bytes` and returns how many bytes they took. The rest - an unfinished request,
// or what a blocked, paused or greedy client has to wait for - begins at a request's first byte.
size_t Connection::process(std::string_view bytes) {
  core_.begin_run(*this);
  resp::RequestLimits limits{
      .argument_count_max = core_.settings().argument_count_max,
      .argument_bytes_max = core_.settings().proto_max_bulk_len_bytes,
  };
  size_t used = 0;
  while (state_ == State::kOpen && !is_ending()) {
    if (used >= kInputBytesPerTurn && used < bytes.size()) {
      core_.make_runnable(*this);
      break;
    }
    limits.authenticated = !is_stranger();
    const auto status = parser_.parse(bytes.substr(used), limits);
    if (status == resp::RequestParser::Status::kNeedMore) break;
    if (status == resp::RequestParser::Status::kBroken) {
      core_.executor().end_run();  // its last replies come first
      refuse(parser_.error_text());
      break;
    }
    if (status == resp::RequestParser::Status::kHangUp) {
      core_.log().warning("Closing a connection that speaks HTTP: " + fixed.address);
      begin_close();
      break;
    }
    const size_t request_bytes = parser_.consumed();
    const bool executed = parser_.args().empty() || execute(parser_.args());
    parser_.next();
    if (!executed) break;
    used += request_bytes;
  }
  core_.executor().end_run();
  core_.end_run();
  queue(core_.replies());
  if (session.close_after_reply && !closing_) close_after_send();
  return used;
}

// False if the request was not executed and has to be offered again.
bool Connection::execute(std::span<const std::string_view> args) {
  Buffer& replies = core_.replies();
  switch (core_.executor().execute(*this, args, replies, core_.now())) {
    case commands::Executor::Outcome::kReplied:
      if (replies.size() >= kReplyBytesPerPiece) queue(replies);
      core_.look_at_client_memory();
      return true;
    case commands::Executor::Outcome::kBlocked:
      block(core_.executor().take_blocked());
      card.argument_bytes.store(commands::total_bytes(args), std::memory_order_relaxed);
      return true;
    case commands::Executor::Outcome::kPaused:
      state_ = State::kPaused;
      core_.pause(*this);
      return false;
  }
  return true;
}

// The replies before the blocked command go to the outbox before anyone can see the waiter: an answer from another core
// must not overtake them. The locks of its keys are still held here.
void Connection::block(Ref<commands::BlockedCommand> command) {
  queue(core_.replies());
  state_ = State::kBlocked;
  blocked_ = std::move(command);
  card.blocked.store(true, std::memory_order_relaxed);
  core_.server().blocked_clients.fetch_add(1, std::memory_order_relaxed);
  set_waiter(Ref<keyspace::Waiter>(blocked_));
  arm_block_timer();
}

void Connection::arm_block_timer() {
  int64_t deadline_ns = blocked_->deadline_ns();
  const int64_t look_ms = blocked_->next_look_unix_ms();
  if (look_ms != commands::kNoDeadline) {
    const Instant now = core_.now();
    const int64_t wait_ms = std::clamp<int64_t>(look_ms - now.unix_ms, 1, 24 * 3600 * 1000);
    deadline_ns = std::min(deadline_ns, now.monotonic_ns + wait_ms * 1'000'000);
  }
  if (deadline_ns != commands::kNoDeadline) core_.timers().arm(*this, deadline_ns);
}

void Connection::expired() {
  if (!blocked_) return;
  const Ref<commands::BlockedCommand> command = blocked_;
  if (core_.now().monotonic_ns < command->deadline_ns()) {
    core_.executor().look_again(*command, core_.now());
    if (command->is_waiting()) arm_block_timer();
    return;
  }
  if (!command->claim()) return;  // answered at the last moment: its resumed() is on the way
  if (!command->is_mute()) {
    resp::ReplyWriter reply(core_.replies(), command->protocol());
    command->write_timeout(reply);
    queue(core_.replies());
  }
  resumed();
}

void Connection::resumed() {
  if (!blocked_) return;
  core_.timers().disarm(*this);
  const Ref<commands::BlockedCommand> command = std::exchange(blocked_, nullptr);
  core_.executor().forget(*command);
  session.journal_offset = std::max(session.journal_offset, command->journal_offset());
  set_waiter(nullptr);
  card.blocked.store(false, std::memory_order_relaxed);
  card.argument_bytes.store(0, std::memory_order_relaxed);
  core_.server().blocked_clients.fetch_sub(1, std::memory_order_relaxed);
  state_ = State::kOpen;
  if (!closing_ && (input_size() > 0 || input_ended_)) core_.make_runnable(*this);
}

void Connection::unpause() {
  if (state_ != State::kPaused) return;
  state_ = State::kOpen;
  if (!closing_) core_.make_runnable(*this);
}

void Connection::queue(Buffer& bytes) {
  const Reception reception{session.protocol, !subscriptions.empty()};
  const uint64_t journal_offset = core_.executor().replies_wait_for(*this);
  if (bytes.empty()) return outbox.receive_as(reception);
  const OutboxLimits& limits = is_stranger() ? kStrangerLimits : core_.outbox_limits(*this);
  core_.appended(*this, outbox.append(bytes, reception, journal_offset, limits, core_.now().monotonic_ns));
}

void Connection::refuse(const std::string& text) {
  resp::ReplyWriter reply(core_.replies(), session.protocol);
  reply.error(text);
  core_.log().verbose("Closing " + fixed.address + ": " + text);
  session.close_after_reply = true;
}

// Whatever it listens to or monitors would come behind its last reply, and without end.
void Connection::close_after_send() {
  is_leaving.store(true, std::memory_order_relaxed);
  if (outbox.close_when_drained()) begin_close();
}

void Connection::begin_close() {
  if (closing_) return;
  closing_ = true;
  is_leaving.store(true, std::memory_order_relaxed);
  if (runnable_link.is_linked()) runnable_link.unlink();
  if (paused_link.is_linked()) paused_link.unlink();
  if (blocked_) {
    blocked_->claim();  // nobody shall answer any more; if somebody just did, the answer is lost with the client
    resumed();
  }
  core_.executor().forget_client(*this);
  outbox.shut();
  core_.backend().shut_down(fixed.fd);
  if (receiving_) core_.backend().cancel(*this);
  core_.settled(*this);
}

}  // namespace millrace::core
