// TIME, SWAPDB and SHUTDOWN.
#include <cstdint>
#include <limits>
#include <optional>

#include "base/letters.h"
#include "base/numbers.h"
#include "commands/context.h"
#include "commands/handlers.h"
#include "commands/snapshots.h"
#include "resp/errors.h"
#include "settings/directives.h"

namespace millrace::commands {
namespace {

bool is_int32(int64_t number) {
  return number >= std::numeric_limits<int32_t>::min() && number <= std::numeric_limits<int32_t>::max();
}

enum ShutdownFlag : unsigned { kNoSave = 1, kSave = 2, kNow = 4, kForce = 8, kAbort = 16 };

struct ShutdownWord {
  std::string_view word;
  unsigned flag;
};

constexpr ShutdownWord kShutdownWords[] = {
    {"nosave", kNoSave}, {"save", kSave}, {"now", kNow}, {"force", kForce}, {"abort", kAbort},
};

// 0 for a word that is none.
unsigned shutdown_flag(std::string_view word) {
  for (const auto& [name, flag] : kShutdownWords) {
    if (same_word(name, word)) return flag;
  }
  return 0;
}

bool contradicts(unsigned flags) {
  const bool abort_with_others = (flags & kAbort) != 0 && flags != kAbort;
  return abort_with_others || (flags & (kSave | kNoSave)) == (kSave | kNoSave);
}

// The journal that was turned on just now does not hold all keys yet. As Redis, only FORCE ends the server then.
bool is_journal_beginning(const Server& server) {
  return server.journal_state.is_rewriting.load(std::memory_order_relaxed) &&
         server.journal_state.is_first.load(std::memory_order_relaxed);
}

}  // namespace

void time_command(CommandContext& context) {
  const Instant now = context.host.read_clock();
  context.reply.array(2);
  context.reply.bulk_integer(now.unix_ms / 1000);
  context.reply.bulk_integer(now.unix_ms % 1000 * 1000 + now.unix_us);
}

// All partitions are held. Clients that have selected a database find the other one's keys in it now.
void swapdb_command(CommandContext& context) {
  const std::optional<int64_t> first = parse_i64(context.args[1]);
  if (!first || !is_int32(*first)) return context.reply.error(resp::kInvalidFirstDb);
  const std::optional<int64_t> second = parse_i64(context.args[2]);
  if (!second || !is_int32(*second)) return context.reply.error(resp::kInvalidSecondDb);
  const int64_t count = context.server.keyspace.database_count();
  if (*first < 0 || *first >= count || *second < 0 || *second >= count) {
    return context.reply.error(resp::kInvalidDbIndex);
  }
  context.db.with_index(static_cast<int>(*first)).swap(static_cast<int>(*second));
  context.db.count_change();
  context.reply.ok();
}

// With NOSAVE, or without save points, the server ends at once; else when the snapshot is on disk. While keys are
// loaded too: a snapshot of a part of them must not replace the file. NOW changes nothing: there are no replicas to
// wait for.
void shutdown_command(CommandContext& context) {
  unsigned flags = 0;
  for (const std::string_view word : context.args.subspan(1)) {
    const unsigned flag = shutdown_flag(word);
    if (flag == 0) return context.reply.error(resp::kSyntax);
    flags |= flag;
  }
  if (contradicts(flags)) return context.reply.error(resp::kSyntax);
  if (flags == kAbort) return context.reply.error(resp::kNoShutdownInProgress);
  if ((flags & kForce) == 0 && is_journal_beginning(context.server)) {
    context.server.log.warning("Writing initial AOF, can't exit.");
    return context.reply.error(resp::kShutdownFailed);
  }
  const bool saves = (flags & kSave) != 0 || !context.server.settings.save_points().empty();
  const bool is_loading = context.server.loading.is_loading.load(std::memory_order_relaxed);
  if (!saves || is_loading || (flags & kNoSave) != 0) return context.host.shut_down();
  Ref<SnapshotWait> wait = Ref<SnapshotWait>::make(Ref<Client>(&context.client), resp::kShutdownFailed);
  const SnapshotKind kind = (flags & kForce) != 0 ? SnapshotKind::kFinalForced : SnapshotKind::kFinal;
  context.locks.hold_all();
  if (!context.host.start_snapshot(kind, wait)) return context.reply.error(resp::kShutdownFailed);
  context.block(std::move(wait));
}

}  // namespace millrace::commands
