// Splitting a line into words with quotes, as redis.conf and inline commands write them.
//
//   set key "two words\r\n\x41"  'it\'s'      ->  set | key | two words<CR><LF>A | it's
//
// Words are separated by white space. Inside "..." the escapes \n \r \t \b \a, \xHH and \<any> work; inside '...' only
// \'. A closing quote must be followed by white space or the end. A zero byte ends the line.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

// nullopt: unbalanced quotes, or a character right behind a closing quote.
std::optional<std::vector<std::string>> split_args(std::string_view line);

// The inverse: bytes inside double quotes, unprintable ones escaped. split_args(quote(s)) is {s} for every s.
std::string quote_arg(std::string_view bytes);

}  // namespace millrace
