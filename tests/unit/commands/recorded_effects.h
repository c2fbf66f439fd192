// A journal that only remembers, and what stands in it as commands.
#pragma once

#include <gtest/gtest.h>

#include <charconv>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keyspace/journal.h"

namespace millrace::tests {

using Words = std::vector<std::string>;

class RecordingJournal final : public keyspace::Journal {
 public:
  RecordingJournal() { turn(true); }

  uint64_t append(std::string_view commands, int first_database, int last_database) override {
    EXPECT_FALSE(commands.empty());
    if (std::exchange(database_, last_database) != first_database) {
      const std::string number = std::to_string(first_database);
      bytes_ += "*2\r\n$6\r\nSELECT\r\n$" + std::to_string(number.size()) + "\r\n" + number + "\r\n";
    }
    bytes_ += commands;
    return ++appends_;
  }

  // All that was appended since the last call. It begins in database 0, as every file.
  std::string take_bytes() {
    database_ = 0;
    return std::exchange(bytes_, {});
  }
  uint64_t appends() const { return appends_; }

 private:
  std::string bytes_;
  int database_ = 0;
  uint64_t appends_ = 0;
};

// The commands of a journal; what is wrong with it is a failure.
inline std::vector<Words> commands_of(std::string_view bytes) {
  const auto number = [&bytes](char mark) {
    size_t value = 0;
    EXPECT_EQ(bytes.empty() ? '\0' : bytes[0], mark);
    const size_t end = std::min(bytes.find("\r\n"), bytes.size());
    EXPECT_EQ(std::from_chars(bytes.data() + 1, bytes.data() + end, value).ptr, bytes.data() + end);
    bytes.remove_prefix(std::min(end + 2, bytes.size()));
    return value;
  };
  std::vector<Words> commands;
  while (!bytes.empty() && !::testing::Test::HasFailure()) {
    Words& words = commands.emplace_back(number('*'));
    for (std::string& word : words) {
      const size_t size = number('$');
      word = bytes.substr(0, size);
      EXPECT_EQ(bytes.substr(std::min(size, bytes.size()), 2), "\r\n");
      bytes.remove_prefix(std::min(size + 2, bytes.size()));
    }
  }
  return commands;
}

}  // namespace millrace::tests
