// The clients that are run: what starts each, what it needs to be installed, and what it can do.
#pragma once

#include <span>
#include <string>

namespace millrace::test {

struct CompatClient {
  std::string name;           // of the CTest entry, after "compat_"
  std::string command;        // of the shell, in tests/compat/clients
  std::string probe;          // of the shell: whether everything it needs is there
  std::string needs;          // the same in words, for the line that says why the test was skipped
  bool has_resp3;             // else RESP2 alone
  std::string prepared = {};  // the step that has to come before `recorded`, if any
  std::string recorded;       // the step that shows what it sends on connect
};

std::span<const CompatClient> compat_clients();

}  // namespace millrace::test
