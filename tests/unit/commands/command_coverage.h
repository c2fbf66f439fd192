// The README's table of what of Redis is there and what is not: made from the command table and from a list of all of
// Redis's commands (tests/readme_commands/redis_commands.txt).
#pragma once

#include <string>
#include <string_view>

#include "commands/command_table.h"

namespace millrace::tests {

// Between these lines of the README.
inline constexpr std::string_view kCoverageBegin = "<!-- Made by scripts/readme_commands.sh: -->\n";
inline constexpr std::string_view kCoverageEnd = "<!-- End of what it made. -->\n";

// A Markdown table, one row per group; `list` is the file's text.
std::string command_coverage(const commands::CommandTable& table, std::string_view list);

// The README with `coverage` between the two lines; empty if they are not there.
std::string with_coverage(std::string_view readme, std::string_view coverage);

}  // namespace millrace::tests
