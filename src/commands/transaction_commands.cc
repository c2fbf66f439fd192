// MULTI, EXEC, DISCARD, WATCH and UNWATCH. What is queued, and what is refused instead, is decided by the executor;
// which partitions EXEC holds, too.
#include <algorithm>

#include "commands/context.h"
#include "commands/executor.h"
#include "commands/handlers.h"
#include "commands/transaction.h"
#include "resp/errors.h"

namespace millrace::commands {
namespace {

// One of the keys was changed, or is about to be found expired.
bool is_touched(CommandContext& context) {
  const keyspace::Watcher& watcher = *context.client.watcher;
  const Transaction::Places& places = context.client.session.transaction.watched();
  return watcher.is_touched() || std::any_of(places.begin(), places.end(), [&](const keyspace::KeyPlace& place) {
           return context.db.with_index(place.database).has_expired_for(place.key, watcher);
         });
}

}  // namespace

void multi_command(CommandContext& context) {
  Transaction& transaction = context.client.session.transaction;
  if (transaction.is_open()) return context.reply.error(resp::kNestedMulti);
  transaction.open();
  show_transaction(context.client);
  context.reply.ok();
}

// The partitions of the watched keys are held together with those of the commands, so nothing changes between the
// look at the former and the execution of the latter.
void exec_command(CommandContext& context) {
  Transaction& transaction = context.client.session.transaction;
  if (!transaction.is_open()) return context.reply.error(resp::kExecWithoutMulti);
  context.locks.pin();
  const bool is_stale = is_touched(context);
  stop_watching(context.client, context.db.keyspace(), context.locks);
  if (transaction.is_refused()) {
    context.reply.error(resp::kExecAbort);
  } else if (is_stale) {
    context.reply.null_array();
  } else {
    context.executor.run_transaction(context);
  }
  context.locks.unpin();
  transaction.close();
  show_transaction(context.client);
}

void discard_command(CommandContext& context) {
  if (!context.client.session.transaction.is_open()) return context.reply.error(resp::kDiscardWithoutMulti);
  drop_transaction(context.client, context.db.keyspace(), context.locks);
  context.reply.ok();
}

void watch_command(CommandContext& context) {
  Client& client = context.client;
  Transaction& transaction = client.session.transaction;
  if (transaction.is_open()) return context.reply.error(resp::kWatchInMulti);
  context.reply.ok();
  if (client.watcher->is_touched()) return;  // EXEC will fail, whatever else is watched
  if (transaction.watched().empty())
    context.db.keyspace().watch_counts().watchers.fetch_add(1, std::memory_order_relaxed);
  for (const std::string_view key : context.args.subspan(1)) {
    if (transaction.watch({context.db.index(), std::string(key)})) context.db.watch(key, client.watcher);
  }
  show_transaction(client);
}

// Inside EXEC nothing is watched any more.
void unwatch_command(CommandContext& context) {
  stop_watching(context.client, context.db.keyspace(), context.locks);
  context.reply.ok();
}

}  // namespace millrace::commands
