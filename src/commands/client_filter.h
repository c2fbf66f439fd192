// ClientFilter: which clients CLIENT KILL means, read from its options.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "commands/context.h"

namespace millrace::commands {

// Replicas and masters do not exist yet: those types are understood and match nobody. A monitor is a normal client.
enum class ClientType : uint8_t { kNormal, kReplica, kPubsub, kMaster };

std::optional<ClientType> parse_client_type(std::string_view text);

ClientType type_of(const Client& client);

struct ClientFilter {
  std::optional<uint64_t> id;
  std::optional<ClientType> type;
  std::optional<std::string_view> address;
  std::optional<std::string_view> local_address;
  std::optional<std::string_view> user;
  std::optional<int64_t> age_s_min;
  bool skip_me = true;

  bool matches(const Client& client, const Client& me, int64_t now_unix_ms) const;
};

// CLIENT KILL <option> <value> ...; nothing if the error has been replied.
std::optional<ClientFilter> read_client_filter(CommandContext& context);

}  // namespace millrace::commands
