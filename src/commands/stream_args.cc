// Reading the arguments of stream commands. See stream_args.h.
#include "commands/stream_args.h"

#include <algorithm>
#include <limits>
#include <memory>

#include "base/numbers.h"

namespace millrace::commands {

using streams::NewId;
using streams::RefPolicy;
using streams::StreamId;
using streams::TrimOptions;

std::optional<int64_t> read_integer(resp::ReplyWriter& reply, std::string_view arg, std::string_view error) {
  const auto value = parse_i64(arg);
  if (!value) reply.error(error);
  return value;
}

// ---- ids

namespace {

std::optional<StreamId> read_id(resp::ReplyWriter& reply, std::string_view arg, uint64_t missing_seq) {
  const auto parsed = streams::parse_stream_id(arg, missing_seq);
  if (!parsed) {
    reply.error(resp::kInvalidStreamId);
    return std::nullopt;
  }
  return parsed->id;
}

bool is_exclusive(std::string_view arg) {
  return arg.size() > 1 && arg[0] == '(';
}

}  // namespace

std::optional<StreamId> read_id(resp::ReplyWriter& reply, std::string_view arg) {
  return read_id(reply, arg, 0);
}

std::optional<StreamId> read_id_or_edge(resp::ReplyWriter& reply, std::string_view arg, uint64_t missing_seq) {
  if (arg == "-") return streams::kStreamIdMin;
  if (arg == "+") return streams::kStreamIdMax;
  return read_id(reply, arg, missing_seq);
}

std::optional<StreamId> read_range_start(resp::ReplyWriter& reply, std::string_view arg) {
  if (!is_exclusive(arg)) return read_id_or_edge(reply, arg, 0);
  const auto id = read_id(reply, arg.substr(1), 0);
  if (!id) return std::nullopt;
  const auto next = successor(*id);
  if (!next) reply.error(resp::kInvalidRangeStart);
  return next;
}

std::optional<StreamId> read_range_end(resp::ReplyWriter& reply, std::string_view arg) {
  constexpr uint64_t kLastSeq = std::numeric_limits<uint64_t>::max();
  if (!is_exclusive(arg)) return read_id_or_edge(reply, arg, kLastSeq);
  const auto id = read_id(reply, arg.substr(1), kLastSeq);
  if (!id) return std::nullopt;
  const auto previous = predecessor(*id);
  if (!previous) reply.error(resp::kInvalidRangeEnd);
  return previous;
}

std::optional<std::vector<StreamId>> read_ids(resp::ReplyWriter& reply, Args args) {
  std::vector<StreamId> ids;
  ids.reserve(args.size());
  for (const std::string_view arg : args) {
    const auto id = read_id(reply, arg);
    if (!id) return std::nullopt;
    ids.push_back(*id);
  }
  return ids;
}

// ---- keys, groups, consumers

namespace {

template <typename Lookup, typename Entry>
Lookup stream_of(CommandContext& context, Entry* entry) {
  if (entry == nullptr) return {};
  auto* const stream = entry->value.stream();
  if (stream == nullptr) context.reply.error(resp::kWrongType);
  return {stream, stream == nullptr};
}

const keyspace::KeyEntry* find_to_read(CommandContext& context, std::string_view key) {
  return context.db.find_to_read(key, !context.client.session.no_touch);
}

}  // namespace

StreamView find_stream_to_read(CommandContext& context, std::string_view key) {
  return stream_of<StreamView>(context, find_to_read(context, key));
}

StreamLookup find_stream_to_write(CommandContext& context, std::string_view key) {
  return stream_of<StreamLookup>(context, context.db.find_to_write(key));
}

GroupView find_group_to_read(CommandContext& context, std::string_view key, std::string_view group) {
  const StreamView found = find_stream_to_read(context, key);
  return {found.stream, found.stream == nullptr ? nullptr : found.stream->group(group), found.wrong_type};
}

GroupLookup find_group_to_change(CommandContext& context, std::string_view key, std::string_view group) {
  const keyspace::KeyEntry* const entry = find_to_read(context, key);
  const auto found = stream_of<StreamLookup>(context, entry == nullptr ? nullptr : &context.db.will_change(*entry));
  return {found.stream, found.stream == nullptr ? nullptr : found.stream->group(group), found.wrong_type};
}

streams::IdempotencyLimits usual_idempotency(const settings::Settings& settings) {
  return {.duration_s = settings.stream_idmp_duration_s.load(std::memory_order_relaxed),
          .entries_max = settings.stream_idmp_maxsize.load(std::memory_order_relaxed)};
}

streams::Stream& create_stream(CommandContext& context, std::string_view key) {
  auto stream = std::make_unique<streams::Stream>(usual_idempotency(context.server.settings));
  streams::Stream& created = *stream;
  context.db.create(key, keyspace::Value(std::move(stream)));
  return created;
}

streams::Consumer& ensure_consumer(keyspace::Database& db, GroupName name, streams::Group& group,
                                   std::string_view consumer, bool* created) {
  streams::Consumer& found = group.ensure_consumer(consumer, db.now().unix_ms, created);
  if (*created) {
    db.count_change();
    db.notify(keyspace::kEventStream, "xgroup-createconsumer", name.key);
    note_consumer_created(db, name, consumer);
  }
  return found;
}

streams::Consumer& see_consumer(keyspace::Database& db, GroupName name, streams::Group& group,
                                std::string_view consumer) {
  bool created = false;
  streams::Consumer& found = ensure_consumer(db, name, group, consumer, &created);
  found.seen_time_ms = db.now().unix_ms;
  return found;
}

// ---- XADD and XTRIM

namespace {

std::optional<RefPolicy> read_policy_word(std::string_view arg) {
  if (same_word(arg, "KEEPREF")) return RefPolicy::kKeepRef;
  if (same_word(arg, "DELREF")) return RefPolicy::kDelRef;
  if (same_word(arg, "ACKED")) return RefPolicy::kAcked;
  return std::nullopt;
}

// One pass over the options. Each read_* looks at the word at `at_` and either leaves it alone (kOther), takes it with
// what belongs to it, or refuses.
class AddOrTrimReader {
 public:
  AddOrTrimReader(CommandContext& context, AddOrTrimOptions& options)
      : args_(context.args),
        reply_(context.reply),
        settings_(context.server.settings),
        is_replay_(context.db.is_replay()),
        options_(options) {}

  bool read_xadd() {
    for (; at_ < args_.size(); ++at_) {
      Step step = is_auto_id() ? Step::kOther : read_shared();
      if (step == Step::kOther && !is_auto_id()) step = read_xadd_only();
      if (step == Step::kRefused) return false;
      if (step == Step::kTaken) continue;
      if (!read_new_id()) return false;
      break;
    }
    options_.elements_at = at_ + 1;
    const bool has_foreign_id =
        options_.idempotency != IdempotencyMode::kNone && options_.id.kind != NewId::Kind::kAuto;
    if (has_foreign_id && !is_replay_) return refuse(resp::kIdmpNeedsAutoId);
    return settle_limit(/*needs_strategy=*/false);
  }

  bool read_xtrim() {
    for (; at_ < args_.size(); ++at_) {
      const Step step = read_shared();
      if (step == Step::kRefused) return false;
      if (step == Step::kOther) return refuse(resp::kSyntax);
    }
    return settle_limit(/*needs_strategy=*/true);
  }

 private:
  enum class Step : uint8_t { kTaken, kOther, kRefused };

  bool refuse(std::string_view error) {
    reply_.error(error);
    return false;
  }
  Step refused(std::string_view error) {
    reply_.error(error);
    return Step::kRefused;
  }
  std::string_view word() const { return args_[at_]; }
  size_t following() const { return args_.size() - at_ - 1; }
  bool is_auto_id() const { return word() == "*"; }

  Step read_shared() {
    if (following() >= 1) {
      if (same_word(word(), "MAXLEN")) return read_strategy(TrimOptions::Strategy::kMaxLen);
      if (same_word(word(), "MINID")) return read_strategy(TrimOptions::Strategy::kMinId);
      if (same_word(word(), "LIMIT")) return read_limit();
    }
    const auto policy = policy_given_ ? std::nullopt : read_policy_word(word());
    if (!policy) return Step::kOther;
    policy_given_ = true;
    options_.trim.policy = *policy;
    return Step::kTaken;
  }

  Step read_xadd_only() {
    if (same_word(word(), "NOMKSTREAM")) {
      options_.no_mkstream = true;
      return Step::kTaken;
    }
    if (following() >= 1 && same_word(word(), "IDMPAUTO")) return read_idempotency(IdempotencyMode::kContentId);
    if (following() >= 2 && same_word(word(), "IDMP")) return read_idempotency(IdempotencyMode::kGivenId);
    return Step::kOther;
  }

  Step read_strategy(TrimOptions::Strategy strategy) {
    if (options_.trims) return refused(resp::kTrimBothStrategies);
    options_.trims = true;
    options_.trim.strategy = strategy;
    const std::string_view next = args_[at_ + 1];
    if (following() >= 2 && (next == "~" || next == "=")) {
      options_.trim.approximate = next == "~";
      ++at_;
    }
    ++at_;
    return strategy == TrimOptions::Strategy::kMaxLen ? read_length() : read_lowest_id();
  }

  Step read_length() {
    const auto length = read_integer(reply_, word());
    if (!length) return Step::kRefused;
    if (*length < 0) return refused(resp::kNegativeMaxLen);
    options_.trim.length_max = static_cast<uint64_t>(*length);
    return Step::kTaken;
  }

  Step read_lowest_id() {
    const auto id = commands::read_id(reply_, word());
    if (!id) return Step::kRefused;
    options_.trim.id_min = *id;
    return Step::kTaken;
  }

  Step read_limit() {
    ++at_;
    const auto limit = read_integer(reply_, word());
    if (!limit) return Step::kRefused;
    if (*limit < 0) return refused(resp::kNegativeTrimLimit);
    options_.trim.limit = static_cast<uint64_t>(*limit);
    limit_given_ = true;
    return Step::kTaken;
  }

  Step read_idempotency(IdempotencyMode mode) {
    if (options_.idempotency != IdempotencyMode::kNone) return refused(resp::kIdmpTwice);
    const bool given = mode == IdempotencyMode::kGivenId;
    options_.idempotency = mode;
    options_.producer = args_[++at_];
    if (options_.producer.empty()) return refused(given ? resp::kIdmpEmptyProducer : resp::kIdmpAutoEmptyProducer);
    if (!given) return Step::kTaken;
    options_.idempotent_id = args_[++at_];
    return options_.idempotent_id.empty() ? refused(resp::kIdmpEmptyId) : Step::kTaken;
  }

  bool read_new_id() {
    if (is_auto_id()) return true;  // what NewId is without being told otherwise
    const auto id = streams::parse_new_id(word());
    if (!id) return refuse(resp::kInvalidStreamId);
    options_.id = *id;
    return true;
  }

  bool settle_limit(bool needs_strategy) {
    TrimOptions& trim = options_.trim;
    // In a journal of Redis LIMIT may stand beside the threshold that was the outcome.
    if (is_replay_) trim.limit = 0;
    if (trim.limit != 0 && !options_.trims) return refuse(resp::kLimitWithoutStrategy);
    if (needs_strategy && !options_.trims) return refuse(resp::kTrimWithoutStrategy);
    if (is_replay_) return true;
    if (limit_given_ && !trim.approximate) return refuse(resp::kLimitWithoutTilde);
    if (trim.approximate && !limit_given_) trim.limit = default_limit();
    return true;
  }

  // Approximate trimming without LIMIT does at most about a hundred nodes' worth of work.
  uint64_t default_limit() const {
    constexpr int64_t kNodes = 100;
    constexpr int64_t kLimitMax = 1'000'000;
    constexpr int64_t kLimitWithoutNodeSize = 10'000;
    const int64_t node_entries = settings_.stream_node_max_entries.load(std::memory_order_relaxed);
    if (node_entries <= 0) return kLimitWithoutNodeSize;
    return static_cast<uint64_t>(std::min(node_entries, kLimitMax / kNodes) * kNodes);
  }

  const Args args_;
  resp::ReplyWriter& reply_;
  const settings::Settings& settings_;
  const bool is_replay_;
  AddOrTrimOptions& options_;
  size_t at_ = 2;
  bool limit_given_ = false;
  bool policy_given_ = false;
};

}  // namespace

bool read_xadd_options(CommandContext& context, AddOrTrimOptions& options) {
  return AddOrTrimReader(context, options).read_xadd();
}

bool read_xtrim_options(CommandContext& context, AddOrTrimOptions& options) {
  return AddOrTrimReader(context, options).read_xtrim();
}

std::optional<Args> read_counted_ids(resp::ReplyWriter& reply, Args args, size_t& at, const CountedIdsRule& rule) {
  const auto count = parse_i64(args[at + 1]);
  if (!count || *count < 1 || *count > rule.count_max) {
    reply.error(rule.not_positive_error);
    return std::nullopt;
  }
  const Args rest = args.subspan(at + 2);
  if (static_cast<uint64_t>(*count) > rest.size()) {
    reply.error(rule.mismatch_error);
    return std::nullopt;
  }
  at += 1 + static_cast<size_t>(*count);
  return rest.first(static_cast<size_t>(*count));
}

// ---- XDELEX and XACKDEL

std::optional<DeleteOptions> read_delete_options(resp::ReplyWriter& reply, Args args) {
  constexpr CountedIdsRule kIds{std::numeric_limits<int64_t>::max(), resp::kIdCountNotPositive, resp::kIdCountMismatch};
  DeleteOptions options;
  bool policy_given = false;
  const auto refuse = [&reply](std::string_view error) {
    reply.error(error);
    return std::nullopt;
  };
  for (size_t at = 0; at < args.size(); ++at) {
    if (at + 1 < args.size() && same_word(args[at], "IDS")) {
      const auto ids = read_counted_ids(reply, args, at, kIds);
      if (!ids) return std::nullopt;
      options.ids = *ids;
      continue;
    }
    const auto policy = policy_given ? std::nullopt : read_policy_word(args[at]);
    if (!policy) return refuse(resp::kSyntax);
    policy_given = true;
    options.policy = *policy;
  }
  if (options.ids.empty()) return refuse(resp::kIdsRequired);
  return options;
}

}  // namespace millrace::commands
