// DUMP and RESTORE: a value as bytes, and back. The bytes are those of Redis (persistence/FORMAT.md); what RESTORE is
// handed is checked to the last bit before a key is touched.
#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/letters.h"
#include "commands/command_table.h"
#include "commands/context.h"
#include "commands/handlers.h"
#include "commands/key_expiry.h"
#include "commands/stream_args.h"
#include "persistence/dump.h"
#include "persistence/rdb_format.h"
#include "persistence/stream_writer.h"
#include "resp/errors.h"

namespace millrace::commands {

namespace {

using keyspace::kEventGeneric;
using keyspace::KeyEntry;
using keyspace::kNoExpiry;
using keyspace::Value;

constexpr int64_t kMsPerSecond = 1000;
constexpr int64_t kIdleMaxS = std::numeric_limits<int64_t>::max() / kMsPerSecond;
constexpr int64_t kFrequencyMax = 255;

struct RestoreOptions {
  bool replace = false;
  bool absolute = false;
  std::optional<int64_t> idle_s;
  bool has_frequency = false;  // of no use without LFU, but checked
};

std::optional<int64_t> read_between(CommandContext& context, size_t at, int64_t max, std::string_view error) {
  const std::optional<int64_t> value = read_integer(context.reply, context.args[at]);
  if (value && *value >= 0 && *value <= max) return value;
  if (value) context.reply.error(error);
  return std::nullopt;
}

std::optional<RestoreOptions> read_restore_options(CommandContext& context) {
  RestoreOptions options;
  for (size_t i = 4; i < context.args.size(); ++i) {
    const std::string_view word = context.args[i];
    const bool has_value = i + 1 < context.args.size();
    if (same_word(word, "REPLACE")) {
      options.replace = true;
    } else if (same_word(word, "ABSTTL")) {
      options.absolute = true;
    } else if (same_word(word, "IDLETIME") && has_value && !options.has_frequency) {
      options.idle_s = read_between(context, ++i, std::numeric_limits<int64_t>::max(), resp::kInvalidIdleTime);
      if (!options.idle_s) return std::nullopt;
    } else if (same_word(word, "FREQ") && has_value && !options.idle_s) {
      if (!read_between(context, ++i, kFrequencyMax, resp::kInvalidFrequency)) return std::nullopt;
      options.has_frequency = true;
    } else {
      context.reply.error(resp::kSyntax);
      return std::nullopt;
    }
  }
  return options;
}

// When the key is to end, kNoExpiry for never; nothing after an error reply.
std::optional<int64_t> read_expiry(CommandContext& context, bool absolute) {
  const auto ttl_ms = read_between(context, 2, std::numeric_limits<int64_t>::max(), resp::kInvalidTtl);
  if (!ttl_ms) return std::nullopt;
  if (*ttl_ms == 0) return kNoExpiry;
  int64_t at_ms = *ttl_ms;
  if (!absolute && __builtin_add_overflow(at_ms, context.now.unix_ms, &at_ms)) {
    at_ms = std::numeric_limits<int64_t>::max();
  }
  return at_ms;
}

// The value of the payload; nothing after an error reply.
std::optional<keyspace::Value> read_payload(CommandContext& context) {
  const std::string_view payload = context.args[3];
  if (!persistence::is_sound_dump(payload)) {
    context.reply.error(resp::kBadDump);
    return std::nullopt;
  }
  auto value = persistence::restore_value(payload, usual_idempotency(context.server.settings));
  if (!value) {
    context.reply.error(resp::kBadDumpValue);
    return std::nullopt;
  }
  return value->stream ? Value(std::move(value->stream)) : Value(keyspace::StringValue(value->text));
}

void place_restored(CommandContext& context, Value value, int64_t expire_at_ms, std::optional<int64_t> idle_s) {
  const std::string_view key = context.args[1];
  const streams::Stream* const stream = value.stream();
  const bool has_producers = stream != nullptr && !stream->idempotency.empty();
  KeyEntry& entry = context.db.create(key, std::move(value));
  context.db.set_expiry(entry, expire_at_ms);
  if (idle_s) entry.accessed_ms -= std::min(*idle_s, kIdleMaxS) * kMsPerSecond;
  if (has_producers) context.db.track_idempotency(key);
  context.db.signal_ready(key);
  context.db.notify(kEventGeneric, "restore", key);
}

// RESTORE key time payload ABSTTL [REPLACE]. When the key was last used is not kept.
void note_restored(CommandContext& context, int64_t expire_at_ms, bool replace) {
  keyspace::Effects* const effects = context.db.effects();
  if (effects == nullptr) return;
  effects->begin_command(context.db.index(), replace ? 6 : 5);
  effects->word("RESTORE");
  effects->word(context.args[1]);
  effects->word(expire_at_ms == kNoExpiry ? int64_t{0} : expire_at_ms);
  effects->word(context.args[3]);
  effects->word("ABSTTL");
  if (replace) effects->word("REPLACE");
}

std::string dump_of(const settings::Settings& settings, const Value& value) {
  const int usual_version = persistence::rdb_version_of_redis(settings.compat_version());
  const bool compress = settings.rdbcompression.load(std::memory_order_relaxed) != 0;
  if (const keyspace::StringValue* const string = value.string()) {
    keyspace::StringValue::Digits digits;
    return persistence::dump_value(string->text(digits), usual_version, compress);
  }
  const streams::Stream& stream = *value.stream();
  const int version = persistence::rdb_version_for(stream, usual_idempotency(settings), usual_version);
  return persistence::dump_value(stream, version, compress);
}

}  // namespace

void dump_command(CommandContext& context) {
  const KeyEntry* const entry = context.db.find_to_read(context.args[1], !context.client.session.no_touch);
  if (entry == nullptr) return context.reply.null();
  context.reply.bulk(dump_of(context.server.settings, entry->value));
}

void restore_command(CommandContext& context) {
  const std::optional<RestoreOptions> options = read_restore_options(context);
  if (!options) return;
  const std::string_view key = context.args[1];
  if (!options->replace && context.db.find_to_write(key) != nullptr) return context.reply.error(resp::kBusyKey);
  const std::optional<int64_t> expire_at_ms = read_expiry(context, options->absolute);
  if (!expire_at_ms) return;
  std::optional<Value> value = read_payload(context);
  if (!value) return;

  const bool was_there = options->replace && context.db.remove(key);
  const bool is_over = *expire_at_ms != kNoExpiry && is_past(context, *expire_at_ms);
  if (!is_over) {
    place_restored(context, std::move(*value), *expire_at_ms, options->idle_s);
    note_restored(context, *expire_at_ms, options->replace);
  } else if (was_there) {
    context.db.notify(kEventGeneric, "del", key);
    if (keyspace::Effects* const effects = context.db.effects()) effects->add(context.db.index(), {"DEL", key});
  }
  if (!is_over || was_there) context.db.count_change();
  context.reply.ok();
}

}  // namespace millrace::commands
