// The rows of the connection's commands.
#include <utility>

#include "commands/handlers.h"
#include "commands/table_rows.h"

namespace millrace::commands {
namespace {

// Most of CLIENT may run at any time; what looks at or ends other clients is for administrators.
constexpr uint32_t kOwn = kNoScript | kLoading | kStale;
constexpr uint32_t kOthers = kAdmin | kOwn;
// Before a client has said who it is.
constexpr uint32_t kAnyone = kNoScript | kLoading | kStale | kFast | kNoAuth | kAllowBusy;

constexpr std::string_view kConnection = "connection";

CommandSpec own(std::string_view name, int arity, std::string_view since, std::string_view syntax,
                std::string_view summary, Handler handler) {
  return in_categories(kConnection, row(name, arity, kOwn, since, "O(1)", syntax, summary, handler));
}

CommandSpec others(std::string_view name, int arity, std::string_view since, std::string_view complexity,
                   std::string_view syntax, std::string_view summary, Handler handler) {
  CommandSpec spec = own(name, arity, since, syntax, summary, handler);
  spec.flags = kOthers;
  spec.complexity = complexity;
  return spec;
}

CommandSpec client_tracking_row() {
  CommandSpec spec =
      own("tracking", -3, "6.0.0",
          "status<on=ON|off=OFF> [client-id=REDIRECT:integer] [prefix=PREFIX:string...=] [bcast=BCAST] "
          "[optin=OPTIN] [optout=OPTOUT] [noloop=NOLOOP]",
          "Has this connection, or another one, told when keys it has read are changed.", client_tracking_command);
  spec.complexity = "O(1); with BCAST it depends on the number of prefixes.";
  return spec;
}

std::vector<CommandSpec> client_rows() {
  return {
      own("id", 2, "5.0.0", "", "Tells the number of this connection.", client_id_command),
      with_tips("nondeterministic_output",
                own("info", 2, "6.2.0", "", "Describes this connection in one line.", client_info_command)),
      with_tips("nondeterministic_output",
                others("list", -2, "2.4.0", "O(N) for N connected clients",
                       "[normal_master_replica_pubsub=TYPE@5.0.0"
                       "<normal=NORMAL|master=MASTER|replica=REPLICA|pubsub=PUBSUB>] "
                       "[id=ID@6.2.0{client-id:integer...}]",
                       "Describes the connected clients, one line each.", client_list_command)),
      own("getname", 2, "2.6.9", "", "Tells the name given to this connection.", client_getname_command),
      own("setname", 3, "2.6.9", "connection-name:string", "Gives this connection a name.", client_setname_command),
      own("setinfo", 4, "7.2.0", "attr<libname=LIB-NAME:string|libver=LIB-VER:string>",
          "Notes the name or the version of the client library.", client_setinfo_command),
      others("kill", -3, "2.4.0", "O(N) for N connected clients",
             "filter<'ip:port':string!2.8.12|new-format<"
             "[client-id=ID:integer@2.8.12]|"
             "[normal_master_slave_pubsub=TYPE@2.8.12"
             "<normal=NORMAL|master=MASTER@3.2.0|slave=SLAVE|replica=REPLICA@5.0.0|pubsub=PUBSUB>]|"
             "[username=USER:string]|['ip:port'=ADDR:string]|['ip:port'=LADDR:string@6.2.0]|[yes/no=SKIPME:string]|"
             "[maxage=MAXAGE:integer@7.4.0]>...>",
             "Closes the connections that match.", client_kill_command),
      others("unblock", -3, "5.0.0", "O(log N) for N connected clients",
             "client-id:integer [timeout_error<timeout=TIMEOUT|error=ERROR>]",
             "Ends another client's blocking command as if its time were up, or with an error.",
             client_unblock_command),
      own("reply", 3, "3.2.0", "on_off_skip<on=ON|off=OFF|skip=SKIP>",
          "Chooses whether this connection gets replies; SKIP drops just the next one.", client_reply_command),
      others("no-evict", 3, "7.0.0", "O(1)", "enabled<on=ON|off=OFF>",
             "Exempts this connection from eviction, or no longer.", client_no_evict_command),
      own("no-touch", 3, "7.2.0", "enabled<on=ON|off=OFF>",
          "Chooses whether this connection's reads count as a use of the keys.", client_no_touch_command),
      others("pause", -3, "2.9.50", "O(1)", "timeout:integer [mode@6.2.0<write=WRITE|all=ALL>]",
             "Holds back the clients' commands, or only those that write, for some milliseconds.",
             client_pause_command),
      others("unpause", 2, "6.2.0", "O(N) for N clients held back", "", "Ends a pause.", client_unpause_command),
      client_tracking_row(),
      own("caching", 3, "6.0.0", "mode<yes=YES|no=NO>",
          "Makes the next command an exception to what the tracking mode OPTIN or OPTOUT says.",
          client_caching_command),
      own("getredir", 2, "6.0.0", "", "Tells which connection gets the invalidation messages of this one.",
          client_getredir_command),
      own("trackinginfo", 2, "6.2.0", "", "Describes how the keys read on this connection are tracked.",
          client_trackinginfo_command),
      in_categories(kConnection, help_row("5.0.0", client_help_command)),
  };
}

CommandSpec anyone(std::string_view name, int arity, std::string_view since, std::string_view syntax,
                   std::string_view summary, Handler handler) {
  CommandSpec spec = own(name, arity, since, syntax, summary, handler);
  spec.flags = kAnyone;
  return spec;
}

CommandSpec in_subscriber_mode(CommandSpec spec) {
  spec.in_subscriber_mode = true;
  return spec;
}

CommandSpec ending_transactions(CommandSpec spec) {
  spec.in_multi = InMulti::kEnds;
  return spec;
}

// What it watches it lets go partition by partition.
CommandSpec reset_row() {
  CommandSpec spec =
      anyone("reset", 1, "6.2.0", "", "Puts the connection back into the state it began in.", reset_command);
  spec.locking = Locking::kSelf;
  return ending_transactions(in_subscriber_mode(std::move(spec)));
}

CommandSpec plain(std::string_view name, int arity, uint32_t flags, std::string_view syntax, std::string_view summary,
                  Handler handler) {
  CommandSpec spec = own(name, arity, "1.0.0", syntax, summary, handler);
  spec.flags = flags;
  return spec;
}

}  // namespace

std::vector<CommandSpec> connection_command_rows() {
  std::vector<CommandSpec> rows = {
      in_subscriber_mode(
          with_tips("request_policy:all_shards,response_policy:all_succeeded",
                    plain("ping", -1, kFast, "[message:string]", "Answers PONG, or the message.", ping_command))),
      plain("echo", 2, kLoading | kStale | kFast, "message:string", "Answers with the message.", echo_command),
      plain("select", 2, kLoading | kStale | kFast, "index:integer",
            "Makes this connection work on the database of that number.", select_command),
      anyone("hello", -1, "6.0.0",
             "[arguments{protover:integer [username_password=AUTH{username:string password:string}] "
             "[clientname=SETNAME:string]}]",
             "Chooses the protocol and tells about the server.", hello_command),
      anyone("auth", -2, "1.0.0", "[username:string@6.0.0] password:string", "Tells the server who the client is.",
             auth_command),
      ending_transactions(in_subscriber_mode(anyone("quit", -1, "1.0.0", "", "Ends the connection.", quit_command))),
      reset_row(),
      container("client", "2.4.0", "Looks at and controls client connections.", client_rows()),
  };
  return change_all(std::move(rows), [](CommandSpec& spec) { spec.group = kConnection; });
}

}  // namespace millrace::commands
