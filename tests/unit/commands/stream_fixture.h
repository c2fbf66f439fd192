// What the tests of stream commands share. Replies are written as words, one per line of the protocol: "*1 $1 s" is
// "*1\r\n$1\r\ns\r\n", and '' is the empty line of an empty bulk string.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "support/command_harness.h"

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

class StreamCommandTest : public ::testing::Test {
 protected:
  // Runs each line and wants it to succeed.
  void given(const std::vector<std::string_view>& lines) {
    for (const std::string_view line : lines) {
      const std::string reply = harness.run(line);
      EXPECT_FALSE(reply.starts_with('-')) << line << ": " << reply;
    }
    harness.take_changes();
  }
  std::string run(std::string_view line) { return harness.run(line); }
  void expect(std::string_view line, std::string_view words) { EXPECT_EQ(run(line), wire(words)) << line; }
  void expect_resp3(std::string_view line, std::string_view words) {
    EXPECT_EQ(harness.run_resp3(line), wire(words)) << line;
  }
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

  CommandHarness harness;
};

}  // namespace millrace::tests
