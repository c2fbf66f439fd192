// See permissions.h.
#include "commands/permissions.h"

#include <algorithm>
#include <utility>

#include "commands/blocking.h"
#include "commands/client_line.h"
#include "commands/command_table.h"
#include "commands/server.h"
#include "resp/errors.h"

namespace millrace::commands {
namespace {

using settings::AclDenial;
using settings::AclDenied;

// From then on denials name the user.
constexpr uint32_t kNamesUsers = 0x00070200;

void show_user(Client& client, std::string_view name) {
  Client::Names names = client.names();
  if (names.user == name) return;
  names.user = name;
  client.set_names(std::move(names));
}

void find_channels(const CommandSpec& spec, Permissions::Args args, std::vector<uint32_t>& positions) {
  positions.clear();
  if (spec.channels == Channels::kNone) return;
  const size_t end = spec.channels == Channels::kFirst ? std::min<size_t>(args.size(), 2) : args.size();
  for (size_t position = 1; position < end; ++position) positions.push_back(static_cast<uint32_t>(position));
}

settings::AclKeyUse use_of(std::string_view flags, uint32_t position) {
  const auto does = [&](std::string_view what) { return flags.find(what) != std::string_view::npos; };
  return {.position = position, .reads = does("access"), .writes = does("update") || does("insert") || does("delete")};
}

// ---- what is said of a denial

AclReason reason_of(AclDenied what) {
  if (what == AclDenied::kCommand) return AclReason::kCommand;
  return what == AclDenied::kKey ? AclReason::kKey : AclReason::kChannel;
}

bool names_users(const Server& server) {
  return server.settings.compat_version() >= kNamesUsers;
}

std::string error_of(const Server& server, const User& user, const CommandSpec& spec, const AclDenial& denial) {
  const bool is_named = names_users(server);
  if (denial.what == AclDenied::kCommand) {
    return "-NOPERM " + resp::command_denied(is_named ? "User " + user.rules.name : "this user", spec.full_name);
  }
  const bool is_key = denial.what == AclDenied::kKey;
  if (is_named) return std::string(is_key ? resp::kKeyDenied : resp::kChannelDenied);
  return std::string(is_key ? resp::kKeyDeniedBefore72 : resp::kChannelDeniedBefore72);
}

// Whoever is denied writes into the log: it keeps of a name no more than a stranger could have sent.
std::string shortened(std::string_view name) {
  constexpr size_t kNameBytesMax = 16 * 1024;
  return std::string(name.substr(0, kNameBytesMax));
}

// `args` is what the denial's position counts in.
AclLogEntry entry_of(const AclDenial& denial, const User& user, const CommandSpec& spec, Permissions::Args args,
                     AclContext context) {
  AclLogEntry entry;
  entry.reason = reason_of(denial.what);
  entry.context = context;
  entry.object = denial.what == AclDenied::kCommand ? spec.full_name : shortened(args[denial.position]);
  entry.user = user.rules.name;
  return entry;
}

void add_to_log(Server& server, const Client& client, AclLogEntry entry, Instant now) {
  entry.created_unix_ms = entry.updated_unix_ms = now.unix_ms;
  append_client_line(entry.client, client, now.unix_ms, server.settings.compat_version());
  server.acl_log.add(std::move(entry),
                     static_cast<size_t>(server.settings.acllog_max_len.load(std::memory_order_relaxed)));
}

}  // namespace

void begin_as_default_user(const Users& users, Client& client) {
  UserSession& session = client.session.user;
  session = {};
  session.seen_version = users.version();
  session.user = users.find(kDefaultUser);
  session.is_authenticated = session.user->rules.takes_any_password && session.user->rules.is_on;
  show_user(client, kDefaultUser);
}

void log_in(Client& client, Ref<const User> user) {
  show_user(client, user->rules.name);
  UserSession& session = client.session.user;
  session = {};
  session.user = std::move(user);
  session.is_authenticated = true;
}

void log_failed_login(Server& server, const Client& client, std::string_view command, std::string_view user,
                      Instant now) {
  AclLogEntry entry;
  entry.reason = AclReason::kAuth;
  entry.object = command;
  entry.user = shortened(user);
  add_to_log(server, client, std::move(entry), now);
}

bool Permissions::is_free(const Client& client) const {
  return client.session.user.free_version == server_.users.version();
}

// The version is read first: what is found after that is of this version, or newer and looked at again.
void Permissions::look_again(Client& client) {
  UserSession& session = client.session.user;
  if (!session.user) begin_as_default_user(server_.users, client);
  const uint64_t version = server_.users.version();
  if (session.seen_version != version) {
    Ref<const User> user = server_.users.find(session.user->rules.name);
    if (user) session.user = std::move(user);  // else its connection is about to be closed
    session.seen_version = version;
  }
  const bool is_let_in = session.is_authenticated || !server_.users.default_needs_login();
  session.free_version = is_let_in && session.user->is_unrestricted ? version : 0;
}

bool Permissions::must_log_in(Client& client) {
  if (is_free(client)) return false;
  look_again(client);
  return !client.session.user.is_authenticated && server_.users.default_needs_login();
}

std::string Permissions::refusal(Client& client, const CommandSpec& spec, Args args, AclContext context, Instant now) {
  if (must_log_in(client) && (spec.flags & kNoAuth) == 0) return std::string(resp::kNoAuth);
  const std::optional<AclDenial> denial = check_permissions(client, spec, args, context, now);
  return denial ? error_of(server_, *client.session.user.user, spec, *denial) : std::string();
}

std::optional<AclDenial> Permissions::check_permissions(Client& client, const CommandSpec& spec, Args args,
                                                        AclContext context, Instant now) {
  if (is_free(client)) return std::nullopt;
  look_again(client);
  const User& user = *client.session.user.user;
  const std::optional<AclDenial> denial = find_denial(user, spec, args);
  if (denial) add_to_log(server_, client, entry_of(*denial, user, spec, args, context), now);
  return denial;
}

std::string Permissions::dry_run(const User& user, const CommandSpec& spec, Args args) {
  const std::optional<AclDenial> denial = find_denial(user, spec, args);
  if (!denial) return {};
  const std::string who = names_users(server_) ? "User " + user.rules.name : "This user";
  if (denial->what == AclDenied::kCommand) return resp::command_denied(who, spec.full_name);
  return resp::argument_denied(who, args[denial->position], denial->what == AclDenied::kKey ? "key" : "channel");
}

// Where the keys cannot be found the arguments are wrong: the command says so itself and touches none.
std::optional<AclDenial> Permissions::find_denial(const User& user, const CommandSpec& spec, Args args) {
  keys_.clear();
  if (!spec.keys.empty() && find_keys_at(spec, args, found_)) {
    for (const KeyAt& key : found_) {
      if (key.flags != "not_key") keys_.push_back(use_of(key.flags, key.position));
    }
  }
  find_channels(spec, args, channels_);
  return settings::find_denial(user.rules, {.command = spec.index,
                                            .is_for_everyone = (spec.flags & kNoAuth) != 0,
                                            .first_argument = args.size() > 1 ? args[1] : "",
                                            .args = args,
                                            .keys = keys_,
                                            .channels = channels_,
                                            .channels_are_patterns = spec.channels == Channels::kPatterns});
}

bool Permissions::is_forbidden_since(Client& client, const CommandSpec& spec, Args args) {
  if (spec.channels == Channels::kNone || spec.channels == Channels::kFirst) return false;
  if (client.session.user.seen_version == server_.users.version()) return false;
  look_again(client);
  return find_denial(*client.session.user.user, spec, args).has_value();
}

std::string Permissions::revocation(const BlockedCommand& command, Instant now) {
  const BlockedCommand::Caller& caller = command.caller();
  if (caller.rules_version == server_.users.version() || caller.spec == nullptr) return {};
  const Ref<const User> user = server_.users.find(caller.user);
  if (!user) return std::string(resp::kNoAuth);  // its connection is about to be closed
  std::vector<std::string_view> keys;
  keys_.clear();
  for (const keyspace::KeyPlace& place : command.places()) {
    keys_.push_back(use_of(caller.spec->keys[0].flags, static_cast<uint32_t>(keys.size())));
    keys.emplace_back(place.key);
  }
  const std::optional<AclDenial> denial = settings::find_denial(
      user->rules,
      {.command = caller.spec->index, .first_argument = caller.first_argument, .args = keys, .keys = keys_});
  if (!denial) return {};
  add_to_log(server_, command.client(), entry_of(*denial, *user, *caller.spec, keys, AclContext::kTopLevel), now);
  return error_of(server_, *user, *caller.spec, *denial);
}

}  // namespace millrace::commands
