// What the tests of stream commands share. Replies are written as words, one per line of the protocol: "*1 $1 s" is
// "*1\r\n$1\r\ns\r\n", and '' is the empty line of an empty bulk string.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unit/commands/command_stage.h"

namespace millrace::tests {

inline std::string wire(std::string_view words) {
  std::string text;
  while (!words.empty()) {
    const size_t end = std::min(words.find(' '), words.size());
    const std::string_view word = words.substr(0, end);
    words.remove_prefix(std::min(end + 1, words.size()));
    if (word.empty()) continue;
    if (word != "''") text += word;
    text += "\r\n";
  }
  return text;
}

inline std::string error(std::string_view text) {
  return (text.starts_with('-') ? std::string(text) : "-ERR " + std::string(text)) + "\r\n";
}

inline constexpr std::string_view kOk = "+OK\r\n";
inline constexpr std::string_view kInvalidId = "Invalid stream ID specified as stream command argument";

// A stage whose clock shows 1000000 ms.
class StreamCommandTest : public ::testing::Test, protected commands::CommandStage {
 protected:
  StreamCommandTest() { now = {1'000'000, 5'000'000'000}; }

  // Runs each line and wants it to succeed.
  void given(const std::vector<std::string_view>& lines) {
    for (const std::string_view line : lines) {
      const std::string reply = run(line);
      EXPECT_FALSE(reply.starts_with('-')) << line << ": " << reply;
    }
    take_changes();
  }
  using commands::CommandStage::run;
  // Words that may be empty.
  std::string run(const std::vector<std::string>& words) { return run_args(*me, {words.begin(), words.end()}); }
  std::string run_resp3(std::string_view line) {
    me->session.protocol = resp::Protocol::kResp3;
    std::string reply = run(line);
    me->session.protocol = resp::Protocol::kResp2;
    return reply;
  }
  void expect(std::string_view line, std::string_view words) { EXPECT_EQ(run(line), wire(words)) << line; }
  void expect_resp3(std::string_view line, std::string_view words) { EXPECT_EQ(run_resp3(line), wire(words)) << line; }
  void expect_error(std::string_view line, std::string_view text) { EXPECT_EQ(run(line), error(text)) << line; }
  void expect_ok(std::string_view line) { EXPECT_EQ(run(line), kOk) << line; }
  // The field's value in an XINFO reply, as protocol lines; the whole reply if it is not there.
  std::string info(std::string_view line, std::string_view field, int lines = 1) {
    const std::string reply = run(line);
    const std::string head = "\r\n" + std::string(field) + "\r\n";
    size_t at = reply.find(head);
    if (at == std::string::npos) return reply;
    at += head.size();
    size_t end = at;
    for (int i = 0; i < lines; ++i) end = reply.find("\r\n", end) + 2;
    return reply.substr(at, end - at);
  }

  // Replies to blocked commands since the last call, in the order they were given.
  std::vector<std::string> take_woken() { return std::exchange(host.deliveries, {}); }
  commands::BlockedCommand& last_blocked() { return *blocked_commands.back(); }
  size_t blocked_count() const {
    return static_cast<size_t>(
        std::ranges::count_if(blocked_commands, [](const auto& command) { return command->is_waiting(); }));
  }
  // Lets everyone who waits where the last one does look again, as when time has passed.
  void look_again() { executor.look_again(last_blocked(), now); }
  // How many changes were counted since the last call.
  uint64_t take_changes() {
    const uint64_t total = server.statistics[0]->changes.get();
    return total - std::exchange(changes_taken_, total);
  }
  void set_compat_version(uint32_t version) { settings.compat_version_packed.store(version); }

 private:
  uint64_t changes_taken_ = 0;
};

}  // namespace millrace::tests
