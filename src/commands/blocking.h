// BlockedCommand: a command that waits for keys (XREAD and XREADGROUP with BLOCK) and knows how to answer itself later.
//
// It is answered from whatever core changes one of its keys, under that key's partition lock, in the order of arrival.
// It copies everything it needs out of the arguments; protocol, database and whether the client wants a reply at all
// are those of the moment it blocked.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "commands/client.h"
#include "keyspace/database.h"
#include "keyspace/waiters.h"
#include "resp/reply_writer.h"

namespace millrace::commands {

inline constexpr int64_t kNoDeadline = std::numeric_limits<int64_t>::max();

// The end of a timeout that begins now; 0 is no timeout, and one too far to be counted is none either.
inline int64_t deadline_of(int64_t timeout_ms, Instant now) {
  constexpr int64_t kNsPerMs = 1'000'000;
  if (timeout_ms == 0 || timeout_ms > (kNoDeadline - now.monotonic_ns) / kNsPerMs) return kNoDeadline;
  return now.monotonic_ns + timeout_ms * kNsPerMs;
}

class BlockedCommand : public keyspace::Waiter {
 public:
  BlockedCommand(Ref<Client> client, std::vector<keyspace::KeyPlace> places, int64_t deadline_ns)
      : Waiter(std::move(places)),
        client_(std::move(client)),
        protocol_(client_->session.protocol),
        is_mute_(client_->session.is_mute()),
        deadline_ns_(deadline_ns) {}

  Client& client() const { return *client_; }
  // By which right it waits: asked again where rules have changed since (permissions.h). Set before it is queued.
  struct Caller {
    const CommandSpec* spec = nullptr;
    std::string first_argument;
    std::string user;
    uint64_t rules_version = 0;
  };
  const Caller& caller() const { return caller_; }
  void set_caller(Caller caller) { caller_ = std::move(caller); }
  resp::Protocol protocol() const { return protocol_; }
  // CLIENT REPLY OFF or SKIP: the command takes effect, and its answer is not sent.
  bool is_mute() const { return is_mute_; }
  int64_t deadline_ns() const { return deadline_ns_; }  // monotonic; kNoDeadline for BLOCK 0

  // Up to where the journal has what its answer changed; 0 if that was nothing. Set by who answers it, before the
  // client's core hears of the answer.
  uint64_t journal_offset() const { return journal_offset_.load(std::memory_order_relaxed); }
  void set_journal_offset(uint64_t offset) { journal_offset_.store(offset, std::memory_order_relaxed); }

  // Looks at one of its keys, whose partition is held. If the command can be answered now (entries, or an error such as
  // a vanished group) it must win claim() before it changes anything, then write the reply, and return true. False: it
  // goes on waiting, or another core has answered it.
  virtual bool try_answer(keyspace::Database& db, std::string_view key, resp::ReplyWriter& reply) = 0;
  // The reply when the deadline passes, and to CLIENT UNBLOCK ... TIMEOUT. Called by whoever won claim().
  virtual void write_timeout(resp::ReplyWriter& reply) const = 0;
  // Its client waits no more: it leaves whatever it stood in besides the queues of its keys. On its client's core.
  virtual void withdraw() const {}
  // It is answered when one of its keys goes away, too (XREADGROUP).
  virtual bool watches_missing_keys() const { return false; }
  // When time alone may make a key ready (XREADGROUP CLAIM): unix ms; kNoDeadline if it cannot. Looked at by the
  // client's core after blocking and after each fruitless look.
  virtual int64_t next_look_unix_ms() const { return kNoDeadline; }

 private:
  Ref<Client> client_;
  const resp::Protocol protocol_;
  Caller caller_;
  const bool is_mute_;
  const int64_t deadline_ns_;
  std::atomic<uint64_t> journal_offset_{0};
};

}  // namespace millrace::commands
