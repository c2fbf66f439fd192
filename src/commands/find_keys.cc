// Where the keys of a command are. Arguments come from clients: positions are computed in 64 bits and checked against
// the number of arguments before anything is looked at, and a count of keys never sizes an allocation.
#include <algorithm>
#include <array>

#include "base/letters.h"
#include "base/numbers.h"
#include "commands/command_table.h"

namespace millrace::commands {
namespace {

using Args = std::span<const std::string_view>;

// A keyword is looked for from begin_index on: forward, or backward from the end if that is negative.
std::optional<int64_t> first_position(const KeySpec& spec, Args args) {
  if (spec.begin == KeySpec::Begin::kIndex) return spec.begin_index;
  const auto count = static_cast<int64_t>(args.size());
  const int64_t step = spec.begin_index > 0 ? 1 : -1;
  const int64_t start = spec.begin_index > 0 ? spec.begin_index : count + spec.begin_index;
  for (int64_t at = start; at >= 1 && at < count; at += step) {
    if (same_word(args[static_cast<size_t>(at)], spec.keyword)) return at + 1;
  }
  return std::nullopt;
}

// [first, last], both inside the arguments or the spec does not fit.
struct Range {
  int64_t first = 0;
  int64_t last = 0;
};

Range range_of(const KeySpec& spec, int64_t first, int64_t count) {
  if (spec.last >= 0) return {first, first + spec.last};
  if (spec.limit <= 1) return {first, count + spec.last};
  return {first, first + (count - first) / spec.limit + spec.last};
}

std::optional<Range> counted_range(const KeySpec& spec, int64_t begin, Args args) {
  const int64_t at = begin + spec.count_index;
  if (at < 1 || at >= static_cast<int64_t>(args.size())) return std::nullopt;
  const std::optional<int64_t> keys = parse_i64(args[static_cast<size_t>(at)]);
  if (!keys || *keys < 1 || *keys > static_cast<int64_t>(args.size())) return std::nullopt;
  const int64_t first = begin + spec.first_key;
  return Range{first, first + (*keys - 1) * spec.step};
}

// Visits the positions of one specification's keys. False: the arguments do not fit it.
template <typename Visit>
bool visit_keys(const KeySpec& spec, Args args, const Visit& visit) {
  const std::optional<int64_t> begin = first_position(spec, args);
  if (!begin) return true;
  const auto count = static_cast<int64_t>(args.size());
  std::optional<Range> range =
      spec.find == KeySpec::Find::kKeyNum ? counted_range(spec, *begin, args) : range_of(spec, *begin, count);
  if (!range || range->first < 1 || range->last < range->first || range->last >= count) return false;
  for (int64_t at = range->first; at <= range->last; at += spec.step) visit(static_cast<uint32_t>(at));
  return true;
}

std::string_view flags_of_call(const KeySpec& spec, Args args) {
  if (spec.option.empty()) return spec.flags;
  const Args options = args.subspan(std::min(args.size(), static_cast<size_t>(spec.begin_index) + 2));
  const bool has_option =
      std::any_of(options.begin(), options.end(), [&](std::string_view word) { return same_word(word, spec.option); });
  return has_option ? spec.flags : spec.flags_without;
}

// ---- XREAD and XREADGROUP

struct Option {
  std::string_view word;
  size_t values;
};

constexpr std::array<Option, 7> kReadOptions{
    {{"BLOCK", 1}, {"COUNT", 1}, {"MAXCOUNT", 1}, {"MAXSIZE", 1}, {"CLAIM", 1}, {"GROUP", 2}, {"NOACK", 0}}};

const Option* find_option(std::string_view word) {
  for (const Option& option : kReadOptions) {
    if (same_word(word, option.word)) return &option;
  }
  return nullptr;
}

}  // namespace

bool find_keys(const CommandSpec& spec, Args args, std::vector<uint32_t>& positions) {
  positions.clear();
  if (spec.find_keys != nullptr) return spec.find_keys(args, positions);
  for (const KeySpec& key : spec.keys) {
    if (key.flags == "not_key") continue;
    if (!visit_keys(key, args, [&](uint32_t position) { positions.push_back(position); })) return false;
  }
  return true;
}

bool find_keys_at(const CommandSpec& spec, Args args, std::vector<KeyAt>& keys) {
  keys.clear();
  if (spec.find_keys != nullptr) {
    std::vector<uint32_t> positions;
    if (!spec.find_keys(args, positions)) return false;
    for (const uint32_t position : positions) keys.push_back({position, &spec.keys[0], spec.keys[0].flags});
    return true;
  }
  for (const KeySpec& key : spec.keys) {
    const std::string_view flags = flags_of_call(key, args);
    if (!visit_keys(key, args, [&](uint32_t position) { keys.push_back({position, &key, flags}); })) return false;
  }
  return true;
}

// ... STREAMS key1 ... keyN id1 ... idN
bool find_xread_keys(Args args, std::vector<uint32_t>& positions) {
  positions.clear();
  size_t at = 1;
  while (at < args.size() && !same_word(args[at], "STREAMS")) {
    const Option* option = find_option(args[at]);
    if (option == nullptr) return false;
    at += 1 + option->values;
  }
  if (at >= args.size()) return false;
  const size_t rest = args.size() - at - 1;
  if (rest == 0 || rest % 2 != 0) return false;
  for (size_t i = 1; i <= rest / 2; ++i) positions.push_back(static_cast<uint32_t>(at + i));
  return true;
}

bool find_xreadgroup_keys(Args args, std::vector<uint32_t>& positions) {
  return find_xread_keys(args, positions);
}

}  // namespace millrace::commands
