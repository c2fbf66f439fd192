// CHECK: an assertion that stays on in every build.
//
// A failed CHECK is a bug of ours, never bad input: it prints the condition with its place and aborts, because going
// on with a broken invariant could acknowledge what is not there.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace millrace {

[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace millrace

#define CHECK(condition)                                                    \
  (__builtin_expect(static_cast<bool>(condition), 1) ? static_cast<void>(0) \
                                                     : ::millrace::check_failed(#condition, __FILE__, __LINE__))

// For invariants too expensive for production: on in builds without NDEBUG (the sanitizer presets).
#ifdef NDEBUG
#define DCHECK(condition) static_cast<void>(0)
#else
#define DCHECK(condition) CHECK(condition)
#endif
