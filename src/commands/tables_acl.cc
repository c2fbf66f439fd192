// The rows of ACL.
#include <utility>

#include "commands/command_table.h"
#include "commands/handlers.h"

namespace millrace::commands {
namespace {

constexpr uint32_t kForAll = kNoScript | kLoading | kStale;
constexpr uint32_t kForAdmins = kAdmin | kForAll;

CommandSpec row(std::string_view name, int arity, uint32_t flags, std::string_view since, std::string_view complexity,
                std::string_view syntax, std::string_view summary, Handler handler) {
  return {.name = name,
          .arity = arity,
          .flags = flags,
          .group = "server",
          .since = since,
          .complexity = complexity,
          .summary = summary,
          .syntax = syntax,
          .handler = handler};
}

std::vector<CommandSpec> acl_rows() {
  constexpr std::string_view kUsers = "O(N) for N users";
  constexpr std::string_view kClients = "O(N) for N rules, and O(M) for M clients where channels are taken away";
  return {
      row("cat", -2, kForAll, "6.0.0", "O(N) for N commands in the category", "[categoryname:string]",
          "Lists the categories of commands, or the commands of one.", acl_cat_command),
      row("deluser", -3, kForAdmins, "6.0.0", "O(N) for N connected clients", "username:string...",
          "Removes users and closes their connections.", acl_deluser_command),
      row("dryrun", -4, kForAdmins, "7.0.0", "O(N) for N rules of the user",
          "username:string command:string [arg:string...]",
          "Tells whether a user may run a command, without running it.", acl_dryrun_command),
      row("genpass", -2, kForAll, "6.0.0", "O(N) for N bits", "[bits:integer]",
          "Makes a password that nobody can guess.", acl_genpass_command),
      row("getuser", 3, kForAdmins, "6.0.0", "O(N) for N rules of the user", "username:string",
          "Shows the rules of a user.", acl_getuser_command),
      row("list", 2, kForAdmins, "6.0.0", kUsers, "", "Shows all users, each as a line of an ACL file.",
          acl_list_command),
      row("load", 2, kForAdmins, "6.0.0", kUsers, "", "Reads the users from the ACL file.", acl_load_command),
      row("log", -2, kForAdmins, "6.0.0", "O(N) for N entries shown", "[operation<count:integer|reset=RESET>]",
          "Shows what was denied lately, or forgets it.", acl_log_command),
      row("save", 2, kForAdmins, "6.0.0", kUsers, "", "Writes the users to the ACL file.", acl_save_command),
      row("setuser", -3, kForAdmins, "6.0.0", kClients, "username:string [rule:string...]",
          "Makes a user, or changes the rules of one.", acl_setuser_command),
      row("users", 2, kForAdmins, "6.0.0", kUsers, "", "Lists the names of all users.", acl_users_command),
      row("whoami", 2, kForAll, "6.0.0", "O(1)", "", "Tells which user this connection is.", acl_whoami_command),
      row("help", 2, kLoading | kStale, "6.0.0", "O(1)", "", "Lists the subcommands.", acl_help_command),
  };
}

}  // namespace

std::vector<CommandSpec> acl_command_rows() {
  CommandSpec acl = row("acl", -2, 0, "6.0.0", "Depends on the subcommand.", "",
                        "Keeps users and the rules of what they may do.", nullptr);
  acl.subcommands = acl_rows();
  std::vector<CommandSpec> rows;
  rows.push_back(std::move(acl));
  return rows;
}

}  // namespace millrace::commands
