// Glob patterns as Redis reads them: * ? [abc] [^abc] [a-z] and \ as escape.
//
// Iterative: one remembered '*' at a time, so the cost is at most pattern length times text length whatever the
// pattern (a pattern of ten thousand stars ends at once), and never recursion.
#pragma once

#include <string_view>

namespace millrace {

bool glob_matches(std::string_view pattern, std::string_view text, bool ignore_case = false);

}  // namespace millrace
