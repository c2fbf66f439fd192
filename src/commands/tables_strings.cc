// Rows of the command table: strings.
#include "commands/command_table.h"
#include "commands/handlers.h"

namespace millrace::commands {

namespace {

constexpr std::string_view kKey = "key:key";
constexpr std::string_view kKeyValue = "key:key value:string";
constexpr std::string_view kPairs = "key_value{key:key value:string}...";
constexpr std::string_view kRange = "key:key start:integer end:integer";
constexpr std::string_view kConstant = "O(1)";
constexpr std::string_view kPerByte = "O(N), N being the number of bytes returned.";
constexpr std::string_view kPerKey = "O(N), N being the number of keys.";
constexpr std::string_view kAppendComplexity =
    "O(1) amortized, if what is appended is small: a value that grows gets room to spare.";
constexpr std::string_view kSetrangeComplexity =
    "O(N), N being the number of bytes written, and those between the end of the old value and the offset.";
constexpr std::string_view kSetSyntax =
    "key:key value:string [condition@2.6.12<nx=NX|xx=XX>] [get=GET@6.2.0] "
    "[expiration<seconds=EX:integer@2.6.12|milliseconds=PX:integer@2.6.12|unix-time-seconds=EXAT:unix-time@6.2.0|"
    "unix-time-milliseconds=PXAT:unix-time@6.2.0|keepttl=KEEPTTL@6.0.0>]";
constexpr std::string_view kGetexSyntax =
    "key:key [expiration<seconds=EX:integer|milliseconds=PX:integer|unix-time-seconds=EXAT:unix-time|"
    "unix-time-milliseconds=PXAT:unix-time|persist=PERSIST>]";
constexpr std::string_view kLcsSyntax =
    "key1:key key2:key [len=LEN] [idx=IDX] [len=MINMATCHLEN:integer] [withmatchlen=WITHMATCHLEN]";
constexpr std::string_view kBecauseOfGet = "RW and ACCESS because of the option GET.";
constexpr std::string_view kBecauseOfExpiry = "RW and UPDATE because it may change when the key expires.";

CommandSpec string_row(CommandSpec row, KeySpec key) {
  row.categories = "string";
  row.group = "string";
  row.keys = {key};
  return row;
}

// A command that counts: the new value is the answer.
CommandSpec counter(std::string_view name, std::string_view since, std::string_view syntax, std::string_view summary,
                    Handler handler) {
  return string_row({.name = name,
                     .arity = syntax == kKey ? 2 : 3,
                     .flags = kWrite | kDenyOom | kFast,
                     .since = since,
                     .complexity = kConstant,
                     .summary = summary,
                     .syntax = syntax,
                     .handler = handler},
                    {.flags = "RW access update"});
}

void add_counters(std::vector<CommandSpec>& rows) {
  rows.push_back(counter("incr", "1.0.0", kKey, "Adds one to an integer.", incr_command));
  rows.push_back(counter("decr", "1.0.0", kKey, "Takes one from an integer.", decr_command));
  rows.push_back(counter("incrby", "1.0.0", "key:key increment:integer", "Adds to an integer.", incrby_command));
  rows.push_back(counter("decrby", "1.0.0", "key:key decrement:integer", "Subtracts from an integer.", decrby_command));
  rows.push_back(
      counter("incrbyfloat", "2.6.0", "key:key increment:double", "Adds to a decimal fraction.", incrbyfloat_command));
}

CommandSpec range_row(std::string_view name, std::string_view since) {
  return string_row({.name = name,
                     .arity = 4,
                     .flags = kReadonly,
                     .since = since,
                     .complexity = kPerByte,
                     .summary = "Returns a part of a string.",
                     .syntax = kRange,
                     .handler = getrange_command},
                    {.flags = "RO access"});
}

void add_readers(std::vector<CommandSpec>& rows) {
  rows.push_back(string_row({.name = "get",
                             .arity = 2,
                             .flags = kReadonly | kFast,
                             .since = "1.0.0",
                             .complexity = kConstant,
                             .summary = "Returns a string.",
                             .syntax = kKey,
                             .handler = get_command},
                            {.flags = "RO access"}));
  rows.push_back(string_row({.name = "mget",
                             .arity = -2,
                             .flags = kReadonly | kFast,
                             .since = "1.0.0",
                             .complexity = kPerKey,
                             .summary = "Returns several strings.",
                             .syntax = "key:key...",
                             .tips = "request_policy:multi_shard",
                             .handler = mget_command},
                            {.flags = "RO access", .last = -1}));
  rows.push_back(string_row({.name = "strlen",
                             .arity = 2,
                             .flags = kReadonly | kFast,
                             .since = "2.2.0",
                             .complexity = kConstant,
                             .summary = "Tells how many bytes a string has.",
                             .syntax = kKey,
                             .handler = strlen_command},
                            {.flags = "RO"}));
  rows.push_back(range_row("getrange", "2.4.0"));
  CommandSpec substr = range_row("substr", "1.0.0");
  substr.doc_flags = "deprecated";
  substr.deprecated_since = "2.0.0";
  substr.replaced_by = "`GETRANGE`";
  rows.push_back(substr);
  rows.push_back(string_row({.name = "lcs",
                             .arity = -3,
                             .flags = kReadonly,
                             .since = "7.0.0",
                             .complexity = "O(N*M), N and M being the numbers of bytes of the two strings.",
                             .summary = "Finds the longest common subsequence of two strings.",
                             .syntax = kLcsSyntax,
                             .handler = lcs_command},
                            {.flags = "RO access", .last = 1}));
}

// GETDEL, GETEX and GETSET.
void add_reading_writers(std::vector<CommandSpec>& rows) {
  rows.push_back(string_row({.name = "getdel",
                             .arity = 2,
                             .flags = kWrite | kFast,
                             .since = "6.2.0",
                             .complexity = kConstant,
                             .summary = "Returns a string and removes its key.",
                             .syntax = kKey,
                             .handler = getdel_command},
                            {.flags = "RW access delete"}));
  rows.push_back(string_row({.name = "getex",
                             .arity = -2,
                             .flags = kWrite | kFast,
                             .since = "6.2.0",
                             .complexity = kConstant,
                             .summary = "Returns a string and may change when its key expires.",
                             .syntax = kGetexSyntax,
                             .handler = getex_command},
                            {.flags = "RW access update", .notes = kBecauseOfExpiry}));
  rows.push_back(string_row({.name = "getset",
                             .arity = 3,
                             .flags = kWrite | kDenyOom | kFast,
                             .since = "1.0.0",
                             .complexity = kConstant,
                             .summary = "Sets a key to a string and returns the old one.",
                             .syntax = kKeyValue,
                             .handler = getset_command,
                             .doc_flags = "deprecated",
                             .deprecated_since = "6.2.0",
                             .replaced_by = "`SET` with the `!GET` argument"},
                            {.flags = "RW access update"}));
}

CommandSpec timed_setter(std::string_view name, std::string_view since, std::string_view syntax,
                         std::string_view summary, Handler handler) {
  return string_row({.name = name,
                     .arity = 4,
                     .flags = kWrite | kDenyOom,
                     .since = since,
                     .complexity = kConstant,
                     .summary = summary,
                     .syntax = syntax,
                     .handler = handler},
                    {.flags = "OW update"});
}

CommandSpec pair_setter(std::string_view name, std::string_view tips, std::string_view summary, Handler handler,
                        std::string_view key_flags) {
  return string_row({.name = name,
                     .arity = -3,
                     .flags = kWrite | kDenyOom,
                     .since = "1.0.1",
                     .complexity = kPerKey,
                     .summary = summary,
                     .syntax = kPairs,
                     .tips = tips,
                     .handler = handler},
                    {.flags = key_flags, .last = -1, .step = 2});
}

void add_setters(std::vector<CommandSpec>& rows) {
  rows.push_back(string_row({.name = "set",
                             .arity = -3,
                             .flags = kWrite | kDenyOom,
                             .since = "1.0.0",
                             .complexity = kConstant,
                             .summary = "Sets a key to a string, whatever it held.",
                             .syntax = kSetSyntax,
                             .handler = set_command},
                            {.flags = "RW access update variable_flags",
                             .option = "GET",
                             .flags_without = "OW update",
                             .notes = kBecauseOfGet}));
  rows.push_back(string_row({.name = "setnx",
                             .arity = 3,
                             .flags = kWrite | kDenyOom | kFast,
                             .since = "1.0.0",
                             .complexity = kConstant,
                             .summary = "Sets a key to a string if there is no such key.",
                             .syntax = kKeyValue,
                             .handler = setnx_command},
                            {.flags = "OW insert"}));
  rows.push_back(timed_setter("setex", "2.0.0", "key:key seconds:integer value:string",
                              "Sets a key to a string that expires after so many seconds.", setex_command));
  rows.push_back(timed_setter("psetex", "2.6.0", "key:key milliseconds:integer value:string",
                              "Sets a key to a string that expires after so many milliseconds.", psetex_command));
  rows.push_back(pair_setter("mset", "request_policy:multi_shard,response_policy:all_succeeded",
                             "Sets several keys to a string each.", mset_command, "OW update"));
  rows.push_back(pair_setter("msetnx", "request_policy:multi_shard,response_policy:agg_min",
                             "Sets several keys to a string each, if none of them is there.", msetnx_command,
                             "OW insert"));
}

void add_editors(std::vector<CommandSpec>& rows) {
  rows.push_back(string_row({.name = "append",
                             .arity = 3,
                             .flags = kWrite | kDenyOom | kFast,
                             .since = "2.0.0",
                             .complexity = kAppendComplexity,
                             .summary = "Appends to a string.",
                             .syntax = kKeyValue,
                             .handler = append_command},
                            {.flags = "RW insert"}));
  rows.push_back(string_row({.name = "setrange",
                             .arity = 4,
                             .flags = kWrite | kDenyOom,
                             .since = "2.2.0",
                             .complexity = kSetrangeComplexity,
                             .summary = "Overwrites a part of a string.",
                             .syntax = "key:key offset:integer value:string",
                             .handler = setrange_command},
                            {.flags = "RW update"}));
}

}  // namespace

std::vector<CommandSpec> string_command_rows() {
  std::vector<CommandSpec> rows;
  add_readers(rows);
  add_reading_writers(rows);
  add_setters(rows);
  add_counters(rows);
  add_editors(rows);
  return rows;
}

}  // namespace millrace::commands
