// Builds the command table at start: numbers the rows, names the subcommands, reads every row's notation. A row that
// does not hold together stops the server here, not in front of a client.
#include "commands/command_table.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/check.h"

namespace millrace::commands {
namespace {

using FlagName = std::pair<uint32_t, std::string_view>;

// In the order of COMMAND INFO; flags without a row are not shown to clients.
constexpr std::array<FlagName, 20> kFlagNames{{{kWrite, "write"},
                                               {kReadonly, "readonly"},
                                               {kDenyOom, "denyoom"},
                                               {kModule, "module"},
                                               {kAdmin, "admin"},
                                               {kPubsub, "pubsub"},
                                               {kNoScript, "noscript"},
                                               {kBlocking, "blocking"},
                                               {kLoading, "loading"},
                                               {kStale, "stale"},
                                               {kSkipMonitor, "skip_monitor"},
                                               {kSkipSlowlog, "skip_slowlog"},
                                               {kAsking, "asking"},
                                               {kFast, "fast"},
                                               {kNoAuth, "no_auth"},
                                               {kNoMandatoryKeys, "no_mandatory_keys"},
                                               {kNoAsyncLoading, "no_async_loading"},
                                               {kNoMulti, "no_multi"},
                                               {kMovableKeys, "movablekeys"},
                                               {kAllowBusy, "allow_busy"}}};

constexpr std::array<std::string_view, 21> kCategories{
    "keyspace", "read",   "write",       "set",       "sortedset",  "list",        "hash",
    "string",   "bitmap", "hyperloglog", "geo",       "stream",     "pubsub",      "admin",
    "fast",     "slow",   "blocking",    "dangerous", "connection", "transaction", "scripting"};

// In the order of COMMAND INFO.
constexpr std::array<std::string_view, 11> kKeyFlags{
    "RO", "RW", "OW", "RM", "access", "update", "insert", "delete", "not_key", "incomplete", "variable_flags"};

// Where the key of each call of the command is; 0 unless each has exactly one, and there.
uint32_t only_key_of(const CommandSpec& spec) {
  if (spec.keys.size() != 1 || spec.find_keys != nullptr) return 0;
  const KeySpec& key = spec.keys[0];
  const bool is_fixed = key.begin == KeySpec::Begin::kIndex && key.begin_index > 0 &&
                        key.begin_index < std::abs(spec.arity) && key.find == KeySpec::Find::kRange && key.last == 0;
  return is_fixed && key.flags != "not_key" ? static_cast<uint32_t>(key.begin_index) : 0;
}

bool contains(const std::vector<std::string_view>& words, std::string_view word) {
  for (const std::string_view each : words) {
    if (each == word) return true;
  }
  return false;
}

// What Redis concludes from the flags alone.
bool is_implied(std::string_view category, const CommandSpec& spec, bool is_scripting) {
  const uint32_t flags = spec.flags;
  if (category == "write") return (flags & kWrite) != 0;
  if (category == "read") return (flags & kReadonly) != 0 && !is_scripting;
  if (category == "admin" || category == "dangerous") return (flags & kAdmin) != 0;
  if (category == "pubsub") return (flags & kPubsub) != 0;
  if (category == "blocking") return (flags & kBlocking) != 0;
  if (category == "fast") return (flags & kFast) != 0;
  if (category == "slow") return (flags & kFast) == 0;
  return false;
}

// Key positions refer to the whole command, and at least the name must be there.
void check_row(const CommandSpec& spec) {
  CHECK(spec.arity != 0);
  CHECK(spec.handler != nullptr || !spec.subcommands.empty());
  CHECK(!spec.summary.empty() && !spec.since.empty() && !spec.group.empty());
  CHECK((spec.flags & kWrite) == 0 || (spec.flags & kReadonly) == 0);
  CHECK(spec.find_keys == nullptr || !spec.keys.empty());
  for (const KeySpec& key : spec.keys) {
    CHECK(key.begin_index != 0 && key.step > 0);
    CHECK(key_flag_names(key).size() == split_words(key.flags, ' ').size() + (key.incomplete ? 1 : 0));
  }
  for (const std::string_view category : split_words(spec.categories, ' ')) {
    CHECK(contains({kCategories.begin(), kCategories.end()}, category));
  }
}

std::vector<CommandSpec> all_rows() {
  std::vector<CommandSpec> rows;
  for (auto* family : {stream_command_rows, string_command_rows, key_command_rows, pubsub_command_rows,
                       transaction_command_rows, connection_command_rows, acl_command_rows, server_command_rows,
                       observation_command_rows, topology_command_rows}) {
    for (CommandSpec& row : family()) rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

CommandTable::CommandTable() : CommandTable(all_rows()) {}

CommandTable::CommandTable(std::vector<CommandSpec> rows) : rows_(std::move(rows)) {
  for (CommandSpec& row : rows_) settle(row, nullptr);
  count_ = by_index_.size();
}

void CommandTable::settle(CommandSpec& spec, const CommandSpec* parent) {
  check_row(spec);
  spec.table = this;
  spec.parent = parent;
  spec.index = static_cast<uint32_t>(by_index_.size());
  spec.full_name = parent == nullptr ? std::string(spec.name) : parent->full_name + "|" + std::string(spec.name);
  if (spec.find_keys != nullptr) spec.flags |= kMovableKeys;
  spec.only_key = only_key_of(spec);
  std::optional<std::vector<Argument>> arguments = parse_syntax(spec.syntax);
  if (!arguments) std::fprintf(stderr, "%s: not in the notation: %s\n", spec.full_name.c_str(), spec.syntax.data());
  CHECK(arguments.has_value());
  spec.arguments = std::move(*arguments);
  by_index_.push_back(&spec);
  names_.add(parent == nullptr ? NameIndex::kNoContainer : parent->index, spec.name, spec.index);
  for (CommandSpec& subcommand : spec.subcommands) settle(subcommand, &spec);
}

const CommandSpec* CommandTable::find(std::string_view name) const {
  const uint32_t index = names_.find(NameIndex::kNoContainer, name);
  return index == NameIndex::kAbsent ? nullptr : by_index_[index];
}

const CommandSpec* CommandTable::find_subcommand(const CommandSpec& container, std::string_view name) const {
  const uint32_t index = names_.find(container.index, name);
  return index == NameIndex::kAbsent ? nullptr : by_index_[index];
}

const CommandSpec* CommandTable::find_named(std::string_view full_name) const {
  const size_t bar = full_name.find('|');
  const CommandSpec* spec = find(full_name.substr(0, bar));
  if (spec == nullptr || bar == std::string_view::npos) return spec;
  return find_subcommand(*spec, full_name.substr(bar + 1));
}

const CommandSpec* CommandTable::find_called(std::span<const std::string_view> args) const {
  const CommandSpec* spec = find(args[0]);
  if (spec == nullptr || spec->subcommands.empty() || args.size() == 1) return spec;
  return find_subcommand(*spec, args[1]);
}

const CommandSpec& CommandTable::by_index(uint32_t index) const {
  CHECK(index < by_index_.size());
  return *by_index_[index];
}

std::vector<std::string_view> split_words(std::string_view text, char separator) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    if (end > 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

std::vector<std::string_view> flag_names(const CommandSpec& spec) {
  std::vector<std::string_view> names;
  for (const auto& [flag, name] : kFlagNames) {
    if ((spec.flags & flag) != 0) names.push_back(name);
  }
  return names;
}

std::vector<std::string_view> key_flag_names(const KeySpec& spec) {
  const std::vector<std::string_view> own = split_words(spec.flags, ' ');
  std::vector<std::string_view> names;
  for (const std::string_view flag : kKeyFlags) {
    if (contains(own, flag) || (flag == "incomplete" && spec.incomplete)) names.push_back(flag);
  }
  return names;
}

std::span<const std::string_view> all_acl_categories() {
  return kCategories;
}

std::vector<std::string_view> acl_categories(const CommandSpec& spec) {
  const std::vector<std::string_view> own = split_words(spec.categories, ' ');
  const bool is_scripting = contains(own, "scripting");
  std::vector<std::string_view> categories;
  for (const std::string_view category : kCategories) {
    if (contains(own, category) || is_implied(category, spec, is_scripting)) categories.push_back(category);
  }
  return categories;
}

}  // namespace millrace::commands
