// Commands on whole databases: walking, counting, emptying them. All but SCAN run with every partition held.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/glob.h"
#include "base/letters.h"
#include "base/numbers.h"
#include "commands/command_table.h"
#include "commands/context.h"
#include "commands/handlers.h"
#include "commands/stream_args.h"
#include "keyspace/scan.h"
#include "resp/errors.h"

namespace millrace::commands {

namespace {

using keyspace::KeyEntry;

constexpr std::string_view kEverything = "*";

// A cursor as strtoul() reads it: a sign is taken (and -1 is the largest number), text ends at a zero byte, the empty
// text is 0. Nothing if other bytes follow or the number is too large.
std::optional<uint64_t> read_cursor(std::string_view text) {
  text = text.substr(0, text.find('\0'));
  if (text.empty()) return 0;
  const bool negative = text.front() == '-';
  if (negative || text.front() == '+') text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  uint64_t cursor = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    if (__builtin_mul_overflow(cursor, 10, &cursor)) return std::nullopt;
    if (__builtin_add_overflow(cursor, static_cast<uint64_t>(c - '0'), &cursor)) return std::nullopt;
  }
  return negative ? 0 - cursor : cursor;
}

struct ScanOptions {
  std::string_view pattern = kEverything;
  std::optional<std::string_view> type;
  int64_t count = 10;

  bool match(const KeyEntry& entry) const {
    if (type && !same_word(*type, entry.value.type_name())) return false;
    return pattern == kEverything || glob_matches(pattern, entry.key);
  }
};

// Options come in pairs; nothing after an error reply.
std::optional<ScanOptions> read_scan_options(CommandContext& context) {
  ScanOptions options;
  const auto refuse = [&](std::string_view error) {
    context.reply.error(error);
    return std::nullopt;
  };
  for (size_t i = 2; i < context.args.size(); i += 2) {
    const std::string_view option = context.args[i];
    if (i + 1 == context.args.size()) return refuse(resp::kSyntax);
    const std::string_view value = context.args[i + 1];
    if (same_word(option, "COUNT")) {
      const std::optional<int64_t> count = parse_i64(value);
      if (!count) return refuse(resp::kNotInteger);
      if (*count < 1) return refuse(resp::kSyntax);
      options.count = *count;
    } else if (same_word(option, "MATCH")) {
      options.pattern = value;
    } else if (same_word(option, "TYPE")) {
      options.type = value;
    } else {
      return refuse(resp::kSyntax);
    }
  }
  return options;
}

// SYNC and ASYNC mean the same here: keys are gone and memory is free when the reply is sent.
bool check_flush_mode(CommandContext& context) {
  const Args args = context.args;
  if (args.size() == 1) return true;
  if (args.size() == 2 && (same_word(args[1], "SYNC") || same_word(args[1], "ASYNC"))) return true;
  context.reply.error(resp::kSyntax);
  return false;
}

}  // namespace

void keys_command(CommandContext& context) {
  const std::string_view pattern = context.args[1];
  const size_t token = context.reply.begin_array();
  int64_t count = 0;
  context.db.for_each([&](const KeyEntry& entry) {
    if (pattern != kEverything && !glob_matches(pattern, entry.key)) return;
    context.reply.bulk(entry.key);
    ++count;
  });
  context.reply.end_array(token, count);
}

void scan_command(CommandContext& context) {
  const std::optional<uint64_t> cursor = read_cursor(context.args[1]);
  if (!cursor) return context.reply.error(resp::kInvalidCursor);
  const std::optional<ScanOptions> options = read_scan_options(context);
  if (!options) return;
  // Copies, because the cursor stands before the keys and the partitions are let go on the way.
  std::vector<std::string> keys;
  const uint64_t next = keyspace::scan(context.db.keyspace(), context.locks, context.db.index(), *cursor,
                                       static_cast<size_t>(options->count), [&](const KeyEntry& entry) {
                                         if (!context.db.is_expired(entry) && options->match(entry))
                                           keys.push_back(entry.key);
                                       });
  context.reply.array(2);
  char digits[kNumberTextMax];
  context.reply.bulk({digits, format_u64(next, digits)});
  context.reply.array(static_cast<int64_t>(keys.size()));
  for (const std::string& key : keys) context.reply.bulk(key);
}

void randomkey_command(CommandContext& context) {
  const KeyEntry* entry = context.db.random_entry(context.random);
  if (!entry) return context.reply.null();
  context.reply.bulk(entry->key);
}

void dbsize_command(CommandContext& context) {
  context.reply.integer(static_cast<int64_t>(context.db.size()));
}

void flushdb_command(CommandContext& context) {
  if (!check_flush_mode(context)) return;
  context.db.count_change(context.db.clear());
  context.reply.ok();
}

void flushall_command(CommandContext& context) {
  if (!check_flush_mode(context)) return;
  for (int index = 0; index < context.db.keyspace().database_count(); ++index) {
    context.db.count_change(context.db.with_index(index).clear());
  }
  context.reply.ok();
}

}  // namespace millrace::commands
