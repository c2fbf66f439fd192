// One directive's value: from words to what is stored, and back to CONFIG GET's spelling. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "settings/directives.h"

namespace millrace::settings {

// A value, or why the words are not one (Redis's text). One word that holds several, separated by blanks, is taken as
// those several where the directive takes words. `current` is its value now: of client-output-buffer-limit, classes
// that are not named keep theirs.
struct ParsedValue {
  Value value;
  std::string error;  // empty: value is good

  bool ok() const { return error.empty(); }
};
ParsedValue parse_value(const Directive& directive, std::span<const std::string> words, std::string_view current);

std::string format_number(const Directive& directive, int64_t number);

// The nine numbers of client-output-buffer-limit: class by class, hard, soft, seconds.
using OutputLimits = std::array<std::array<int64_t, 3>, 3>;
std::string format_output_limits(const OutputLimits& limits);
// REQUIRES: text was made by format_output_limits().
OutputLimits parse_output_limits(std::string_view text);

std::vector<std::string> split_blanks(std::string_view text);
std::vector<std::string_view> split_choices(std::string_view choices);  // at '|'

}  // namespace millrace::settings
