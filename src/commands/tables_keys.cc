// Rows of the command table: keys and whole databases.
#include "commands/command_table.h"
#include "commands/handlers.h"

namespace millrace::commands {

namespace {

constexpr std::string_view kKey = "key:key";
constexpr std::string_view kKeys = "key:key...";
constexpr std::string_view kFlushSyntax = "[async<async=ASYNC@4.0.0|sync=SYNC@6.2.0>]";
constexpr std::string_view kSumOverKeys = "request_policy:multi_shard,response_policy:agg_sum";
constexpr std::string_view kFlushTips = "request_policy:all_shards,response_policy:all_succeeded";

KeySpec first_key(std::string_view flags) {
  return {.flags = flags};
}
KeySpec second_key(std::string_view flags) {
  return {.flags = flags, .begin_index = 2};
}
KeySpec all_keys(std::string_view flags) {
  return {.flags = flags, .last = -1};
}

// DEL, EXISTS and the like: any number of keys, answered with how many it held for.
CommandSpec key_counter(std::string_view name, std::string_view since, uint32_t flags, std::string_view key_flags,
                        std::string_view complexity, std::string_view summary, Handler handler) {
  return {.name = name,
          .arity = -2,
          .flags = flags,
          .categories = "keyspace",
          .group = "generic",
          .since = since,
          .complexity = complexity,
          .summary = summary,
          .syntax = kKeys,
          .tips = kSumOverKeys,
          .keys = {all_keys(key_flags)},
          .handler = handler};
}

// EXPIRE and the like.
CommandSpec expiry_setter(std::string_view name, std::string_view since, std::string_view syntax,
                          std::string_view summary, Handler handler) {
  return {.name = name,
          .arity = -3,
          .flags = kWrite | kFast,
          .categories = "keyspace",
          .group = "generic",
          .since = since,
          .complexity = "O(1)",
          .summary = summary,
          .syntax = syntax,
          .keys = {first_key("RW update")},
          .handler = handler};
}

// TTL and the like.
CommandSpec expiry_getter(std::string_view name, std::string_view since, std::string_view tips,
                          std::string_view summary, Handler handler) {
  return {.name = name,
          .arity = 2,
          .flags = kReadonly | kFast,
          .categories = "keyspace",
          .group = "generic",
          .since = since,
          .complexity = "O(1)",
          .summary = summary,
          .syntax = kKey,
          .tips = tips,
          .keys = {first_key("RO access")},
          .handler = handler};
}

CommandSpec object_question(std::string_view name, std::string_view since, std::string_view summary, Handler handler) {
  return {.name = name,
          .arity = 3,
          .flags = kReadonly,
          .categories = "keyspace",
          .group = "generic",
          .since = since,
          .complexity = "O(1)",
          .summary = summary,
          .syntax = kKey,
          .tips = "nondeterministic_output",
          .keys = {second_key("RO")},
          .handler = handler};
}

CommandSpec object_row() {
  return {.name = "object",
          .arity = -2,
          .group = "generic",
          .since = "2.2.3",
          .complexity = "Depends on subcommand.",
          .summary = "Answers questions about how a value is kept.",
          .subcommands = {
              object_question("encoding", "2.2.3", "Names the representation in memory of the value at a key.",
                              object_encoding_command),
              object_question("freq", "4.0.0", "Tells how often a key is used, if an LFU policy keeps count.",
                              object_freq_command),
              object_question("idletime", "2.2.3", "Tells for how many seconds a key has not been used.",
                              object_idletime_command),
              object_question("refcount", "2.2.3", "Tells how many references to the value at a key there are.",
                              object_refcount_command),
              {.name = "help",
               .arity = 2,
               .flags = kLoading | kStale,
               .categories = "keyspace",
               .group = "generic",
               .since = "6.2.0",
               .complexity = "O(1)",
               .summary = "Shows this text.",
               .handler = object_help_command},
          }};
}

void add_key_counters(std::vector<CommandSpec>& rows) {
  static constexpr std::string_view kPerKey = "O(N), N being the number of keys.";
  static constexpr std::string_view kPerContent = "O(N), N being the number of keys, plus the size of what they hold.";
  rows.push_back(key_counter("del", "1.0.0", kWrite, "RM delete", kPerContent, "Removes keys.", del_command));
  rows.push_back(key_counter("unlink", "4.0.0", kWrite | kFast, "RM delete", kPerContent, "Removes keys, as DEL does.",
                             unlink_command));
  rows.push_back(key_counter("exists", "1.0.0", kReadonly | kFast, "RO", kPerKey, "Counts which of the keys exist.",
                             exists_command));
  rows.push_back(key_counter("touch", "3.2.1", kReadonly | kFast, "RO", kPerKey,
                             "Marks keys as just used and counts those that exist.", touch_command));
}

void add_expiry(std::vector<CommandSpec>& rows) {
  rows.push_back(expiry_setter("expire", "1.0.0", "key:key seconds:integer [condition@7.0.0<nx=NX|xx=XX|gt=GT|lt=LT>]",
                               "Lets a key end after some seconds.", expire_command));
  rows.push_back(expiry_setter("pexpire", "2.6.0",
                               "key:key milliseconds:integer [condition@7.0.0<nx=NX|xx=XX|gt=GT|lt=LT>]",
                               "Lets a key end after some milliseconds.", pexpire_command));
  rows.push_back(expiry_setter("expireat", "1.2.0",
                               "key:key unix-time-seconds:unix-time [condition@7.0.0<nx=NX|xx=XX|gt=GT|lt=LT>]",
                               "Lets a key end at a Unix time in seconds.", expireat_command));
  rows.push_back(expiry_setter("pexpireat", "2.6.0",
                               "key:key unix-time-milliseconds:unix-time [condition@7.0.0<nx=NX|xx=XX|gt=GT|lt=LT>]",
                               "Lets a key end at a Unix time in milliseconds.", pexpireat_command));
  rows.push_back(
      expiry_getter("ttl", "1.0.0", "nondeterministic_output", "Tells how many seconds a key has left.", ttl_command));
  rows.push_back(expiry_getter("pttl", "2.6.0", "nondeterministic_output",
                               "Tells how many milliseconds a key has left.", pttl_command));
  rows.push_back(expiry_getter("expiretime", "7.0.0", "", "Tells the Unix time in seconds at which a key ends.",
                               expiretime_command));
  rows.push_back(expiry_getter("pexpiretime", "7.0.0", "", "Tells the Unix time in milliseconds at which a key ends.",
                               pexpiretime_command));
  rows.push_back({.name = "persist",
                  .arity = 2,
                  .flags = kWrite | kFast,
                  .categories = "keyspace",
                  .group = "generic",
                  .since = "2.2.0",
                  .complexity = "O(1)",
                  .summary = "Lets a key live on without end.",
                  .syntax = kKey,
                  .keys = {first_key("RW update")},
                  .handler = persist_command});
}

void add_single_key(std::vector<CommandSpec>& rows) {
  rows.push_back({.name = "type",
                  .arity = 2,
                  .flags = kReadonly | kFast,
                  .categories = "keyspace",
                  .group = "generic",
                  .since = "1.0.0",
                  .complexity = "O(1)",
                  .summary = "Names the type of the value at a key.",
                  .syntax = kKey,
                  .keys = {first_key("RO")},
                  .handler = type_command});
  rows.push_back({.name = "rename",
                  .arity = 3,
                  .flags = kWrite,
                  .categories = "keyspace",
                  .group = "generic",
                  .since = "1.0.0",
                  .complexity = "O(1)",
                  .summary = "Gives a key another name, in place of what had that name.",
                  .syntax = "key:key newkey:key#1",
                  .keys = {first_key("RW access delete"), second_key("OW update")},
                  .handler = rename_command});
  rows.push_back({.name = "renamenx",
                  .arity = 3,
                  .flags = kWrite | kFast,
                  .categories = "keyspace",
                  .group = "generic",
                  .since = "1.0.0",
                  .complexity = "O(1)",
                  .summary = "Gives a key another name unless that is taken.",
                  .syntax = "key:key newkey:key#1",
                  .keys = {first_key("RW access delete"), second_key("OW insert")},
                  .handler = renamenx_command});
  rows.push_back({.name = "copy",
                  .arity = -3,
                  .flags = kWrite | kDenyOom,
                  .categories = "keyspace",
                  .group = "generic",
                  .since = "6.2.0",
                  .complexity = "O(N), N being the number of nodes, consumers and pending entries of the stream.",
                  .summary = "Copies the value and expiry of a key to another key.",
                  .syntax = "source:key destination:key#1 [destination-db=DB:integer] [replace=REPLACE]",
                  .keys = {first_key("RO access"), second_key("OW update")},
                  .handler = copy_command});
  rows.push_back({.name = "dump",
                  .arity = 2,
                  .flags = kReadonly,
                  .categories = "keyspace",
                  .group = "generic",
                  .since = "2.6.0",
                  .complexity = "O(N), N being the bytes of the value.",
                  .summary = "Returns the value of a key as bytes that RESTORE understands.",
                  .syntax = kKey,
                  .tips = "nondeterministic_output",
                  .keys = {first_key("RO access")},
                  .handler = dump_command});
  rows.push_back({.name = "restore",
                  .arity = -4,
                  .flags = kWrite | kDenyOom,
                  .categories = "keyspace dangerous",
                  .group = "generic",
                  .since = "2.6.0",
                  .complexity = "O(N*log(N)), N being the bytes of the value.",
                  .summary = "Makes a key from what DUMP returned.",
                  .syntax = "key:key ttl:integer serialized-value:string [replace=REPLACE@3.0.0] "
                            "[absttl=ABSTTL@5.0.0] [seconds=IDLETIME:integer@5.0.0] [frequency=FREQ:integer@5.0.0]",
                  .keys = {first_key("OW update")},
                  .handler = restore_command});
  rows.push_back({.name = "move",
                  .arity = 3,
                  .flags = kWrite | kFast,
                  .categories = "keyspace",
                  .group = "generic",
                  .since = "1.0.0",
                  .complexity = "O(1)",
                  .summary = "Takes a key to another database.",
                  .syntax = "key:key db:integer",
                  .keys = {first_key("RW access update")},
                  .handler = move_command});
}

void add_walks(std::vector<CommandSpec>& rows) {
  rows.push_back({.name = "keys",
                  .arity = 2,
                  .flags = kReadonly,
                  .categories = "keyspace dangerous",
                  .group = "generic",
                  .since = "1.0.0",
                  .complexity = "O(N), N being the number of keys in the database.",
                  .summary = "Lists all keys whose name matches a pattern.",
                  .syntax = "pattern:pattern",
                  .tips = "request_policy:all_shards,nondeterministic_output_order",
                  .locking = Locking::kAll,
                  .handler = keys_command});
  rows.push_back({.name = "scan",
                  .arity = -2,
                  .flags = kReadonly,
                  .categories = "keyspace",
                  .group = "generic",
                  .since = "2.8.0",
                  .complexity = "O(1) for each call, O(N) for a whole walk over N keys.",
                  .summary = "Walks over the keys of a database in steps.",
                  .syntax = "cursor:integer [pattern=MATCH:pattern] [count=COUNT:integer] [type=TYPE:string@6.0.0]",
                  .tips = "nondeterministic_output,request_policy:special",
                  .locking = Locking::kSelf,
                  .handler = scan_command});
  rows.push_back({.name = "randomkey",
                  .arity = 1,
                  .flags = kReadonly,
                  .categories = "keyspace",
                  .group = "generic",
                  .since = "1.0.0",
                  .complexity = "O(1)",
                  .summary = "Picks a key at random.",
                  .tips = "request_policy:all_shards,nondeterministic_output",
                  .locking = Locking::kAll,
                  .handler = randomkey_command});
}

void add_whole_databases(std::vector<CommandSpec>& rows) {
  rows.push_back({.name = "dbsize",
                  .arity = 1,
                  .flags = kReadonly | kFast,
                  .categories = "keyspace",
                  .group = "server",
                  .since = "1.0.0",
                  .complexity = "O(1)",
                  .summary = "Counts the keys of a database.",
                  .tips = "request_policy:all_shards,response_policy:agg_sum",
                  .locking = Locking::kAll,
                  .handler = dbsize_command});
  rows.push_back({.name = "flushdb",
                  .arity = -1,
                  .flags = kWrite,
                  .categories = "keyspace dangerous",
                  .group = "server",
                  .since = "1.0.0",
                  .complexity = "O(N), N being the number of keys in the database.",
                  .summary = "Removes all keys of a database.",
                  .syntax = kFlushSyntax,
                  .tips = kFlushTips,
                  .locking = Locking::kAll,
                  .handler = flushdb_command});
  rows.push_back({.name = "flushall",
                  .arity = -1,
                  .flags = kWrite,
                  .categories = "keyspace dangerous",
                  .group = "server",
                  .since = "1.0.0",
                  .complexity = "O(N), N being the number of keys in all databases.",
                  .summary = "Removes all keys of all databases.",
                  .syntax = kFlushSyntax,
                  .tips = kFlushTips,
                  .locking = Locking::kAll,
                  .handler = flushall_command});
}

}  // namespace

// WAIT and WAITAOF.
CommandSpec waiter(std::string_view name, int arity, std::string_view since, std::string_view syntax,
                   std::string_view summary, Handler handler) {
  return {.name = name,
          .arity = arity,
          .flags = kNoScript,
          .categories = "connection",
          .group = "generic",
          .since = since,
          .complexity = "O(1)",
          .summary = summary,
          .syntax = syntax,
          .tips = "request_policy:all_shards,response_policy:agg_min",
          .locking = Locking::kNone,
          .handler = handler};
}

void add_waiters(std::vector<CommandSpec>& rows) {
  rows.push_back(waiter("wait", 3, "3.0.0", "numreplicas:integer timeout:integer",
                        "Waits until replicas have what this connection wrote.", wait_command));
  rows.push_back(waiter("waitaof", 4, "7.2.0", "numlocal:integer numreplicas:integer timeout:integer",
                        "Waits until what this connection wrote is durable: synced to the append-only file.",
                        waitaof_command));
}

std::vector<CommandSpec> key_command_rows() {
  std::vector<CommandSpec> rows;
  add_key_counters(rows);
  add_expiry(rows);
  add_single_key(rows);
  rows.push_back(object_row());
  add_walks(rows);
  add_whole_databases(rows);
  add_waiters(rows);
  return rows;
}

}  // namespace millrace::commands
