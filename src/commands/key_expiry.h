// The end of keys: what EXPIRE and its family share with the commands on strings and with RESTORE. Times are unix
// milliseconds.
//
// Whatever changes is told to everybody, the journal included. Run by the core that executes the command.
#pragma once

#include <cstdint>
#include <string_view>

#include "commands/context.h"

namespace millrace::commands {

enum class TimeUnit : uint8_t { kSeconds, kMilliseconds };

// A key that is given this time goes at once. Not while a journal is replayed: it says itself when keys go.
bool is_past(const CommandContext& context, int64_t at_ms);
// REQUIRES: the key is there.
void remove_key(CommandContext& context, std::string_view key);
// To a time that is not past; kNoExpiry takes the expiry away. `entry` is the key's, found to be changed.
void change_expiry(CommandContext& context, keyspace::KeyEntry& entry, std::string_view key, int64_t at_ms);

}  // namespace millrace::commands
