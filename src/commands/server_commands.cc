// TIME and SHUTDOWN.
#include <cstdint>

#include "base/letters.h"
#include "commands/context.h"
#include "commands/handlers.h"
#include "resp/errors.h"
#include "settings/directives.h"

namespace millrace::commands {
namespace {

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

}  // namespace

void time_command(CommandContext& context) {
  const Instant now = context.host.read_clock();
  context.reply.array(2);
  context.reply.bulk_integer(now.unix_ms / 1000);
  context.reply.bulk_integer(now.unix_ms % 1000 * 1000 + now.unix_us);
}

// Nothing is saved yet, so SAVE and NOSAVE, NOW and FORCE all end the server in the same way.
void shutdown_command(CommandContext& context) {
  unsigned flags = 0;
  for (const std::string_view word : context.args.subspan(1)) {
    const unsigned flag = shutdown_flag(word);
    if (flag == 0) return context.reply.error(resp::kSyntax);
    flags |= flag;
  }
  if (contradicts(flags)) return context.reply.error(resp::kSyntax);
  if (flags == kAbort) return context.reply.error(resp::kNoShutdownInProgress);
  context.host.shut_down();
}

}  // namespace millrace::commands
