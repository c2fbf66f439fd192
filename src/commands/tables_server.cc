// The rows of the commands about the server itself.
#include <utility>

#include "commands/handlers.h"
#include "commands/table_rows.h"

namespace millrace::commands {
namespace {

constexpr uint32_t kAnyTime = kLoading | kStale;
constexpr uint32_t kControl = kAdmin | kNoScript | kAnyTime;

CommandSpec locking_itself(CommandSpec spec) {
  spec.locking = Locking::kSelf;
  return spec;
}

CommandSpec locking_all(CommandSpec spec) {
  spec.locking = Locking::kAll;
  return spec;
}

std::vector<CommandSpec> config_rows() {
  constexpr std::string_view kComplexity = "O(N) for N parameters given";
  return {
      row("get", -3, kControl, "2.0.0", kComplexity, "parameter{parameter:string}...",
          "Tells the values of the parameters that match.", config_get_command),
      with_tips("request_policy:all_nodes,response_policy:all_succeeded",
                row("set", -4, kControl, "2.0.0", kComplexity, "parameter_value{parameter:string value:string}...",
                    "Changes parameters while the server runs: all of them or none.", config_set_command)),
      row("resetstat", 2, kControl, "2.0.0", "O(1)", "", "Starts the statistics of INFO from zero.",
          config_resetstat_command),
      row("rewrite", 2, kControl, "2.8.0", "O(1)", "", "Writes the configuration now in force into its file.",
          config_rewrite_command),
      help_row("5.0.0", config_help_command),
  };
}

CommandSpec memory_usage_row() {
  CommandSpec spec = row("usage", -3, kReadonly, "4.0.0", "O(N) for N samples taken", "key:key [count=SAMPLES:integer]",
                         "Estimates the bytes that a key and its value take.", memory_usage_command);
  spec.keys = {{.flags = "RO", .begin_index = 2}};
  return spec;
}

std::vector<CommandSpec> memory_rows() {
  constexpr std::string_view kOwn = "nondeterministic_output,request_policy:all_shards,response_policy:special";
  return {
      memory_usage_row(),
      with_tips(kOwn, locking_itself(row("stats", 2, 0, "4.0.0", "O(1)", "", "Tells where the memory goes.",
                                         memory_stats_command))),
      with_tips(kOwn, locking_itself(row("doctor", 2, 0, "4.0.0", "O(1)", "", "Judges the use of memory.",
                                         memory_doctor_command))),
      with_tips("request_policy:all_shards,response_policy:all_succeeded",
                row("purge", 2, 0, "4.0.0", "O(1)", "", "Has the allocator give back what is not used.",
                    memory_purge_command)),
      with_tips(kOwn, row("malloc-stats", 2, 0, "4.0.0", "O(1)", "", "Shows the allocator's own statistics.",
                          memory_malloc_stats_command)),
      help_row("4.0.0", memory_help_command),
  };
}

constexpr std::string_view kConnection = "connection";
constexpr std::string_view kOrder = "nondeterministic_output_order";

std::vector<CommandSpec> command_rows() {
  constexpr std::string_view kNamed = "O(N) for N commands asked for";
  constexpr std::string_view kArguments = "O(N) for N arguments of the command";
  std::vector<CommandSpec> rows = {
      row("count", 2, kAnyTime, "2.8.13", "O(1)", "", "Counts the commands.", command_count_command),
      with_tips(kOrder,
                row("list", -2, kAnyTime, "7.0.0", "O(N) for N commands",
                    "[filterby=FILTERBY<module-name=MODULE:string|category=ACLCAT:string|pattern=PATTERN:pattern>]",
                    "Names the commands, or those that match.", command_list_command)),
      with_tips(kOrder, row("info", -2, kAnyTime, "2.8.13", kNamed, "[command-name:string...]",
                            "Tells arity, flags and keys of the commands named, or of all.", command_info_command)),
      with_tips(kOrder, row("docs", -2, kAnyTime, "7.0.0", kNamed, "[command-name:string...]",
                            "Documents the commands named, or all.", command_docs_command)),
      row("getkeys", -4, kAnyTime, "2.8.13", kArguments, "", "Finds the keys in a whole command.",
          command_getkeys_command),
      row("getkeysandflags", -4, kAnyTime, "7.0.0", kArguments, "",
          "Finds the keys in a whole command, and what it does to them.", command_getkeysandflags_command),
      help_row("5.0.0", command_help_command),
  };
  return change_all(std::move(rows), [](CommandSpec& spec) { spec.categories = kConnection; });
}

CommandSpec command_row() {
  CommandSpec spec = row("command", -1, kAnyTime, "2.8.13", "O(N) for N commands", "",
                         "Tells arity, flags and keys of every command.", command_command);
  spec.subcommands = command_rows();
  return in_categories(kConnection, with_tips(kOrder, std::move(spec)));
}

CommandSpec debug_row() {
  CommandSpec spec = row("debug", -2, kControl, "1.0.0", "Depends on the subcommand.", "",
                         "Helps to look for faults and to test.", debug_command);
  spec.doc_flags = "syscmd";
  return locking_itself(std::move(spec));
}

}  // namespace

std::vector<CommandSpec> server_command_rows() {
  return {
      with_tips("nondeterministic_output,request_policy:all_shards,response_policy:special",
                in_categories("dangerous", locking_itself(row(
                                               "info", -1, kAnyTime, "1.0.0", "O(1)", "[section:string...]",
                                               "Reports the state and the statistics of the server.", info_command)))),
      with_tips("nondeterministic_output",
                row("time", 1, kAnyTime | kFast, "2.6.0", "O(1)", "", "Tells the server's clock.", time_command)),
      in_categories(
          "keyspace dangerous",
          locking_all(row(
              "swapdb", 3, kWrite | kFast, "4.0.0", "O(N) for N clients that are blocked on keys of the two databases",
              "index1:integer index2:integer", "Gives each of two databases the keys of the other.", swapdb_command))),
      row("monitor", 1, kControl, "1.0.0", "", "", "Shows every command that the server executes, as it happens.",
          monitor_command),
      row("lolwut", -1, kReadonly | kFast, "5.0.0", "", "[version=VERSION:integer]",
          "Tells the version, with a little art.", lolwut_command),
      locking_all(row("save", 1, kAdmin | kNoScript | kNoAsyncLoading | kNoMulti, "1.0.0", "O(N) for N keys", "",
                      "Writes all keys to disk and answers when they are there.", save_command)),
      locking_all(row("bgsave", -1, kAdmin | kNoScript | kNoAsyncLoading, "1.0.0", "O(1)", "[schedule=SCHEDULE@3.2.2]",
                      "Writes all keys to disk in the background.", bgsave_command)),
      row("bgrewriteaof", 1, kAdmin | kNoScript | kNoAsyncLoading, "1.0.0", "O(1)", "",
          "Writes the journal anew in the background, without what no longer counts.", bgrewriteaof_command),
      with_tips("nondeterministic_output",
                in_categories("admin dangerous", row("lastsave", 1, kLoading | kStale | kFast, "1.0.0", "O(1)", "",
                                                     "Tells when the keys were last saved.", lastsave_command))),
      locking_itself(
          row("shutdown", -1, kControl | kNoMulti | kAllowBusy, "1.0.0",
              "O(N) for N keys when they are saved, otherwise O(1)",
              "[nosave_save<nosave=NOSAVE|save=SAVE>] [now=NOW@7.0.0] [force=FORCE@7.0.0] [abort=ABORT@7.0.0]",
              "Saves the keys and ends the server.", shutdown_command)),
      debug_row(),
      container("config", "2.0.0", "Reads and changes the configuration.", config_rows()),
      container("memory", "4.0.0", "Looks at the use of memory.", memory_rows()),
      command_row(),
  };
}

}  // namespace millrace::commands
