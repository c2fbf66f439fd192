// See transaction.h.
#include "commands/transaction.h"

#include "commands/client.h"
#include "commands/command_table.h"
#include "keyspace/keyspace.h"
#include "keyspace/partition_locks.h"

namespace millrace::commands {

QueuedCommand::QueuedCommand(const CommandSpec& spec, std::span<const std::string_view> args) : spec_(&spec) {
  size_t total = 0;
  for (const std::string_view word : args) total += word.size();
  text_.reserve(total);
  ends_.reserve(args.size());
  for (const std::string_view word : args) {
    text_ += word;
    ends_.push_back(text_.size());
  }
}

void QueuedCommand::read(std::vector<std::string_view>& args) const {
  args.clear();
  size_t start = 0;
  for (const size_t end : ends_) {
    args.push_back(std::string_view(text_).substr(start, end - start));
    start = end;
  }
}

void Transaction::close() {
  state_ = State::kNone;
  is_refused_ = false;
  flags_of_any_ = 0;
  flags_of_all_ = ~0u;
  bytes_ = 0;
  commands_ = {};
}

void Transaction::queue(const CommandSpec& spec, std::span<const std::string_view> args) {
  commands_.emplace_back(spec, args);
  bytes_ += commands_.back().bytes();
  flags_of_any_ |= spec.flags;
  flags_of_all_ &= spec.flags;
}

uint32_t Transaction::flags(uint32_t flags) const {
  constexpr uint32_t kPermissions = kLoading;
  return (flags | (flags_of_any_ & ~kPermissions)) & (flags_of_all_ | ~kPermissions);
}

size_t Transaction::memory_bytes() const {
  constexpr size_t kMapNodeBytes = 4 * sizeof(void*);
  return bytes_ + commands_.capacity() * sizeof(QueuedCommand) +
         watched_.size() * (kMapNodeBytes + sizeof(keyspace::KeyPlace));
}

void show_transaction(Client& client) {
  const Transaction& transaction = client.session.transaction;
  TransactionCard& card = client.card.transaction;
  const auto queued = static_cast<int64_t>(transaction.commands().size());
  card.queued.store(transaction.is_open() ? queued : -1, std::memory_order_relaxed);
  card.queued_bytes.store(transaction.bytes(), std::memory_order_relaxed);
  card.watched.store(transaction.watched().size(), std::memory_order_relaxed);
  card.memory_bytes.store(transaction.memory_bytes(), std::memory_order_relaxed);
}

void stop_watching(Client& client, keyspace::Keyspace& keyspace, keyspace::PartitionLocks& locks) {
  Transaction& transaction = client.session.transaction;
  if (transaction.watched().empty()) return;
  for (const keyspace::KeyPlace& place : transaction.watched()) {
    const keyspace::PartitionIndex index = keyspace.partition_of(place.key);
    locks.hold_one(index);
    keyspace::Partition& partition = keyspace.partition(index);
    partition.mutex.assert_held();
    partition.watches().remove(place, *client.watcher, keyspace.watch_counts());
  }
  locks.release();
  if (!client.watcher->is_touched()) keyspace.watch_counts().watchers.fetch_sub(1, std::memory_order_relaxed);
  client.watcher->reset();
  transaction.forget_watched();
  show_transaction(client);
}

void drop_transaction(Client& client, keyspace::Keyspace& keyspace, keyspace::PartitionLocks& locks) {
  client.session.transaction.close();
  stop_watching(client, keyspace, locks);
  show_transaction(client);
}

}  // namespace millrace::commands
