// Permissions: what a client's user allows it, asked before every command. One per core, same thread.
//
//   is_free()             nothing binds the client: one comparison, and all there is to it for most clients
//   refusal()             the whole question, with the error to reply
//   check_permissions()   what the rules say; a denial goes into ACL LOG
//   find_denial()         the same of any user, without a word to anybody (ACL DRYRUN)
//
// The keys are those of the one key extractor, with what the command's row says is done to them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "commands/acl_log.h"
#include "commands/client.h"
#include "commands/command_table.h"
#include "commands/users.h"
#include "settings/acl_check.h"

namespace millrace::commands {

class BlockedCommand;
struct Server;

// A new connection, or one after RESET: nobody in particular.
void begin_as_default_user(const Users& users, Client& client);
void log_in(Client& client, Ref<const User> user);
// A login that failed goes into ACL LOG. `command` is what it was tried with, `user` who the client said to be.
void log_failed_login(Server& server, const Client& client, std::string_view command, std::string_view user,
                      Instant now);

class Permissions {
 public:
  using Args = std::span<const std::string_view>;

  explicit Permissions(Server& server) : server_(server) {}

  bool is_free(const Client& client) const;
  // The client has to log in before it does anything else.
  bool must_log_in(Client& client);
  // The error to reply instead of executing the command; empty if the client may.
  std::string refusal(Client& client, const CommandSpec& spec, Args args, AclContext context, Instant now);
  // nullopt: the rules of the client's user, as they are now, let it run the command. REQUIRES: it has logged in.
  std::optional<settings::AclDenial> check_permissions(Client& client, const CommandSpec& spec, Args args,
                                                       AclContext context, Instant now);
  // What refusal() would say, unheard: to ACL DRYRUN.
  std::string dry_run(const User& user, const CommandSpec& spec, Args args);
  std::optional<settings::AclDenial> find_denial(const User& user, const CommandSpec& spec, Args args);
  // Whether a subscription that was let through is forbidden by now. Who changes rules closes the connections that
  // listen to what is forbidden then; who begins to listen at that moment asks here, afterwards.
  bool is_forbidden_since(Client& client, const CommandSpec& spec, Args args);
  // The answer to a blocked command whose user may no longer do what it waits for; empty if it may. From any core.
  std::string revocation(const BlockedCommand& command, Instant now);

 private:
  void look_again(Client& client);

  Server& server_;
  // Scratch.
  std::vector<KeyAt> found_;
  std::vector<settings::AclKeyUse> keys_;
  std::vector<uint32_t> channels_;
};

}  // namespace millrace::commands
