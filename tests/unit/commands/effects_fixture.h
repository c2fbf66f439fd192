// EffectsTest: what commands leave in the journal, word for word.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "unit/commands/command_stage.h"
#include "unit/commands/recorded_effects.h"

namespace millrace::tests {

// One line per command.
inline std::string as_lines(std::string_view bytes) {
  std::string lines;
  for (const Words& words : commands_of(bytes)) {
    for (const std::string& word : words) lines += (&word == words.data() ? "" : " ") + word;
    lines += "\n";
  }
  return lines;
}

struct EffectsJournalHolder {
  RecordingJournal journal;
};

// A stage that keeps a journal, at 1000000 ms.
class EffectsTest : public ::testing::Test, private EffectsJournalHolder, protected commands::CommandStage {
 protected:
  EffectsTest() : CommandStage(&journal) {
    now = {1'000'000, 5'000'000'000};
    settings.stream_node_max_entries.store(3);
  }

  using commands::CommandStage::run;
  std::string effects() { return as_lines(journal.take_bytes()); }
  void given(const std::vector<std::string_view>& lines) {
    for (const std::string_view line : lines) {
      const std::string reply = run(line);
      EXPECT_FALSE(reply.starts_with('-')) << line << ": " << reply;
    }
    effects();
  }
  // The reply is somebody else's subject.
  void expect(std::string_view line, std::string_view lines) {
    run(line);
    EXPECT_EQ(effects(), lines) << line;
  }
  void expect_same(std::string_view line) { expect(line, std::string(line) + "\n"); }
  void expect_none(std::string_view line) { expect(line, ""); }
  void given_entries(int count) {
    for (int i = 1; i <= count; ++i) given({"XADD s " + std::to_string(i) + "-1 f v"});
  }
  std::string dump(std::string_view key) {
    const std::string reply = run("DUMP " + std::string(key));
    const size_t start = reply.find("\r\n") + 2;
    return reply.substr(start, reply.size() - start - 2);
  }
  uint64_t appends() const { return journal.appends(); }
};

}  // namespace millrace::tests
