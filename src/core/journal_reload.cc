// See journal_reload.h.
#include "core/journal_reload.h"

#include <string>
#include <utility>

#include "core/core.h"
#include "core/journal_directory.h"
#include "core/journal_loading.h"
#include "keyspace/database.h"

namespace millrace::core {
namespace {

constexpr int64_t kLookNs = 1'000'000;

}  // namespace

JournalReload::JournalReload(Core& core, const commands::CommandTable& table)
    : core_(core), table_(table), locks_(core.server().keyspace) {}

bool JournalReload::start(Ref<commands::SnapshotWait> wait) {
  if (wait_ || core_.journal() == nullptr || !core_.journal()->is_on()) return false;
  wait_ = std::move(wait);
  core_.timers().arm(*this, core_.now().monotonic_ns);
  return true;
}

void JournalReload::give_up() {
  core_.timers().disarm(*this);
  wait_ = nullptr;
}

void JournalReload::expired() {
  std::atomic<bool>& is_going = core_.server().snapshots.is_going;
  if (!wait_->is_waiting()) return give_up();
  if (!core_.journal()->is_on()) return answer(false);
  if (!is_due() || is_going.exchange(true, std::memory_order_acq_rel)) {
    return core_.timers().arm(*this, core_.now().monotonic_ns + kLookNs);
  }
  locks_.hold_all();
  // Until now somebody may have appended more.
  const bool is_ready = is_due();
  const bool succeeded = is_ready && reload();
  locks_.release();
  is_going.store(false, std::memory_order_release);
  if (!is_ready) return core_.timers().arm(*this, core_.now().monotonic_ns + kLookNs);
  answer(succeeded);
  if (!succeeded) core_.shut_down();
}

bool JournalReload::is_due() const {
  return core_.journal()->acknowledged() == core_.journal()->appended();
}

bool JournalReload::reload() {
  commands::Server& server = core_.server();
  keyspace::KeyEvents events;
  keyspace::Database first(server.keyspace, 0, core_.now(), events);
  for (int index = 0; index < server.keyspace.database_count(); ++index) first.with_index(index).clear();
  const auto error = load_journal({.server = server,
                                   .table = table_,
                                   .disk = core_.disk(),
                                   .locks = locks_,
                                   .read_clock = [this] { return core_.read_clock(); }},
                                  *core_.journal_directory());
  core_.log().warning(error ? "DEBUG LOADAOF failed, the server ends: " + *error
                            : "Append Only File loaded by DEBUG LOADAOF");
  return !error;
}

void JournalReload::answer(bool succeeded) {
  const Ref<commands::SnapshotWait> wait = std::exchange(wait_, nullptr);
  if (!wait->claim()) return;
  if (!wait->is_mute()) {
    Buffer bytes;
    resp::ReplyWriter reply(bytes, wait->protocol());
    wait->write_outcome(succeeded, reply);
    core_.deliver(wait->client(), bytes.view(), 0);
  }
  core_.resume(wait->client());
}

}  // namespace millrace::core
