// XADD. The hottest path of the server: one pass over the options, arguments viewed where they lie, nothing allocated
// here.
//
//   options -> pairs -> 0-0 -> key -> idempotency -> append -> reply -> tell -> remember -> trim -> effect -> wake
//
// In a journal an idempotent XADD with an id of its own was none that had been sent before, and one with '*' was.
#include <array>

#include "commands/handlers.h"
#include "commands/stream_args.h"
#include "commands/stream_effects.h"
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
  const bool is_decided = context.db.is_replay();
  if (is_decided && options.id.kind != NewId::Kind::kAuto) {
    stream.idempotency.forget_up_to(options.producer, options.idempotent_id);
  }
  const auto known = stream.idempotency.find(options.producer, options.idempotent_id);
  if (!known && !(is_decided && options.id.kind == NewId::Kind::kAuto)) {
    // An append that fails further down leaves the producer known without records, as Redis does.
    stream.idempotency.touch_producer(options.producer);
    return false;
  }
  stream.idempotency.count_duplicate();
  context.db.count_change();
  write_id(context.reply, known.value_or(stream.last_id()));
  return true;
}

// The stream to append to, made if need be.
struct Target {
  Stream* stream = nullptr;  // nullptr: the reply is written
  bool is_new = false;
};

Target find_or_create(CommandContext& context, bool no_mkstream) {
  const std::string_view key = context.args[1];
  const StreamLookup found = find_stream_to_write(context, key);
  if (found.wrong_type || found.stream != nullptr) return {found.stream};
  if (!no_mkstream) return {&create_stream(context, key), true};
  context.reply.null();
  return {};
}

// XADD key [DELREF | ACKED] [MAXLEN = length] [IDMPAUTO pid | IDMP pid iid] id field value ...
void note_added(CommandContext& context, const AddOrTrimOptions& options, StreamId id, Args elements,
                const TrimEffect* trim) {
  constexpr size_t kIdempotencyWords[] = {0, 3, 2};  // by IdempotencyMode
  keyspace::Effects* const effects = context.db.effects();
  if (effects == nullptr) return;
  const size_t words_before_id =
      2 + (trim == nullptr ? 0 : trim->word_count()) + kIdempotencyWords[static_cast<size_t>(options.idempotency)];
  effects->begin_command(context.db.index(), words_before_id + 1 + elements.size());
  effects->word("XADD");
  effects->word(context.args[1]);
  if (trim != nullptr) trim->write(*effects);
  if (options.idempotency != IdempotencyMode::kNone) {
    const bool given = options.idempotency == IdempotencyMode::kGivenId;
    effects->word(given ? "IDMP" : "IDMPAUTO");
    effects->word(options.producer);
    if (given) effects->word(options.idempotent_id);
  }
  effects->word(id);
  for (const std::string_view element : elements) effects->word(element);
}

// A stream that was made for an entry it then could not take stays, empty, as in Redis.
void note_empty_stream(CommandContext& context) {
  keyspace::Effects* const effects = context.db.effects();
  if (effects == nullptr) return;
  const std::string_view key = context.args[1];
  effects->add(context.db.index(), {"XGROUP", "CREATE", key, "g", "0", "MKSTREAM"});
  effects->add(context.db.index(), {"XGROUP", "DESTROY", key, "g"});
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
  const auto [stream, is_new] = find_or_create(context, options.no_mkstream);
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
  if (!added) {
    if (is_new) note_empty_stream(context);
    return context.reply.error(text_of(added.error()));
  }
  write_id(context.reply, *added);
  context.db.count_change();
  context.db.signal_modified(key);
  context.db.notify(keyspace::kEventStream, "xadd", key);
  if (idempotent) stream->idempotency.record(options.producer, options.idempotent_id, *added);
  const bool has_trimmed = options.trims && stream->trim(options.trim) > 0;
  if (has_trimmed) context.db.notify(keyspace::kEventStream, "xtrim", key);
  const TrimEffect trim{options.trim.policy, stream->length()};
  note_added(context, options, *added, elements, has_trimmed ? &trim : nullptr);
  context.db.signal_ready(key);
}

}  // namespace millrace::commands
