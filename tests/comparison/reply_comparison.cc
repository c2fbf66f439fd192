// See reply_comparison.h.
#include "reply_comparison.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "base/numbers.h"

namespace millrace::test {
namespace {

// Two servers do the same work at slightly different times; scripts stay far away from figures of this size.
constexpr int64_t kNearDifferenceMax = 120'000;

bool near(const Reply& a, const Reply& b) {
  const std::optional<int64_t> left = parse_i64(a.text);
  const std::optional<int64_t> right = parse_i64(b.text);
  if (a.type != b.type || !left || !right) return false;
  // -1 and -2 are answers of their own.
  if (*left < 0 || *right < 0) return *left == *right;
  return std::llabs(*left - *right) <= kNearDifferenceMax;
}

bool same_shape(const Reply& a, const Reply& b) {
  return a.type == b.type && a.is_null == b.is_null;
}

void sort_elements(Reply* reply) {
  std::sort(reply->elements.begin(), reply->elements.end(),
            [](const Reply& a, const Reply& b) { return a.text < b.text; });
  for (Reply& element : reply->elements) sort_elements(&element);
}

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return std::toupper(static_cast<unsigned char>(x)) == std::toupper(static_cast<unsigned char>(y));
         });
}

bool is_progress_figure(std::string_view field, const Reply& redis, const Reply& millrace) {
  return (field == "lag" || field == "entries-read") && !redis.is_aggregate() && !millrace.is_aggregate();
}

bool is_unbalanced_text(std::string_view, const Reply& redis, const Reply& millrace) {
  return redis.text == "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified." &&
         (millrace.text ==
              "ERR Unbalanced 'xread' list of streams: for each stream key an ID, '+', or '$' must be specified." ||
          millrace.text ==
              "ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.");
}

}  // namespace

const std::array<Divergence, kDivergenceCount> kDivergences = {
    Divergence{.name = "lag and entries-read around gaps",
               .why = "7.4 and 8.0 count tombstones and trimmed entries differently, 8.2 clamps ENTRIESREAD",
               .needs_gaps = true,
               .matches = is_progress_figure},
    Divergence{.name = "text about as many ids as streams",
               .why = "7.2 names the command, 7.4 the id '+'",
               .needs_gaps = false,
               .matches = is_unbalanced_text},
};

struct ReplyComparison::FieldMask {
  std::string_view field;
  Tolerance tolerance;
};

const ReplyComparison::FieldMask ReplyComparison::kFieldMasks[] = {
    {"idle", Tolerance::kNear},                  // ms since the consumer was last seen
    {"seen-time", Tolerance::kNear},             // unix ms
    {"radix-tree-nodes", Tolerance::kAnyValue},  // inner nodes depend on the tree
    {"pending", Tolerance::kPendingTimes},       // unix ms of the last delivery, inside
    {"id", Tolerance::kAnyValue},                // of the connection, in HELLO
};

struct ReplyComparison::CommandMask {
  std::string_view command;
  std::string_view subcommand;  // or any other word of the command; empty = always
  Tolerance tolerance;
};

const ReplyComparison::CommandMask ReplyComparison::kCommandMasks[] = {
    {"XPENDING", "", Tolerance::kPendingTimes},  // idle ms
    {"XADD", "*", Tolerance::kAnyValue},         // the id is the time
    {"TTL", "", Tolerance::kNear},
    {"PTTL", "", Tolerance::kNear},
    {"EXPIRETIME", "", Tolerance::kNear},
    {"PEXPIRETIME", "", Tolerance::kNear},
    {"OBJECT", "IDLETIME", Tolerance::kNear},
    {"MEMORY", "USAGE", Tolerance::kAnyValue},
    {"CLIENT", "ID", Tolerance::kAnyValue},
    {"CLIENT", "LIST", Tolerance::kAnyValue},  // addresses, ages, buffers
    {"RANDOMKEY", "", Tolerance::kAnyValue},
    {"KEYS", "", Tolerance::kAnyOrder},
    {"SCAN", "", Tolerance::kAnyOrder},
    {"TIME", "", Tolerance::kAnyValue},
};

ReplyComparison::Tolerance ReplyComparison::tolerance_of_field(std::string_view name) {
  for (const FieldMask& mask : kFieldMasks) {
    if (mask.field == name) return mask.tolerance;
  }
  return Tolerance::kNone;
}

ReplyComparison::Tolerance ReplyComparison::tolerance_of_command(const Words& command) {
  for (const CommandMask& mask : kCommandMasks) {
    if (command.empty() || !same_word(command[0], mask.command)) continue;
    const bool has_word = std::any_of(command.begin() + 1, command.end(),
                                      [&](const std::string& word) { return same_word(word, mask.subcommand); });
    if (mask.subcommand.empty() || has_word) return mask.tolerance;
  }
  return Tolerance::kNone;
}

bool ReplyComparison::equal(const Words& command, std::string_view redis, std::string_view millrace) {
  if (redis == millrace) return true;
  if (redis.empty() || millrace.empty()) return false;
  const Reply left = parse_reply(redis);
  const Reply right = parse_reply(millrace);
  return equal_with(tolerance_of_command(command), left, right) || is_divergence("", left, right);
}

bool ReplyComparison::equal_with(Tolerance tolerance, const Reply& redis, const Reply& millrace) {
  if (redis.is_error() || millrace.is_error()) return redis.type == millrace.type && redis.text == millrace.text;
  switch (tolerance) {
    case Tolerance::kNone:
      return equal_trees(redis, millrace);
    case Tolerance::kNear:
      return near(redis, millrace);
    case Tolerance::kAnyValue:
      return same_shape(redis, millrace);
    case Tolerance::kPendingTimes:
      return equal_pending(redis, millrace);
    case Tolerance::kAnyOrder: {
      Reply left = redis;
      Reply right = millrace;
      sort_elements(&left);
      sort_elements(&right);
      return equal_trees(left, right);
    }
  }
  return false;
}

bool ReplyComparison::equal_trees(const Reply& redis, const Reply& millrace) {
  if (redis.type != millrace.type || redis.text != millrace.text || redis.is_null != millrace.is_null) return false;
  return equal_elements(redis, millrace);
}

// A map of RESP2 is an array of names and values, so every element may name the next one.
bool ReplyComparison::equal_elements(const Reply& redis, const Reply& millrace) {
  if (redis.elements.size() != millrace.elements.size()) return false;
  for (size_t i = 0; i < redis.elements.size(); i++) {
    const bool has_name = i % 2 == 1 && redis.elements[i - 1].type == '$';
    const std::string_view name = has_name ? std::string_view(redis.elements[i - 1].text) : std::string_view();
    if (!equal_field(name, redis.elements[i], millrace.elements[i])) return false;
  }
  return true;
}

bool ReplyComparison::equal_field(std::string_view name, const Reply& redis, const Reply& millrace) {
  return equal_with(tolerance_of_field(name), redis, millrace) || is_divergence(name, redis, millrace);
}

bool ReplyComparison::is_divergence(std::string_view field, const Reply& redis, const Reply& millrace) {
  for (size_t i = 0; i < kDivergenceCount; i++) {
    if (kDivergences[i].needs_gaps && !has_gaps_) continue;
    if (!kDivergences[i].matches(field, redis, millrace)) continue;
    hits_[i]++;
    return true;
  }
  return false;
}

// Rows [id, consumer, time, count] of a group or [id, time, count] of a consumer; anything else has no times.
bool ReplyComparison::equal_pending(const Reply& redis, const Reply& millrace) {
  if (redis.type != millrace.type || redis.text != millrace.text) return false;
  if (redis.elements.size() != millrace.elements.size()) return false;
  for (size_t row = 0; row < redis.elements.size(); row++) {
    const Reply& left = redis.elements[row];
    const Reply& right = millrace.elements[row];
    const size_t size = left.elements.size();
    if (left.type != right.type || left.text != right.text || size != right.elements.size()) return false;
    for (size_t i = 0; i < size; i++) {
      const bool is_time = size >= 3 && i == size - 2;
      const Tolerance tolerance = is_time ? Tolerance::kNear : Tolerance::kNone;
      if (!equal_with(tolerance, left.elements[i], right.elements[i])) return false;
    }
  }
  return true;
}

}  // namespace millrace::test
