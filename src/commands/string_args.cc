// See string_args.h.
#include "commands/string_args.h"

#include <algorithm>
#include <iterator>

#include "base/letters.h"
#include "commands/command_table.h"
#include "commands/stream_args.h"
#include "resp/errors.h"

namespace millrace::commands {

namespace {

using keyspace::KeyEntry;

constexpr int64_t kMsPerSecond = 1000;
constexpr uint64_t kStringBytesMax = uint64_t{4} << 30;  // whatever the settings say

template <typename Lookup, typename Entry>
Lookup string_of(CommandContext& context, Entry* entry) {
  if (entry == nullptr) return {};
  auto* const string = entry->value.string();
  if (string == nullptr) context.reply.error(resp::kWrongType);
  return {entry, string, string == nullptr};
}

}  // namespace

StringView find_string_to_read(CommandContext& context, std::string_view key) {
  return string_of<StringView>(context, context.db.find_to_read(key, !context.client.session.no_touch));
}

StringLookup find_string_to_write(CommandContext& context, std::string_view key) {
  return string_of<StringLookup>(context, context.db.find_to_write(key));
}

void write_string(resp::ReplyWriter& reply, const keyspace::StringValue* string) {
  if (string == nullptr) return reply.null();
  keyspace::StringValue::Digits digits;
  reply.bulk(string->text(digits));
}

uint64_t string_bytes_max(const Server& server) {
  const auto allowed = static_cast<uint64_t>(server.settings.proto_max_bulk_len_bytes.load(std::memory_order_relaxed));
  return std::min(allowed, kStringBytesMax);
}

bool check_string_size(CommandContext& context, size_t offset, size_t size) {
  const uint64_t max = context.db.is_replay() ? kStringBytesMax : string_bytes_max(context.server);
  if (offset <= max && size <= max - offset) return true;
  context.reply.error(resp::kStringTooLong);
  return false;
}

std::optional<int64_t> read_given_time(CommandContext& context, const GivenTime& given) {
  const std::optional<int64_t> number = read_integer(context.reply, given.number);
  if (!number) return std::nullopt;
  int64_t at_ms = *number;
  const bool out_of_range = at_ms <= 0 ||
                            (given.unit == TimeUnit::kSeconds && __builtin_mul_overflow(at_ms, kMsPerSecond, &at_ms)) ||
                            (!given.is_absolute && __builtin_add_overflow(at_ms, context.now.unix_ms, &at_ms));
  if (!out_of_range) return at_ms;
  context.reply.error(resp::invalid_expire(context.spec.full_name));
  return std::nullopt;
}

bool read_time_option(Args args, size_t& at, std::optional<GivenTime>& time) {
  static constexpr struct {
    std::string_view word;
    TimeUnit unit;
    bool is_absolute;
  } kOptions[] = {{"EX", TimeUnit::kSeconds, false},
                  {"PX", TimeUnit::kMilliseconds, false},
                  {"EXAT", TimeUnit::kSeconds, true},
                  {"PXAT", TimeUnit::kMilliseconds, true}};
  const auto* const option =
      std::ranges::find_if(kOptions, [&](const auto& row) { return same_word(args[at], row.word); });
  if (option == std::end(kOptions) || at + 1 == args.size()) return false;
  if (time && (time->unit != option->unit || time->is_absolute != option->is_absolute)) return false;
  time = GivenTime{args[++at], option->unit, option->is_absolute};
  return true;
}

void place_string(CommandContext& context, KeyEntry* entry, std::string_view key, std::string_view text,
                  const Placement& placement) {
  keyspace::Database& db = context.db;
  const bool was_there = entry != nullptr;
  bool other_type = false;
  if (!was_there) {
    entry = &db.create(key, keyspace::Value(keyspace::StringValue(text)));
  } else if (keyspace::StringValue* const string = entry->value.string()) {
    string->assign(text);
  } else {
    other_type = true;
    entry->value = keyspace::Value(keyspace::StringValue(text));
    db.signal_ready(key);
  }
  if (was_there) db.signal_modified(key);
  if (!placement.keeps_expiry || placement.expire_at_ms) {
    db.set_expiry(*entry, placement.expire_at_ms.value_or(keyspace::kNoExpiry));
  }
  db.count_change();
  if (was_there) db.notify_overwritten(key, other_type);
  db.notify(keyspace::kEventString, "set", key);
  if (placement.expire_at_ms) db.notify(keyspace::kEventGeneric, "expire", key);
}

void note_set(CommandContext& context, std::string_view key, std::string_view text, const Placement& placement) {
  keyspace::Effects* const effects = context.db.effects();
  if (effects == nullptr) return;
  effects->begin_command(context.db.index(), 3 + (placement.expire_at_ms ? 2 : placement.keeps_expiry ? 1 : 0));
  effects->word("SET");
  effects->word(key);
  effects->word(text);
  if (placement.expire_at_ms) {
    effects->word("PXAT");
    effects->word(*placement.expire_at_ms);
  } else if (placement.keeps_expiry) {
    effects->word("KEEPTTL");
  }
}

}  // namespace millrace::commands
