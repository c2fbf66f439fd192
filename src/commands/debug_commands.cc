// DEBUG: for tests of client libraries and for looking inside. Off unless enable-debug-command says otherwise.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "base/letters.h"
#include "base/numbers.h"
#include "commands/access.h"
#include "commands/context.h"
#include "commands/debug_protocol.h"
#include "commands/handlers.h"
#include "keyspace/key_table.h"
#include "persistence/digest.h"
#include "resp/errors.h"
#include "settings/directives.h"

namespace millrace::commands {
namespace {

constexpr double kSleepMaxSeconds = 3600;

// As strtod() reads it: the longest prefix that is a number, else 0.
double read_seconds(std::string_view text) {
  const double seconds = std::strtod(std::string(text).c_str(), nullptr);
  return std::isfinite(seconds) ? std::clamp(seconds, 0.0, kSleepMaxSeconds) : 0;
}

void debug_sleep(CommandContext& context) {
  context.host.stall(static_cast<int64_t>(read_seconds(context.args[2]) * 1e9));
  context.reply.ok();
}

// "Value at:0x... refcount:1 encoding:stream serializedlength:57 lru:58605 lru_seconds_idle:0"
void debug_object(CommandContext& context) {
  const std::string_view key = context.args[2];
  context.locks.hold_one(context.server.keyspace.partition_of(key));
  const keyspace::KeyEntry* entry = context.db.find_to_inspect(key);
  if (entry == nullptr) return context.reply.error(resp::kNoSuchKey);
  const std::string encoding(entry->value.encoding_name());
  const int64_t idle_s = std::max<int64_t>(0, context.now.unix_ms - entry->accessed_ms) / 1000;
  char text[256];
  std::snprintf(text, sizeof text,
                "Value at:%p refcount:1 encoding:%s serializedlength:%zu lru:%lld lru_seconds_idle:%lld",
                static_cast<const void*>(entry), encoding.c_str(), entry->value.memory_bytes(),
                static_cast<long long>(entry->accessed_ms / 1000 & 0xffffff), static_cast<long long>(idle_s));
  context.reply.simple(text);
}

persistence::Digest digest_of(const keyspace::Value& value) {
  if (const streams::Stream* const stream = value.stream()) return persistence::digest_of_value(*stream);
  keyspace::StringValue::Digits digits;
  return persistence::digest_of_value(value.string()->text(digits));
}

persistence::Digest digest_at(CommandContext& context, std::string_view key) {
  context.locks.hold_one(context.server.keyspace.partition_of(key));
  const keyspace::KeyEntry* const entry = context.db.find_to_inspect(key);
  return entry == nullptr ? persistence::Digest() : digest_of(entry->value);
}

void debug_digest(CommandContext& context) {
  context.locks.hold_all();
  persistence::Digest sum;
  for (int index = 0; index < context.server.keyspace.database_count(); ++index) {
    context.db.with_index(index).for_each([&](const keyspace::KeyEntry& entry) {
      const bool expires = entry.expire_at_ms != keyspace::kNoExpiry;
      sum += persistence::digest_of_key(index, entry.key, expires, digest_of(entry.value));
    });
  }
  context.reply.simple(sum.hex());
}

void debug_digest_value(CommandContext& context) {
  const auto keys = context.args.subspan(2);
  context.reply.array(static_cast<int64_t>(keys.size()));
  for (const std::string_view key : keys) context.reply.simple(digest_at(context, key).hex());
}

// All others wait: what is loaded is what was there.
void debug_reload(CommandContext& context) {
  const auto options = context.args.subspan(2);
  const bool no_save = options.size() == 1 && same_word(options[0], "NOSAVE");
  if (!options.empty() && !no_save) return context.reply.error(resp::kReloadOptions);
  context.locks.hold_all();
  if (!no_save && !context.host.save_at_once()) return context.reply.error(resp::kSaveFailed);
  for (int index = 0; index < context.server.keyspace.database_count(); ++index) context.db.with_index(index).clear();
  if (!context.host.load_at_once(context.locks)) return context.reply.error(resp::kLoadFailed);
  context.server.log.warning("DB reloaded by DEBUG RELOAD");
  context.reply.ok();
}

void debug_load_journal(CommandContext& context) {
  if (context.client.session.transaction.is_running()) return context.reply.error(resp::kNotInTransaction);
  Ref<SnapshotWait> wait = Ref<SnapshotWait>::make(Ref<Client>(&context.client), resp::kJournalLoadFailed);
  if (!context.host.reload_journal(wait)) return context.reply.error(resp::kJournalLoadFailed);
  context.block(std::move(wait));
}

void debug_set_active_expire(CommandContext& context) {
  const std::string number(context.args[2]);
  context.server.active_expiry.store(std::atoi(number.c_str()) != 0, std::memory_order_relaxed);
  context.reply.ok();
}

void debug_change_replication_id(CommandContext& context) {
  context.server.replication_id.change(context.random);
  context.server.log.warning("Changing replication IDs after receiving change-repl-id");
  context.reply.ok();
}

// The text as it is, code and all.
void debug_error(CommandContext& context) {
  context.reply.error("-" + std::string(context.args[2]));
}

void debug_log(CommandContext& context) {
  context.server.log.warning("DEBUG LOG: " + std::string(context.args[2]));
  context.reply.ok();
}

void debug_help(CommandContext& context);

struct DebugAction {
  std::string_view name;
  int arity;  // all words, DEBUG included; negative: at least so many
  void (*run)(CommandContext& context);
  std::string_view usage;
  std::string_view summary;
};

constexpr DebugAction kActions[] = {
    {"change-repl-id", 2, debug_change_replication_id, "CHANGE-REPL-ID",
     "Gives the history of the keys another name in INFO replication."},
    {"digest", 2, debug_digest, "DIGEST", "Shows a checksum of all keys and values, whatever their order."},
    {"digest-value", -2, debug_digest_value, "DIGEST-VALUE [<key> ...]", "Shows a checksum of each value."},
    {"error", 3, debug_error, "ERROR <text>", "Replies with that text as an error."},
    {"loadaof", -2, debug_load_journal, "LOADAOF", "Removes all keys and loads the journal."},
    {"log", 3, debug_log, "LOG <text>", "Writes the text to the log."},
    {"object", 3, debug_object, "OBJECT <key>", "Shows how the value of a key is held in memory."},
    {"protocol", 3, debug_protocol, "PROTOCOL <type>", "Replies with a value of the type, as the protocol spells it."},
    {"reload", -2, debug_reload, "RELOAD [NOSAVE]",
     "Saves all keys (not with NOSAVE), removes them and loads the file."},
    {"set-active-expire", 3, debug_set_active_expire, "SET-ACTIVE-EXPIRE <0|1>",
     "Stops or resumes the removal of expired keys in the background."},
    {"sleep", 3, debug_sleep, "SLEEP <seconds>", "Keeps this core busy with nothing; decimals are allowed."},
    {"help", 2, debug_help, "HELP", "Prints this help."},
};

bool fits(const DebugAction& action, size_t words) {
  const auto count = static_cast<int64_t>(words);
  return action.arity < 0 ? count >= -action.arity : count == action.arity;
}

void debug_help(CommandContext& context) {
  context.reply.array(static_cast<int64_t>(1 + 2 * std::size(kActions)));
  context.reply.simple("DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (const DebugAction& action : kActions) {
    context.reply.simple(action.usage);
    context.reply.simple("    " + std::string(action.summary));
  }
}

}  // namespace

void debug_command(CommandContext& context) {
  if (!is_allowed(context.server.settings.debug_access(), context.client)) {
    return context.reply.error(resp::debug_not_allowed("DEBUG", "enable-debug-command"));
  }
  for (const DebugAction& action : kActions) {
    if (!same_word(context.args[1], action.name)) continue;
    if (!fits(action, context.args.size())) break;
    return action.run(context);
  }
  context.reply.error(resp::unknown_subcommand_or_arity(context.args[1], "DEBUG"));
}

}  // namespace millrace::commands
