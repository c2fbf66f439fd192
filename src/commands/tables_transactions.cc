// The rows of transactions.
#include "commands/command_table.h"
#include "commands/handlers.h"

namespace millrace::commands {
namespace {

constexpr uint32_t kAnyTime = kNoScript | kLoading | kStale;
constexpr uint32_t kQuick = kAnyTime | kFast | kAllowBusy;

CommandSpec row(std::string_view name, int arity, uint32_t flags, std::string_view since, std::string_view complexity,
                std::string_view summary, Locking locking, InMulti in_multi, Handler handler) {
  return {.name = name,
          .arity = arity,
          .flags = flags,
          .categories = "transaction",
          .group = "transactions",
          .since = since,
          .complexity = complexity,
          .summary = summary,
          .locking = locking,
          .handler = handler,
          .in_multi = in_multi};
}

CommandSpec watch_row() {
  CommandSpec spec = row("watch", -2, kQuick, "2.2.0", "O(1) for every key.",
                         "Lets the next EXEC fail if one of these keys is changed before it.", Locking::kKeys,
                         InMulti::kRuns, watch_command);
  spec.syntax = "key:key...";
  spec.keys = {{.flags = "RO", .begin_index = 1, .last = -1}};
  return spec;
}

}  // namespace

std::vector<CommandSpec> transaction_command_rows() {
  return {
      row("multi", 1, kQuick, "1.2.0", "O(1)", "Begins a transaction: commands are queued from here on.",
          Locking::kKeys, InMulti::kRuns, multi_command),
      row("exec", 1, kAnyTime | kSkipSlowlog, "1.2.0", "Depends on commands in the transaction",
          "Executes all queued commands as one.", Locking::kTransaction, InMulti::kEnds, exec_command),
      row("discard", 1, kQuick, "2.0.0", "O(N), when N is the number of queued commands",
          "Forgets the queued commands and the watched keys.", Locking::kSelf, InMulti::kEnds, discard_command),
      watch_row(),
      row("unwatch", 1, kQuick, "2.2.0", "O(1)", "Watches no keys any more.", Locking::kNone, InMulti::kQueued,
          unwatch_command),
  };
}

}  // namespace millrace::commands
