// CONFIG: replies and errors around settings/change.h and settings/rewrite.h.
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/letters.h"
#include "commands/access.h"
#include "commands/acl_files.h"
#include "commands/command_table.h"
#include "commands/context.h"
#include "commands/handlers.h"
#include "commands/help.h"
#include "commands/snapshots.h"
#include "resp/errors.h"
#include "settings/change.h"
#include "settings/rewrite.h"

namespace millrace::commands {
namespace {

constexpr std::string_view kNoConfigFile = "The server is running without a config file";

constexpr Counter CoreStatistics::*kResettable[] = {
    &CoreStatistics::connections_received,
    &CoreStatistics::connections_rejected,
    &CoreStatistics::commands_processed,
    &CoreStatistics::input_bytes,
    &CoreStatistics::output_bytes,
    &CoreStatistics::hits,
    &CoreStatistics::misses,
    &CoreStatistics::expired_keys,
    &CoreStatistics::expiry_nanoseconds,
    &CoreStatistics::expiry_rounds_cut,
    &CoreStatistics::turns,
    &CoreStatistics::turn_nanoseconds,
    &CoreStatistics::error_replies,
    &CoreStatistics::reads,
    &CoreStatistics::writes,
    &CoreStatistics::query_buffer_limit_disconnections,
    &CoreStatistics::output_buffer_limit_disconnections,
    &CoreStatistics::evicted_clients,
};

void reset(CoreStatistics& core) {
  for (Counter CoreStatistics::*counter : kResettable) (core.*counter).set(0);
  for (CommandStatistics& row : core.commands) {
    row.calls.set(0);
    row.nanoseconds.set(0);
    row.latency.clear();
    row.rejected.set(0);
    row.failed.set(0);
  }
  MutexLock lock(core.mutex);
  core.errors.clear();
}

// nullopt, or why the file is as it was.
std::optional<std::string> rewrite_file(const Server& server) {
  const Environment& environment = server.environment;
  if (!environment.replace_file) return "this server cannot write files";
  std::string old_text;
  if (environment.read_file) {
    // A file that is there but cannot be read must not lose its comments, includes and users.
    std::optional<std::string> read = environment.read_file(server.facts.config_file);
    if (!read) return "the present file cannot be read";
    old_text = *std::move(read);
  }
  return environment.replace_file(server.facts.config_file,
                                  settings::rewrite(server.settings, old_text, configured_user_lines(server)));
}

// CONFIG SET appendonly yes begins with a rewrite, which must be seen to be going when the client has its reply.
// Turning it off is left to the core that looks after the journal.
void begin_journal(CommandContext& context) {
  const Server& server = context.server;
  const bool is_missing = server.journal != nullptr && !server.journal->is_on() &&
                          server.settings.appendonly.load(std::memory_order_relaxed) != 0;
  if (!is_missing || context.host.start_snapshot(SnapshotKind::kJournal, nullptr)) return;
  context.server.journal_state.is_scheduled.store(true, std::memory_order_relaxed);
}

// A new limit holds from the next command on.
void apply_memory_limit(Server& server) {
  const auto limit = static_cast<uint64_t>(server.settings.maxmemory_bytes.load(std::memory_order_relaxed));
  if (limit == 0) return;
  const uint64_t used = measure_memory(server);
  if (used <= limit) return;
  server.log.warning("maxmemory is " + std::to_string(limit) + " bytes now, but " + std::to_string(used) +
                     " are in use: commands that need memory are refused until there is room");
}

bool sets(std::span<const std::string_view> pairs, std::string_view name) {
  for (size_t i = 0; i < pairs.size(); i += 2) {
    if (same_word(pairs[i], name)) return true;
  }
  return false;
}

}  // namespace

void config_get_command(CommandContext& context) {
  const Server& server = context.server;
  const auto found = settings::get_matching(server.settings, context.args.subspan(2), server.environment.resolve_path);
  context.reply.map(static_cast<int64_t>(found.size()));
  for (const auto& [name, value] : found) {
    context.reply.bulk(name);
    context.reply.bulk(value);
  }
}

void config_set_command(CommandContext& context) {
  const auto pairs = context.args.subspan(2);
  if (pairs.size() % 2 != 0) return context.reply.error(resp::kSyntax);
  const settings::ChangeRules rules{
      .may_set_protected = is_allowed(context.server.settings.protected_access(), context.client),
      .refuse = context.server.environment.refuse_setting,
      .resolve = context.server.environment.resolve_path,
  };
  const std::string password = context.server.settings.text("requirepass");
  if (const auto error = settings::set_all(context.server.settings, pairs, rules)) return context.reply.error(*error);
  const std::string new_password = context.server.settings.text("requirepass");
  if (new_password != password) context.server.users.set_default_password(new_password);
  update_refusal(context.server);
  context.server.log.set_level(context.server.settings.log_level());
  if (sets(pairs, "maxmemory")) apply_memory_limit(context.server);
  begin_journal(context);
  context.host.settings_changed();
  context.reply.ok();
}

// Each counter has one writer, its core; a count that arrives while another core clears it may be lost or stay.
void config_resetstat_command(CommandContext& context) {
  for (const auto& core : context.server.statistics) reset(*core);
  context.server.rates.reset();
  context.server.acl_log.reset_counts();
  context.server.statistics_reset_unix_ms.store(context.now.unix_ms, std::memory_order_relaxed);
  context.reply.ok();
}

void config_rewrite_command(CommandContext& context) {
  Server& server = context.server;
  if (server.facts.config_file.empty()) return context.reply.error(kNoConfigFile);
  if (const auto error = rewrite_file(server)) {
    server.log.warning("CONFIG REWRITE failed: " + *error);
    return context.reply.error("Rewriting config file: " + *error);
  }
  server.log.notice("CONFIG REWRITE executed with success.");
  context.reply.ok();
}

void config_help_command(CommandContext& context) {
  write_help(context);
}

}  // namespace millrace::commands
