// COMMAND and its subcommands: the command table, shown to clients.
#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "base/glob.h"
#include "base/letters.h"
#include "commands/command_docs.h"
#include "commands/command_table.h"
#include "commands/handlers.h"
#include "commands/help.h"
#include "resp/errors.h"

namespace millrace::commands {
namespace {

const CommandTable& table_of(const CommandContext& context) {
  return *context.spec.table;
}

bool arity_fits(const CommandSpec& spec, size_t count) {
  const auto wanted = static_cast<size_t>(std::abs(spec.arity));
  return spec.arity > 0 ? count == wanted : count >= wanted;
}

// ---- COMMAND LIST

using Predicate = std::function<bool(const CommandSpec&)>;

bool is_in_category(const CommandSpec& spec, std::string_view category) {
  for (const std::string_view each : acl_categories(spec)) {
    if (glob_matches(each, category, true)) return true;  // no wildcard in it: equality in any case
  }
  return false;
}

// No predicate: the arguments are wrong. There are no modules, so theirs matches nothing.
Predicate read_filter(std::span<const std::string_view> args) {
  if (args.size() == 2) return [](const CommandSpec&) { return true; };
  if (args.size() != 5 || !same_word(args[2], "FILTERBY")) return nullptr;
  const std::string_view value = args[4];
  if (same_word(args[3], "MODULE")) return [](const CommandSpec&) { return false; };
  if (same_word(args[3], "ACLCAT")) return [value](const CommandSpec& spec) { return is_in_category(spec, value); };
  if (same_word(args[3], "PATTERN")) {
    return [value](const CommandSpec& spec) { return glob_matches(value, spec.full_name, true); };
  }
  return nullptr;
}

// ---- COMMAND GETKEYS

struct FoundKey {
  std::string_view name;
  std::vector<std::string_view> flags;
};

// What find_keys() finds, each key with the flags of its specification.
bool find_flagged_keys(const CommandSpec& spec, std::span<const std::string_view> args, std::vector<FoundKey>& keys) {
  std::vector<uint32_t> positions;
  if (spec.find_keys != nullptr) {
    if (!find_keys(spec, args, positions)) return false;
    for (const uint32_t position : positions) keys.push_back({args[position], key_flag_names(spec.keys[0])});
    return true;
  }
  for (const KeySpec& key : spec.keys) {
    positions.clear();
    if (!find_keys_of(key, args, positions)) return false;
    for (const uint32_t position : positions) keys.push_back({args[position], key_flag_names(key)});
  }
  return true;
}

// The keys of the command that stands behind COMMAND GETKEYS, or nothing if the error has been replied.
std::optional<std::vector<FoundKey>> read_keys(CommandContext& context) {
  const std::span<const std::string_view> args = context.args.subspan(2);
  const CommandSpec* spec = table_of(context).find_called(args);
  std::vector<FoundKey> keys;
  if (spec == nullptr) {
    context.reply.error(resp::kInvalidCommandSpecified);
  } else if (spec->keys.empty()) {
    context.reply.error(resp::kCommandHasNoKeys);
  } else if (!arity_fits(*spec, args.size())) {
    context.reply.error(resp::kInvalidArgumentCount);
  } else if (!find_flagged_keys(*spec, args, keys)) {
    context.reply.error("Invalid arguments specified for command");
  } else {
    return keys;
  }
  return std::nullopt;
}

// The rows that the arguments name; unknown names give nullptr. No names: all rows.
std::vector<const CommandSpec*> read_named(const CommandContext& context) {
  std::vector<const CommandSpec*> specs;
  if (context.args.size() <= 2) {
    for (const CommandSpec& row : table_of(context).rows()) specs.push_back(&row);
    return specs;
  }
  for (const std::string_view name : context.args.subspan(2)) specs.push_back(table_of(context).find_named(name));
  return specs;
}

}  // namespace

void command_command(CommandContext& context) {
  command_info_command(context);
}

void command_count_command(CommandContext& context) {
  context.reply.integer(static_cast<int64_t>(table_of(context).rows().size()));
}

void command_list_command(CommandContext& context) {
  const Predicate wanted = read_filter(context.args);
  if (!wanted) return context.reply.error(resp::kSyntax);
  const CommandTable& table = table_of(context);
  std::vector<std::string_view> names;
  for (uint32_t index = 0; index < table.count(); ++index) {
    if (wanted(table.by_index(index))) names.push_back(table.by_index(index).full_name);
  }
  context.reply.array(static_cast<int64_t>(names.size()));
  for (const std::string_view name : names) context.reply.bulk(name);
}

void command_info_command(CommandContext& context) {
  const std::vector<const CommandSpec*> specs = read_named(context);
  context.reply.array(static_cast<int64_t>(specs.size()));
  for (const CommandSpec* spec : specs) {
    if (spec == nullptr) {
      context.reply.null();
    } else {
      write_command_info(context.reply, *spec);
    }
  }
}

void command_docs_command(CommandContext& context) {
  std::vector<const CommandSpec*> specs = read_named(context);
  std::erase(specs, nullptr);
  context.reply.map(static_cast<int64_t>(specs.size()));
  for (const CommandSpec* spec : specs) write_command_docs(context.reply, *spec);
}

void command_getkeys_command(CommandContext& context) {
  const std::optional<std::vector<FoundKey>> keys = read_keys(context);
  if (!keys) return;
  context.reply.array(static_cast<int64_t>(keys->size()));
  for (const FoundKey& key : *keys) context.reply.bulk(key.name);
}

void command_getkeysandflags_command(CommandContext& context) {
  const std::optional<std::vector<FoundKey>> keys = read_keys(context);
  if (!keys) return;
  context.reply.array(static_cast<int64_t>(keys->size()));
  for (const FoundKey& key : *keys) {
    context.reply.array(2);
    context.reply.bulk(key.name);
    context.reply.set(static_cast<int64_t>(key.flags.size()));
    for (const std::string_view flag : key.flags) context.reply.simple(flag);
  }
}

void command_help_command(CommandContext& context) {
  write_help(context);
}

}  // namespace millrace::commands
