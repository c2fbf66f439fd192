// Reading strings: GET, MGET, STRLEN, GETRANGE; GETDEL and GETEX, which take something away as well.
#include <algorithm>
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

using keyspace::kEventGeneric;
using keyspace::KeyEntry;
using keyspace::StringValue;

// What becomes of the key's expiry with GETEX; nothing if neither is set.
struct GetexOptions {
  bool persists = false;
  std::optional<GivenTime> time{};
};

std::optional<GetexOptions> read_getex_options(CommandContext& context) {
  GetexOptions options;
  for (size_t at = 2; at < context.args.size(); ++at) {
    if (same_word(context.args[at], "PERSIST") && !options.time) {
      options.persists = true;
    } else if (options.persists || !read_time_option(context.args, at, options.time)) {
      context.reply.error(resp::kSyntax);
      return std::nullopt;
    }
  }
  return options;
}

void remove_key(CommandContext& context, std::string_view key) {
  context.db.remove(key);
  context.db.count_change();
  context.db.notify(kEventGeneric, "del", key);
  if (keyspace::Effects* const effects = context.db.effects()) effects->add(context.db.index(), {"DEL", key});
}

void change_expiry(CommandContext& context, KeyEntry& entry, std::string_view key, std::optional<int64_t> at_ms) {
  context.db.set_expiry(entry, at_ms.value_or(keyspace::kNoExpiry));
  context.db.count_change();
  context.db.signal_modified(key);
  context.db.notify(kEventGeneric, at_ms ? "expire" : "persist", key);
  keyspace::Effects* const effects = context.db.effects();
  if (effects == nullptr) return;
  if (!at_ms) return effects->add(context.db.index(), {"PERSIST", key});
  effects->begin_command(context.db.index(), 3);
  effects->word("PEXPIREAT");
  effects->word(key);
  effects->word(*at_ms);
}

// The part from `start` to `end`, both included; negative ones count from the end of the text.
std::string_view part_of(std::string_view text, int64_t start, int64_t end) {
  const auto size = static_cast<int64_t>(text.size());
  if (start < 0 && end < 0 && start > end) return {};
  if (start < 0) start = std::max<int64_t>(0, start + size);
  if (end < 0) end = std::max<int64_t>(0, end + size);
  end = std::min(end, size - 1);
  if (start > end) return {};
  return text.substr(static_cast<size_t>(start), static_cast<size_t>(end - start + 1));
}

}  // namespace

void get_command(CommandContext& context) {
  const StringView found = find_string_to_read(context, context.args[1]);
  if (!found.wrong_type) write_string(context.reply, found.string);
}

void mget_command(CommandContext& context) {
  const auto keys = context.args.subspan(1);
  context.reply.array(static_cast<int64_t>(keys.size()));
  for (const std::string_view key : keys) {
    const KeyEntry* const entry = context.db.find_to_read(key, !context.client.session.no_touch);
    write_string(context.reply, entry == nullptr ? nullptr : entry->value.string());
  }
}

void strlen_command(CommandContext& context) {
  const StringView found = find_string_to_read(context, context.args[1]);
  if (found.wrong_type) return;
  context.reply.integer(found.string == nullptr ? 0 : static_cast<int64_t>(found.string->size()));
}

// Also SUBSTR.
void getrange_command(CommandContext& context) {
  const std::optional<int64_t> start = read_integer(context.reply, context.args[2]);
  if (!start) return;
  const std::optional<int64_t> end = read_integer(context.reply, context.args[3]);
  if (!end) return;
  const StringView found = find_string_to_read(context, context.args[1]);
  if (found.wrong_type) return;
  StringValue::Digits digits;
  context.reply.bulk(found.string == nullptr ? std::string_view() : part_of(found.string->text(digits), *start, *end));
}

void getdel_command(CommandContext& context) {
  const std::string_view key = context.args[1];
  const StringView found = find_string_to_read(context, key);
  if (found.wrong_type) return;
  write_string(context.reply, found.string);
  if (found.string != nullptr) remove_key(context, key);
}

void getex_command(CommandContext& context) {
  const std::string_view key = context.args[1];
  const std::optional<GetexOptions> options = read_getex_options(context);
  if (!options) return;
  const StringView found = find_string_to_read(context, key);
  if (found.wrong_type) return;
  if (found.string == nullptr) return context.reply.null();
  std::optional<int64_t> at_ms;
  if (options->time) {
    at_ms = read_given_time(context, *options->time);
    if (!at_ms) return;
  }
  write_string(context.reply, found.string);
  const bool is_over = at_ms && *at_ms <= context.now.unix_ms && !context.db.is_replay();
  if (is_over) return remove_key(context, key);
  const bool changes = at_ms || (options->persists && found.entry->expire_at_ms != keyspace::kNoExpiry);
  if (changes) change_expiry(context, context.db.will_change(*found.entry), key, at_ms);
}

}  // namespace millrace::commands
