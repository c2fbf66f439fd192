// LCS: the longest common subsequence of two strings.
//
// Of the table that finds it, one row of lengths is kept, and a bit per cell: which way leads back. That is a part in
// 32 of what Redis needs; what is refused for its size is the same.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/letters.h"
#include "commands/command_table.h"
#include "commands/context.h"
#include "commands/handlers.h"
#include "commands/stream_args.h"
#include "commands/string_args.h"
#include "resp/errors.h"

namespace millrace::commands {

namespace {

using keyspace::KeyEntry;
using keyspace::StringValue;

// Bytes that follow each other in both texts.
struct Run {
  size_t a;
  size_t b;
  size_t size;
};

class LongestCommon {
 public:
  LongestCommon(std::string_view a, std::string_view b, bool keeps_way)
      : a_(a), b_(b), leads_up_(keeps_way ? a.size() * b.size() : 0) {
    std::vector<uint32_t> row(b.size() + 1);
    for (size_t i = 0; i < a.size(); ++i) fill_row(i, row, keeps_way);
    size_ = row.back();
  }

  size_t size() const { return size_; }

  // From the last to the first. REQUIRES: the way was kept.
  template <typename Visit>
  void visit_runs(Visit visit) const {
    size_t i = a_.size();
    size_t j = b_.size();
    size_t run = 0;
    while (i > 0 && j > 0) {
      if (a_[i - 1] == b_[j - 1]) {
        --i, --j, ++run;
        continue;
      }
      if (run > 0) visit(Run{i, j, std::exchange(run, 0)});
      leads_up_[(i - 1) * b_.size() + j - 1] ? --i : --j;
    }
    if (run > 0) visit(Run{i, j, run});
  }

  std::string text() const {
    std::string text(size_, '\0');
    size_t rest = size_;
    visit_runs([&](const Run& run) { a_.copy(text.data() + (rest -= run.size), run.size, run.a); });
    return text;
  }

 private:
  // `row`: how long it is for the first i bytes of a and so many of b; afterwards for one byte more of a.
  void fill_row(size_t i, std::vector<uint32_t>& row, bool keeps_way) {
    uint32_t diagonal = 0;
    for (size_t j = 0; j < b_.size(); ++j) {
      const uint32_t above = row[j + 1];
      const uint32_t left = row[j];
      if (keeps_way) leads_up_[i * b_.size() + j] = above > left;
      row[j + 1] = a_[i] == b_[j] ? diagonal + 1 : std::max(above, left);
      diagonal = above;
    }
  }

  std::string_view a_;
  std::string_view b_;
  std::vector<bool> leads_up_;  // by place in a, then in b
  size_t size_ = 0;
};

struct LcsOptions {
  bool length = false;
  bool indexes = false;
  bool with_sizes = false;
  int64_t size_min = 0;
};

std::optional<LcsOptions> read_options(CommandContext& context) {
  LcsOptions options;
  for (size_t at = 3; at < context.args.size(); ++at) {
    const std::string_view word = context.args[at];
    if (same_word(word, "IDX")) {
      options.indexes = true;
    } else if (same_word(word, "LEN")) {
      options.length = true;
    } else if (same_word(word, "WITHMATCHLEN")) {
      options.with_sizes = true;
    } else if (same_word(word, "MINMATCHLEN") && at + 1 < context.args.size()) {
      const std::optional<int64_t> size_min = read_integer(context.reply, context.args[++at]);
      if (!size_min) return std::nullopt;
      options.size_min = *size_min;
    } else {
      context.reply.error(resp::kSyntax);
      return std::nullopt;
    }
  }
  if (options.indexes && options.length) {
    context.reply.error(resp::kLcsLengthAndIndexes);
    return std::nullopt;
  }
  return options;
}

// False after an error reply.
bool check_sizes(CommandContext& context, uint64_t a, uint64_t b) {
  constexpr uint64_t kSizeEnd = std::numeric_limits<uint32_t>::max() - 1;
  const bool too_long = a >= kSizeEnd || b >= kSizeEnd;
  if (!too_long && (a + 1) * (b + 1) <= string_bytes_max(context.server) / sizeof(uint32_t)) return true;
  context.reply.error(too_long ? resp::kLcsTooLong : resp::kLcsNeedsMemory);
  return false;
}

void write_range(resp::ReplyWriter& reply, size_t first, size_t size) {
  reply.array(2);
  reply.integer(static_cast<int64_t>(first));
  reply.integer(static_cast<int64_t>(first + size - 1));
}

void write_indexes(resp::ReplyWriter& reply, const LongestCommon& common, const LcsOptions& options) {
  reply.map(2);
  reply.bulk("matches");
  const size_t token = reply.begin_array();
  int64_t count = 0;
  common.visit_runs([&](const Run& run) {
    if (static_cast<int64_t>(run.size) < options.size_min) return;
    ++count;
    reply.array(options.with_sizes ? 3 : 2);
    write_range(reply, run.a, run.size);
    write_range(reply, run.b, run.size);
    if (options.with_sizes) reply.integer(static_cast<int64_t>(run.size));
  });
  reply.end_array(token, count);
  reply.bulk("len");
  reply.integer(static_cast<int64_t>(common.size()));
}

}  // namespace

void lcs_command(CommandContext& context) {
  const bool touch = !context.client.session.no_touch;
  const KeyEntry* const first = context.db.find_to_read(context.args[1], touch);
  const KeyEntry* const second = context.db.find_to_read(context.args[2], touch);
  const auto is_other = [](const KeyEntry* entry) { return entry != nullptr && entry->value.string() == nullptr; };
  if (is_other(first) || is_other(second)) return context.reply.error(resp::kLcsNeedsStrings);
  const std::optional<LcsOptions> options = read_options(context);
  if (!options) return;
  StringValue::Digits first_digits;
  StringValue::Digits second_digits;
  const std::string_view a = first == nullptr ? std::string_view() : first->value.string()->text(first_digits);
  const std::string_view b = second == nullptr ? std::string_view() : second->value.string()->text(second_digits);
  if (!check_sizes(context, a.size(), b.size())) return;
  const LongestCommon common(a, b, !options->length);
  if (options->length) return context.reply.integer(static_cast<int64_t>(common.size()));
  options->indexes ? write_indexes(context.reply, common, *options) : context.reply.bulk(common.text());
}

}  // namespace millrace::commands
