// The end of a load tool that cannot go on: a message on standard error and exit status 2. Status 1 is kept for a
// server that broke a promise. Any thread.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <string_view>

namespace millrace::load {

inline constexpr int kExitBroken = 1;
inline constexpr int kExitCannotRun = 2;

[[noreturn]] inline void fail(std::string_view what, std::string_view which = {}) {
  std::cerr << program_invocation_short_name << ": " << what << which << std::endl;
  std::_Exit(kExitCannotRun);
}

}  // namespace millrace::load
