// CLIENT: about this connection and the others. Other clients live on other cores: they are read through their cards,
// and reached only through the host (kill, deliver, resume).
#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "base/letters.h"
#include "base/numbers.h"
#include "commands/blocking.h"
#include "commands/client_filter.h"
#include "commands/client_line.h"
#include "commands/client_memory.h"
#include "commands/client_names.h"
#include "commands/command_table.h"
#include "commands/handlers.h"
#include "commands/help.h"
#include "resp/errors.h"

namespace millrace::commands {

bool is_clean_name(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return c >= '!' && c <= '~'; });
}

void set_client_name(Client& client, std::string_view name) {
  Client::Names names = client.names();
  names.name = name;
  client.set_names(std::move(names));
}

namespace {

// ON or OFF as the last argument; nothing if the error has been replied.
std::optional<bool> read_switch(CommandContext& context) {
  const std::string_view word = context.args[2];
  const bool is_on = same_word(word, "ON");
  if (is_on || same_word(word, "OFF")) return is_on;
  context.reply.error(resp::kSyntax);
  return std::nullopt;
}

// The one that looks shows with the command by which it does so.
void append_line(CommandContext& context, const Client& client, std::string& text) {
  context.client.card.argument_bytes.store(total_bytes(context.args), std::memory_order_relaxed);
  append_client_line(text, client, context.now.unix_ms, context.server.settings.compat_version());
  context.client.card.argument_bytes.store(0, std::memory_order_relaxed);
  text += '\n';
}

// ---- CLIENT LIST

std::optional<std::vector<Ref<Client>>> find_listed(CommandContext& context) {
  std::vector<Ref<Client>> clients;
  for (const std::string_view word : context.args.subspan(3)) {
    const std::optional<int64_t> id = parse_i64(word);
    if (!id) {
      context.reply.error(resp::kInvalidClientId);
      return std::nullopt;
    }
    Ref<Client> client = *id > 0 ? context.server.clients.find(static_cast<uint64_t>(*id)) : Ref<Client>();
    if (client) clients.push_back(std::move(client));
  }
  return clients;
}

std::vector<Ref<Client>> clients_of(const Server& server, ClientType type) {
  std::vector<Ref<Client>> clients = server.clients.all();
  std::erase_if(clients, [type](const Ref<Client>& client) { return type_of(*client) != type; });
  return clients;
}

// The clients to list, or nothing if the error has been replied.
std::optional<std::vector<Ref<Client>>> read_listed(CommandContext& context) {
  const auto& args = context.args;
  if (args.size() == 2) return context.server.clients.all();
  if (args.size() == 4 && same_word(args[2], "TYPE")) {
    const std::optional<ClientType> type = parse_client_type(args[3]);
    if (type) return clients_of(context.server, *type);
    context.reply.error(resp::unknown_client_type(args[3]));
    return std::nullopt;
  }
  if (args.size() >= 4 && same_word(args[2], "ID")) return find_listed(context);
  context.reply.error(resp::kSyntax);
  return std::nullopt;
}

// ---- CLIENT KILL

// The caller's own connection ends once it has its answer; what it sent behind this command is not executed.
int64_t kill_matching(CommandContext& context, const ClientFilter& filter) {
  int64_t killed = 0;
  for (const Ref<Client>& client : context.server.clients.all()) {
    if (!filter.matches(*client, context.client, context.now.unix_ms)) continue;
    context.host.kill(*client, client.get() == &context.client);
    ++killed;
  }
  return killed;
}

// ---- CLIENT UNBLOCK

bool unblock(CommandContext& context, Client& client, bool with_error) {
  const Ref<keyspace::Waiter> waiter = client.waiter();
  if (!waiter || !waiter->claim()) return false;
  const auto& command = static_cast<const BlockedCommand&>(*waiter);
  Buffer bytes;
  resp::ReplyWriter reply(bytes, command.protocol());
  if (with_error) {
    reply.error(resp::kUnblockedByClient);
  } else {
    command.write_timeout(reply);
  }
  if (!command.is_mute()) context.host.deliver(client, bytes.view());
  context.host.resume(client);
  return true;
}

// ---- CLIENT PAUSE

constexpr int64_t kNsPerMs = 1'000'000;

int64_t end_of_pause(int64_t now_ns, int64_t duration_ms) {
  const int64_t duration_ms_max = (std::numeric_limits<int64_t>::max() - now_ns) / kNsPerMs;
  return now_ns + std::min(duration_ms, duration_ms_max) * kNsPerMs;
}

// While a pause is on, another one can only make it longer and stricter. The mode is stored before the time, so that no
// core sees a new pause with an old mode that is milder.
void pause(CommandContext& context, int64_t duration_ms, bool writes_only) {
  PauseState& state = context.server.pause;
  const int64_t now_ns = context.now.monotonic_ns;
  const int64_t until_ns = state.until_monotonic_ns.load(std::memory_order_relaxed);
  const bool is_on = until_ns > now_ns;
  state.writes_only.store(writes_only && (!is_on || state.writes_only.load()));
  state.until_monotonic_ns.store(std::max(is_on ? until_ns : 0, end_of_pause(now_ns, duration_ms)));
  context.host.pause_changed();
}

}  // namespace

void client_id_command(CommandContext& context) {
  context.reply.integer(static_cast<int64_t>(context.client.fixed.id));
}

void client_info_command(CommandContext& context) {
  std::string text;
  append_line(context, context.client, text);
  context.reply.verbatim("txt", text);
}

void client_list_command(CommandContext& context) {
  const std::optional<std::vector<Ref<Client>>> clients = read_listed(context);
  if (!clients) return;
  std::string text;
  for (const Ref<Client>& client : *clients) append_line(context, *client, text);
  context.reply.verbatim("txt", text);
}

void client_getname_command(CommandContext& context) {
  const Client::Names names = context.client.names();
  if (names.name.empty()) return context.reply.null();
  context.reply.bulk(names.name);
}

void client_setname_command(CommandContext& context) {
  if (!is_clean_name(context.args[2])) return context.reply.error(resp::kInvalidClientName);
  set_client_name(context.client, context.args[2]);
  context.reply.ok();
}

void client_setinfo_command(CommandContext& context) {
  const std::string_view attribute = context.args[2];
  const bool is_name = same_word(attribute, "LIB-NAME");
  if (!is_name && !same_word(attribute, "LIB-VER")) {
    return context.reply.error(resp::unrecognized_attribute(attribute));
  }
  if (!is_clean_name(context.args[3])) return context.reply.error(resp::client_attribute_characters(attribute));
  Client::Names names = context.client.names();
  (is_name ? names.library_name : names.library_version) = context.args[3];
  context.client.set_names(std::move(names));
  context.reply.ok();
}

// CLIENT KILL <address> takes the caller as well and says OK; with options it counts.
void client_kill_command(CommandContext& context) {
  if (context.args.size() == 3) {
    ClientFilter filter;
    filter.address = context.args[2];
    filter.skip_me = false;
    if (kill_matching(context, filter) == 0) return context.reply.error(resp::kNoSuchClient);
    return context.reply.ok();
  }
  const std::optional<ClientFilter> filter = read_client_filter(context);
  if (filter) context.reply.integer(kill_matching(context, *filter));
}

void client_unblock_command(CommandContext& context) {
  const auto& args = context.args;
  if (args.size() > 4) return context.reply.error(resp::unknown_subcommand_or_arity(args[1], "CLIENT"));
  const bool with_error = args.size() == 4 && same_word(args[3], "ERROR");
  if (args.size() == 4 && !with_error && !same_word(args[3], "TIMEOUT")) {
    return context.reply.error(resp::kClientUnblockReason);
  }
  const std::optional<int64_t> id = parse_i64(args[2]);
  if (!id) return context.reply.error(resp::kNotInteger);
  const Ref<Client> client = *id > 0 ? context.server.clients.find(static_cast<uint64_t>(*id)) : Ref<Client>();
  context.reply.integer(client && unblock(context, *client, with_error) ? 1 : 0);
}

// OFF and SKIP say nothing themselves; ON is heard even right after SKIP.
void client_reply_command(CommandContext& context) {
  Session& session = context.client.session;
  const std::string_view mode = context.args[2];
  if (same_word(mode, "ON")) {
    session.reply_mode = ReplyMode::kOn;
    session.skip_this_reply = false;
    context.reply.ok();
  } else if (same_word(mode, "OFF")) {
    session.reply_mode = ReplyMode::kOff;
  } else if (same_word(mode, "SKIP")) {
    if (session.reply_mode != ReplyMode::kOff) session.reply_mode = ReplyMode::kSkipNext;
  } else {
    context.reply.error(resp::kSyntax);
  }
}

void client_no_evict_command(CommandContext& context) {
  const std::optional<bool> is_on = read_switch(context);
  if (!is_on) return;
  context.client.session.no_evict = *is_on;
  context.client.card.no_evict.store(*is_on, std::memory_order_relaxed);
  context.reply.ok();
}

void client_no_touch_command(CommandContext& context) {
  const std::optional<bool> is_on = read_switch(context);
  if (!is_on) return;
  context.client.session.no_touch = *is_on;
  context.client.card.no_touch.store(*is_on, std::memory_order_relaxed);
  context.reply.ok();
}

void client_pause_command(CommandContext& context) {
  const auto& args = context.args;
  if (args.size() > 4) return context.reply.error(resp::unknown_subcommand_or_arity(args[1], "CLIENT"));
  const bool writes_only = args.size() == 4 && same_word(args[3], "WRITE");
  if (args.size() == 4 && !writes_only && !same_word(args[3], "ALL")) {
    return context.reply.error(resp::kClientPauseMode);
  }
  const std::optional<int64_t> duration_ms = parse_i64(args[2]);
  if (!duration_ms) return context.reply.error(resp::kTimeoutNotInteger);
  if (*duration_ms < 0) return context.reply.error(resp::kTimeoutNegative);
  pause(context, *duration_ms, writes_only);
  context.reply.ok();
}

void client_unpause_command(CommandContext& context) {
  context.server.pause.until_monotonic_ns.store(0);
  context.host.pause_changed();
  context.reply.ok();
}

void client_help_command(CommandContext& context) {
  write_help(context);
}

}  // namespace millrace::commands
