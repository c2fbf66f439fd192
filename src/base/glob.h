// Glob patterns as Redis reads them: * ? [abc] [^abc] [a-z] and \ as escape. An empty text matches the empty pattern
// only, not even "*".
//
// Iterative, and never goes back over a star: the stars cut the pattern into segments, each is searched for from left
// to right behind the one before, and the last must stand at the end. The time, whatever the bytes:
//
//   segments of literals, and others of at most 64 elements    pattern + text, times a constant; no allocation
//   longer ones with ? [...] \ or in any case                  for every 64 elements once over the text, which stays a
//                                                              product, and a byte of memory for each of the text
//
// An element is what matches one character. A class may read 256 times its length once, in long texts.
#pragma once

#include <string_view>

namespace millrace {

bool glob_matches(std::string_view pattern, std::string_view text, bool ignore_case = false);

}  // namespace millrace
