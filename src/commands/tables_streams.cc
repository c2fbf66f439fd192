// Rows of the command table: streams.
#include "commands/command_table.h"
#include "commands/handlers.h"

namespace millrace::commands {

namespace {

constexpr std::string_view kNondeterministic = "nondeterministic_output";
constexpr std::string_view kPerEntry = "O(N), N being the number of entries returned.";
constexpr std::string_view kPerId = "O(1) for each id.";
constexpr std::string_view kPerIdAndGroup = "O(1) for each id and each group that has it pending.";
constexpr std::string_view kUpdateBecauseOfTrimming =
    "An update rather than an insertion, because it may trim the stream.";

constexpr std::string_view kXaddSyntax =
    "key:key [nomkstream=NOMKSTREAM@6.2.0] [condition@8.2.0<keepref=KEEPREF|delref=DELREF|acked=ACKED>] "
    "[idmp@8.6.0<idmpauto{producer-id=IDMPAUTO:string}|idmp=IDMP{producer-id:string idempotent-id:string}>] "
    "[trim{strategy<maxlen=MAXLEN|minid=MINID@6.2.0> [operator<equal='='|approximately=~>] threshold:string "
    "[count=LIMIT:integer@6.2.0]}] id_or_auto<auto_id=*|id:string> field_value{field:string value:string}...";
constexpr std::string_view kXtrimSyntax =
    "key:key trim{strategy<maxlen=MAXLEN|minid=MINID@6.2.0> [operator<equal='='|approximately=~>] threshold:string "
    "[count=LIMIT:integer@6.2.0] [condition@8.2.0<keepref=KEEPREF|delref=DELREF|acked=ACKED>]}";
constexpr std::string_view kXreadSyntax =
    "[count=COUNT:integer] [maxcount=MAXCOUNT:integer@8.10.0] [maxsize=MAXSIZE:integer@8.10.0] "
    "[milliseconds=BLOCK:integer] streams=STREAMS{key:key... id:string...}";
constexpr std::string_view kXreadgroupSyntax =
    "group_consumer=GROUP{group:string consumer:string} [count=COUNT:integer] [maxcount=MAXCOUNT:integer@8.10.0] "
    "[maxsize=MAXSIZE:integer@8.10.0] [milliseconds=BLOCK:integer] [min-idle-time=CLAIM:integer@8.4.0] [noack=NOACK] "
    "streams=STREAMS{key:key... id:string...}";
constexpr std::string_view kXclaimSyntax =
    "key:key group:string consumer:string min-idle-time:string id:string... [ms=IDLE:integer] "
    "[unix-time-milliseconds=TIME:unix-time] [count=RETRYCOUNT:integer] [force=FORCE] [justid=JUSTID] "
    "[id=LASTID:string]";
constexpr std::string_view kXautoclaimSyntax =
    "key:key group:string consumer:string min-idle-time:string start:string [count=COUNT:integer] [justid=JUSTID]";
constexpr std::string_view kXpendingSyntax =
    "key:key group:string [filters{[min-idle-time=IDLE:integer@6.2.0] start:string end:string count:integer "
    "[consumer:string]}]";
constexpr std::string_view kXgroupCreateSyntax =
    "key:key groupname:string id<id:string|new_id='$'> [mkstream=MKSTREAM] [entries_read=ENTRIESREAD:integer]";
constexpr std::string_view kXgroupSetidSyntax =
    "key:key groupname:string id<id:string|new_id='$'> [entries_read=ENTRIESREAD:integer]";
constexpr std::string_view kXnackSyntax =
    "key:key group:string mode<silent=SILENT|fail=FAIL|fatal=FATAL> ids=IDS{numids:integer id:string...} "
    "[count=RETRYCOUNT:integer] [force=FORCE]";

// A command on the stream at its first argument.
CommandSpec stream_row(CommandSpec row, std::string_view key_flags) {
  row.categories = "stream";
  row.group = "stream";
  row.keys = {{.flags = key_flags}};
  return row;
}

// A subcommand on the stream at its second argument.
CommandSpec stream_subcommand(CommandSpec row, std::string_view key_flags) {
  row = stream_row(std::move(row), key_flags);
  row.keys[0].begin_index = 2;
  return row;
}

// XREAD and XREADGROUP. A group or a consumer may be named STREAMS, so the keyword alone does not find the keys.
CommandSpec read_row(CommandSpec row, int look_from, KeyFinder find_keys) {
  row.categories = "stream";
  row.group = "stream";
  row.since = "5.0.0";
  row.keys = {{.flags = "RO access",
               .begin = KeySpec::Begin::kKeyword,
               .begin_index = look_from,
               .keyword = "STREAMS",
               .last = -1,
               .limit = 2,
               .incomplete = true}};
  row.find_keys = find_keys;
  return row;
}

CommandSpec help_row(std::string_view since, Handler handler) {
  return {.name = "help",
          .arity = 2,
          .flags = kLoading | kStale,
          .categories = "stream",
          .group = "stream",
          .since = since,
          .complexity = "O(1)",
          .summary = "Shows this text.",
          .handler = handler};
}

CommandSpec container_row(std::string_view name, std::string_view summary, std::vector<CommandSpec> subcommands) {
  return {.name = name,
          .arity = -2,
          .group = "stream",
          .since = "5.0.0",
          .complexity = "Depends on subcommand.",
          .summary = summary,
          .subcommands = std::move(subcommands)};
}

void add_appending(std::vector<CommandSpec>& rows) {
  CommandSpec xadd = stream_row({.name = "xadd",
                                 .arity = -5,
                                 .flags = kWrite | kDenyOom | kFast,
                                 .since = "5.0.0",
                                 .complexity = "O(1) to append, O(N) to trim, N being the number of entries removed.",
                                 .summary = "Appends an entry to a stream, and makes the stream if there is none.",
                                 .syntax = kXaddSyntax,
                                 .tips = kNondeterministic,
                                 .handler = xadd_command},
                                "RW update");
  xadd.keys[0].notes = kUpdateBecauseOfTrimming;
  rows.push_back(std::move(xadd));
  rows.push_back(stream_row({.name = "xtrim",
                             .arity = -4,
                             .flags = kWrite,
                             .since = "5.0.0",
                             .complexity = "O(N), N being the number of entries removed; whole nodes go at once.",
                             .summary = "Removes the oldest entries of a stream.",
                             .syntax = kXtrimSyntax,
                             .tips = kNondeterministic,
                             .handler = xtrim_command},
                            "RW delete"));
  rows.push_back(stream_row({.name = "xsetid",
                             .arity = -3,
                             .flags = kWrite | kDenyOom | kFast,
                             .since = "5.0.0",
                             .complexity = "O(1)",
                             .summary = "Sets the last id of a stream, for replication and recovery.",
                             .syntax = "key:key last-id:string [entries_added=ENTRIESADDED:integer@7.0.0] "
                                       "[max_deleted_entry_id=MAXDELETEDID:string@7.0.0]",
                             .handler = xsetid_command},
                            "RW update"));
  rows.push_back(stream_row({.name = "xcfgset",
                             .arity = -2,
                             .flags = kWrite | kFast,
                             .since = "8.6.0",
                             .complexity = "O(1)",
                             .summary = "Sets how long and how many ids a stream remembers against repetition.",
                             .syntax = "key:key [idmp-duration=IDMP-DURATION:integer] "
                                       "[idmp-maxsize=IDMP-MAXSIZE:integer]",
                             .handler = xcfgset_command},
                            "RW update"));
  rows.push_back(stream_row({.name = "xidmprecord",
                             .arity = 5,
                             .flags = kWrite | kDenyOom | kFast,
                             .since = "8.6.2",
                             .complexity = "O(1)",
                             .summary = "Remembers the idempotent id of an entry, for recovery.",
                             .syntax = "key:key producer-id:string idempotent-id:string stream-id:string",
                             .handler = xidmprecord_command},
                            "RW update"));
}

void add_deleting(std::vector<CommandSpec>& rows) {
  rows.push_back(stream_row({.name = "xdel",
                             .arity = -3,
                             .flags = kWrite | kFast,
                             .since = "5.0.0",
                             .complexity = kPerId,
                             .summary = "Removes entries and tells how many there were.",
                             .syntax = "key:key id:string...",
                             .handler = xdel_command},
                            "RW delete"));
  rows.push_back(stream_row({.name = "xdelex",
                             .arity = -5,
                             .flags = kWrite | kFast,
                             .since = "8.2.0",
                             .complexity = kPerIdAndGroup,
                             .summary = "Removes entries with a say in what becomes of references to them.",
                             .syntax = "key:key [condition<keepref=KEEPREF|delref=DELREF|acked=ACKED>] "
                                       "ids=IDS{numids:integer id:string...}",
                             .handler = xdelex_command},
                            "RW delete"));
  rows.push_back(stream_row({.name = "xackdel",
                             .arity = -6,
                             .flags = kWrite | kFast,
                             .since = "8.2.0",
                             .complexity = kPerIdAndGroup,
                             .summary = "Acknowledges entries in a group and removes them.",
                             .syntax = "key:key group:string [condition<keepref=KEEPREF|delref=DELREF|acked=ACKED>] "
                                       "ids=IDS{numids:integer id:string...}",
                             .handler = xackdel_command},
                            "RW update delete"));
}

void add_reading(std::vector<CommandSpec>& rows) {
  rows.push_back(stream_row({.name = "xlen",
                             .arity = 2,
                             .flags = kReadonly | kFast,
                             .since = "5.0.0",
                             .complexity = "O(1)",
                             .summary = "Tells how many entries a stream has.",
                             .syntax = "key:key",
                             .handler = xlen_command},
                            "RO"));
  rows.push_back(stream_row({.name = "xrange",
                             .arity = -4,
                             .flags = kReadonly,
                             .since = "5.0.0",
                             .complexity = kPerEntry,
                             .summary = "Shows the entries between two ids.",
                             .syntax = "key:key start:string end:string [count=COUNT:integer]",
                             .handler = xrange_command},
                            "RO access"));
  rows.push_back(stream_row({.name = "xrevrange",
                             .arity = -4,
                             .flags = kReadonly,
                             .since = "5.0.0",
                             .complexity = kPerEntry,
                             .summary = "Shows the entries between two ids, the newest first.",
                             .syntax = "key:key end:string start:string [count=COUNT:integer]",
                             .handler = xrevrange_command},
                            "RO access"));
  rows.push_back(read_row({.name = "xread",
                           .arity = -4,
                           .flags = kReadonly | kBlocking,
                           .complexity = "O(N) for each stream, N being the number of entries returned.",
                           .summary = "Shows the entries above an id in one or more streams, or waits for some.",
                           .syntax = kXreadSyntax,
                           .handler = xread_command},
                          1, find_xread_keys));
  rows.push_back(read_row({.name = "xreadgroup",
                           .arity = -7,
                           .flags = kWrite | kBlocking,
                           .complexity = "O(N) for each stream, N being the number of entries returned.",
                           .summary = "Hands a consumer new entries, or shows it those it has not acknowledged.",
                           .syntax = kXreadgroupSyntax,
                           .handler = xreadgroup_command},
                          4, find_xreadgroup_keys));
}

void add_pending(std::vector<CommandSpec>& rows) {
  rows.push_back(stream_row({.name = "xack",
                             .arity = -4,
                             .flags = kWrite | kFast,
                             .since = "5.0.0",
                             .complexity = kPerId,
                             .summary = "Acknowledges entries and tells how many were pending.",
                             .syntax = "key:key group:string id:string...",
                             .handler = xack_command},
                            "RW update"));
  rows.push_back(stream_row({.name = "xnack",
                             .arity = -7,
                             .flags = kWrite | kFast,
                             .since = "8.8.0",
                             .complexity = kPerId,
                             .summary = "Gives pending entries back, for any consumer to take.",
                             .syntax = kXnackSyntax,
                             .handler = xnack_command},
                            "RW update"));
  rows.push_back(stream_row({.name = "xpending",
                             .arity = -3,
                             .flags = kReadonly,
                             .since = "5.0.0",
                             .complexity = "O(N), N being the number of entries looked at.",
                             .summary = "Shows what a group has handed out without an acknowledgement.",
                             .syntax = kXpendingSyntax,
                             .tips = kNondeterministic,
                             .handler = xpending_command},
                            "RO access"));
  rows.push_back(stream_row({.name = "xclaim",
                             .arity = -6,
                             .flags = kWrite | kFast,
                             .since = "5.0.0",
                             .complexity = "O(log N) for each id, N being the number of pending entries.",
                             .summary = "Makes pending entries another consumer's.",
                             .syntax = kXclaimSyntax,
                             .tips = kNondeterministic,
                             .handler = xclaim_command},
                            "RW update"));
  rows.push_back(stream_row({.name = "xautoclaim",
                             .arity = -6,
                             .flags = kWrite | kFast,
                             .since = "6.2.0",
                             .complexity = "O(COUNT)",
                             .summary = "Makes a run of long pending entries another consumer's.",
                             .syntax = kXautoclaimSyntax,
                             .tips = kNondeterministic,
                             .handler = xautoclaim_command},
                            "RW delete"));
}

CommandSpec xgroup_row() {
  constexpr std::string_view kConsumerSyntax = "key:key groupname:string consumername:string";
  return container_row("xgroup", "Makes and changes consumer groups.",
                       {stream_subcommand({.name = "create",
                                           .arity = -5,
                                           .flags = kWrite | kDenyOom,
                                           .since = "5.0.0",
                                           .complexity = "O(1)",
                                           .summary = "Makes a consumer group.",
                                           .syntax = kXgroupCreateSyntax,
                                           .handler = xgroup_create_command},
                                          "RW insert"),
                        stream_subcommand({.name = "createconsumer",
                                           .arity = 5,
                                           .flags = kWrite | kDenyOom,
                                           .since = "6.2.0",
                                           .complexity = "O(1)",
                                           .summary = "Makes a consumer in a group.",
                                           .syntax = kConsumerSyntax,
                                           .handler = xgroup_createconsumer_command},
                                          "RW insert"),
                        stream_subcommand({.name = "delconsumer",
                                           .arity = 5,
                                           .flags = kWrite,
                                           .since = "5.0.0",
                                           .complexity = "O(N), N being the number of its pending entries.",
                                           .summary = "Drops a consumer with all it has pending.",
                                           .syntax = kConsumerSyntax,
                                           .handler = xgroup_delconsumer_command},
                                          "RW delete"),
                        stream_subcommand({.name = "destroy",
                                           .arity = 4,
                                           .flags = kWrite,
                                           .since = "5.0.0",
                                           .complexity = "O(N), N being the number of pending entries.",
                                           .summary = "Drops a consumer group.",
                                           .syntax = "key:key groupname:string",
                                           .handler = xgroup_destroy_command},
                                          "RW delete"),
                        stream_subcommand({.name = "setid",
                                           .arity = -5,
                                           .flags = kWrite,
                                           .since = "5.0.0",
                                           .complexity = "O(1)",
                                           .summary = "Moves the position of a group, forwards or back.",
                                           .syntax = kXgroupSetidSyntax,
                                           .handler = xgroup_setid_command},
                                          "RW update"),
                        help_row("5.0.0", xgroup_help_command)});
}

CommandSpec xinfo_row() {
  return container_row("xinfo", "Describes streams, groups and consumers.",
                       {stream_subcommand({.name = "consumers",
                                           .arity = 4,
                                           .flags = kReadonly,
                                           .since = "5.0.0",
                                           .complexity = "O(N), N being the number of consumers.",
                                           .summary = "Lists the consumers of a group.",
                                           .syntax = "key:key groupname:string",
                                           .tips = kNondeterministic,
                                           .handler = xinfo_consumers_command},
                                          "RO access"),
                        stream_subcommand({.name = "groups",
                                           .arity = 3,
                                           .flags = kReadonly,
                                           .since = "5.0.0",
                                           .complexity = "O(N), N being the number of groups.",
                                           .summary = "Lists the consumer groups of a stream.",
                                           .syntax = "key:key",
                                           .handler = xinfo_groups_command},
                                          "RO access"),
                        stream_subcommand({.name = "stream",
                                           .arity = -3,
                                           .flags = kReadonly,
                                           .since = "5.0.0",
                                           .complexity = "O(1), or O(N) with FULL, N being what is shown.",
                                           .summary = "Describes a stream; FULL adds entries, groups and consumers.",
                                           .syntax = "key:key [full=FULL{[count=COUNT:integer]}]",
                                           .handler = xinfo_stream_command},
                                          "RO access"),
                        help_row("5.0.0", xinfo_help_command)});
}

}  // namespace

std::vector<CommandSpec> stream_command_rows() {
  std::vector<CommandSpec> rows;
  add_appending(rows);
  add_deleting(rows);
  add_reading(rows);
  add_pending(rows);
  rows.push_back(xgroup_row());
  rows.push_back(xinfo_row());
  return rows;
}

}  // namespace millrace::commands
