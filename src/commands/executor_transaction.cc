// The executor's part in transactions: what is queued, what a refusal does to the queue, and EXEC. See executor.h.
#include "commands/executor.h"
#include "resp/errors.h"

namespace millrace::commands {
namespace {

// Why a command that was queued may not be executed any more.
std::string_view reason_of(settings::AclDenied what) {
  switch (what) {
    case settings::AclDenied::kCommand:
      return "no permission to execute the command or subcommand";
    case settings::AclDenied::kKey:
      return "no permission to touch the specified keys";
    case settings::AclDenied::kChannel:
      return "no permission to access one of the channels used as arguments";
  }
  return "no permission";
}

}  // namespace

// EXEC is allowed what all of its commands are, and does what any of them does.
Executor::Call Executor::look_up(Client& client, std::span<const std::string_view> args, const Instant& now) const {
  const CommandSpec* const spec = table_.find_called(args);
  Call call{spec, client, args, now};
  if (spec != nullptr) call.flags = is_exec(*spec) ? client.session.transaction.flags(spec->flags) : spec->flags;
  return call;
}

// What is queued takes memory, so while there is none only the end of the transaction is allowed.
bool Executor::lacks_memory(const Call& call) {
  const bool needs_memory = (call.flags & kDenyOom) != 0 ||
                            (call.client.session.transaction.is_open() && call.spec->in_multi != InMulti::kEnds);
  return needs_memory && memory_share_.is_over_limit(server_);
}

void Executor::queue(const Call& call, resp::ReplyWriter& reply) {
  call.client.session.transaction.queue(*call.spec, call.args);
  show_transaction(call.client);
  reply.simple("QUEUED");
}

// Whatever is refused after MULTI spoils the transaction. A refused EXEC ends it, and so does not stay open.
void Executor::refuse(const Call& call, std::string_view error, resp::ReplyWriter& reply) {
  if (call.spec != nullptr) statistics_.commands[call.spec->index].rejected.add();
  if (call.spec != nullptr && is_exec(*call.spec)) {
    drop_transaction(call.client, server_.keyspace, locks_);
    return reply.error(resp::exec_refused(error));
  }
  call.client.session.transaction.refuse();
  reply.error(error);
}

// Monitors have seen MULTI; so they are shown its end, though nothing of it was executed.
void Executor::tell_of_refusal(const Call& call) {
  server_.tracking.after_refusal(call.spec, call.client);
  if (call.spec != nullptr && is_exec(*call.spec) && !server_.monitors.empty()) show_to_monitors(call);
}

void Executor::hold_partitions_of_transaction(const Transaction& transaction) {
  if (!transaction.is_open()) return;
  effects_.settle();  // what came before is no part of it, and WAITAOF inside it asks about that
  is_wanted_.assign(server_.keyspace.partition_count(), false);
  for (const keyspace::KeyPlace& place : transaction.watched()) {
    is_wanted_[server_.keyspace.partition_of(place.key)] = true;
  }
  for (const QueuedCommand& command : transaction.commands()) {
    const CommandSpec& spec = command.spec();
    if (spec.locking == Locking::kAll || spec.locking == Locking::kSelf) return locks_.hold_all();
    if (spec.locking != Locking::kKeys || spec.keys.empty()) continue;
    command.read(queued_args_);
    if (!find_keys(spec, queued_args_, key_positions_)) continue;
    for (const uint32_t position : key_positions_) {
      is_wanted_[server_.keyspace.partition_of(queued_args_[position])] = true;
    }
  }
  partitions_.clear();
  for (keyspace::PartitionIndex i = 0; i < is_wanted_.size(); ++i) {
    if (is_wanted_[i]) partitions_.push_back(i);
  }
  locks_.hold(partitions_);
}

// The parts of EXEC's reply leave together, and only when the executor knows that something was written: then they wait
// for the journal.
void Executor::run_exec(const Call& call, resp::ReplyWriter& reply) {
  host_.begin_transaction(call.client);
  run_handler(call, reply);
  host_.end_transaction(call.client);
}

// Counted and told of as if each were alone. As Redis, EXEC takes the time that all of them take.
void Executor::run_transaction(CommandContext& context) {
  Client& client = context.client;
  Transaction& transaction = client.session.transaction;
  transaction.run();
  const int64_t started_ns = timed_since_ns_;
  take_time();  // what it has waited for partitions is not its first command's
  if (!client.session.is_mute()) context.reply.array(static_cast<int64_t>(transaction.commands().size()));
  for (const QueuedCommand& command : transaction.commands()) run_queued(command, client, context.reply, context.now);
  timed_since_ns_ = started_ns;
}

// Who has killed itself (CLIENT KILL) executes what is left, and says no more.
void Executor::run_queued(const QueuedCommand& command, Client& client, resp::ReplyWriter& reply, Instant now) {
  const CommandSpec& spec = command.spec();
  command.read(queued_args_);
  const size_t start = reply.size();
  const bool has_ended = client.session.close_after_reply;
  reply.set_protocol(client.session.protocol);
  const std::optional<settings::AclDenial> denial =
      permissions_.check_permissions(client, spec, queued_args_, AclContext::kMulti, now);
  if (denial) {
    reply.error(resp::rules_changed(reason_of(denial->what)));
    return settle_reply(&spec, start, has_ended || client.session.is_mute(), reply.buffer());
  }
  const Call call{&spec, client, queued_args_, now, spec.flags};
  run_handler(call, reply);
  settle_reply(&spec, start, has_ended || client.session.is_mute(), reply.buffer());
  tell_others(call);
  end_time(call, /*blocks=*/false);
}

}  // namespace millrace::commands
