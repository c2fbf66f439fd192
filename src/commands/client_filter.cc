// See client_filter.h.
#include "commands/client_filter.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/letters.h"
#include "base/numbers.h"
#include "resp/errors.h"

namespace millrace::commands {
namespace {

// One reader per option: stores the value, or replies the error and returns false.
using OptionReader = bool (*)(CommandContext& context, std::string_view value, ClientFilter& filter);

bool refuse(CommandContext& context, std::string_view error) {
  context.reply.error(error);
  return false;
}

bool read_id(CommandContext& context, std::string_view value, ClientFilter& filter) {
  const std::optional<int64_t> id = parse_i64(value);
  if (!id || *id <= 0) return refuse(context, resp::kClientIdNotPositive);
  filter.id = static_cast<uint64_t>(*id);
  return true;
}

bool read_type(CommandContext& context, std::string_view value, ClientFilter& filter) {
  filter.type = parse_client_type(value);
  return filter.type || refuse(context, resp::unknown_client_type(value));
}

bool read_address(CommandContext&, std::string_view value, ClientFilter& filter) {
  filter.address = value;
  return true;
}

bool read_local_address(CommandContext&, std::string_view value, ClientFilter& filter) {
  filter.local_address = value;
  return true;
}

bool read_user(CommandContext& context, std::string_view value, ClientFilter& filter) {
  if (!context.server.users.find(value)) return refuse(context, resp::no_such_user(value));
  filter.user = value;
  return true;
}

bool read_skip_me(CommandContext& context, std::string_view value, ClientFilter& filter) {
  filter.skip_me = same_word(value, "YES");
  return filter.skip_me || same_word(value, "NO") || refuse(context, resp::kSyntax);
}

bool read_max_age(CommandContext& context, std::string_view value, ClientFilter& filter) {
  const std::optional<int64_t> age = parse_i64(value);
  if (!age) return refuse(context, resp::kMaxAgeNotInteger);
  if (*age <= 0) return refuse(context, resp::kMaxAgeNotPositive);
  filter.age_s_min = *age;
  return true;
}

constexpr std::array<std::pair<std::string_view, OptionReader>, 7> kOptions{{{"ID", read_id},
                                                                             {"TYPE", read_type},
                                                                             {"ADDR", read_address},
                                                                             {"LADDR", read_local_address},
                                                                             {"USER", read_user},
                                                                             {"SKIPME", read_skip_me},
                                                                             {"MAXAGE", read_max_age}}};

OptionReader find_option(std::string_view word) {
  for (const auto& [name, reader] : kOptions) {
    if (same_word(word, name)) return reader;
  }
  return nullptr;
}

constexpr std::array<std::pair<std::string_view, ClientType>, 5> kTypes{{{"NORMAL", ClientType::kNormal},
                                                                         {"SLAVE", ClientType::kReplica},
                                                                         {"REPLICA", ClientType::kReplica},
                                                                         {"PUBSUB", ClientType::kPubsub},
                                                                         {"MASTER", ClientType::kMaster}}};

}  // namespace

std::optional<ClientType> parse_client_type(std::string_view text) {
  for (const auto& [name, type] : kTypes) {
    if (same_word(text, name)) return type;
  }
  return std::nullopt;
}

ClientType type_of(const Client& client) {
  return client.is_pubsub() ? ClientType::kPubsub : ClientType::kNormal;
}

bool ClientFilter::matches(const Client& client, const Client& me, int64_t now_unix_ms) const {
  if (id && client.fixed.id != *id) return false;
  if (type && *type != type_of(client)) return false;
  if (address && client.fixed.address != *address) return false;
  if (user && client.names().user != *user) return false;
  if (local_address && client.fixed.local_address != *local_address) return false;
  if (age_s_min && (now_unix_ms - client.fixed.created_unix_ms) / 1000 < *age_s_min) return false;
  return !skip_me || &client != &me;
}

std::optional<ClientFilter> read_client_filter(CommandContext& context) {
  ClientFilter filter;
  for (size_t i = 2; i < context.args.size(); i += 2) {
    const OptionReader reader = find_option(context.args[i]);
    if (reader == nullptr || i + 1 == context.args.size()) {
      context.reply.error(resp::kSyntax);
      return std::nullopt;
    }
    if (!reader(context, context.args[i + 1], filter)) return std::nullopt;
  }
  return filter;
}

}  // namespace millrace::commands
