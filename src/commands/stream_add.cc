// XADD. The hottest path of the server: one pass over the options, arguments viewed where they lie, nothing allocated
// here.
//
//   options -> pairs -> 0-0 -> key -> idempotency -> append -> reply -> tell -> remember -> trim -> wake
#include <array>

#include "commands/handlers.h"
#include "commands/stream_args.h"
#include "commands/stream_replies.h"
#include "resp/errors.h"

namespace millrace::commands {

using streams::AppendError;
using streams::NewId;
using streams::Stream;
using streams::StreamId;

namespace {

std::string_view text_of(AppendError error) {
  switch (error) {
    case AppendError::kZeroId:
      return resp::kXaddZeroId;
    case AppendError::kExhausted:
      return resp::kXaddExhausted;
    case AppendError::kIdTooSmall:
      return resp::kXaddIdTooSmall;
    case AppendError::kTooLarge:
      break;
  }
  return resp::kXaddTooLarge;
}

// True if the producer has sent this before: the reply is the id of then, and nothing else happens.
bool is_duplicate(CommandContext& context, Stream& stream, const AddOrTrimOptions& options) {
  context.db.track_idempotency(context.args[1]);
  const auto known = stream.idempotency.find(options.producer, options.idempotent_id);
  if (!known) {
    // An append that fails further down leaves the producer known without records, as Redis does.
    stream.idempotency.touch_producer(options.producer);
    return false;
  }
  stream.idempotency.count_duplicate();
  context.db.count_change();
  write_id(context.reply, *known);
  return true;
}

// Returns the stream to append to, made if need be; or nullptr after a reply.
Stream* find_or_create(CommandContext& context, bool no_mkstream) {
  const std::string_view key = context.args[1];
  const StreamLookup found = find_stream_to_write(context, key);
  if (found.wrong_type || found.stream != nullptr) return found.stream;
  if (!no_mkstream) return &create_stream(context, key);
  context.reply.null();
  return nullptr;
}

}  // namespace

void xadd_command(CommandContext& context) {
  AddOrTrimOptions options;
  if (!read_xadd_options(context, options)) return;
  const std::string_view key = context.args[1];
  const size_t at = options.elements_at;
  if (context.args.size() < at + 2 || (context.args.size() - at) % 2 != 0) {
    return context.reply.error(resp::wrong_arity("xadd"));
  }
  const Args elements = context.args.subspan(at);
  if (options.id.kind == NewId::Kind::kExplicit && options.id.id.is_zero()) {
    return context.reply.error(resp::kXaddZeroId);
  }
  Stream* const stream = find_or_create(context, options.no_mkstream);
  if (stream == nullptr) return;

  const bool idempotent = options.idempotency != IdempotencyMode::kNone;
  std::array<char, 16> digest;
  if (options.idempotency == IdempotencyMode::kContentId) {
    digest = streams::content_id(elements);
    options.idempotent_id = {digest.data(), digest.size()};
  }
  if (idempotent && is_duplicate(context, *stream, options)) return;

  const settings::Settings& settings = context.server.settings;
  const streams::NodeLimits limits{settings.stream_node_max_bytes.load(std::memory_order_relaxed),
                                   settings.stream_node_max_entries.load(std::memory_order_relaxed)};
  const auto added = stream->append(options.id, elements, context.now.unix_ms, limits);
  if (!added) return context.reply.error(text_of(added.error()));
  write_id(context.reply, *added);
  context.db.count_change();
  context.db.signal_modified(key);
  context.db.notify(keyspace::kEventStream, "xadd", key);
  if (idempotent) stream->idempotency.record(options.producer, options.idempotent_id, *added);
  if (options.trims && stream->trim(options.trim) > 0) context.db.notify(keyspace::kEventStream, "xtrim", key);
  context.db.signal_ready(key);
}

}  // namespace millrace::commands
