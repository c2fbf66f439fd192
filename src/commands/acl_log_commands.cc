// ACL LOG: what was denied lately.
#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "base/letters.h"
#include "base/numbers.h"
#include "commands/handlers.h"
#include "resp/errors.h"

namespace millrace::commands {
namespace {

constexpr size_t kShown = 10;
// From then on entries have numbers and times.
constexpr uint32_t kHasNumbers = 0x00070200;

std::string_view name_of(AclReason reason) {
  constexpr std::array<std::string_view, kAclReasons> kNames{"auth", "command", "key", "channel"};
  return kNames[static_cast<size_t>(reason)];
}

void write_entry(CommandContext& context, const AclLogEntry& entry) {
  const bool has_numbers = context.server.settings.compat_version() >= kHasNumbers;
  resp::ReplyWriter& reply = context.reply;
  reply.map(has_numbers ? 10 : 7);
  reply.bulk("count");
  reply.integer(static_cast<int64_t>(entry.count));
  reply.bulk("reason");
  reply.bulk(name_of(entry.reason));
  reply.bulk("context");
  reply.bulk(entry.context == AclContext::kMulti ? "multi" : "toplevel");
  reply.bulk("object");
  reply.bulk(entry.object);
  reply.bulk("username");
  reply.bulk(entry.user);
  reply.bulk("age-seconds");
  reply.real(static_cast<double>(context.now.unix_ms - entry.updated_unix_ms) / 1000);
  reply.bulk("client-info");
  reply.bulk(entry.client);
  if (!has_numbers) return;
  reply.bulk("entry-id");
  reply.integer(static_cast<int64_t>(entry.id));
  reply.bulk("timestamp-created");
  reply.integer(entry.created_unix_ms);
  reply.bulk("timestamp-last-updated");
  reply.integer(entry.updated_unix_ms);
}

}  // namespace

void acl_log_command(CommandContext& context) {
  const auto& args = context.args;
  AclLog& log = context.server.acl_log;
  if (args.size() > 3) return context.reply.error(resp::unknown_subcommand_or_arity(args[1], "ACL"));
  if (args.size() == 3 && same_word(args[2], "RESET")) {
    log.clear();
    return context.reply.ok();
  }
  size_t count = kShown;
  if (args.size() == 3) {
    const std::optional<int64_t> wanted = parse_i64(args[2]);
    if (!wanted) return context.reply.error(resp::kNotInteger);
    count = static_cast<size_t>(std::max<int64_t>(0, *wanted));
  }
  const std::vector<AclLogEntry> entries = log.newest(count);
  context.reply.array(static_cast<int64_t>(entries.size()));
  for (const AclLogEntry& entry : entries) write_entry(context, entry);
}

}  // namespace millrace::commands
