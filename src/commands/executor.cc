// See executor.h.
#include "commands/executor.h"

#include <algorithm>
#include <string>
#include <system_error>

#include "base/check.h"
#include "base/letters.h"
#include "commands/handlers.h"
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

Executor::Outcome Executor::execute(Client& client, std::span<const std::string_view> args, Buffer& out,
                                    const Instant& now) {
  // Of a client that rules bind nothing is gathered: a refusal would overtake it.
  if (publish_run_.is_open() && !(publish_run_.continues_with(args) && permissions_.is_free(client)))
    deliver_publishes();
  begin_time();
  settled_bytes_ = out.size();
  resp::ReplyWriter reply(out, client.session.protocol);
  Call call = look_up(client, args, now);
  const bool is_admitted = admit(call, reply);
  DCHECK(is_admitted || !publish_run_.is_open());  // a refusal would overtake the replies of the run
  const bool is_queued = is_admitted && client.session.transaction.is_open() && call.spec->in_multi == InMulti::kQueued;
  const bool runs = is_admitted && !is_queued;
  if (runs) hold_partitions(call);
  if (is_admitted && is_paused(call)) {
    is_timing_ = false;
    return Outcome::kPaused;
  }
  client.session.skip_this_reply = client.session.reply_mode == ReplyMode::kSkipNext;
  if (client.session.skip_this_reply) client.session.reply_mode = ReplyMode::kOn;
  if (is_queued) {
    queue(call, reply);
  } else if (runs) {
    is_exec(*call.spec) ? run_exec(call, reply) : run_handler(call, reply);
  }
  client.card.commands.add();
  settle_reply(is_admitted ? call.spec : nullptr, settled_bytes_, client.session.is_mute(), out);
  const bool blocks = static_cast<bool>(blocked_);
  if (runs) {
    tell_others(call);
    end_time(call, blocks);
  } else {
    is_timing_ = false;
    if (!is_admitted) tell_of_refusal(call);
  }
  return blocks ? Outcome::kBlocked : Outcome::kReplied;
}

// Commands that concern other clients may have moved everything out on the way (Host::queue_replies).
void Executor::settle_reply(const CommandSpec* spec, size_t start, bool is_unwanted, Buffer& out) {
  if (start < out.size()) {
    if (out.data()[start] == '-') count_error(spec, out.view().substr(start));
    if (is_unwanted) out.truncate(start);
  }
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

bool Executor::is_paused(const Call& call) const {
  if (is_replay_) return false;
  const bool writes = (call.flags & (kWrite | kMayReplicate)) != 0;
  if (writes && server_.snapshots.holds_writes.load(std::memory_order_relaxed)) return true;
  if (call.now.monotonic_ns >= server_.pause.until_monotonic_ns.load(std::memory_order_relaxed)) return false;
  return !server_.pause.writes_only.load(std::memory_order_relaxed) || writes;
}

bool Executor::admit(const Call& call, resp::ReplyWriter& reply) {
  const CommandSpec* const spec = call.spec;
  if (spec == nullptr) {
    const CommandSpec* const container = table_.find(call.args[0]);
    refuse(call,
           container == nullptr ? resp::unknown_command(call.args)
                                : resp::unknown_subcommand(call.args[1], upper_case(container->name)),
           reply);
    return false;
  }
  call.client.card.last_command.store(spec, std::memory_order_relaxed);
  const bool can_be_called = arity_fits(*spec, call.args.size()) && spec->handler != nullptr;
  const std::string refused = can_be_called ? refusal(call) : resp::wrong_arity(spec->full_name);
  if (refused.empty()) return true;
  refuse(call, refused, reply);
  return false;
}

// Why this client may not call a command that exists; empty if it may.
std::string Executor::refusal(const Call& call) {
  if (is_replay_) return {};
  const CommandSpec& spec = *call.spec;
  Client& client = call.client;
  const Session& session = client.session;
  const bool is_in_multi = session.transaction.is_open();
  if (is_in_multi && (call.flags & kNoMulti) != 0) return std::string(resp::kNotInTransaction);
  // A PUBLISH that continues a run was free when execute() looked; a refusal now would overtake the run's replies.
  if (!publish_run_.is_open() && !permissions_.is_free(client)) {
    const AclContext where = is_in_multi ? AclContext::kMulti : AclContext::kTopLevel;
    std::string refused = permissions_.refusal(client, spec, call.args, where, call.now);
    if (!refused.empty()) return refused;
  }
  if (lacks_memory(call)) return std::string(resp::kOutOfMemory);
  if ((call.flags & kWrite) != 0 || spec.handler == ping_command) {
    if (server_.snapshots.refuses_writes.load(std::memory_order_relaxed)) return std::string(resp::kSnapshotsFail);
    if (const int error = server_.journal_state.write_error.load(std::memory_order_relaxed)) {
      return resp::journal_fails(std::generic_category().message(error));
    }
  }
  if (session.protocol == resp::Protocol::kResp2 && !spec.in_subscriber_mode && !client.subscriptions.empty()) {
    return resp::only_in_subscriber_mode(spec.full_name);
  }
  if (server_.loading.is_loading.load(std::memory_order_relaxed) && (call.flags & kLoading) == 0) {
    return std::string(resp::kIsLoading);
  }
  if (session.is_monitor && (call.flags & (kWrite | kReadonly | kMayReplicate)) != 0) {
    return std::string(resp::kReplicaKeyspace);
  }
  return {};
}

void Executor::hold_partitions(Call& call) {
  if (is_replay_) return;
  const CommandSpec& spec = *call.spec;
  if (spec.locking == Locking::kTransaction) return hold_partitions_of_transaction(call.client.session.transaction);
  if (spec.locking == Locking::kAll) return locks_.hold_all();
  if (spec.locking != Locking::kKeys) return locks_.release();
  // A command without keys leaves the locks of the run as they are. Where the arguments make no sense the handler finds
  // the mistake and names it before it reaches for a key.
  if (spec.keys.empty()) return;
  if (spec.only_key != 0) {
    const std::string_view key = call.args[spec.only_key];
    call.key = {key, server_.keyspace.hash_of(key)};
    return locks_.hold_one(server_.keyspace.partition_of_hash(call.key.hash));
  }
  if (!find_keys(spec, call.args, key_positions_)) return;
  partitions_.clear();
  for (uint32_t position : key_positions_) partitions_.push_back(server_.keyspace.partition_of(call.args[position]));
  locks_.hold(partitions_);
}

void Executor::run_handler(const Call& call, resp::ReplyWriter& reply) {
  const CommandSpec& spec = *call.spec;
  Client& client = call.client;
  statistics_.commands_processed.add();
  statistics_.commands[spec.index].calls.add();
  expect_events();
  keyspace::Database db(server_.keyspace, client.session.database, call.now, events_, call.key);
  CommandContext context{spec,   call.args,    client, server_, host_,    reply, db,
                         locks_, publish_run_, *this,  random_, call.now, {}};
  if (has_written_) client.session.journal_offset = effects_.offset();  // WAITAOF holds no partition: all is settled
  const uint64_t changes_before = events_.changes;
  const int database = db.index();
  const bool is_own_unit = !effects_.is_in_unit();
  is_own_unit ? effects_.begin_unit() : effects_.next_command();
  spec.handler(context);
  if (permissions_.is_forbidden_since(client, spec, call.args)) host_.kill(client, true);
  const bool is_effect = (spec.flags & kWrite) != 0 && events_.changes != changes_before && !effects_.is_said();
  if (is_effect) effects_.add(database, call.args);
  if (is_own_unit && effects_.end_unit()) has_written_ = true;
  if (context.blocked) block(call, std::move(context.blocked), reply);
}

void Executor::expect_events() {
  if (is_replay_) return;
  events_.wanted_events = notified_classes(server_);
  events_.wants_modified_keys = server_.tracking.is_on();
}

void Executor::tell_others(const Call& call) {
  if (is_replay_) {
    events_.ready.clear();
    return absorb_events();
  }
  server_.tracking.after_command(*call.spec, call.client, call.args, events_, host_);
  if (!events_.notifications.empty()) publish(events_);
  if (!events_.ready.empty() && !call.client.session.transaction.is_running()) answer_ready(call.now);
  if (!server_.monitors.empty()) show_to_monitors(call);
  absorb_events();
}

void Executor::show_to_monitors(const Call& call) {
  if ((call.spec->flags & (kAdmin | kSkipMonitor)) != 0) return;
  server_.monitors.tell(host_, call.client, call.client.session.database, call.args, call.now);
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

void Executor::block(const Call& call, Ref<BlockedCommand> command, resp::ReplyWriter& reply) {
  if (call.client.session.transaction.is_running()) return command->write_timeout(reply);
  blocked_ = std::move(command);
  if (is_replay_) return;
  const UserSession& session = call.client.session.user;
  blocked_->set_caller({.spec = call.spec,
                        .first_argument = std::string(call.args.size() > 1 ? call.args[1] : ""),
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
void Executor::count_error(const CommandSpec* spec, std::string_view reply) {
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
