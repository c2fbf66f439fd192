// Changing strings in place: counting, APPEND, SETRANGE.
#include <cmath>
#include <limits>
#include <optional>

#include "base/long_double.h"
#include "commands/command_table.h"
#include "commands/context.h"
#include "commands/handlers.h"
#include "commands/stream_args.h"
#include "commands/string_args.h"
#include "resp/errors.h"

namespace millrace::commands {

namespace {

using keyspace::StringValue;

// Tells everybody but the journal what became of the key.
void note_change(CommandContext& context, std::string_view key, std::string_view event) {
  context.db.signal_modified(key);
  context.db.count_change();
  context.db.notify(keyspace::kEventString, event, key);
}

void count_by(CommandContext& context, int64_t step) {
  const std::string_view key = context.args[1];
  const StringLookup found = find_string_to_write(context, key);
  if (found.wrong_type) return;
  std::optional<int64_t> value = found.string == nullptr ? 0 : found.string->integer();
  if (!value) return context.reply.error(resp::kNotInteger);
  if (__builtin_add_overflow(*value, step, &*value)) return context.reply.error(resp::kCountOverflows);
  if (found.string == nullptr) {
    context.db.create(key, keyspace::Value(StringValue(*value)));
  } else {
    found.string->assign(*value);
  }
  note_change(context, key, "incrby");
  context.reply.integer(*value);
}

// The number at a key, 0 if it is absent; nothing after an error reply.
std::optional<long double> read_number(CommandContext& context, std::string_view text) {
  const std::optional<long double> number = parse_long_double(text);
  if (!number) context.reply.error(resp::kNotFloat);
  return number;
}

// The string at a key, which is made if it is absent.
StringValue& string_to_write(CommandContext& context, std::string_view key, StringValue* string) {
  return string != nullptr ? *string : *context.db.create(key, keyspace::Value(StringValue())).value.string();
}

}  // namespace

void incr_command(CommandContext& context) {
  count_by(context, 1);
}
void decr_command(CommandContext& context) {
  count_by(context, -1);
}

void incrby_command(CommandContext& context) {
  if (const std::optional<int64_t> step = read_integer(context.reply, context.args[2])) count_by(context, *step);
}

void decrby_command(CommandContext& context) {
  const std::optional<int64_t> step = read_integer(context.reply, context.args[2]);
  if (!step) return;
  if (*step == std::numeric_limits<int64_t>::min()) return context.reply.error(resp::kDecrementOverflows);
  count_by(context, -*step);
}

void incrbyfloat_command(CommandContext& context) {
  const std::string_view key = context.args[1];
  const StringLookup found = find_string_to_write(context, key);
  if (found.wrong_type) return;
  StringValue::Digits digits;
  const std::optional<long double> value =
      found.string == nullptr ? 0.0L : read_number(context, found.string->text(digits));
  if (!value) return;
  const std::optional<long double> step = read_number(context, context.args[2]);
  if (!step) return;
  const long double sum = *value + *step;
  if (!std::isfinite(sum)) return context.reply.error(resp::kNotFinite);
  char text[kLongDoubleTextMax + 1];
  const std::string_view written(text, format_long_double(sum, text));
  string_to_write(context, key, found.string).assign_text(written);
  note_change(context, key, "incrbyfloat");
  note_set(context, key, written, {.keeps_expiry = true});
  context.reply.bulk(written);
}

void append_command(CommandContext& context) {
  const std::string_view key = context.args[1];
  const std::string_view text = context.args[2];
  const StringLookup found = find_string_to_write(context, key);
  if (found.wrong_type) return;
  size_t size = text.size();
  if (found.string == nullptr) {
    context.db.create(key, keyspace::Value(StringValue(text)));
  } else {
    if (!check_string_size(context, found.string->size(), text.size())) return;
    found.string->append(text);
    size = found.string->size();
  }
  note_change(context, key, "append");
  context.reply.integer(static_cast<int64_t>(size));
}

void setrange_command(CommandContext& context) {
  const std::string_view key = context.args[1];
  const std::string_view text = context.args[3];
  const std::optional<int64_t> offset = read_integer(context.reply, context.args[2]);
  if (!offset) return;
  if (*offset < 0) return context.reply.error(resp::kOffsetOutOfRange);
  const StringLookup found = find_string_to_write(context, key);
  if (found.wrong_type) return;
  if (text.empty()) {
    return context.reply.integer(found.string == nullptr ? 0 : static_cast<int64_t>(found.string->size()));
  }
  const auto at = static_cast<size_t>(*offset);
  if (!check_string_size(context, at, text.size())) return;
  StringValue& string = string_to_write(context, key, found.string);
  string.write(at, text);
  note_change(context, key, "setrange");
  context.reply.integer(static_cast<int64_t>(string.size()));
}

}  // namespace millrace::commands
