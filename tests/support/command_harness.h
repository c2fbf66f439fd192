// CommandHarness: stream commands run against a keyspace, without sockets, cores or the executor.
//
// run({"XADD", "s", "*", "f", "v"}) looks the row up, holds the partitions of its keys, calls the handler and returns
// the raw reply. A command that blocks returns "" and is queued; whoever it is woken by leaves its reply in
// take_woken(). The clock stands still unless it is moved. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "commands/blocking.h"
#include "commands/command_table.h"
#include "commands/context.h"

namespace millrace::tests {

class CommandHarness {
 public:
  CommandHarness();
  ~CommandHarness();

  using Words = std::vector<std::string>;

  std::string run(const Words& words);
  // The words of a line, split at blanks.
  std::string run(std::string_view line);
  // The same in RESP3.
  std::string run_resp3(std::string_view line);

  // Replies to blocked commands since the last call, in the order they were given.
  std::vector<std::string> take_woken();
  // The command that run() blocked last.
  commands::BlockedCommand& blocked();
  size_t blocked_count() const;
  // Lets everyone who waits for the key look again, as when time has passed.
  void look_again(std::string_view key);
  // The reply of the command blocked last when its time has run out.
  std::string time_out();

  void set_unix_ms(int64_t unix_ms) { now_.unix_ms = unix_ms; }
  void advance_ms(int64_t ms);
  void set_compat_version(uint32_t version);
  settings::Settings& settings();
  // Drops a key as DEL does: its waiters look again.
  void remove_key(std::string_view key);
  uint64_t take_changes();

 private:
  struct Parts;

  void answer(const keyspace::KeyPlace& place);
  void answer_ready();

  Instant now_{1'000'000, 5'000'000'000};
  std::unique_ptr<Parts> parts_;
};

}  // namespace millrace::tests
