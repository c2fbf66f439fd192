// ACL: users and their rules. What rules mean is in settings/acl_*.h, whom they bind in permissions.h.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/numbers.h"
#include "commands/command_table.h"
#include "commands/handlers.h"
#include "commands/help.h"
#include "commands/permissions.h"
#include "commands/user_clients.h"
#include "resp/errors.h"
#include "settings/acl_rules.h"

namespace millrace::commands {
namespace {

void reply_words(CommandContext& context, const std::vector<std::string>& words) {
  context.reply.array(static_cast<int64_t>(words.size()));
  for (const std::string& word : words) context.reply.bulk(word);
}

// ---- ACL GETUSER

void write_selector(resp::ReplyWriter& reply, const settings::AclSelector& selector) {
  reply.bulk("commands");
  reply.bulk(settings::acl_commands_text(selector));
  reply.bulk("keys");
  reply.bulk(settings::acl_keys_text(selector));
  reply.bulk("channels");
  reply.bulk(settings::acl_channels_text(selector));
}

void write_user(resp::ReplyWriter& reply, const settings::AclUser& user) {
  reply.map(6);
  reply.bulk("flags");
  const std::vector<std::string_view> flags = settings::acl_flags(user);
  reply.set(static_cast<int64_t>(flags.size()));
  for (const std::string_view flag : flags) reply.bulk(flag);
  reply.bulk("passwords");
  reply.array(static_cast<int64_t>(user.password_digests.size()));
  for (const std::string& digest : user.password_digests) reply.bulk(digest);
  write_selector(reply, user.root());
  reply.bulk("selectors");
  reply.array(static_cast<int64_t>(user.selectors.size() - 1));
  for (size_t i = 1; i < user.selectors.size(); ++i) {
    reply.map(3);
    write_selector(reply, user.selectors[i]);
  }
}

// ---- ACL GENPASS

void fill_with_secrets(CommandContext& context, std::string& bytes) {
  const auto& fill = context.server.environment.fill_with_secrets;
  if (fill) return fill(bytes);
  for (char& byte : bytes) byte = static_cast<char>(context.random.below(256));
}

}  // namespace

void acl_setuser_command(CommandContext& context) {
  const std::string_view name = context.args[2];
  if (!settings::is_acl_name(name)) return context.reply.error(resp::kUserNameCharacters);
  const settings::AclWords words = settings::join_selectors(context.args.subspan(3));
  if (words.unmatched) return context.reply.error(resp::unmatched_parenthesis(context.args[3 + *words.unmatched]));
  std::string error;
  const Users::Change change = context.server.users.set(name, words.rules, error);
  if (!error.empty()) return context.reply.error(error);
  apply_to_clients(context, change);
  context.reply.ok();
}

void acl_deluser_command(CommandContext& context) {
  const auto names = context.args.subspan(2);
  if (std::find(names.begin(), names.end(), kDefaultUser) != names.end()) {
    return context.reply.error(resp::kDefaultUserStays);
  }
  int64_t removed = 0;
  for (const std::string_view name : names) {
    const Users::Change change = context.server.users.remove(name);
    apply_to_clients(context, change);
    removed += change.before ? 1 : 0;
  }
  context.reply.integer(removed);
}

void acl_getuser_command(CommandContext& context) {
  const Ref<const User> user = context.server.users.find(context.args[2]);
  if (!user) return context.reply.null();
  write_user(context.reply, user->rules);
}

void acl_list_command(CommandContext& context) {
  reply_words(context, user_lines(context.server.users));
}

void acl_users_command(CommandContext& context) {
  std::vector<std::string> names;
  for (const Ref<const User>& user : context.server.users.all()) names.push_back(user->rules.name);
  reply_words(context, names);
}

void acl_whoami_command(CommandContext& context) {
  context.reply.bulk(context.client.names().user);
}

void acl_cat_command(CommandContext& context) {
  const auto& args = context.args;
  if (args.size() > 3) return context.reply.error(resp::unknown_subcommand_or_arity(args[1], "ACL"));
  const settings::AclCatalog& catalog = context.server.users.catalog();
  std::vector<std::string> names;
  if (args.size() == 2) {
    for (const settings::AclCatalog::Category& category : catalog.categories) names.push_back(category.name);
    return reply_words(context, names);
  }
  const settings::AclCatalog::Category* category = catalog.find_category(args[2]);
  if (category == nullptr) return context.reply.error(resp::unknown_category(args[2]));
  for (const uint32_t index : category->commands) names.push_back(catalog.commands[index].name);
  reply_words(context, names);
}

void acl_dryrun_command(CommandContext& context) {
  const auto command = context.args.subspan(3);
  const Ref<const User> user = context.server.users.find(context.args[2]);
  if (!user) return context.reply.error(resp::user_not_found(context.args[2]));
  const CommandSpec* spec = context.spec.table->find_called(command);
  if (spec == nullptr) return context.reply.error(resp::command_not_found(command[0]));
  if (!arity_fits(*spec, command.size())) return context.reply.error(resp::wrong_arity(spec->full_name));
  const std::string denial = Permissions(context.server).dry_run(*user, *spec, command);
  if (denial.empty()) return context.reply.ok();
  context.reply.bulk(denial);
}

// Four bits to a digit; the last one may have fewer.
void acl_genpass_command(CommandContext& context) {
  constexpr int64_t kBitsMax = 4096;
  const auto& args = context.args;
  if (args.size() > 3) return context.reply.error(resp::unknown_subcommand_or_arity(args[1], "ACL"));
  const std::optional<int64_t> bits = args.size() == 3 ? parse_i64(args[2]) : 256;
  if (!bits) return context.reply.error(resp::kNotInteger);
  if (*bits <= 0 || *bits > kBitsMax) return context.reply.error(resp::kGenpassBits);
  std::string bytes(static_cast<size_t>(*bits + 7) / 8, '\0');
  fill_with_secrets(context, bytes);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string password;
  for (const char byte : bytes) {
    password += kDigits[static_cast<unsigned char>(byte) >> 4];
    password += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  password.resize(static_cast<size_t>(*bits + 3) / 4);
  context.reply.bulk(password);
}

void acl_help_command(CommandContext& context) {
  write_help(context);
}

}  // namespace millrace::commands
