// WAIT and WAITAOF: until others have what the client wrote. There are no replicas, so only the journal can have it.
#include <optional>

#include "base/numbers.h"
#include "commands/context.h"
#include "commands/handlers.h"
#include "commands/sync_waits.h"
#include "resp/errors.h"

namespace millrace::commands {
namespace {

constexpr int64_t kReplicas = 0;

// WAIT for replicas, which are not there: ends with its deadline.
class ReplicaWait final : public BlockedCommand {
 public:
  ReplicaWait(Ref<Client> client, int64_t deadline_ns) : BlockedCommand(std::move(client), {}, deadline_ns) {}

  bool try_answer(keyspace::Database&, std::string_view, resp::ReplyWriter&) override { return false; }
  void write_timeout(resp::ReplyWriter& reply) const override { reply.integer(kReplicas); }
};

// The end of the waiting. nullopt: the word is no timeout, and the reply says so.
std::optional<int64_t> read_deadline(CommandContext& context, std::string_view word) {
  const std::optional<int64_t> timeout_ms = parse_i64(word);
  if (timeout_ms && *timeout_ms >= 0) return deadline_of(*timeout_ms, context.now);
  context.reply.error(timeout_ms ? resp::kTimeoutNegative : resp::kTimeoutNotInteger);
  return std::nullopt;
}

struct Wish {
  bool local = false;
  bool replicas = false;
  int64_t deadline_ns = 0;
};

// nullopt: the reply says what is wrong.
std::optional<Wish> read_wish(CommandContext& context) {
  const std::optional<int64_t> local = parse_i64(context.args[1]);
  if (!local || *local < 0 || *local > 1) {
    context.reply.error(local ? resp::kNotZeroOrOne : resp::kNotInteger);
    return std::nullopt;
  }
  const std::optional<int64_t> replicas = parse_i64(context.args[2]);
  if (!replicas || *replicas < 0) {
    context.reply.error(resp::kNotPositive);
    return std::nullopt;
  }
  const std::optional<int64_t> deadline_ns = read_deadline(context, context.args[3]);
  if (!deadline_ns) return std::nullopt;
  return Wish{*local == 1, *replicas > kReplicas, *deadline_ns};
}

}  // namespace

void wait_command(CommandContext& context) {
  const std::optional<int64_t> wanted = parse_i64(context.args[1]);
  if (!wanted) return context.reply.error(resp::kNotInteger);
  const std::optional<int64_t> deadline_ns = read_deadline(context, context.args[2]);
  if (!deadline_ns) return;
  if (*wanted <= kReplicas) return context.reply.integer(kReplicas);
  context.block(Ref<ReplicaWait>::make(Ref<Client>(&context.client), *deadline_ns));
}

void waitaof_command(CommandContext& context) {
  Server& server = context.server;
  const std::optional<Wish> wish = read_wish(context);
  if (!wish) return;
  if (wish->local && server.settings.appendonly.load(std::memory_order_relaxed) == 0) {
    return context.reply.error(resp::kNoJournalToWaitFor);
  }
  const bool is_local = is_synced(server, context.client.session.journal_offset);
  const bool may_wait = !context.client.session.transaction.is_running();
  if (!may_wait || (!wish->replicas && (is_local || !wish->local))) return write_synced(is_local, context.reply);
  Ref<SyncWait> wait = Ref<SyncWait>::make(Ref<Client>(&context.client), server, wish->replicas, wish->deadline_ns);
  if (wish->local) {
    context.host.queue_replies(context.client);  // another core may answer from now on
    if (!server.sync_waits.add(server, wait)) return write_synced(true, context.reply);
  }
  context.block(std::move(wait));
}

}  // namespace millrace::commands
