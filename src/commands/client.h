// Client: one connected client as commands see it, from any core.
//
// It has three kinds of fields, by who may touch them:
//   fixed      set at construction, readable anywhere
//   session    owned by the client's core: only commands of this very client touch it
//   card       what CLIENT LIST shows of it from other cores: relaxed atomics with one writer, or guarded by `mutex`
// Its connection (src/core) derives from it and owns the socket. Reference-counted: a Ref keeps the object, not the
// socket.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "base/ref.h"
#include "commands/tracking_state.h"
#include "commands/transaction.h"
#include "commands/users.h"
#include "keyspace/waiters.h"
#include "keyspace/watches.h"
#include "pubsub/subscriptions.h"
#include "resp/reply_writer.h"

namespace millrace::commands {

struct CommandSpec;

// A statistic with one writing thread and any number of readers: no locked instruction, no torn reads.
class Counter {
 public:
  void add(uint64_t count = 1) { value_.store(get() + count, std::memory_order_relaxed); }
  void set(uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

enum class ReplyMode : uint8_t { kOn, kOff, kSkipNext };

// Owned by the client's core.
struct Session {
  int database = 0;
  resp::Protocol protocol = resp::Protocol::kResp2;
  ReplyMode reply_mode = ReplyMode::kOn;
  bool skip_this_reply = false;  // CLIENT REPLY SKIP: the following command is executed mutely
  bool close_after_reply = false;
  bool no_touch = false;
  bool no_evict = false;
  bool is_monitor = false;
  TrackingSession tracking;
  Transaction transaction;
  UserSession user;
  uint64_t journal_offset = 0;  // behind its last write (WAITAOF)

  // No reply is wanted for the command that runs. Pushes are sent all the same.
  bool is_mute() const { return reply_mode == ReplyMode::kOff || skip_this_reply; }
};

class Client : public RefCounted<Client>, public pubsub::Subscriber {
 public:
  struct Fixed {
    uint64_t id = 0;
    uint32_t core = 0;
    int fd = -1;
    int64_t created_unix_ms = 0;
    std::string address;        // "127.0.0.1:50312", "/run/millrace.sock:0"
    std::string local_address;  // laddr=
    bool is_unix = false;
  };
  // Names are set by the client itself and shown by CLIENT LIST from any core. The user is whom it has logged in as.
  struct Names {
    std::string name;
    std::string user{kDefaultUser};
    std::string library_name;
    std::string library_version;
  };
  // One writer: the client's core. Shown by CLIENT LIST.
  struct Card {
    std::atomic<int> database{0};
    std::atomic<int> protocol{2};
    std::atomic<bool> blocked{false};
    std::atomic<bool> no_touch{false};
    std::atomic<bool> no_evict{false};
    std::atomic<bool> is_monitor{false};
    TrackingCard tracking;
    TransactionCard transaction;
    // How much it listens to; with any of them it is a pub/sub client, to CLIENT LIST and to output limits.
    std::atomic<uint32_t> channels{0};
    std::atomic<uint32_t> patterns{0};
    std::atomic<uint32_t> shard_channels{0};
    std::atomic<const CommandSpec*> last_command{nullptr};
    std::atomic<int64_t> last_interaction_ms{0};  // unix ms
    Counter input_bytes;
    Counter output_bytes;
    Counter commands;
    // Memory: what it takes, by what for (client_memory.h adds it up).
    std::atomic<uint64_t> object_bytes{0};
    std::atomic<uint64_t> name_bytes{0};
    std::atomic<uint64_t> subscription_bytes{0};
    std::atomic<uint64_t> query_buffer_bytes{0};
    std::atomic<uint64_t> query_buffer_free_bytes{0};
    std::atomic<uint64_t> argument_bytes{0};  // of the command it is in: a blocked one, or the one that looks
    // Written by whoever holds the output's lock.
    std::atomic<uint64_t> output_buffer_bytes{0};    // to be sent
    std::atomic<uint64_t> output_capacity_bytes{0};  // the memory kept for that
    std::atomic<uint64_t> output_peak_bytes{0};      // the most there was to be sent since it was last quiet
    std::atomic<uint32_t> output_batches{0};         // of which one may be on its way
    std::atomic<bool> is_sending{false};
  };

  explicit Client(Fixed identity) : fixed(std::move(identity)) {}
  virtual ~Client() = default;

  const Fixed fixed;
  Session session;
  Card card;
  pubsub::Subscriptions subscriptions{*this};  // owned by the client's core
  const Ref<keyspace::Watcher> watcher = Ref<keyspace::Watcher>::make();  // touched by whoever changes a watched key

  bool is_pubsub() const {
    constexpr auto kRelaxed = std::memory_order_relaxed;
    return card.channels.load(kRelaxed) + card.patterns.load(kRelaxed) + card.shard_channels.load(kRelaxed) != 0;
  }

  Names names() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return names_;
  }
  void set_names(Names names) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    names_ = std::move(names);
    card.name_bytes.store(names_.name.size() + names_.library_name.size() + names_.library_version.size(),
                          std::memory_order_relaxed);
  }
  // The blocked command the client is in, if any: set and cleared by its core, claimed by whoever answers it.
  Ref<keyspace::Waiter> waiter() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return waiter_;
  }
  void set_waiter(Ref<keyspace::Waiter> waiter) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    waiter_ = std::move(waiter);
  }

 private:
  mutable Mutex mutex_;
  Names names_ GUARDED_BY(mutex_);
  Ref<keyspace::Waiter> waiter_ GUARDED_BY(mutex_);
};

}  // namespace millrace::commands
