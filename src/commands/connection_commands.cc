// PING, ECHO, HELLO, AUTH, SELECT, MONITOR, QUIT and RESET: commands about the connection they arrive on. They touch
// the client's session, which its core alone owns, and mirror on its card what other cores show of it.
#include <limits>
#include <optional>
#include <string>

#include "base/letters.h"
#include "base/numbers.h"
#include "commands/client_names.h"
#include "commands/command_table.h"
#include "commands/handlers.h"
#include "commands/permissions.h"
#include "commands/publication.h"
#include "resp/errors.h"
#include "settings/acl_password.h"

namespace millrace::commands {
namespace {

void set_protocol(Client& client, resp::Protocol protocol) {
  client.session.protocol = protocol;
  client.card.protocol.store(static_cast<int>(protocol), std::memory_order_relaxed);
}

void set_database(Client& client, int database) {
  client.session.database = database;
  client.card.database.store(database, std::memory_order_relaxed);
}

void set_monitor(Server& server, Client& client, bool is_monitor) {
  if (client.session.is_monitor == is_monitor) return;
  client.session.is_monitor = is_monitor;
  client.card.is_monitor.store(is_monitor, std::memory_order_relaxed);
  if (is_monitor) {
    server.monitors.add(client);
  } else {
    server.monitors.remove(client);
  }
}

// A wrong password takes as long as one for a user who is not there.
bool is_let_in(const Ref<const User>& user, std::string_view password) {
  const std::span<const std::string> digests =
      user ? std::span<const std::string>(user->rules.password_digests) : std::span<const std::string>();
  const bool is_right = settings::is_one_of(digests, password);
  return user && user->rules.is_on && (is_right || user->rules.takes_any_password);
}

// Who deletes a user closes the connections that say they are its own. One that comes to say so at that moment finds
// out afterwards that it would not be let in any more.
bool authenticate(CommandContext& context, std::string_view name, std::string_view password) {
  const Ref<const User> user = context.server.users.find(name);
  if (is_let_in(user, password)) {
    log_in(context.client, user);
    const Ref<const User> found_since = context.server.users.find(name);
    if (found_since != user && !is_let_in(found_since, password)) context.host.kill(context.client, true);
    return true;
  }
  log_failed_login(context.server, context.client, context.args[0], name, context.now);
  context.reply.error(resp::kWrongPass);
  return false;
}

// What a HELLO asks for. Nothing of it takes effect unless all of it can.
struct Greeting {
  std::optional<resp::Protocol> protocol;
  std::optional<std::string_view> user;
  std::string_view password;
  std::optional<std::string_view> name;
};

bool read_protocol(CommandContext& context, Greeting& greeting) {
  const std::optional<int64_t> version = parse_i64(context.args[1]);
  if (!version) {
    context.reply.error(resp::kProtocolNotInteger);
    return false;
  }
  if (*version != 2 && *version != 3) {
    context.reply.error(resp::kNoProto);
    return false;
  }
  greeting.protocol = static_cast<resp::Protocol>(*version);
  return true;
}

bool read_greeting(CommandContext& context, Greeting& greeting) {
  const auto& args = context.args;
  if (args.size() >= 2 && !read_protocol(context, greeting)) return false;
  for (size_t i = 2; i < args.size(); ++i) {
    const size_t more = args.size() - i - 1;
    if (same_word(args[i], "AUTH") && more >= 2) {
      greeting.user = args[i + 1];
      greeting.password = args[i + 2];
      i += 2;
    } else if (same_word(args[i], "SETNAME") && more >= 1) {
      greeting.name = args[++i];
      if (is_clean_name(*greeting.name)) continue;
      context.reply.error(resp::kInvalidClientName);
      return false;
    } else {
      context.reply.error(resp::hello_option(args[i]));
      return false;
    }
  }
  if (greeting.user) return authenticate(context, *greeting.user, greeting.password);
  if (!context.client.session.user.is_authenticated) context.reply.error(resp::kHelloNoAuth);
  return context.client.session.user.is_authenticated;
}

void write_greeting(CommandContext& context) {
  resp::ReplyWriter& reply = context.reply;
  reply.map(7);
  reply.bulk("server");
  reply.bulk("redis");
  reply.bulk("version");
  reply.bulk(context.server.settings.compat_version_text());
  reply.bulk("proto");
  reply.integer(static_cast<int64_t>(reply.protocol()));
  reply.bulk("id");
  reply.integer(static_cast<int64_t>(context.client.fixed.id));
  reply.bulk("mode");
  reply.bulk("standalone");
  reply.bulk("role");
  reply.bulk("master");
  reply.bulk("modules");
  reply.array(0);
}

}  // namespace

void ping_command(CommandContext& context) {
  if (context.args.size() > 2) return context.reply.error(resp::wrong_arity(context.spec.full_name));
  const Client& client = context.client;
  if (client.session.protocol == resp::Protocol::kResp2 && !client.subscriptions.empty()) {
    // Such a client takes whatever comes for a message, so the answer looks like one.
    context.reply.array(2);
    context.reply.bulk("pong");
    return context.reply.bulk(context.args.size() == 2 ? context.args[1] : "");
  }
  if (context.args.size() == 2) return context.reply.bulk(context.args[1]);
  context.reply.simple("PONG");
}

void echo_command(CommandContext& context) {
  context.reply.bulk(context.args[1]);
}

void hello_command(CommandContext& context) {
  Greeting greeting;
  if (!read_greeting(context, greeting)) return;
  if (greeting.name) set_client_name(context.client, *greeting.name);
  if (greeting.protocol) set_protocol(context.client, *greeting.protocol);
  context.reply.set_protocol(context.client.session.protocol);
  write_greeting(context);
}

void auth_command(CommandContext& context) {
  const auto& args = context.args;
  if (args.size() > 3) return context.reply.error(resp::kSyntax);
  const bool is_named = args.size() == 3;
  if (!is_named && context.server.users.find(kDefaultUser)->rules.takes_any_password) {
    return context.reply.error(resp::kNoPasswordConfigured);
  }
  if (authenticate(context, is_named ? args[1] : kDefaultUser, args.back())) context.reply.ok();
}

void select_command(CommandContext& context) {
  const std::optional<int64_t> index = parse_i64(context.args[1]);
  if (!index) return context.reply.error(resp::kNotInteger);
  if (*index < std::numeric_limits<int>::min() || *index > std::numeric_limits<int>::max()) {
    return context.reply.error("value is out of range, value must between -2147483648 and 2147483647");
  }
  if (*index < 0 || *index >= context.server.keyspace.database_count()) {
    return context.reply.error(resp::kInvalidDbIndex);
  }
  set_database(context.client, static_cast<int>(*index));
  context.reply.ok();
}

// The reply goes out before the first line can.
void monitor_command(CommandContext& context) {
  if (context.client.session.transaction.is_running()) return context.reply.error(resp::kMonitorDenied);
  if (!context.client.session.is_mute()) context.reply.ok();
  context.host.queue_replies(context.client);
  set_monitor(context.server, context.client, true);
}

void quit_command(CommandContext& context) {
  context.client.session.close_after_reply = true;
  context.reply.ok();
}

// Everything is as on a new connection, except what the client library said about itself.
void reset_command(CommandContext& context) {
  Client& client = context.client;
  context.server.broker.unsubscribe_all(client.subscriptions);
  show_subscriptions(client);
  set_monitor(context.server, client, false);
  context.server.tracking.forget(client);
  drop_transaction(client, context.server.keyspace, context.locks);
  begin_as_default_user(context.server.users, client);
  set_database(client, 0);
  set_protocol(client, resp::Protocol::kResp2);
  set_client_name(client, "");
  client.session.reply_mode = ReplyMode::kOn;
  client.session.no_touch = client.session.no_evict = false;
  client.card.no_touch.store(false, std::memory_order_relaxed);
  client.card.no_evict.store(false, std::memory_order_relaxed);
  context.reply.set_protocol(resp::Protocol::kResp2);
  context.reply.simple("RESET");
}

}  // namespace millrace::commands
