// Waiting for what another process does: look, rest, look again. The one place where a test may sleep. Run by one
// thread of a test.
#pragma once

#include <chrono>
#include <thread>

namespace millrace::test {

// Asks again and again until the condition holds; false if it does not within `patience`.
template <typename Condition>
bool eventually(Condition condition, std::chrono::milliseconds patience = std::chrono::seconds(30)) {
  constexpr std::chrono::milliseconds kRest{2};
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kRest);
  }
  return true;
}

}  // namespace millrace::test
