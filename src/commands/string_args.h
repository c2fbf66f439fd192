// What several string commands share: the string at a key, when a key is to end, how they tell the journal.
//
// Every function that can refuse writes the error reply itself and returns nothing (or false). Run by the core that
// executes the command.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "commands/context.h"
#include "commands/key_expiry.h"

namespace millrace::commands {

// The string at a key; all nothing if the key is absent. When it holds something else, WRONGTYPE has been replied.
struct StringView {
  const keyspace::KeyEntry* entry = nullptr;
  const keyspace::StringValue* string = nullptr;
  bool wrong_type = false;
};
struct StringLookup {
  keyspace::KeyEntry* entry = nullptr;
  keyspace::StringValue* string = nullptr;
  bool wrong_type = false;
};
StringView find_string_to_read(CommandContext& context, std::string_view key);
StringLookup find_string_to_write(CommandContext& context, std::string_view key);

// A bulk string, or null.
void write_string(resp::ReplyWriter& reply, const keyspace::StringValue* string);

// proto-max-bulk-len as far as strings go. Whatever the setting says, no command makes one of more than 4 GB.
uint64_t string_bytes_max(const Server& server);
// False after an error reply: a string with `size` bytes behind `offset` would be longer than is allowed. In a replay
// the setting does not count, since another one may have been in force when the journal was written.
bool check_string_size(CommandContext& context, size_t offset, size_t size);

// ---- EX, PX, EXAT and PXAT
struct GivenTime {
  std::string_view number;
  TimeUnit unit = TimeUnit::kSeconds;
  bool is_absolute = false;
};
// As unix ms, above 0; nothing after an error reply.
std::optional<int64_t> read_given_time(CommandContext& context, const GivenTime& given);
// Reads args[at], one of the four words, and the number behind it, to which `at` moves. False if it is none of them, or
// if the other kinds of `time` have come before; the same kind may come again.
bool read_time_option(std::span<const std::string_view> args, size_t& at, std::optional<GivenTime>& time);

// ---- putting a string at a key
struct Placement {
  // What becomes of the key's expiry: it is kept, set to a time, or (neither) taken away.
  bool keeps_expiry = false;
  std::optional<int64_t> expire_at_ms{};
};
// Replaces what is there, of any type; `entry` is what find_to_write() found. Tells everybody but the journal.
void place_string(CommandContext& context, keyspace::KeyEntry* entry, std::string_view key, std::string_view text,
                  const Placement& placement);
// SET as the effect of a command that says it in other words.
void note_set(CommandContext& context, std::string_view key, std::string_view text, const Placement& placement);

}  // namespace millrace::commands
