// SyncWaits: the WAITAOF commands that wait until the journal has been synced up to what their clients wrote.
//
//   WAITAOF    add()      under the lock: is it synced by now? then it does not wait
//   the sync   answer()   after JournalState::synced_offset has moved
//
// Whoever moves the offset takes the lock after it, so a command either sees the offset or is seen. Any thread; under
// the lock no other is taken.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/ref.h"
#include "commands/blocking.h"

namespace millrace::commands {

class Host;
struct Server;

// WAITAOF. There are no replicas: who waits for some waits for its deadline.
class SyncWait final : public BlockedCommand {
 public:
  SyncWait(const Ref<Client>& waiting, Server& server, bool for_replicas, int64_t deadline_ns);

  // The offset of the journal that has to be synced.
  uint64_t wanted_offset() const { return wanted_offset_; }

  bool try_answer(keyspace::Database&, std::string_view, resp::ReplyWriter&) override { return false; }
  void write_timeout(resp::ReplyWriter& reply) const override;
  void withdraw() const override;

 private:
  Server& server_;
  const uint64_t journal_offset_;  // behind what its client wrote
  const uint64_t wanted_offset_;
};

class SyncWaits {
 public:
  // For who wants the journal of this server to be synced. False: it is.
  bool add(const Server& server, Ref<SyncWait> wait) EXCLUDES(mutex_);
  void remove(const SyncWait& wait) EXCLUDES(mutex_);
  // Answers all whose offset is synced by now, and with an error all when there is no journal any more. For the core
  // that moved the offset, and now and then.
  void answer(Host& host, const Server& server) EXCLUDES(mutex_);

 private:
  using Key = std::pair<uint64_t, uint64_t>;  // wanted offset, id of the client

  static Key key_of(const SyncWait& wait);
  std::vector<Ref<SyncWait>> take_due(const Server& server) EXCLUDES(mutex_);

  Mutex mutex_;
  std::map<Key, Ref<SyncWait>> waits_ GUARDED_BY(mutex_);
};

// Everything before that offset is in a journal from which it would be loaded, durably.
bool is_synced(const Server& server, uint64_t journal_offset);
// The reply of WAITAOF.
void write_synced(bool is_local, resp::ReplyWriter& reply);

}  // namespace millrace::commands
