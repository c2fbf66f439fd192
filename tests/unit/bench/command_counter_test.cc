// Tests of load/command_counter.h.
#include "load/command_counter.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace::load {
namespace {

std::optional<uint64_t> count(std::string_view bytes) {
  return CommandCounter().count(bytes);
}

TEST(CommandCounterTest, CountsArraysAndLines) {
  EXPECT_EQ(count("*1\r\n$4\r\nPING\r\n"), 1u);
  EXPECT_EQ(count("*2\r\n$3\r\nGET\r\n$0\r\n\r\n*1\r\n$4\r\nPING\r\n"), 2u);
  EXPECT_EQ(count("PING\r\nXADD s * f v\n"), 2u);
  EXPECT_EQ(count("\r\n\n*0\r\n"), 0u);
}

TEST(CommandCounterTest, WhatLooksLikeALineWithinAnArgumentIsNone) {
  EXPECT_EQ(count("*2\r\n$4\r\nECHO\r\n$10\r\n\r\n*1\r\nPING\r\n"), 1u);
}

TEST(CommandCounterTest, RequestsMayBeCutAnywhere) {
  const std::string requests =
      "*3\r\n$4\r\nXADD\r\n$12\r\n$4\r\nPING\r\nab\r\n$0\r\n\r\nping\r\n*0\r\n*1\r\n$4\r\nPING\r\n";
  for (size_t first = 0; first <= requests.size(); ++first) {
    for (size_t second = first; second <= requests.size(); ++second) {
      CommandCounter counter;
      uint64_t commands = 0;
      for (const auto& [from, to] : {std::pair(size_t{0}, first), {first, second}, {second, requests.size()}}) {
        commands += counter.count(std::string_view(requests).substr(from, to - from)).value();
      }
      EXPECT_EQ(commands, 3u) << first << " " << second;
    }
  }
}

TEST(CommandCounterTest, WhatIsNoRequestIsRefused) {
  EXPECT_EQ(count("*x\r\n"), std::nullopt);
  EXPECT_EQ(count("*-1\r\n"), std::nullopt);
  EXPECT_EQ(count("$4\r\nPING\r\n"), std::nullopt);
  EXPECT_EQ(count("*1\r\nPING\r\n"), std::nullopt);
  EXPECT_EQ(count("*1\r\n$-1\r\n"), std::nullopt);
  EXPECT_EQ(count("*1\r\n$99999999999999999999\r\n"), std::nullopt);
}

}  // namespace
}  // namespace millrace::load
