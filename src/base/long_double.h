// Decimal fractions as text, exactly as Redis's INCRBYFLOAT reads and writes them.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace millrace {

// As strtold() reads the whole text, which may be hexadecimal or "inf"; nothing for NaN, a number out of range, text
// with white space in front, or more than kLongDoubleTextMax bytes.
std::optional<long double> parse_long_double(std::string_view text);

inline constexpr size_t kLongDoubleTextMax = 5 * 1024 - 1;
// Up to 17 digits behind the point, without zeros at the end. Writes to `out` (room for kLongDoubleTextMax + 1) and
// returns the count. REQUIRES: the number is finite.
size_t format_long_double(long double value, char* out);

}  // namespace millrace
