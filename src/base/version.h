// Our own version, beside the Redis version we claim to be compatible with (settings: compat-version).
#pragma once

#include <string_view>

namespace millrace {

inline constexpr std::string_view kMillraceVersion = "0.1.0";

}  // namespace millrace
