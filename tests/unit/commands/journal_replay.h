// ReplayClient: applies the commands of a journal to a stage, as at a start - nothing expires by itself, nobody is told
// - and looks at what is there in the same way.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "unit/commands/command_stage.h"
#include "unit/commands/recorded_effects.h"

namespace millrace::tests {

class ReplayClient {
 public:
  explicit ReplayClient(commands::CommandStage& stage)
      : stage_(stage),
        locks_(stage.server.keyspace),
        statistics_(stage.table.count()),
        executor_(stage.server, stage.table, stage.host, 1, &replay_),
        client_(stage.connect("127.0.0.1:50009")) {
    locks_.hold_all();
  }

  std::string run(const Words& words) {
    const std::vector<std::string_view> args(words.begin(), words.end());
    Buffer out;
    EXPECT_EQ(executor_.execute(*client_, args, out, stage_.now), commands::Executor::Outcome::kReplied);
    executor_.end_run();
    return std::string(out.view());
  }

  // Whatever is answered with an error is a failure.
  void replay(const std::vector<Words>& commands) {
    bool in_unit = false;
    for (const Words& words : commands) {
      if (words[0] == "MULTI" || words[0] == "EXEC") {
        EXPECT_EQ(in_unit, words[0] == "EXEC");
        in_unit = words[0] == "MULTI";
        continue;
      }
      const std::string reply = run(words);
      std::string line;
      for (const std::string& word : words) line += word.substr(0, 60) + " ";
      EXPECT_FALSE(reply.starts_with('-')) << line << ": " << reply;
    }
    EXPECT_FALSE(in_unit);
  }

  keyspace::PartitionLocks& locks() { return locks_; }

 private:
  commands::CommandStage& stage_;
  keyspace::PartitionLocks locks_;
  commands::CoreStatistics statistics_;
  const commands::Executor::Replay replay_{locks_, statistics_};
  commands::Executor executor_;
  const Ref<commands::Client> client_;
};

}  // namespace millrace::tests
