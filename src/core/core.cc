// See core.h.
#include "core/core.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "core/housekeeping.h"
#include "core/journal_reload.h"
#include "core/listener.h"
#include "core/snapshot.h"
#include "core/snapshot_files.h"
#include "resp/errors.h"

namespace millrace::core {
namespace {

// Scratch for replies beyond this is given back after use.
constexpr size_t kKeptReplyBytesMax = 256 * 1024;

// Who is held back offers its request again after that long, at the earliest.
constexpr int64_t kPauseNsMin = 5'000'000;

// What may gather for a client before it is sent (flush_pushes()), about.
constexpr size_t kPushBytesMax = 4096;

OutboxLimits read_limits(const settings::Number& hard_bytes, const settings::Number& soft_bytes,
                         const settings::Number& soft_s) {
  return {.hard_bytes = static_cast<uint64_t>(hard_bytes.load(std::memory_order_relaxed)),
          .soft_bytes = static_cast<uint64_t>(soft_bytes.load(std::memory_order_relaxed)),
          .soft_ns = soft_s.load(std::memory_order_relaxed) * 1'000'000'000};
}

}  // namespace

Core::Core(const Options& options, commands::Server& server, const commands::CommandTable& table, io::Backend& backend,
           CoreDirectory& directory, Surroundings surroundings)
    : index_(options.index),
      push_sends_min_(options.push_sends_min),
      server_(server),
      table_(table),
      backend_(backend),
      directory_(directory),
      surroundings_(std::move(surroundings)),
      statistics_(*server.statistics[options.index]),
      executor_(server, table, *this, options.seed),
      turn_began_ns_(backend.stopwatch_ns()),
      handed_over_(static_cast<size_t>(server.facts.core_count)),
      pause_timer_(*this) {
  load_settings();
  snapshot_ = std::make_unique<Snapshot>(*this, surroundings_.disk);
  journal_reload_ = std::make_unique<JournalReload>(*this, table);
  housekeeping_ = std::make_unique<Housekeeping>(*this);
}

Core::~Core() {
  CHECK(connections_.empty());
  timers_.disarm(pause_timer_);
  timers_.disarm(turn_timer_);
}

void Core::listen(int listener_fd) {
  listeners_.push_back(std::make_unique<Listener>(*this, listener_fd));
}

void Core::run() {
  while (turn()) {
  }
}

bool Core::turn() {
  awake();
  statistics_.turns.add();
  executor_.report_memory();  // before a timer measures it
  drain_inbox();
  timers_.run(now().monotonic_ns);
  run_runnable();
  server_.tracking.end_turn(*this);
  look_at_client_memory();
  if (surroundings_.journal != nullptr) surroundings_.journal->flush(*this);
  flush_outboxes();
  if (can_leave()) return false;
  sleep();
  return true;
}

// Nothing of this core is left in its ring: no accept, no receive, no send, of whomever's connection, and no file.
bool Core::can_leave() const {
  return stopping_ && connections_.empty() && own_due_.empty() && pushed_.empty() && sends_in_flight_ == 0 &&
         snapshot_->is_idle() &&
         std::all_of(listeners_.begin(), listeners_.end(),
                     [](const auto& listener) { return listener->is_stopped(); }) &&
         (surroundings_.journal == nullptr || surroundings_.journal->is_idle(*this));
}

// Sleep is announced before the last look at the inbox: whoever posts after that look sees the announcement. The first
// callback of the wait, or else the next turn, takes it back.
void Core::sleep() {
  const bool has_work = !own_due_.empty() || !runnable_.empty() || !to_flush_.empty() || !pushed_.empty();
  statistics_.turn_nanoseconds.add(static_cast<uint64_t>(std::max<int64_t>(0, read_stopwatch() - turn_began_ns_)));
  sleeping_.store(true, std::memory_order_seq_cst);
  const int64_t deadline_ns = has_work || !inbox_.empty() ? 0 : timers_.next_deadline_ns();
  backend_.wait(deadline_ns);
}

void Core::awake() {
  if (!sleeping_.load(std::memory_order_relaxed)) return;
  sleeping_.store(false, std::memory_order_relaxed);
  clock_is_stale_ = true;
  turn_began_ns_ = read_stopwatch();
}

bool Core::only_waits() {
  if (connections_.empty() || !pushed_.empty() || !snapshot_->is_idle()) return false;
  return std::all_of(connections_.begin(), connections_.end(),
                     [this](const auto& place) { return place.second->outbox.waits_beyond(acknowledged()); });
}

void Core::read_time() {
  now_ = backend_.now();
  clock_is_stale_ = false;
}

// ---- messages

void Core::post(uint32_t core, Message message, bool needs_wake) {
  if (core == index_) {
    own_.push_back(std::move(message));
    return;
  }
  directory_[core]->inbox_.push(std::move(message));
  if (needs_wake) wake(core);
}

void Core::wake(uint32_t core) {
  Core& target = *directory_[core];
  if (core != index_ && target.sleeping_.load(std::memory_order_seq_cst)) target.backend_.wake();
}

void Core::stop() {
  inbox_.push({Message::Kind::kStop, nullptr});
  backend_.wake();
}

void Core::save_and_end() {
  inbox_.push({Message::Kind::kSaveAndEnd, nullptr});
  backend_.wake();
}

void Core::post_to_all(Message::Kind kind) {
  for (uint32_t core = 0; core < directory_.size(); ++core) post(core, {kind, nullptr}, true);
}

void Core::drain_inbox() {
  inbox_.take(arrived_);
  for (Message& message : arrived_) handle(message);
  arrived_.clear();
  arrived_.swap(own_due_);
  for (Message& message : arrived_) handle(message);
  arrived_.clear();
}

void Core::handle(Message& message) {
  switch (message.kind) {
    case Message::Kind::kResume:
      message.connection->resumed();
      break;
    case Message::Kind::kClose:
      message.connection->begin_close();
      break;
    case Message::Kind::kCloseAfterSend:
      message.connection->session.close_after_reply = true;
      message.connection->close_after_send();
      break;
    case Message::Kind::kFlush:
      for (Ref<Connection>& connection : message.connections) to_flush_.push_back(std::move(connection));
      break;
    case Message::Kind::kSettled:
      finish_close(*message.connection);
      break;
    case Message::Kind::kLookAgain:
      look_again();
      break;
    case Message::Kind::kSaveAndEnd:
      snapshot_->start(commands::SnapshotKind::kFinal);
      break;
    case Message::Kind::kRequestEnd:
      surroundings_.request_shutdown();
      break;
    case Message::Kind::kStop:
      stopping_ = true;
      hurry_pushes();
      snapshot_->give_up();
      journal_reload_->give_up();
      for (const auto& listener : listeners_) listener->stop();
      for (const auto& [id, connection] : connections_) post(index_, {Message::Kind::kClose, connection}, false);
      break;
  }
}

void Core::finish_close(Connection& connection) {
  connection.begin_close();
  server_.clients.remove(connection.fixed.id);
  const auto place = connections_.find(connection.fixed.id);
  if (place == connections_.end() || !connection.is_settled()) return;
  backend_.close(connection.fixed.fd);
  connection.count_no_memory();
  connections_.erase(place);
}

void Core::settled(Connection& connection) {
  post(connection.fixed.core, {Message::Kind::kSettled, Ref<Connection>(&connection)}, true);
}

void Core::look_again() {
  load_settings();
  housekeeping_->look_again();
  for (const auto& [id, connection] : connections_) connection->count_memory();
  end_pause();
}

void Core::load_settings() {
  const settings::Settings& shared = server_.settings;
  settings_.client_query_buffer_limit_bytes = shared.client_query_buffer_limit_bytes.load(std::memory_order_relaxed);
  settings_.proto_max_bulk_len_bytes = shared.proto_max_bulk_len_bytes.load(std::memory_order_relaxed);
  normal_limits_ =
      read_limits(shared.normal_output_hard_bytes, shared.normal_output_soft_bytes, shared.normal_output_soft_s);
  pubsub_limits_ =
      read_limits(shared.pubsub_output_hard_bytes, shared.pubsub_output_soft_bytes, shared.pubsub_output_soft_s);
}

// ---- connections

void Core::accepted(int fd) {
  statistics_.connections_received.add();
  const PeerFacts peer = surroundings_.prepare_socket(fd);
  commands::Client::Fixed identity;
  identity.id = server_.clients.next_id();
  identity.core = index_;
  identity.fd = fd;
  identity.created_unix_ms = now().unix_ms;
  identity.address = peer.address;
  identity.local_address = peer.local_address;
  identity.is_unix = peer.is_unix;
  Ref<Connection> connection = Ref<Connection>::make(*this, std::move(identity));
  connection->card.last_interaction_ms.store(now().unix_ms, std::memory_order_relaxed);
  commands::begin_as_default_user(server_.users, *connection);
  connections_[connection->fixed.id] = connection;

  std::string_view refusal;
  const bool is_protected = server_.settings.protected_mode.load(std::memory_order_relaxed) != 0 &&
                            connection->session.user.user->rules.takes_any_password;
  if (!peer.is_local && is_protected) {
    refusal = resp::kProtectedMode;
  } else if (static_cast<int64_t>(server_.clients.size()) >=
             server_.settings.maxclients.load(std::memory_order_relaxed)) {
    refusal = resp::kMaxClients;
  }
  if (refusal.empty() && !stopping_) {
    server_.clients.add(Ref<commands::Client>(connection));
    connection->start();
    return;
  }
  statistics_.connections_rejected.add();
  if (!refusal.empty()) resp::ReplyWriter(replies_, resp::Protocol::kResp2).error(refusal);
  connection->session.close_after_reply = true;
  connection->queue(replies_);
  connection->close_after_send();
}

void Core::for_each_connection(const std::function<void(Connection&)>& visit) {
  for (const auto& [id, connection] : connections_) visit(*connection);
}

void Core::make_runnable(Connection& connection) {
  if (!connection.runnable_link.is_linked()) runnable_.push_back(connection);
}

// Each connection that was waiting at the start of the phase gets one share.
void Core::run_runnable() {
  Connection* last = runnable_.back();
  while (Connection* connection = runnable_.pop_front()) {
    connection->run_input();
    if (connection == last) break;
  }
}

void Core::pause(Connection& connection) {
  paused_.push_back(connection);
  // Writes that wait for the end of the server have no time of their own: it may not come to that.
  const int64_t until_ns = server_.pause.until_monotonic_ns.load(std::memory_order_relaxed);
  timers_.arm(pause_timer_, std::max(until_ns, now().monotonic_ns + kPauseNsMin));
}

// Everyone who was held back offers the request again; who is still to wait comes back here.
void Core::end_pause() {
  while (Connection* connection = paused_.pop_front()) connection->unpause();
}

void Core::appended(Connection& connection, Outbox::Appended outcome) {
  switch (outcome) {
    case Outbox::Appended::kMustFlush:
      to_flush_.emplace_back(&connection);
      break;
    case Outbox::Appended::kOverLimit:
      close_over_limit(connection);
      break;
    case Outbox::Appended::kQueued:
    case Outbox::Appended::kShut:
      break;
  }
}

void Core::flush_outboxes() {
  flush_pushes();
  flushing_.swap(to_flush_);
  for (Ref<Connection>& connection : flushing_) flush(std::move(connection));
  flushing_.clear();
  hand_over_flushes();
  own_due_.swap(own_);
  // What may leave after all, because the journal has just got that far, does so in the next turn.
  if (!held_.empty()) surroundings_.journal->hold(held_, to_flush_);
  if (replies_.capacity() > kKeptReplyBytesMax) replies_.release();
}

// A message to many costs one send for each, and that is nearly all it costs. So not all of them start in one turn: who
// is still to wait gets what is published meanwhile with the same send, and the publisher is not kept waiting. As bytes
// that come in oblige to sends, no more than about kPushBytesMax gather if all who wait are sent the same. One of them
// may be sent what the others are not: therefore the longest message obliges, too, as if it were for each of them.
void Core::flush_pushes() {
  const size_t bytes = std::max(pushed_bytes_, pushed_.size() * longest_push_bytes_);
  size_t sends = std::max(push_sends_min_, bytes / kPushBytesMax);
  pushed_bytes_ = 0;
  longest_push_bytes_ = 0;
  for (; sends > 0 && !pushed_.empty(); --sends) {
    flush(std::move(pushed_.front()));
    pushed_.pop_front();
  }
}

// The end of the server is near: what was published before leaves before.
void Core::hurry_pushes() {
  to_flush_.insert(to_flush_.end(), std::make_move_iterator(pushed_.begin()), std::make_move_iterator(pushed_.end()));
  pushed_.clear();
}

// A send costs many times what the appends before it did, so the sends to another core's connections are left to that
// core while it is awake. One that sleeps is not woken for it: then they are ours.
void Core::flush(Ref<Connection> connection) {
  if (is_work_of_others(*connection)) {
    handed_over_[connection->fixed.core].connections.push_back(std::move(connection));
    return;
  }
  Outbox& outbox = connection->outbox;
  outbox.flush(*this, std::move(connection));
}

bool Core::is_work_of_others(const Connection& connection) const {
  const uint32_t home = connection.fixed.core;
  return home != index_ && !directory_[home]->sleeping_.load(std::memory_order_relaxed);
}

void Core::hand_over_flushes() {
  for (uint32_t core = 0; core < handed_over_.size(); ++core) {
    Message& message = handed_over_[core];
    if (message.connections.empty()) continue;
    message.kind = Message::Kind::kFlush;
    if (!directory_[core]->inbox_.push_if_awake(message, directory_[core]->sleeping_)) {
      for (Ref<Connection>& connection : message.connections) {
        Outbox& outbox = connection->outbox;
        outbox.flush(*this, std::move(connection));
      }
    }
    message.connections.clear();
  }
}

void Core::note_send(int result) {
  awake();
  statistics_.writes.add();
  if (result > 0) statistics_.output_bytes.add(static_cast<uint64_t>(result));
}

int64_t Core::note_latency(std::string_view event, int64_t began_ns) {
  const int64_t ns = std::max<int64_t>(0, read_stopwatch() - began_ns);
  const int64_t threshold_ms = server_.settings.latency_monitor_threshold_ms.load(std::memory_order_relaxed);
  server_.latency.add(event, ns, threshold_ms, now().unix_ms / 1000);
  return ns;
}

void Core::close_over_limit(Connection& connection) {
  if (connection.is_leaving.exchange(true, std::memory_order_relaxed)) return;
  statistics_.output_buffer_limit_disconnections.add();
  log().warning("Closing client beyond its output limit: " + connection.fixed.address);
  kill(connection, false);
}

// ---- commands::Host

void Core::deliver(commands::Client& client, std::string_view bytes, uint64_t journal_offset) {
  auto& connection = static_cast<Connection&>(client);
  queue_replies(client);
  const OutboxLimits& limits = outbox_limits(client);
  appended(connection, connection.outbox.append(bytes, journal_offset, limits, now().monotonic_ns));
}

void Core::push(commands::Client& client, resp::PushMessage& message) {
  auto& connection = static_cast<Connection&>(client);
  queue_replies(client);
  const Outbox::Appended outcome = connection.outbox.push(message, outbox_limits(client), now().monotonic_ns);
  pushed_bytes_ += message.size();
  longest_push_bytes_ = std::max(longest_push_bytes_, message.size());
  if (outcome == Outbox::Appended::kMustFlush) {
    pushed_.emplace_back(&connection);
  } else {
    appended(connection, outcome);
  }
}

// Replies wait in replies_ for the end of the run; what comes to the running client from elsewhere must not stand
// before them.
void Core::queue_replies(commands::Client& running) {
  if (&running != running_) return;
  if (!in_transaction_) return running_->queue(replies_);
  running_->outbox.hold_pushes();
  transaction_replies_.append(replies_.view());
  replies_.clear();
}

void Core::begin_transaction(commands::Client& running) {
  CHECK(&running == running_);
  in_transaction_ = true;
}

void Core::end_transaction(commands::Client& running) {
  CHECK(&running == running_);
  in_transaction_ = false;
  if (!running_->outbox.holds_pushes()) return;
  transaction_replies_.append(replies_.view());
  replies_.clear();
  running_->queue(transaction_replies_);
  transaction_replies_.release();
  appended(*running_, running_->outbox.release_pushes(outbox_limits(*running_), now().monotonic_ns));
}

// The answer is on its way already; the owner has to be woken only if more of the client's commands wait behind it. We
// look after posting: input that arrives later than this look is seen by the owner together with the message.
void Core::resume(commands::Client& client) {
  auto& connection = static_cast<Connection&>(client);
  post(client.fixed.core, {Message::Kind::kResume, Ref<Connection>(&connection)}, false);
  if (connection.has_waiting_input()) wake(client.fixed.core);
}

void Core::kill(commands::Client& client, bool after_reply) {
  auto& connection = static_cast<Connection&>(client);
  if (after_reply) {
    // Who ends its own connection executes nothing after that.
    if (client.fixed.core == index_) client.session.close_after_reply = true;
    post(client.fixed.core, {Message::Kind::kCloseAfterSend, Ref<Connection>(&connection)}, true);
    return;
  }
  // From this moment the client is gone for everyone who looks, and no blocked command of it takes an entry.
  client.is_leaving.store(true, std::memory_order_relaxed);
  if (const Ref<keyspace::Waiter> waiter = client.waiter()) waiter->claim();
  // Its socket is shut before anybody is told that it is: a library looks for the end of its connection before it sends
  // the next command. As long as the client is in the registry its core has not closed the socket.
  server_.clients.remove(client.fixed.id, [&] { backend_.shut_down(client.fixed.fd); });
  post(client.fixed.core, {Message::Kind::kClose, Ref<Connection>(&connection)}, true);
}

void Core::pause_changed() {
  post_to_all(Message::Kind::kLookAgain);
}
void Core::settings_changed() {
  post_to_all(Message::Kind::kLookAgain);
}
void Core::shut_down() {
  hurry_pushes();
  post(index_, {Message::Kind::kRequestEnd, nullptr}, false);
}

bool Core::start_snapshot(commands::SnapshotKind kind, Ref<commands::SnapshotWait> wait) {
  return snapshot_->start(kind, std::move(wait));
}

bool Core::save_at_once() {
  const std::optional<std::string> error =
      surroundings_.disk == nullptr ? "no disk" : save_snapshot(server_, *surroundings_.disk, now());
  if (error) log().warning("Snapshot failed: " + *error);
  return !error;
}

bool Core::load_at_once(keyspace::PartitionLocks& locks) {
  if (surroundings_.disk == nullptr) return false;
  const LoadEnvironment environment{
      .server = server_, .table = table_, .disk = *surroundings_.disk, .locks = locks, .read_clock = [this] {
        return read_clock();
      }};
  const auto loaded = load_snapshot(environment);
  if (!loaded) log().warning(loaded.error());
  return loaded.ok();
}

bool Core::reload_journal(Ref<commands::SnapshotWait> wait) {
  return journal_reload_->start(std::move(wait));
}

void Core::stall(int64_t ns) {
  backend_.stall(ns);
}

}  // namespace millrace::core
