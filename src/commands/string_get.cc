// Reading strings: GET, MGET, STRLEN, GETRANGE; GETDEL and GETEX, which take something away as well.
#include <algorithm>
#include <optional>

#include "base/letters.h"
#include "commands/command_table.h"
#include "commands/context.h"
#include "commands/handlers.h"
#include "commands/key_expiry.h"
#include "commands/stream_args.h"
#include "commands/string_args.h"
#include "resp/errors.h"

namespace millrace::commands {

namespace {

using keyspace::KeyEntry;
using keyspace::kNoExpiry;
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
  if (at_ms && is_past(context, *at_ms)) return remove_key(context, key);
  const bool changes = at_ms || (options->persists && found.entry->expire_at_ms != kNoExpiry);
  if (changes) change_expiry(context, context.db.will_change(*found.entry), key, at_ms.value_or(kNoExpiry));
}

}  // namespace millrace::commands
