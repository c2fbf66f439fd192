// SET and what came before it: SETNX, SETEX, PSETEX, GETSET; MSET and MSETNX.
#include <optional>

#include "base/letters.h"
#include "commands/command_table.h"
#include "commands/context.h"
#include "commands/handlers.h"
#include "commands/stream_args.h"
#include "commands/string_args.h"
#include "resp/errors.h"

namespace millrace::commands {

namespace {

using keyspace::KeyEntry;

enum class Condition : uint8_t { kNone, kAbsent, kPresent };

struct SetOptions {
  Condition condition = Condition::kNone;
  bool returns_old = false;
  bool keeps_expiry = false;
  std::optional<GivenTime> time{};
};

// False if the word makes no sense here; `at` moves to its last argument. A time may be given twice in the same unit.
bool read_set_option(Args args, size_t& at, SetOptions& options) {
  const std::string_view word = args[at];
  if (same_word(word, "NX") && options.condition != Condition::kPresent) {
    options.condition = Condition::kAbsent;
  } else if (same_word(word, "XX") && options.condition != Condition::kAbsent) {
    options.condition = Condition::kPresent;
  } else if (same_word(word, "GET")) {
    options.returns_old = true;
  } else if (same_word(word, "KEEPTTL") && !options.time) {
    options.keeps_expiry = true;
  } else {
    return !options.keeps_expiry && read_time_option(args, at, options.time);
  }
  return true;
}

std::optional<SetOptions> read_set_options(CommandContext& context) {
  SetOptions options;
  for (size_t at = 3; at < context.args.size(); ++at) {
    if (read_set_option(context.args, at, options)) continue;
    context.reply.error(resp::kSyntax);
    return std::nullopt;
  }
  return options;
}

// The old value, or null, as the reply. False after an error reply.
bool reply_old(CommandContext& context, std::string_view key) {
  const StringView old = find_string_to_read(context, key);
  if (old.wrong_type) return false;
  write_string(context.reply, old.string);
  return true;
}

// SETEX and PSETEX.
void set_with_time(CommandContext& context, TimeUnit unit) {
  const std::string_view key = context.args[1];
  const std::optional<int64_t> at_ms = read_given_time(context, {.number = context.args[2], .unit = unit});
  if (!at_ms) return;
  const Placement placement{.expire_at_ms = at_ms};
  place_string(context, context.db.find_to_write(key), key, context.args[3], placement);
  note_set(context, key, context.args[3], placement);
  context.reply.ok();
}

// False after an error reply.
bool check_pairs(CommandContext& context) {
  if (context.args.size() % 2 == 1) return true;
  context.reply.error(resp::wrong_arity(context.spec.full_name));
  return false;
}

void set_pairs(CommandContext& context) {
  const Args args = context.args;
  for (size_t i = 1; i < args.size(); i += 2) {
    place_string(context, context.db.find_to_write(args[i]), args[i], args[i + 1], {});
  }
}

}  // namespace

void set_command(CommandContext& context) {
  const std::string_view key = context.args[1];
  const std::string_view text = context.args[2];
  if (context.args.size() == 3) {
    place_string(context, context.db.find_to_write(key), key, text, {});
    return context.reply.ok();
  }
  const std::optional<SetOptions> options = read_set_options(context);
  if (!options) return;
  Placement placement{.keeps_expiry = options->keeps_expiry};
  if (options->time) {
    placement.expire_at_ms = read_given_time(context, *options->time);
    if (!placement.expire_at_ms) return;
  }
  if (options->returns_old && !reply_old(context, key)) return;
  KeyEntry* const entry = context.db.find_to_write(key);
  const Condition met = entry == nullptr ? Condition::kAbsent : Condition::kPresent;
  if (options->condition != Condition::kNone && options->condition != met) {
    if (!options->returns_old) context.reply.null();
    return;
  }
  place_string(context, entry, key, text, placement);
  note_set(context, key, text, placement);
  if (!options->returns_old) context.reply.ok();
}

void setnx_command(CommandContext& context) {
  const std::string_view key = context.args[1];
  if (context.db.find_to_write(key) != nullptr) return context.reply.integer(0);
  place_string(context, nullptr, key, context.args[2], {});
  context.reply.integer(1);
}

void setex_command(CommandContext& context) {
  set_with_time(context, TimeUnit::kSeconds);
}
void psetex_command(CommandContext& context) {
  set_with_time(context, TimeUnit::kMilliseconds);
}

void getset_command(CommandContext& context) {
  const std::string_view key = context.args[1];
  if (!reply_old(context, key)) return;
  place_string(context, context.db.find_to_write(key), key, context.args[2], {});
  note_set(context, key, context.args[2], {});
}

void mset_command(CommandContext& context) {
  if (!check_pairs(context)) return;
  set_pairs(context);
  context.reply.ok();
}

void msetnx_command(CommandContext& context) {
  if (!check_pairs(context)) return;
  for (size_t i = 1; i < context.args.size(); i += 2) {
    if (context.db.find_to_write(context.args[i]) != nullptr) return context.reply.integer(0);
  }
  set_pairs(context);
  context.reply.integer(1);
}

}  // namespace millrace::commands
