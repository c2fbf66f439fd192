// ROLE, REPLICAOF, FAILOVER, CLUSTER and its modes, MODULE: what one server without modules says of itself.
#include <optional>

#include "base/letters.h"
#include "base/numbers.h"
#include "commands/context.h"
#include "commands/handlers.h"
#include "commands/help.h"
#include "resp/errors.h"

namespace millrace::commands {
namespace {

constexpr int64_t kPortMax = 65535;

// nullopt: the options make sense; else what is wrong with them.
std::optional<std::string_view> check_failover_options(std::span<const std::string_view> options) {
  bool has_timeout = false;
  bool has_target = false;
  bool has_force = false;
  for (size_t i = 0; i < options.size(); ++i) {
    const size_t left = options.size() - i - 1;
    if (same_word(options[i], "timeout") && left >= 1 && !has_timeout) {
      const std::optional<int64_t> ms = parse_i64(options[++i]);
      if (!ms) return resp::kNotInteger;
      if (*ms <= 0) return resp::kFailoverTimeout;
      has_timeout = true;
    } else if (same_word(options[i], "to") && left >= 2 && !has_target) {
      i += 2;
      if (!parse_i64(options[i])) return resp::kNotInteger;
      has_target = true;
    } else if (same_word(options[i], "force") && !has_force) {
      has_force = true;
    } else {
      return resp::kSyntax;
    }
  }
  return std::nullopt;
}

}  // namespace

void role_command(CommandContext& context) {
  context.reply.array(3);
  context.reply.bulk("master");
  context.reply.integer(0);
  context.reply.array(0);
}

void replicaof_command(CommandContext& context) {
  if (same_word(context.args[1], "no") && same_word(context.args[2], "one")) return context.reply.ok();
  const std::optional<int64_t> port = parse_i64(context.args[2]);
  if (!port || *port < 0 || *port > kPortMax) return context.reply.error(resp::kInvalidMasterPort);
  context.reply.error(resp::kNoReplication);
}

void failover_command(CommandContext& context) {
  const auto options = context.args.subspan(1);
  if (options.size() == 1 && same_word(options[0], "abort")) return context.reply.error(resp::kNoFailover);
  context.reply.error(check_failover_options(options).value_or(resp::kFailoverNeedsReplicas));
}

void cluster_disabled_command(CommandContext& context) {
  context.reply.error(resp::kClusterDisabled);
}

void module_list_command(CommandContext& context) {
  context.reply.array(0);
}

void module_load_command(CommandContext& context) {
  context.server.log.warning("MODULE LOAD was refused: modules are not supported");
  context.reply.error(resp::kModuleLoad);
}

void module_unload_command(CommandContext& context) {
  context.reply.error(resp::kModuleUnload);
}

void module_help_command(CommandContext& context) {
  write_help(context);
}

}  // namespace millrace::commands
