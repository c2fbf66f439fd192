// The rows of what is about several servers, and about modules. This is one server, without either.
#include <utility>

#include "commands/handlers.h"
#include "commands/table_rows.h"

namespace millrace::commands {
namespace {

CommandSpec deprecated(CommandSpec spec, std::string_view since, std::string_view replaced_by) {
  spec.doc_flags = "deprecated";
  spec.deprecated_since = since;
  spec.replaced_by = replaced_by;
  return spec;
}

// ---- modules

std::vector<CommandSpec> module_rows() {
  constexpr uint32_t kList = kAdmin | kNoScript;
  constexpr uint32_t kChange = kList | kNoAsyncLoading;
  return {
      with_tips("nondeterministic_output_order",
                row("list", 2, kList, "4.0.0", "O(1)", "", "Lists the modules: there are none.", module_list_command)),
      row("load", -3, kChange, "4.0.0", "O(1)", "path:string [arg:string...]", "Is refused.", module_load_command),
      row("loadex", -3, kChange, "7.0.0", "O(1)",
          "path:string [configs=CONFIG{name:string value:string}...=] [args=ARGS{arg:string}...]", "Is refused.",
          module_load_command),
      row("unload", 3, kChange, "4.0.0", "O(1)", "name:string", "Finds no module of that name.", module_unload_command),
      help_row("5.0.0", module_help_command),
  };
}

// ---- replication

std::vector<CommandSpec> replication_rows() {
  constexpr std::string_view kTarget = "args<host-port{host:string port:integer}|no-one{no=NO one=ONE}>";
  constexpr uint32_t kFlags = kAdmin | kNoScript | kStale;
  const CommandSpec replicaof =
      row("replicaof", 3, kFlags | kNoAsyncLoading, "5.0.0", "O(1)", kTarget,
          "Accepts NO ONE, which it is already; any other server is refused.", replicaof_command);
  CommandSpec slaveof = replicaof;
  slaveof.name = "slaveof";
  slaveof.since = "1.0.0";
  return {
      in_categories("admin dangerous", row("role", 1, kNoScript | kLoading | kStale | kFast, "2.8.12", "O(1)", "",
                                           "Tells that this is a master, and its replicas: none.", role_command)),
      replicaof,
      deprecated(std::move(slaveof), "5.0.0", "`REPLICAOF`"),
      row("failover", -1, kFlags, "6.2.0", "O(1)",
          "[target=TO{host:string port:integer [force=FORCE]}] [abort=ABORT] [milliseconds=TIMEOUT:integer]",
          "Is refused, as there is no replica to hand over to.", failover_command),
  };
}

// ---- cluster

// All of them answer that cluster mode is off; that they exist is what clients ask.
struct ClusterRow {
  std::string_view name;
  int arity;
  uint32_t flags;
  std::string_view since;
  std::string_view syntax = {};
  bool is_changing = false;  // its answer would not be the same each time
};

constexpr uint32_t kLook = kStale;
constexpr uint32_t kManage = kAdmin | kStale;
constexpr uint32_t kChange = kManage | kNoAsyncLoading;
constexpr std::string_view kSlotRanges = "start-slot_end-slot{start-slot:integer end-slot:integer}...";

constexpr ClusterRow kClusterRows[] = {
    {"addslots", -3, kChange, "3.0.0", "slot:integer..."},
    {"addslotsrange", -4, kChange, "7.0.0", kSlotRanges},
    {"bumpepoch", 2, kChange, "3.0.0", "", true},
    {"count-failure-reports", 3, kManage, "3.0.0", "node-id:string", true},
    {"countkeysinslot", 3, kLook, "3.0.0", "slot:integer"},
    {"delslots", -3, kChange, "3.0.0", "slot:integer..."},
    {"delslotsrange", -4, kChange, "7.0.0", kSlotRanges},
    {"failover", -2, kChange, "3.0.0", "[options<force=FORCE|takeover=TAKEOVER>]"},
    {"flushslots", 2, kChange, "3.0.0"},
    {"forget", 3, kChange, "3.0.0", "node-id:string"},
    {"getkeysinslot", 4, kLook, "3.0.0", "slot:integer count:integer", true},
    {"help", 2, kLoading | kStale, "5.0.0"},
    {"info", 2, kLook, "3.0.0", "", true},
    {"keyslot", 3, kLook, "3.0.0", "key:string"},
    {"links", 2, kLook, "7.0.0", "", true},
    {"meet", -4, kChange, "3.0.0", "ip:string port:integer [cluster_bus_port:integer@4.0.0]"},
    {"myid", 2, kLook, "3.0.0"},
    {"myshardid", 2, kLook, "7.2.0", "", true},
    {"nodes", 2, kLook, "3.0.0", "", true},
    {"replicas", 3, kManage, "5.0.0", "node-id:string", true},
    {"replicate", 3, kChange, "3.0.0", "node-id:string"},
    {"reset", -2, kAdmin | kNoScript | kStale, "3.0.0", "[hard_soft<hard=HARD|soft=SOFT>]"},
    {"saveconfig", 2, kChange, "3.0.0"},
    {"set-config-epoch", 3, kChange, "3.0.0", "config-epoch:integer"},
    {"setslot", -4, kChange, "3.0.0",
     "slot:integer subcommand<node-id=IMPORTING:string|node-id=MIGRATING:string|node-id=NODE:string|stable=STABLE>"},
    {"shards", 2, kLook, "7.0.0", "", true},
    {"slaves", 3, kManage, "3.0.0", "node-id:string", true},
    {"slots", 2, kLook, "3.0.0", "", true},
};

constexpr std::string_view kIsOff = "Answers that cluster mode is off.";

CommandSpec cluster_row(const ClusterRow& given) {
  CommandSpec spec =
      row(given.name, given.arity, given.flags, given.since, "O(1)", given.syntax, kIsOff, cluster_disabled_command);
  if (given.is_changing) spec.tips = "nondeterministic_output";
  if (given.name == "slaves") return deprecated(std::move(spec), "5.0.0", "`CLUSTER REPLICAS`");
  if (given.name == "slots") return deprecated(std::move(spec), "7.0.0", "`CLUSTER SHARDS`");
  return spec;
}

std::vector<CommandSpec> cluster_rows() {
  std::vector<CommandSpec> subcommands;
  for (const ClusterRow& given : kClusterRows) subcommands.push_back(cluster_row(given));
  const auto mode = [](std::string_view name, uint32_t flags) {
    return in_categories("connection",
                         row(name, 1, flags | kFast, "3.0.0", "O(1)", "", kIsOff, cluster_disabled_command));
  };
  std::vector<CommandSpec> rows = {
      container("cluster", "3.0.0", kIsOff, std::move(subcommands)),
      mode("readonly", kLoading | kStale),
      mode("readwrite", kLoading | kStale),
      mode("asking", 0),
  };
  return change_all(std::move(rows), [](CommandSpec& spec) { spec.group = "cluster"; });
}

}  // namespace

std::vector<CommandSpec> topology_command_rows() {
  std::vector<CommandSpec> rows = replication_rows();
  rows.push_back(container("module", "4.0.0", "Tells that there are no modules.", module_rows()));
  for (CommandSpec& spec : cluster_rows()) rows.push_back(std::move(spec));
  return rows;
}

}  // namespace millrace::commands
