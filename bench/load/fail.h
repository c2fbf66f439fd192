// The end of a load tool that cannot go on: a line on standard error and exit status 2, or 1 if the server broke a
// promise. Any thread.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <string_view>

namespace millrace::load {

inline constexpr int kExitBroken = 1;
inline constexpr int kExitCannotRun = 2;

[[noreturn]] inline void end_with(int status, std::string_view what, std::string_view which) {
  std::cerr << program_invocation_short_name << ": " << what << which << std::endl;
  std::_Exit(status);
}
[[noreturn]] inline void fail(std::string_view what, std::string_view which = {}) {
  end_with(kExitCannotRun, what, which);
}
[[noreturn]] inline void blame_server(std::string_view what, std::string_view which = {}) {
  end_with(kExitBroken, what, which);
}

}  // namespace millrace::load
