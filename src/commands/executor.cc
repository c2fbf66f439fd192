// See executor.h.
#include "commands/executor.h"

#include <algorithm>
#include <string>
#include <system_error>

#include "base/check.h"
#include "base/letters.h"
#include "resp/errors.h"

namespace millrace::commands {
namespace {

// Distinct error codes that INFO keeps count of on each core; a bound on what clients can make us remember.
constexpr size_t kErrorCodesMax = 128;

}  // namespace

void CommandContext::block(Ref<BlockedCommand> command) {
  blocked = std::move(command);
}

Executor::Executor(Server& server, const CommandTable& table, Host& host, uint64_t seed, const Replay* replay)
    : server_(server),
      table_(table),
      host_(host),
      is_replay_(replay != nullptr),
      statistics_(is_replay_ ? replay->statistics : *server.statistics[host.core_index()]),
      effects_(is_replay_ ? nullptr : server.journal),
      own_locks_(server.keyspace, &effects_),
      locks_(is_replay_ ? replay->locks : own_locks_),
      permissions_(server),
      publish_run_(server, host),
      random_(seed) {
  events_.effects = &effects_;
  events_.keeps_expired = is_replay_;
}

Executor::Outcome Executor::execute(Client& client, std::span<const std::string_view> args, Buffer& out, Instant now) {
  // Of a client that rules bind nothing is gathered: a refusal would overtake it.
  if (!publish_run_.continues_with(args) || !permissions_.is_free(client)) deliver_publishes();
  begin_time();
  settled_bytes_ = out.size();
  resp::ReplyWriter reply(out, client.session.protocol);
  const CommandSpec* spec = find_command(client, args, reply, now);
  DCHECK(spec != nullptr || !publish_run_.is_open());  // a refusal would overtake the replies of the run
  const bool is_queued = spec != nullptr && spec->in_multi == InMulti::kQueued && client.session.transaction.is_open();
  if (spec != nullptr && !is_queued) hold_partitions(*spec, client, args);
  if (spec != nullptr && is_paused(client, *spec, now)) {
    is_timing_ = false;
    return Outcome::kPaused;
  }
  client.session.skip_this_reply = client.session.reply_mode == ReplyMode::kSkipNext;
  if (client.session.skip_this_reply) client.session.reply_mode = ReplyMode::kOn;
  if (is_queued) {
    queue(*spec, client, args, reply);
  } else if (spec != nullptr) {
    run(*spec, client, args, reply, now);
  }
  client.card.commands.add();
  const bool blocks = static_cast<bool>(blocked_);
  settle_reply(spec, settled_bytes_, client.session.is_mute(), out);
  if (spec != nullptr && !is_queued) {
    tell_others(*spec, client, args, now);
    end_time(*spec, client, args, blocks, now);
  } else {
    is_timing_ = false;
    if (spec == nullptr) tell_of_refusal(client, args, now);
  }
  return blocks ? Outcome::kBlocked : Outcome::kReplied;
}

// Commands that concern other clients may have moved everything out on the way (Host::queue_replies).
void Executor::settle_reply(const CommandSpec* spec, size_t start, bool is_unwanted, Buffer& out) {
  start = std::min(start, out.size());
  count_reply(spec, out.view().substr(start));
  if (is_unwanted) out.truncate(start);
  settled_bytes_ = out.size();
}

uint64_t Executor::replies_wait_for(Client& client) {
  if (!has_written_) return 0;
  has_written_ = false;
  effects_.settle();
  client.session.journal_offset = effects_.offset();
  return effects_.offset();
}

void Executor::end_run() {
  deliver_publishes();
  if (!is_replay_) locks_.release();
  end_run_time();
}

bool Executor::is_paused(const Client& client, const CommandSpec& spec, Instant now) const {
  if (is_replay_) return false;
  const bool writes = (flags_of(client, spec) & (kWrite | kMayReplicate)) != 0;
  if (writes && server_.snapshots.holds_writes.load(std::memory_order_relaxed)) return true;
  if (now.monotonic_ns >= server_.pause.until_monotonic_ns.load(std::memory_order_relaxed)) return false;
  return !server_.pause.writes_only.load(std::memory_order_relaxed) || writes;
}

// The row to execute, or nullptr with the refusal written to `reply`.
const CommandSpec* Executor::find_command(Client& client, std::span<const std::string_view> args,
                                          resp::ReplyWriter& reply, Instant now) {
  const CommandSpec* spec = table_.find_called(args);
  if (spec == nullptr) {
    const CommandSpec* container = table_.find(args[0]);
    refuse(client, nullptr,
           container == nullptr ? resp::unknown_command(args)
                                : resp::unknown_subcommand(args[1], upper_case(container->name)),
           reply);
    return nullptr;
  }
  client.card.last_command.store(spec, std::memory_order_relaxed);
  const bool can_be_called = arity_fits(*spec, args.size()) && spec->handler != nullptr;
  const std::string refused = can_be_called ? refusal(client, *spec, args, now) : resp::wrong_arity(spec->full_name);
  if (refused.empty()) return spec;
  refuse(client, spec, refused, reply);
  return nullptr;
}

// Why this client may not call a command that exists; empty if it may.
std::string Executor::refusal(Client& client, const CommandSpec& spec, std::span<const std::string_view> args,
                              Instant now) {
  if (is_replay_) return {};
  const Session& session = client.session;
  const uint32_t flags = flags_of(client, spec);
  const bool is_in_multi = session.transaction.is_open();
  if (is_in_multi && (flags & kNoMulti) != 0) return std::string(resp::kNotInTransaction);
  // A PUBLISH that continues a run was free when execute() looked; a refusal now would overtake the run's replies.
  if (!publish_run_.is_open() && !permissions_.is_free(client)) {
    const AclContext where = is_in_multi ? AclContext::kMulti : AclContext::kTopLevel;
    std::string refused = permissions_.refusal(client, spec, args, where, now);
    if (!refused.empty()) return refused;
  }
  if (lacks_memory(client, spec)) return std::string(resp::kOutOfMemory);
  if ((flags & kWrite) != 0 || spec.full_name == "ping") {
    if (server_.snapshots.refuses_writes.load(std::memory_order_relaxed)) return std::string(resp::kSnapshotsFail);
    if (const int error = server_.journal_state.write_error.load(std::memory_order_relaxed)) {
      return resp::journal_fails(std::generic_category().message(error));
    }
  }
  if (session.protocol == resp::Protocol::kResp2 && !spec.in_subscriber_mode && !client.subscriptions.empty()) {
    return resp::only_in_subscriber_mode(spec.full_name);
  }
  if (server_.loading.is_loading.load(std::memory_order_relaxed) && (flags & kLoading) == 0) {
    return std::string(resp::kIsLoading);
  }
  if (session.is_monitor && (flags & (kWrite | kReadonly | kMayReplicate)) != 0) {
    return std::string(resp::kReplicaKeyspace);
  }
  return {};
}

void Executor::hold_partitions(const CommandSpec& spec, const Client& client, std::span<const std::string_view> args) {
  if (is_replay_) return;
  if (spec.locking == Locking::kTransaction) return hold_partitions_of_transaction(client.session.transaction);
  if (spec.locking == Locking::kAll) return locks_.hold_all();
  if (spec.locking != Locking::kKeys) return locks_.release();
  // A command without keys leaves the locks of the run as they are. Where the arguments make no sense the handler finds
  // the mistake and names it before it reaches for a key.
  if (spec.keys.empty()) return;
  key_positions_.clear();
  if (!find_keys(spec, args, key_positions_)) return;
  if (key_positions_.size() == 1) return locks_.hold_one(server_.keyspace.partition_of(args[key_positions_[0]]));
  partitions_.clear();
  for (uint32_t position : key_positions_) partitions_.push_back(server_.keyspace.partition_of(args[position]));
  locks_.hold(partitions_);
}

void Executor::run_handler(const CommandSpec& spec, Client& client, std::span<const std::string_view> args,
                           resp::ReplyWriter& reply, Instant now) {
  statistics_.commands_processed.add();
  statistics_.commands[spec.index].calls.add();
  expect_events();
  keyspace::Database db(server_.keyspace, client.session.database, now, events_);
  CommandContext context{spec, args, client, server_, host_, reply, db, locks_, publish_run_, *this, random_, now, {}};
  if (has_written_) client.session.journal_offset = effects_.offset();  // WAITAOF holds no partition: all is settled
  const uint64_t changes_before = events_.changes;
  const int database = db.index();
  const bool is_own_unit = !effects_.is_in_unit();
  is_own_unit ? effects_.begin_unit() : effects_.next_command();
  spec.handler(context);
  if (permissions_.is_forbidden_since(client, spec, args)) host_.kill(client, true);
  const bool is_effect = (spec.flags & kWrite) != 0 && events_.changes != changes_before && !effects_.is_said();
  if (is_effect) effects_.add(database, args);
  if (is_own_unit && effects_.end_unit()) has_written_ = true;
  if (!context.blocked) return;
  if (client.session.transaction.is_running()) return context.blocked->write_timeout(reply);
  blocked_ = std::move(context.blocked);
  if (!is_replay_) queue_blocked(spec, args);
}

void Executor::expect_events() {
  if (is_replay_) return;
  events_.wanted_events = notified_classes(server_);
  events_.wants_modified_keys = server_.tracking.is_on();
}

void Executor::tell_others(const CommandSpec& spec, Client& client, std::span<const std::string_view> args,
                           Instant now) {
  if (is_replay_) {
    events_.ready.clear();
    return absorb_events();
  }
  server_.tracking.after_command(spec, client, args, events_, host_);
  publish(events_);
  if (!client.session.transaction.is_running()) answer_ready(now);
  show_to_monitors(spec, client, args, now);
  absorb_events();
}

void Executor::show_to_monitors(const CommandSpec& spec, const Client& client, std::span<const std::string_view> args,
                                Instant now) {
  if (server_.monitors.empty() || (spec.flags & (kAdmin | kSkipMonitor)) != 0) return;
  server_.monitors.tell(host_, client, client.session.database, args, now);
}

void Executor::publish(keyspace::KeyEvents& events) {
  for (const keyspace::KeyNotification& notification : events.notifications) {
    publish_notification(server_, host_, notification);
  }
  events.notifications.clear();
}

void Executor::forget_client(Client& client) {
  server_.broker.unsubscribe_all(client.subscriptions);
  show_subscriptions(client);
  server_.monitors.remove(client);
  server_.tracking.forget(client);
  drop_transaction(client, server_.keyspace, locks_);
}

void Executor::queue_blocked(const CommandSpec& spec, std::span<const std::string_view> args) {
  const UserSession& session = blocked_->client().session.user;
  blocked_->set_caller({.spec = &spec,
                        .first_argument = std::string(args.size() > 1 ? args[1] : ""),
                        .user = session.user ? session.user->rules.name : std::string(kDefaultUser),
                        .rules_version = session.seen_version});
  for (const keyspace::KeyPlace& place : blocked_->places()) {
    keyspace::Partition& partition = server_.keyspace.partition(server_.keyspace.partition_of(place.key));
    partition.mutex.assert_held();
    partition.waiters().add(place, Ref<keyspace::Waiter>(blocked_));
  }
}

void Executor::answer_ready(Instant now) {
  // Answering changes consumers and pending entries, never the keys themselves, so nothing is added while we walk.
  for (const keyspace::KeyPlace& place : events_.ready) answer_waiters(place, now);
  events_.ready.clear();
}

void Executor::answer_waiters(const keyspace::KeyPlace& place, Instant now) {
  keyspace::Partition& partition = server_.keyspace.partition(server_.keyspace.partition_of(place.key));
  partition.mutex.assert_held();
  keyspace::WaiterTable::Queue* queue = partition.waiters().find(place.database, place.key);
  if (queue == nullptr) return;
  // Apart from events_, whose keys are being walked.
  keyspace::KeyEvents events;
  events.wanted_events = events_.wanted_events;
  events.wants_modified_keys = events_.wants_modified_keys;
  events.effects = &effects_;
  keyspace::Database db(server_.keyspace, place.database, now, events);
  for (const Ref<keyspace::Waiter>& waiter : *queue) {
    if (!waiter->is_waiting()) continue;
    auto& command = static_cast<BlockedCommand&>(*waiter);
    if (is_revoked(command, now)) continue;
    answer_.clear();
    resp::ReplyWriter reply(answer_, command.protocol());
    effects_.begin_unit();
    const bool is_answered = command.try_answer(db, place.key, reply);
    const bool has_effects = effects_.end_unit();
    if (!is_answered) continue;
    if (has_effects) {
      effects_.settle();
      command.set_journal_offset(effects_.offset());
    }
    if (!command.is_mute()) host_.deliver(command.client(), answer_.view(), command.journal_offset());
    host_.resume(command.client());
  }
  server_.tracking.keys_expired(events, host_);
  publish(events);
  events_.changes += events.changes;
  events_.expired += events.expired;
  partition.waiters().sweep(place);
}

bool Executor::is_revoked(BlockedCommand& command, Instant now) {
  const std::string refused = permissions_.revocation(command, now);
  if (refused.empty()) return false;
  if (!command.claim()) return true;
  answer_.clear();
  resp::ReplyWriter(answer_, command.protocol()).error(refused);
  if (!command.is_mute()) host_.deliver(command.client(), answer_.view());
  host_.resume(command.client());
  return true;
}

void Executor::forget(const BlockedCommand& command) {
  for (const keyspace::KeyPlace& place : command.places()) {
    const keyspace::PartitionIndex index = server_.keyspace.partition_of(place.key);
    locks_.hold_one(index);
    keyspace::Partition& partition = server_.keyspace.partition(index);
    partition.mutex.assert_held();
    partition.waiters().remove(place, command);
  }
  locks_.release();
  command.withdraw();
}

void Executor::look_again(const BlockedCommand& command, Instant now) {
  for (const keyspace::KeyPlace& place : command.places()) {
    locks_.hold_one(server_.keyspace.partition_of(place.key));
    expect_events();
    answer_waiters(place, now);
  }
  locks_.release();
  absorb_events();
}

bool Executor::expire(keyspace::PartitionIndex partition, Instant now, size_t limit) {
  locks_.hold_one(partition);
  expect_events();
  const size_t removed = keyspace::expire_due(server_.keyspace, partition, now, limit, events_);
  server_.tracking.keys_expired(events_, host_);
  publish(events_);
  answer_ready(now);
  locks_.release();
  absorb_events();
  return removed >= limit;
}

void Executor::absorb_events() {
  if (events_.hits != 0) statistics_.hits.add(events_.hits);
  if (events_.misses != 0) statistics_.misses.add(events_.misses);
  if (events_.expired != 0) statistics_.expired_keys.add(events_.expired);
  if (events_.changes != 0) statistics_.changes.add(events_.changes);
  events_.hits = events_.misses = events_.expired = events_.changes = 0;
}

// errorstats and failed calls: an error reply is one whose first byte says so, whoever wrote it.
void Executor::count_reply(const CommandSpec* spec, std::string_view reply) {
  if (reply.empty() || reply[0] != '-') return;
  statistics_.error_replies.add();
  if (spec != nullptr) statistics_.commands[spec->index].failed.add();
  const std::string_view code = reply.substr(1, std::min(reply.find_first_of(" \r"), reply.size()) - 1);
  MutexLock lock(statistics_.mutex);
  auto place = statistics_.errors.find(code);
  if (place == statistics_.errors.end()) {
    if (statistics_.errors.size() >= kErrorCodesMax) return;
    place = statistics_.errors.emplace(std::string(code), 0).first;
  }
  ++place->second;
}

}  // namespace millrace::commands
