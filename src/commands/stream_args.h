// Reading the arguments of stream commands: what several of them share.
//
// Every function that can refuse writes the error reply itself and returns nothing (or false), so that a handler ends
// with `if (!x) return;`. Nothing here allocates unless a caller's vector grows. Run by the core that executes the
// command.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/letters.h"
#include "commands/context.h"
#include "commands/stream_effects.h"
#include "resp/errors.h"
#include "settings/settings.h"
#include "streams/stream.h"

namespace millrace::commands {

using Args = std::span<const std::string_view>;

std::optional<int64_t> read_integer(resp::ReplyWriter& reply, std::string_view arg,
                                    std::string_view error = resp::kNotInteger);

// What new streams get.
streams::IdempotencyLimits usual_idempotency(const settings::Settings& settings);

// "ms" or "ms-seq" and nothing else.
std::optional<streams::StreamId> read_id(resp::ReplyWriter& reply, std::string_view arg);
// As read_id, and '-' and '+' for the smallest and the greatest id.
std::optional<streams::StreamId> read_id_or_edge(resp::ReplyWriter& reply, std::string_view arg, uint64_t missing_seq);
// The ends of an interval: an id, '-', '+', or '(' and an id, which is then left out.
std::optional<streams::StreamId> read_range_start(resp::ReplyWriter& reply, std::string_view arg);
std::optional<streams::StreamId> read_range_end(resp::ReplyWriter& reply, std::string_view arg);
// All of `args` as ids, or an error and nothing.
std::optional<std::vector<streams::StreamId>> read_ids(resp::ReplyWriter& reply, Args args);

// The stream at a key. When the key holds something else, WRONGTYPE has been replied.
struct StreamView {
  const streams::Stream* stream = nullptr;
  bool wrong_type = false;
};
struct StreamLookup {
  streams::Stream* stream = nullptr;
  bool wrong_type = false;
};
StreamView find_stream_to_read(CommandContext& context, std::string_view key);
StreamLookup find_stream_to_write(CommandContext& context, std::string_view key);

// The stream and one of its groups; `group` is nullptr if either is missing.
struct GroupView {
  const streams::Stream* stream = nullptr;
  const streams::Group* group = nullptr;
  bool wrong_type = false;
};
struct GroupLookup {
  streams::Stream* stream = nullptr;
  streams::Group* group = nullptr;
  bool wrong_type = false;
};
// In both the key counts as read, as Redis has it for XACK, XCLAIM and XREADGROUP too.
GroupView find_group_to_read(CommandContext& context, std::string_view key, std::string_view group);
GroupLookup find_group_to_change(CommandContext& context, std::string_view key, std::string_view group);

// A new, empty stream at an absent key, with the idempotency limits now in force.
streams::Stream& create_stream(CommandContext& context, std::string_view key);

// Finds or makes a consumer. A new one counts as a change, is an event, and is an effect of its own.
streams::Consumer& ensure_consumer(keyspace::Database& db, GroupName name, streams::Group& group,
                                   std::string_view consumer, bool* created);
// The same, and notes that the consumer was seen now.
streams::Consumer& see_consumer(keyspace::Database& db, GroupName name, streams::Group& group,
                                std::string_view consumer);

// ---- XADD and XTRIM: [NOMKSTREAM] [KEEPREF | DELREF | ACKED] [IDMPAUTO pid | IDMP pid iid]
//      [MAXLEN | MINID [= | ~] threshold [LIMIT count]], in any order from args[2].
enum class IdempotencyMode : uint8_t { kNone, kGivenId, kContentId };

struct AddOrTrimOptions {
  bool no_mkstream = false;
  bool trims = false;
  streams::TrimOptions trim;
  IdempotencyMode idempotency = IdempotencyMode::kNone;
  std::string_view producer;
  std::string_view idempotent_id;
  streams::NewId id;       // XADD
  size_t elements_at = 0;  // XADD: the position behind the id
};
bool read_xadd_options(CommandContext& context, AddOrTrimOptions& options);
bool read_xtrim_options(CommandContext& context, AddOrTrimOptions& options);

// ---- IDS numids id [id ...]: the count must be 1 to count_max, and as many arguments must follow.
struct CountedIdsRule {
  int64_t count_max;
  std::string_view not_positive_error;
  std::string_view mismatch_error;
};
// REQUIRES: args[at] is the word IDS and not the last argument. Moves `at` to the last id.
std::optional<Args> read_counted_ids(resp::ReplyWriter& reply, Args args, size_t& at, const CountedIdsRule& rule);

// ---- XDELEX and XACKDEL: [KEEPREF | DELREF | ACKED] IDS numids id [id ...], in either order.
struct DeleteOptions {
  streams::RefPolicy policy = streams::RefPolicy::kKeepRef;
  Args ids;  // as written
};
std::optional<DeleteOptions> read_delete_options(resp::ReplyWriter& reply, Args args);

}  // namespace millrace::commands
