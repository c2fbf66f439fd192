// The arguments of XREAD and XREADGROUP. See stream_read.h.
//
//   options, in any order ... STREAMS key [key ...] id [id ...]
#include <algorithm>

#include "base/numbers.h"
#include "commands/stream_args.h"
#include "commands/stream_read.h"
#include "resp/errors.h"

namespace millrace::commands {
namespace {

class RequestReader {
 public:
  RequestReader(CommandContext& context, ReadRequest& request)
      : context_(context), args_(context.args), options_(request.options), targets_(request.targets) {}

  bool read() { return read_options() && read_targets(); }

 private:
  enum class Step : uint8_t { kTaken, kOther, kRefused };

  bool refuse(std::string_view error) {
    context_.reply.error(error);
    return false;
  }
  Step refused(std::string_view error) {
    refuse(error);
    return Step::kRefused;
  }
  size_t following() const { return args_.size() - at_ - 1; }
  bool at_word(std::string_view word, size_t arguments) const {
    return following() >= arguments && same_word(args_[at_], word);
  }

  bool read_options() {
    for (at_ = 1; at_ < args_.size(); ++at_) {
      if (at_word("STREAMS", 1)) return settle_options();
      Step step = read_limit();
      if (step == Step::kOther) step = read_group_option();
      if (step == Step::kOther) return refuse(resp::kSyntax);
      if (step == Step::kRefused) return false;
    }
    return refuse(resp::kSyntax);  // STREAMS is missing
  }

  Step read_limit() {
    if (at_word("BLOCK", 1)) return read_block();
    if (at_word("COUNT", 1)) return read_count();
    if (at_word("MAXCOUNT", 1)) return read_positive(options_.count_all, resp::kMaxCountNotPositive);
    if (at_word("MAXSIZE", 1)) return read_positive(options_.bytes_max, resp::kMaxSizeNotPositive);
    return Step::kOther;
  }

  Step read_group_option() {
    if (at_word("GROUP", 2)) {
      if (!options_.in_group) return refused(resp::kGroupOnlyInGroup);
      options_.group = args_[++at_];
      options_.consumer = args_[++at_];
      group_given_ = true;
      return Step::kTaken;
    }
    if (at_word("NOACK", 0)) {
      options_.no_ack = true;
      return options_.in_group ? Step::kTaken : refused(resp::kNoAckOnlyInGroup);
    }
    if (at_word("CLAIM", 1)) return options_.in_group ? read_min_idle() : refused(resp::kClaimOnlyInGroup);
    return Step::kOther;
  }

  Step read_block() {
    options_.block_ms = read_integer(context_.reply, args_[++at_], resp::kTimeoutNotInteger);
    if (!options_.block_ms) return Step::kRefused;
    return *options_.block_ms < 0 ? refused(resp::kTimeoutNegative) : Step::kTaken;
  }

  Step read_count() {
    const auto count = read_integer(context_.reply, args_[++at_]);
    if (!count) return Step::kRefused;
    options_.count = static_cast<uint64_t>(std::max<int64_t>(*count, 0));
    return Step::kTaken;
  }

  Step read_positive(uint64_t& target, std::string_view error) {
    const auto value = parse_i64(args_[++at_]);
    if (!value || *value <= 0) return refused(error);
    target = static_cast<uint64_t>(*value);
    return Step::kTaken;
  }

  Step read_min_idle() {
    options_.min_idle_ms = read_integer(context_.reply, args_[++at_], resp::kMinIdleNotInteger);
    if (!options_.min_idle_ms) return Step::kRefused;
    return *options_.min_idle_ms < 0 ? refused(resp::kMinIdleNegative) : Step::kTaken;
  }

  // At STREAMS.
  bool settle_options() {
    if (following() % 2 != 0) return refuse(options_.in_group ? resp::kUnbalancedXreadgroup : resp::kUnbalancedXread);
    if (options_.in_group && !group_given_) return refuse(resp::kMissingGroup);
    if (options_.count_all != 0 && options_.count_all < options_.count) return refuse(resp::kMaxCountBelowCount);
    return true;
  }

  bool read_targets() {
    const size_t count = following() / 2;
    const Args keys = args_.subspan(at_ + 1, count);
    const Args ids = args_.subspan(at_ + 1 + count);
    bool claims = options_.min_idle_ms.has_value();
    targets_.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      ReadTarget target;
      target.key = keys[i];
      if (!look_up(target)) return false;
      if (!(options_.in_group ? read_group_point(target, ids[i]) : read_point(target, ids[i]))) return false;
      // History takes no claims, and neither does any stream named behind one that is read as history.
      claims = claims && target.point.kind == ReadPoint::Kind::kNew;
      target.claims = claims;
      targets_.push_back(target);
    }
    return true;
  }

  bool look_up(ReadTarget& target) {
    if (!options_.in_group) {
      const StreamView found = find_stream_to_read(context_, target.key);
      target.stream = found.stream;
      return !found.wrong_type;
    }
    // Whatever there is to read, the consumer is seen.
    const GroupLookup found = find_group_to_change(context_, target.key, options_.group);
    if (found.wrong_type) return false;
    target.stream = found.stream;
    target.group = found.group;
    return target.group != nullptr || refuse(resp::no_group_in_xreadgroup(target.key, options_.group));
  }

  bool read_point(ReadTarget& target, std::string_view arg) {
    if (arg == "$") {
      target.point.after = target.stream == nullptr ? streams::kStreamIdMin : target.stream->last_id();
      return true;
    }
    if (arg == "+") {
      target.point.kind = ReadPoint::Kind::kLast;
      return true;
    }
    if (arg == ">") return refuse(resp::kNewOnlyInGroup);
    return read_after(target, arg);
  }

  bool read_group_point(ReadTarget& target, std::string_view arg) {
    if (arg == "$") return refuse(resp::kDollarInGroup);
    if (arg == "+") return refuse(resp::kPlusInGroup);
    if (arg != ">" && !read_after(target, arg)) return false;
    // The greatest id means '>' as well: nothing could be pending above it.
    if (arg == ">" || target.point.after == streams::kStreamIdMax) target.point.kind = ReadPoint::Kind::kNew;
    return true;
  }

  bool read_after(ReadTarget& target, std::string_view arg) {
    const auto id = read_id(context_.reply, arg);
    if (id) target.point.after = *id;
    return id.has_value();
  }

  CommandContext& context_;
  const Args args_;
  ReadOptions& options_;
  std::vector<ReadTarget>& targets_;
  size_t at_ = 1;
  bool group_given_ = false;
};

}  // namespace

bool read_request(CommandContext& context, bool in_group, ReadRequest& request) {
  request.options.in_group = in_group;
  return RequestReader(context, request).read();
}

}  // namespace millrace::commands
