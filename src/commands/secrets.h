// Which words of a command are secret. Whoever shows commands to others (MONITOR, SLOWLOG) writes kRedacted instead.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace millrace::commands {

inline constexpr std::string_view kRedacted = "(redacted)";

// args[0] is the command's name.
bool is_secret(std::span<const std::string_view> args, size_t index);

}  // namespace millrace::commands
