// Transaction: what a client has queued since MULTI, and the keys it watches.
//
//   kNone --MULTI--> kQueueing --EXEC--> kRunning --> kNone        DISCARD and a refused EXEC: back to kNone at once
//
// Commands are copied when they are queued; what they take is bounded together with the client's unread input
// (client-query-buffer-limit). Owned by the client's core; other cores see the TransactionCard and the Watcher.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "keyspace/waiters.h"

namespace millrace::keyspace {
class Keyspace;
class PartitionLocks;
}  // namespace millrace::keyspace

namespace millrace::commands {

class Client;
struct CommandSpec;

class QueuedCommand {
 public:
  QueuedCommand(const CommandSpec& spec, std::span<const std::string_view> args);

  const CommandSpec& spec() const { return *spec_; }
  // The words, the name first; they live as long as this.
  void read(std::vector<std::string_view>& args) const;
  // As Redis counts them: the words, and a pointer to each.
  size_t bytes() const { return text_.size() + ends_.size() * sizeof(void*); }

 private:
  const CommandSpec* spec_;
  std::string text_;          // its words, one behind the other
  std::vector<size_t> ends_;  // of each of them
};

class Transaction {
 public:
  using Places = std::set<keyspace::KeyPlace, keyspace::KeyPlaceOrder>;

  bool is_queueing() const { return state_ == State::kQueueing; }
  bool is_running() const { return state_ == State::kRunning; }
  bool is_open() const { return state_ != State::kNone; }
  void open() { state_ = State::kQueueing; }
  void run() { state_ = State::kRunning; }
  // Forgets what is queued. Keys stay watched.
  void close();

  void queue(const CommandSpec& spec, std::span<const std::string_view> args);
  // A command was refused instead of being queued: EXEC will not execute the others. Nothing if nobody queues.
  void refuse() { is_refused_ = is_queueing(); }
  bool is_refused() const { return is_refused_; }
  const std::vector<QueuedCommand>& commands() const { return commands_; }
  size_t bytes() const { return bytes_; }
  size_t memory_bytes() const;  // of that and of what is watched
  // Of EXEC, whose own are `flags`: it does what any of its commands does, and may what all of them may (kLoading).
  uint32_t flags(uint32_t flags) const;

  const Places& watched() const { return watched_; }
  // False: it is watched already.
  bool watch(keyspace::KeyPlace place) { return watched_.insert(std::move(place)).second; }
  void forget_watched() { watched_.clear(); }

 private:
  enum class State : uint8_t { kNone, kQueueing, kRunning };

  State state_ = State::kNone;
  bool is_refused_ = false;
  uint32_t flags_of_any_ = 0;
  uint32_t flags_of_all_ = ~0u;
  size_t bytes_ = 0;
  std::vector<QueuedCommand> commands_;
  Places watched_;
};

// Written by the client's core. Shown by CLIENT LIST.
struct TransactionCard {
  std::atomic<int64_t> queued{-1};  // commands; -1: no MULTI
  std::atomic<size_t> queued_bytes{0};
  std::atomic<size_t> watched{0};
  std::atomic<size_t> memory_bytes{0};  // of all that
};

// Mirrors the transaction on its client's card. To be called by its core after every change.
void show_transaction(Client& client);
// Takes the client's watcher out of all tables, partition by partition.
void stop_watching(Client& client, keyspace::Keyspace& keyspace, keyspace::PartitionLocks& locks);
// Neither MULTI nor watched keys: as on a new connection.
void drop_transaction(Client& client, keyspace::Keyspace& keyspace, keyspace::PartitionLocks& locks);

}  // namespace millrace::commands
