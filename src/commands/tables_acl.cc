// The rows of ACL.
#include "commands/handlers.h"
#include "commands/table_rows.h"

namespace millrace::commands {
namespace {

constexpr uint32_t kForAll = kNoScript | kLoading | kStale;
constexpr uint32_t kForAdmins = kAdmin | kForAll;

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
      help_row("6.0.0", acl_help_command),
  };
}

}  // namespace

std::vector<CommandSpec> acl_command_rows() {
  return {container("acl", "6.0.0", "Keeps users and the rules of what they may do.", acl_rows())};
}

}  // namespace millrace::commands
