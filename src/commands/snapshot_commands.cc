// SAVE, BGSAVE, BGREWRITEAOF and LASTSAVE, and what snapshots mean for writes.
#include "base/letters.h"
#include "commands/context.h"
#include "commands/handlers.h"
#include "commands/info_sections.h"
#include "commands/snapshots.h"
#include "resp/errors.h"

namespace millrace::commands {
namespace {

// What begins inside EXEC would have the first half of it in the snapshot, and not the second: it is put off.
bool is_put_off(const CommandContext& context) {
  return context.client.session.transaction.is_running();
}

}  // namespace

uint64_t unsaved_changes(const Server& server) {
  const uint64_t saved = server.snapshots.changes_saved.load(std::memory_order_relaxed);
  const uint64_t changes = total_of(server, &CoreStatistics::changes);
  return changes > saved ? changes - saved : 0;
}

void update_refusal(Server& server) {
  const bool refuses = server.snapshots.last_failed.load(std::memory_order_relaxed) &&
                       server.settings.stop_writes_on_bgsave_error.load(std::memory_order_relaxed) != 0 &&
                       !server.settings.save_points().empty();
  server.snapshots.refuses_writes.store(refuses, std::memory_order_relaxed);
}

void save_command(CommandContext& context) {
  Ref<SnapshotWait> wait = Ref<SnapshotWait>::make(Ref<Client>(&context.client), resp::kSaveFailed);
  if (!context.host.start_snapshot(SnapshotKind::kForeground, wait)) {
    return context.reply.error(resp::kSaveInProgress);
  }
  context.block(std::move(wait));
}

void bgsave_command(CommandContext& context) {
  const auto options = context.args.subspan(1);
  if (options.size() > 1 || (options.size() == 1 && !same_word(options[0], "schedule"))) {
    return context.reply.error(resp::kSyntax);
  }
  const bool is_later = is_put_off(context);
  if (!is_later && context.host.start_snapshot(SnapshotKind::kBackground, nullptr)) {
    return context.reply.simple("Background saving started");
  }
  Snapshots& snapshots = context.server.snapshots;
  const bool is_rewriting = context.server.journal_state.is_rewriting.load();
  if (!is_rewriting && (!is_later || snapshots.is_going.load())) return context.reply.error(resp::kSaveInProgress);
  if (!is_later && options.empty()) return context.reply.error(resp::kRewriteBeforeSave);
  snapshots.is_scheduled.store(true);
  context.reply.simple("Background saving scheduled");
}

void bgrewriteaof_command(CommandContext& context) {
  JournalState& state = context.server.journal_state;
  if (state.is_rewriting.load()) return context.reply.error(resp::kRewriteInProgress);
  if (!is_put_off(context) && context.host.start_snapshot(SnapshotKind::kJournal, nullptr)) {
    return context.reply.simple("Background append only file rewriting started");
  }
  if (context.server.journal == nullptr) return context.reply.error(resp::kRewriteFailed);
  state.is_scheduled.store(true);
  state.rewrite_failures_in_a_row.store(0);
  context.reply.simple("Background append only file rewriting scheduled");
}

void lastsave_command(CommandContext& context) {
  context.reply.integer(context.server.snapshots.last_save_s.load(std::memory_order_relaxed));
}

}  // namespace millrace::commands
