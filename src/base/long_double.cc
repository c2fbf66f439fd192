// See long_double.h.
#include "base/long_double.h"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/check.h"
#include "base/letters.h"

namespace millrace {

std::optional<long double> parse_long_double(std::string_view text) {
  if (text.empty() || text.size() > kLongDoubleTextMax || is_space(text[0])) return std::nullopt;
  char terminated[kLongDoubleTextMax + 1];
  std::memcpy(terminated, text.data(), text.size());
  terminated[text.size()] = '\0';
  errno = 0;
  char* end = nullptr;
  const long double value = std::strtold(terminated, &end);
  if (end != terminated + text.size() || std::isnan(value)) return std::nullopt;
  const bool out_of_range = errno == ERANGE && (std::isinf(value) || value == 0);
  if (out_of_range) return std::nullopt;
  return value;
}

size_t format_long_double(long double value, char* out) {
  CHECK(std::isfinite(value));
  auto length = static_cast<size_t>(std::snprintf(out, kLongDoubleTextMax + 1, "%.17Lf", value));
  while (out[length - 1] == '0') --length;
  if (out[length - 1] == '.') --length;
  if (std::string_view(out, length) != "-0") return length;
  out[0] = '0';
  return 1;
}

}  // namespace millrace
