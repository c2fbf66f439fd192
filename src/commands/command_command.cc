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

// The keys of the command that stands behind COMMAND GETKEYS, or nothing if the error has been replied.
std::optional<std::vector<KeyAt>> read_keys(CommandContext& context) {
  const std::span<const std::string_view> args = context.args.subspan(2);
  const CommandSpec* spec = table_of(context).find_called(args);
  std::vector<KeyAt> keys;
  if (spec == nullptr) {
    context.reply.error(resp::kInvalidCommandSpecified);
  } else if (spec->keys.empty()) {
    context.reply.error(resp::kCommandHasNoKeys);
  } else if (!arity_fits(*spec, args.size())) {
    context.reply.error(resp::kInvalidArgumentCount);
  } else if (!find_keys_at(*spec, args, keys)) {
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
  const std::optional<std::vector<KeyAt>> keys = read_keys(context);
  if (!keys) return;
  context.reply.array(static_cast<int64_t>(keys->size()));
  for (const KeyAt& key : *keys) context.reply.bulk(context.args[2 + key.position]);
}

void command_getkeysandflags_command(CommandContext& context) {
  const std::optional<std::vector<KeyAt>> keys = read_keys(context);
  if (!keys) return;
  context.reply.array(static_cast<int64_t>(keys->size()));
  for (const KeyAt& key : *keys) {
    KeySpec of_this_call = *key.spec;
    of_this_call.flags = key.flags;
    const std::vector<std::string_view> flags = key_flag_names(of_this_call);
    context.reply.array(2);
    context.reply.bulk(context.args[2 + key.position]);
    context.reply.set(static_cast<int64_t>(flags.size()));
    for (const std::string_view flag : flags) context.reply.simple(flag);
  }
}

void command_help_command(CommandContext& context) {
  write_help(context);
}

}  // namespace millrace::commands
