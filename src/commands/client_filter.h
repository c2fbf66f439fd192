// ClientFilter: which clients CLIENT KILL means, read from its options.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "commands/context.h"

namespace millrace::commands {

// Only normal clients exist; the other types are understood and match nobody.
enum class ClientType : uint8_t { kNormal, kReplica, kPubsub, kMaster };

std::optional<ClientType> parse_client_type(std::string_view text);

struct ClientFilter {
  std::optional<uint64_t> id;
  std::optional<ClientType> type;
  std::optional<std::string_view> address;
  std::optional<std::string_view> local_address;
  std::optional<int64_t> age_s_min;
  bool skip_me = true;

  bool matches(const Client& client, const Client& me, int64_t now_unix_ms) const;
};

// CLIENT KILL <option> <value> ...; nothing if the error has been replied.
std::optional<ClientFilter> read_client_filter(CommandContext& context);

}  // namespace millrace::commands
