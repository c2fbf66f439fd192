// See sync_waits.h.
#include "commands/sync_waits.h"

#include <limits>

#include "base/buffer.h"
#include "commands/context.h"
#include "commands/server.h"
#include "resp/errors.h"

namespace millrace::commands {
namespace {

constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

bool keeps_journal(const Server& server) {
  return server.settings.appendonly.load(std::memory_order_relaxed) != 0;
}

}  // namespace

SyncWait::SyncWait(const Ref<Client>& waiting, Server& server, bool for_replicas, int64_t deadline_ns)
    : BlockedCommand(waiting, {}, deadline_ns),
      server_(server),
      journal_offset_(waiting->session.journal_offset),
      wanted_offset_(for_replicas ? kNever : journal_offset_) {}

void SyncWait::write_timeout(resp::ReplyWriter& reply) const {
  write_synced(is_synced(server_, journal_offset_), reply);
}

void SyncWait::withdraw() const {
  server_.sync_waits.remove(*this);
}

SyncWaits::Key SyncWaits::key_of(const SyncWait& wait) {
  return {wait.wanted_offset(), wait.client().fixed.id};
}

bool SyncWaits::add(const Server& server, Ref<SyncWait> wait) {
  MutexLock lock(mutex_);
  if (is_synced(server, wait->wanted_offset())) return false;
  const Key key = key_of(*wait);
  waits_.emplace(key, std::move(wait));
  return true;
}

void SyncWaits::remove(const SyncWait& wait) {
  MutexLock lock(mutex_);
  waits_.erase(key_of(wait));
}

std::vector<Ref<SyncWait>> SyncWaits::take_due(const Server& server) {
  std::vector<Ref<SyncWait>> due;
  const bool is_hopeless = !keeps_journal(server);
  MutexLock lock(mutex_);
  while (!waits_.empty() && (is_hopeless || is_synced(server, waits_.begin()->first.first))) {
    due.push_back(std::move(waits_.begin()->second));
    waits_.erase(waits_.begin());
  }
  return due;
}

void SyncWaits::answer(Host& host, const Server& server) {
  Buffer answer;
  for (const Ref<SyncWait>& wait : take_due(server)) {
    if (!wait->claim()) continue;
    answer.clear();
    resp::ReplyWriter reply(answer, wait->protocol());
    if (keeps_journal(server)) {
      write_synced(true, reply);
    } else {
      reply.error(resp::kNoJournalToWaitFor);
    }
    if (!wait->is_mute()) host.deliver(wait->client(), answer.view());
    host.resume(wait->client());
  }
}

// While the journal's first files are being written, nothing would be loaded from them yet.
bool is_synced(const Server& server, uint64_t journal_offset) {
  const JournalState& state = server.journal_state;
  if (!keeps_journal(server) || server.journal == nullptr || !server.journal->is_on()) return false;
  if (state.is_rewriting.load(std::memory_order_relaxed) && state.is_first.load(std::memory_order_relaxed)) {
    return false;
  }
  return state.synced_offset.load(std::memory_order_relaxed) >= journal_offset;
}

void write_synced(bool is_local, resp::ReplyWriter& reply) {
  reply.array(2);
  reply.integer(is_local ? 1 : 0);
  reply.integer(0);
}

}  // namespace millrace::commands
