// The shapes are Redis's, down to which lists are sets in RESP3 and in which order a map's keys come:
//
//   info   [ name arity {+flag} first last step {+@category} {tip} {key spec} [info of subcommand] ]
//   docs   name => { summary since group complexity doc_flags deprecated_since replaced_by arguments subcommands },
//          what is empty left out
#include "commands/command_docs.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

namespace millrace::commands {
namespace {

void write_statuses(resp::ReplyWriter& reply, const std::vector<std::string_view>& words) {
  reply.set(static_cast<int64_t>(words.size()));
  for (const std::string_view word : words) reply.simple(word);
}

void write_pair(resp::ReplyWriter& reply, std::string_view key, std::string_view value) {
  reply.bulk(key);
  reply.bulk(value);
}

void write_pair(resp::ReplyWriter& reply, std::string_view key, int value) {
  reply.bulk(key);
  reply.integer(value);
}

// ---- first, last, step: where older clients look for keys

struct LegacyRange {
  int first = 0;
  int last = 0;
  int step = 0;
};

// Of an index-and-range spec; `last` counted from the start of the command, or negative from its end.
LegacyRange range_of(const KeySpec& key) {
  return {key.begin_index, key.last >= 0 ? key.begin_index + key.last : key.last, key.step};
}

bool is_plain_range(const KeySpec& key) {
  return key.begin == KeySpec::Begin::kIndex && key.find == KeySpec::Find::kRange;
}

// One range that stands for all specs. Specs that follow each other key by key are joined; where that cannot be done,
// there is none. A negative end is beyond every positive one.
LegacyRange legacy_range(const CommandSpec& spec) {
  if (spec.keys.size() == 1) return is_plain_range(spec.keys[0]) ? range_of(spec.keys[0]) : LegacyRange{};
  LegacyRange joined;
  for (const KeySpec& key : spec.keys) {
    if (!is_plain_range(key)) continue;
    const LegacyRange range = range_of(key);
    if (range.step != 1 || (joined.step != 0 && joined.last != range.first - 1)) return {};
    if (joined.step == 0) joined.first = range.first;
    joined.step = 1;
    joined.last = range.last;
  }
  return joined;
}

// ---- key specifications

void write_begin_search(resp::ReplyWriter& reply, const KeySpec& key) {
  const bool is_index = key.begin == KeySpec::Begin::kIndex;
  reply.bulk("begin_search");
  reply.map(2);
  write_pair(reply, "type", is_index ? "index" : "keyword");
  reply.bulk("spec");
  reply.map(is_index ? 1 : 2);
  if (is_index) return write_pair(reply, "index", key.begin_index);
  write_pair(reply, "keyword", key.keyword);
  write_pair(reply, "startfrom", key.begin_index);
}

void write_find_keys(resp::ReplyWriter& reply, const KeySpec& key) {
  const bool is_range = key.find == KeySpec::Find::kRange;
  reply.bulk("find_keys");
  reply.map(2);
  write_pair(reply, "type", is_range ? "range" : "keynum");
  reply.bulk("spec");
  reply.map(3);
  if (is_range) {
    write_pair(reply, "lastkey", key.last);
    write_pair(reply, "keystep", key.step);
    write_pair(reply, "limit", key.limit);
  } else {
    write_pair(reply, "keynumidx", key.count_index);
    write_pair(reply, "firstkey", key.first_key);
    write_pair(reply, "keystep", key.step);
  }
}

void write_key_spec(resp::ReplyWriter& reply, const KeySpec& key) {
  reply.map(key.notes.empty() ? 3 : 4);
  if (!key.notes.empty()) write_pair(reply, "notes", key.notes);
  reply.bulk("flags");
  write_statuses(reply, key_flag_names(key));
  write_begin_search(reply, key);
  write_find_keys(reply, key);
}

// ---- arguments

void write_arguments(resp::ReplyWriter& reply, const std::vector<Argument>& arguments);

std::vector<std::string_view> argument_flags(const Argument& argument) {
  std::vector<std::string_view> flags;
  if (argument.optional) flags.push_back("optional");
  if (argument.multiple) flags.push_back("multiple");
  if (argument.multiple_token) flags.push_back("multiple_token");
  return flags;
}

void write_argument(resp::ReplyWriter& reply, const Argument& argument) {
  const std::vector<std::string_view> flags = argument_flags(argument);
  const bool is_key = argument.type == ArgumentType::kKey;
  const bool has_token = !argument.token.empty();
  reply.map(2 + is_key + has_token + !argument.since.empty() + !argument.deprecated_since.empty() + !flags.empty() +
            !argument.arguments.empty());
  write_pair(reply, "name", argument.name);
  write_pair(reply, "type", name_of(argument.type));
  if (is_key) write_pair(reply, "key_spec_index", argument.key_spec_index);
  if (has_token) write_pair(reply, "token", argument.token);
  if (!argument.since.empty()) write_pair(reply, "since", argument.since);
  if (!argument.deprecated_since.empty()) write_pair(reply, "deprecated_since", argument.deprecated_since);
  if (!flags.empty()) {
    reply.bulk("flags");
    write_statuses(reply, flags);
  }
  if (!argument.arguments.empty()) {
    reply.bulk("arguments");
    write_arguments(reply, argument.arguments);
  }
}

void write_arguments(resp::ReplyWriter& reply, const std::vector<Argument>& arguments) {
  reply.array(static_cast<int64_t>(arguments.size()));
  for (const Argument& argument : arguments) write_argument(reply, argument);
}

}  // namespace

void write_command_info(resp::ReplyWriter& reply, const CommandSpec& spec) {
  const LegacyRange range = legacy_range(spec);
  std::vector<std::string> categories;
  for (const std::string_view category : acl_categories(spec)) categories.push_back("@" + std::string(category));
  const std::vector<std::string_view> tips = split_words(spec.tips, ',');
  reply.array(10);
  reply.bulk(spec.full_name);
  reply.integer(spec.arity);
  write_statuses(reply, flag_names(spec));
  reply.integer(range.first);
  reply.integer(range.last);
  reply.integer(range.step);
  write_statuses(reply, {categories.begin(), categories.end()});
  reply.set(static_cast<int64_t>(tips.size()));
  for (const std::string_view tip : tips) reply.bulk(tip);
  reply.set(static_cast<int64_t>(spec.keys.size()));
  for (const KeySpec& key : spec.keys) write_key_spec(reply, key);
  if (spec.subcommands.empty()) return reply.set(0);
  reply.array(static_cast<int64_t>(spec.subcommands.size()));
  for (const CommandSpec& subcommand : spec.subcommands) write_command_info(reply, subcommand);
}

void write_command_docs(resp::ReplyWriter& reply, const CommandSpec& spec) {
  const std::vector<std::string_view> doc_flags = split_words(spec.doc_flags, ' ');
  reply.bulk(spec.full_name);
  reply.map(3 + !spec.complexity.empty() + !doc_flags.empty() + !spec.deprecated_since.empty() +
            !spec.replaced_by.empty() + !spec.arguments.empty() + !spec.subcommands.empty());
  write_pair(reply, "summary", spec.summary);
  write_pair(reply, "since", spec.since);
  write_pair(reply, "group", spec.group);
  if (!spec.complexity.empty()) write_pair(reply, "complexity", spec.complexity);
  if (!doc_flags.empty()) {
    reply.bulk("doc_flags");
    write_statuses(reply, doc_flags);
  }
  if (!spec.deprecated_since.empty()) write_pair(reply, "deprecated_since", spec.deprecated_since);
  if (!spec.replaced_by.empty()) write_pair(reply, "replaced_by", spec.replaced_by);
  if (!spec.arguments.empty()) {
    reply.bulk("arguments");
    write_arguments(reply, spec.arguments);
  }
  if (spec.subcommands.empty()) return;
  reply.bulk("subcommands");
  reply.map(static_cast<int64_t>(spec.subcommands.size()));
  for (const CommandSpec& subcommand : spec.subcommands) write_command_docs(reply, subcommand);
}

}  // namespace millrace::commands
