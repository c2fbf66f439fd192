// Where a random script begins and how long it is:
//
//   MILLRACE_TEST_SEED=n   that script instead of the usual one
//   MILLRACE_TEST_FULL=1   five times as long, from a seed that is different every time
#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>

#include "base/numbers.h"

namespace millrace::test {

inline bool is_full_run() {
  return std::getenv("MILLRACE_TEST_FULL") != nullptr;
}

inline uint64_t seed_for(uint64_t usual) {
  if (const char* text = std::getenv("MILLRACE_TEST_SEED")) return parse_u64(text).value_or(0);
  return is_full_run() ? std::random_device()() : usual;
}

inline int length_for(int usual) {
  return is_full_run() ? 5 * usual : usual;
}

}  // namespace millrace::test
