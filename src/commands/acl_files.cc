// See acl_files.h. Also ACL LOAD and ACL SAVE.
#include "commands/acl_files.h"

#include <utility>

#include "commands/context.h"
#include "commands/handlers.h"
#include "commands/user_clients.h"
#include "resp/errors.h"
#include "settings/acl_file.h"

namespace millrace::commands {
namespace {

bool has_acl_file(const Server& server) {
  return !server.settings.text("aclfile").empty();
}

std::string acl_file_path(const Server& server) {
  const std::string name = server.settings.text("aclfile");
  return name.starts_with('/') ? name : server.settings.snapshot_directory() + "/" + name;
}

settings::AclFileContent read_users(const Server& server) {
  const std::string name = server.settings.text("aclfile");
  std::optional<std::string> text;
  if (server.environment.read_existing_file) text = server.environment.read_existing_file(acl_file_path(server));
  if (!text) return {{}, "Error loading ACLs, opening file '" + name + "' failed"};
  return settings::read_acl_file(*text, name, server.users.rules());
}

// Without them the file says everything there is to say.
std::string default_user_line(const Server& server) {
  const settings::AclRules rules = server.users.rules();
  settings::AclUser user = rules.open_default_user();
  const std::string password = server.settings.text("requirepass");
  if (!password.empty()) static_cast<void>(rules.apply(user, ">" + password));
  return settings::acl_user_line(user);
}

void warn_of_disabled(const Server& server) {
  for (const Ref<const User>& user : server.users.all()) {
    if (user->rules.is_on) continue;
    server.log.notice("The user '" + user->rules.name +
                      "' is disabled: there is no 'on' in its rules. Make sure that this is meant.");
  }
}

}  // namespace

std::optional<std::string> load_users(Server& server, std::span<const std::vector<std::string>> lines) {
  if (const std::string password = server.settings.text("requirepass"); !password.empty()) {
    server.users.set_default_password(password);
  }
  settings::AclUsers users;
  if (has_acl_file(server)) {
    if (!lines.empty()) {
      return "Users are defined both in the configuration and in an ACL file (aclfile). That is likely to lead to "
             "mistakes: use one of the two.";
    }
    settings::AclFileContent content = read_users(server);
    if (!content.errors.empty()) return content.errors;
    users = std::move(content.users);
  } else {
    if (lines.empty()) return std::nullopt;
    users.emplace(kDefaultUser, server.users.find(kDefaultUser)->rules);
    for (const std::vector<std::string>& words : lines) {
      if (auto error = settings::add_configured_user(words, server.users.rules(), users)) return error;
    }
  }
  server.users.replace(std::move(users));
  warn_of_disabled(server);
  return std::nullopt;
}

std::vector<std::string> configured_user_lines(const Server& server) {
  if (has_acl_file(server)) return {};
  std::vector<std::string> lines;
  for (const Ref<const User>& user : server.users.all()) lines.push_back(settings::configured_user_line(user->rules));
  std::erase(lines, default_user_line(server));
  return lines;
}

void acl_load_command(CommandContext& context) {
  Server& server = context.server;
  if (!has_acl_file(server)) return context.reply.error(resp::kNoAclFile);
  settings::AclFileContent content = read_users(server);
  if (!content.errors.empty()) return context.reply.error("-ERR " + content.errors);
  for (const Users::Change& change : server.users.replace(std::move(content.users))) apply_to_clients(context, change);
  context.reply.ok();
}

void acl_save_command(CommandContext& context) {
  const Server& server = context.server;
  if (!has_acl_file(server)) return context.reply.error(resp::kNoAclFile);
  std::string text;
  for (const std::string& line : user_lines(server.users)) text += line + "\n";
  const auto& replace_file = server.environment.replace_file;
  const std::optional<std::string> error =
      replace_file ? replace_file(acl_file_path(server), text) : "this server cannot write files";
  if (!error) return context.reply.ok();
  server.log.warning("The users could not be saved in " + acl_file_path(server) + ": " + *error);
  context.reply.error(resp::kAclSaveFailed);
}

}  // namespace millrace::commands
