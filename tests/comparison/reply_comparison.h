// When two replies to the same command count as equal.
//
// Byte for byte, except for what two servers cannot agree on: figures that depend on the clock or on how memory is
// laid out. Those are named in one table (kFieldMasks, kCommandMasks in the .cc file), each with the way in which they
// may differ. Where Redis 7.0.15 and the rules of later versions part, a Divergence names the fields and the reason;
// the random script has to hit each of them, so that none outlives its cause.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "reply_tree.h"
#include "support/resp_connection.h"

namespace millrace::test {

struct Divergence {
  std::string_view name;
  std::string_view why;
  // `field` is the name that a map or flat array gives the value, if any.
  bool needs_gaps;  // does not occur in streams without gaps
  bool (*matches)(std::string_view field, const Reply& redis, const Reply& millrace);
};

inline constexpr size_t kDivergenceCount = 2;
extern const std::array<Divergence, kDivergenceCount> kDivergences;

class ReplyComparison {
 public:
  // `has_gaps`: whether the script deletes or trims entries.
  explicit ReplyComparison(bool has_gaps) : has_gaps_(has_gaps) {}

  // `command` decides which masks apply.
  bool equal(const Words& command, std::string_view redis, std::string_view millrace);
  uint64_t hits(size_t divergence) const { return hits_[divergence]; }

 private:
  enum class Tolerance { kNone, kNear, kAnyValue, kAnyOrder, kPendingTimes };
  struct FieldMask;
  struct CommandMask;
  static const FieldMask kFieldMasks[];
  static const CommandMask kCommandMasks[];

  static Tolerance tolerance_of_field(std::string_view name);
  static Tolerance tolerance_of_command(const Words& command);

  bool equal_trees(const Reply& redis, const Reply& millrace);
  bool equal_with(Tolerance tolerance, const Reply& redis, const Reply& millrace);
  bool equal_field(std::string_view name, const Reply& redis, const Reply& millrace);
  bool is_divergence(std::string_view field, const Reply& redis, const Reply& millrace);
  bool equal_elements(const Reply& redis, const Reply& millrace);
  bool equal_pending(const Reply& redis, const Reply& millrace);

  bool has_gaps_;
  std::array<uint64_t, kDivergenceCount> hits_{};
};

}  // namespace millrace::test
