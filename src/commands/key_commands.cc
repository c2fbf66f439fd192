// Commands on single keys, whatever they hold: existence, deletion, renaming, copying, moving, OBJECT.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "commands/command_table.h"
#include "commands/context.h"
#include "commands/handlers.h"
#include "commands/help.h"
#include "commands/stream_args.h"
#include "resp/errors.h"

namespace millrace::commands {

namespace {

using keyspace::Database;
using keyspace::kEventGeneric;
using keyspace::KeyEntry;
using keyspace::Value;

constexpr std::string_view kNotInt32 = "value is out of range, value must between -2147483648 and 2147483647";

// How many of the keys (all arguments) `action` succeeds with; a key given twice is counted twice.
template <typename Action>
int64_t count_keys(CommandContext& context, Action action) {
  return std::ranges::count_if(context.args.subspan(1), action);
}

void remove_keys(CommandContext& context) {
  const int64_t removed = count_keys(context, [&](std::string_view key) {
    const bool was_there = context.db.remove(key);
    if (was_there) context.db.notify(kEventGeneric, "del", key);
    return was_there;
  });
  context.db.count_change(static_cast<uint64_t>(removed));
  context.reply.integer(removed);
}

// The number of the database an argument names, or nothing after an error reply.
std::optional<int> read_database(CommandContext& context, std::string_view argument) {
  const std::optional<int64_t> index = read_integer(context.reply, argument);
  if (!index) return std::nullopt;
  if (*index < std::numeric_limits<int32_t>::min() || *index > std::numeric_limits<int32_t>::max()) {
    context.reply.error(kNotInt32);
    return std::nullopt;
  }
  if (*index < 0 || *index >= context.db.keyspace().database_count()) {
    context.reply.error(resp::kInvalidDbIndex);
    return std::nullopt;
  }
  return static_cast<int>(*index);
}

// Puts a value at an absent key: whoever waits for the key looks at it.
void place_value(Database& db, std::string_view key, Value value, int64_t expire_at_ms) {
  streams::Stream* stream = value.stream();
  db.set_expiry(db.create(key, std::move(value)), expire_at_ms);
  if (stream && !stream->idempotency.empty()) db.track_idempotency(key);
  db.signal_ready(key);
}

// Takes value and expiry of an entry to an absent key, possibly of another database.
void move_value(Database& from, KeyEntry& entry, std::string_view old_key, Database& to, std::string_view new_key) {
  place_value(to, new_key, std::move(entry.value), entry.expire_at_ms);
  from.remove(old_key);
}

void tell_of_renaming(Database& db, std::string_view old_key, std::string_view new_key) {
  db.notify(kEventGeneric, "rename_from", old_key);
  db.notify(kEventGeneric, "rename_to", new_key);
}

// Removes the key that is to be overwritten and returns what type it had; nothing if it is absent.
std::optional<std::string_view> remove_to_overwrite(Database& db, std::string_view key) {
  const KeyEntry* const entry = db.find_to_write(key);
  if (entry == nullptr) return std::nullopt;
  const std::string_view type = entry->value.type_name();
  db.remove(key);
  return type;
}

struct CopyOptions {
  int database = 0;
  bool replace = false;
};

std::optional<CopyOptions> read_copy_options(CommandContext& context) {
  CopyOptions options{.database = context.db.index()};
  for (size_t i = 3; i < context.args.size(); ++i) {
    if (same_word(context.args[i], "REPLACE")) {
      options.replace = true;
    } else if (same_word(context.args[i], "DB") && i + 1 < context.args.size()) {
      const std::optional<int> database = read_database(context, context.args[++i]);
      if (!database) return std::nullopt;
      options.database = *database;
    } else {
      context.reply.error(resp::kSyntax);
      return std::nullopt;
    }
  }
  return options;
}

// The entry OBJECT asks about, or nullptr after a null reply.
const KeyEntry* find_object(CommandContext& context) {
  const KeyEntry* entry = context.db.find_to_inspect(context.args[2]);
  if (!entry) context.reply.null();
  return entry;
}

}  // namespace

void del_command(CommandContext& context) {
  remove_keys(context);
}
void unlink_command(CommandContext& context) {
  remove_keys(context);
}

void exists_command(CommandContext& context) {
  context.reply.integer(count_keys(
      context, [&](std::string_view key) { return context.db.find_to_read(key, /*touch=*/false) != nullptr; }));
}

void touch_command(CommandContext& context) {
  context.reply.integer(
      count_keys(context, [&](std::string_view key) { return context.db.find_to_read(key) != nullptr; }));
}

void type_command(CommandContext& context) {
  const KeyEntry* entry = context.db.find_to_read(context.args[1], /*touch=*/false);
  context.reply.simple(entry ? entry->value.type_name() : "none");
}

void rename_command(CommandContext& context) {
  const std::string_view key = context.args[1];
  const std::string_view new_key = context.args[2];
  KeyEntry* entry = context.db.find_to_write(key);
  if (!entry) return context.reply.error(resp::kNoSuchKey);
  if (key != new_key) {
    context.db.signal_modified(key);  // who has copies hears of the old name first
    const std::string_view type = entry->value.type_name();
    const std::optional<std::string_view> old_type = remove_to_overwrite(context.db, new_key);
    move_value(context.db, *entry, key, context.db, new_key);
    context.db.count_change();
    tell_of_renaming(context.db, key, new_key);
    if (old_type) context.db.notify_overwritten(new_key, *old_type != type);
  }
  context.reply.ok();
}

void renamenx_command(CommandContext& context) {
  const std::string_view key = context.args[1];
  const std::string_view new_key = context.args[2];
  KeyEntry* entry = context.db.find_to_write(key);
  if (!entry) return context.reply.error(resp::kNoSuchKey);
  if (context.db.find_to_write(new_key)) return context.reply.integer(0);
  context.db.signal_modified(key);
  move_value(context.db, *entry, key, context.db, new_key);
  context.db.count_change();
  tell_of_renaming(context.db, key, new_key);
  context.reply.integer(1);
}

void copy_command(CommandContext& context) {
  const std::optional<CopyOptions> options = read_copy_options(context);
  if (!options) return;
  const std::string_view key = context.args[1];
  const std::string_view new_key = context.args[2];
  Database target = context.db.with_index(options->database);
  if (target.index() == context.db.index() && key == new_key) return context.reply.error(resp::kSameObject);
  const KeyEntry* entry = context.db.find_to_read(key, !context.client.session.no_touch);
  if (!entry || (!options->replace && target.find_to_write(new_key))) return context.reply.integer(0);
  const std::optional<std::string_view> old_type = remove_to_overwrite(target, new_key);
  place_value(target, new_key, entry->value.clone(), entry->expire_at_ms);
  context.db.count_change();
  target.notify(kEventGeneric, "copy_to", new_key);
  if (old_type) target.notify_overwritten(new_key, *old_type != entry->value.type_name());
  context.reply.integer(1);
}

void move_command(CommandContext& context) {
  const std::string_view key = context.args[1];
  const std::optional<int> database = read_database(context, context.args[2]);
  if (!database) return;
  if (*database == context.db.index()) return context.reply.error(resp::kSameObject);
  Database target = context.db.with_index(*database);
  KeyEntry* entry = context.db.find_to_write(key);
  if (!entry || target.find_to_write(key)) return context.reply.integer(0);
  move_value(context.db, *entry, key, target, key);
  context.db.count_change();
  context.db.notify(kEventGeneric, "move_from", key);
  target.notify(kEventGeneric, "move_to", key);
  context.reply.integer(1);
}

void object_encoding_command(CommandContext& context) {
  if (const KeyEntry* entry = find_object(context)) context.reply.bulk(entry->value.encoding_name());
}

void object_freq_command(CommandContext& context) {
  if (find_object(context)) context.reply.error(resp::kLfuNotSelected);
}

void object_idletime_command(CommandContext& context) {
  const KeyEntry* entry = find_object(context);
  if (entry) context.reply.integer(std::max<int64_t>(0, context.now.unix_ms - entry->accessed_ms) / 1000);
}

void object_refcount_command(CommandContext& context) {
  // Redis keeps one object for each small integer, which all keys share.
  constexpr int64_t kSharedIntegers = 10000;
  const KeyEntry* const entry = find_object(context);
  if (entry == nullptr) return;
  const keyspace::StringValue* const string = entry->value.string();
  const bool is_shared =
      string != nullptr && string->is_integer() && *string->integer() >= 0 && *string->integer() < kSharedIntegers;
  context.reply.integer(is_shared ? std::numeric_limits<int32_t>::max() : 1);
}

void object_help_command(CommandContext& context) {
  write_help(context);
}

}  // namespace millrace::commands
