// EXPIRE and its family: when keys end. Times are unix milliseconds inside, whatever the command's unit.
#include "commands/key_expiry.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "commands/command_table.h"
#include "commands/handlers.h"
#include "commands/stream_args.h"
#include "resp/errors.h"

namespace millrace::commands {

namespace {

using keyspace::kEventGeneric;
using keyspace::KeyEntry;
using keyspace::kNoExpiry;

// NX, XX, GT and LT.
struct Conditions {
  bool nx = false;
  bool xx = false;
  bool gt = false;
  bool lt = false;

  // A key without expiry lives longer than any time one can give.
  bool allow(int64_t current_ms, int64_t new_ms) const {
    const bool has_expiry = current_ms != kNoExpiry;
    if (nx && has_expiry) return false;
    if (xx && !has_expiry) return false;
    if (gt && (!has_expiry || new_ms <= current_ms)) return false;
    return !(lt && has_expiry && new_ms >= current_ms);
  }
};

std::optional<Conditions> read_conditions(CommandContext& context) {
  static constexpr struct {
    std::string_view word;
    bool Conditions::*flag;
  } kWords[] = {{"NX", &Conditions::nx}, {"XX", &Conditions::xx}, {"GT", &Conditions::gt}, {"LT", &Conditions::lt}};

  Conditions conditions;
  for (const std::string_view word : context.args.subspan(3)) {
    const auto* known = std::ranges::find_if(kWords, [word](const auto& row) { return same_word(word, row.word); });
    if (known == std::end(kWords)) {
      context.reply.error(resp::unsupported_option(word));
      return std::nullopt;
    }
    conditions.*known->flag = true;
  }
  if (conditions.nx && (conditions.xx || conditions.gt || conditions.lt)) {
    context.reply.error(resp::kNxXxGtLt);
    return std::nullopt;
  }
  if (conditions.gt && conditions.lt) {
    context.reply.error(resp::kGtLt);
    return std::nullopt;
  }
  return conditions;
}

// The time given, as an absolute one: `base_ms` plus so many units. Nothing after an error reply.
std::optional<int64_t> read_time(CommandContext& context, int64_t base_ms, TimeUnit unit) {
  const std::optional<int64_t> given = read_integer(context.reply, context.args[2]);
  if (!given) return std::nullopt;
  int64_t at_ms = *given;
  const bool overflows = (unit == TimeUnit::kSeconds && __builtin_mul_overflow(at_ms, 1000, &at_ms)) ||
                         __builtin_add_overflow(at_ms, base_ms, &at_ms);
  if (overflows) {
    context.reply.error(resp::invalid_expire(context.spec.full_name));
    return std::nullopt;
  }
  return at_ms;
}

void expire_at(CommandContext& context, int64_t base_ms, TimeUnit unit) {
  const std::optional<Conditions> conditions = read_conditions(context);
  if (!conditions) return;
  const std::optional<int64_t> at_ms = read_time(context, base_ms, unit);
  if (!at_ms) return;
  const std::string_view key = context.args[1];
  KeyEntry* entry = context.db.find_to_write(key);
  if (!entry || !conditions->allow(entry->expire_at_ms, *at_ms)) return context.reply.integer(0);
  is_past(context, *at_ms) ? remove_key(context, key) : change_expiry(context, *entry, key, *at_ms);
  context.reply.integer(1);
}

// -2 no such key, -1 no expiry; otherwise what is left after `base_ms`, seconds rounded to the nearest.
void write_expiry(CommandContext& context, int64_t base_ms, TimeUnit unit) {
  const KeyEntry* entry = context.db.find_to_read(context.args[1], /*touch=*/false);
  if (!entry) return context.reply.integer(-2);
  if (entry->expire_at_ms == kNoExpiry) return context.reply.integer(-1);
  const auto left_ms = static_cast<uint64_t>(std::max<int64_t>(0, entry->expire_at_ms - base_ms));
  context.reply.integer(static_cast<int64_t>(unit == TimeUnit::kSeconds ? (left_ms + 500) / 1000 : left_ms));
}

}  // namespace

bool is_past(const CommandContext& context, int64_t at_ms) {
  return at_ms <= context.now.unix_ms && !context.db.is_replay();
}

void remove_key(CommandContext& context, std::string_view key) {
  context.db.remove(key);
  context.db.count_change();
  context.db.notify(kEventGeneric, "del", key);
  if (keyspace::Effects* const effects = context.db.effects()) effects->add(context.db.index(), {"DEL", key});
}

// The effect is absolute, and without conditions: they were met.
void change_expiry(CommandContext& context, KeyEntry& entry, std::string_view key, int64_t at_ms) {
  const bool expires = at_ms != kNoExpiry;
  context.db.set_expiry(entry, at_ms);
  context.db.count_change();
  context.db.signal_modified(key);
  context.db.notify(kEventGeneric, expires ? "expire" : "persist", key);
  keyspace::Effects* const effects = context.db.effects();
  if (effects == nullptr) return;
  if (!expires) return effects->add(context.db.index(), {"PERSIST", key});
  effects->begin_command(context.db.index(), 3);
  effects->word("PEXPIREAT");
  effects->word(key);
  effects->word(at_ms);
}

void expire_command(CommandContext& context) {
  expire_at(context, context.now.unix_ms, TimeUnit::kSeconds);
}
void pexpire_command(CommandContext& context) {
  expire_at(context, context.now.unix_ms, TimeUnit::kMilliseconds);
}
void expireat_command(CommandContext& context) {
  expire_at(context, 0, TimeUnit::kSeconds);
}
void pexpireat_command(CommandContext& context) {
  expire_at(context, 0, TimeUnit::kMilliseconds);
}

void ttl_command(CommandContext& context) {
  write_expiry(context, context.now.unix_ms, TimeUnit::kSeconds);
}
void pttl_command(CommandContext& context) {
  write_expiry(context, context.now.unix_ms, TimeUnit::kMilliseconds);
}
void expiretime_command(CommandContext& context) {
  write_expiry(context, 0, TimeUnit::kSeconds);
}
void pexpiretime_command(CommandContext& context) {
  write_expiry(context, 0, TimeUnit::kMilliseconds);
}

void persist_command(CommandContext& context) {
  KeyEntry* entry = context.db.find_to_write(context.args[1]);
  if (!entry || entry->expire_at_ms == kNoExpiry) return context.reply.integer(0);
  change_expiry(context, *entry, context.args[1], kNoExpiry);
  context.reply.integer(1);
}

}  // namespace millrace::commands
