// MEMORY USAGE and MEMORY HELP.
#include <optional>

#include "base/letters.h"
#include "base/numbers.h"
#include "commands/command_table.h"
#include "commands/context.h"
#include "commands/handlers.h"
#include "commands/help.h"
#include "keyspace/key_table.h"
#include "resp/errors.h"
#include "settings/directives.h"

namespace millrace::commands {
namespace {

// SAMPLES bounds Redis's effort; a stream here knows its size, so it is only checked. False after an error reply.
bool check_samples(CommandContext& context) {
  const auto options = context.args.subspan(3);
  for (size_t i = 0; i < options.size(); i += 2) {
    const bool complete = i + 1 < options.size();
    if (!complete || !same_word(options[i], "samples")) {
      context.reply.error(resp::kSyntax);
      return false;
    }
    const std::optional<int64_t> samples = parse_i64(options[i + 1]);
    if (!samples || *samples < 0) {
      context.reply.error(samples ? resp::kSyntax : resp::kNotInteger);
      return false;
    }
  }
  return true;
}

}  // namespace

void memory_usage_command(CommandContext& context) {
  if (!check_samples(context)) return;
  const std::string_view key = context.args[2];
  const keyspace::KeyEntry* entry = context.db.find_to_inspect(key);
  if (entry == nullptr) return context.reply.null();
  context.reply.integer(static_cast<int64_t>(sizeof(keyspace::KeyEntry) + key.size() + entry->value.memory_bytes()));
}

void memory_help_command(CommandContext& context) {
  write_help(context);
}

}  // namespace millrace::commands
