// What tests with a random script share: both servers, a look at every stream from the inside, and an account of what
// was said before the first difference.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>

#include "random_run.h"
#include "reply_comparison.h"
#include "script_generator.h"
#include "server_pair.h"

namespace millrace::test {

class RandomScriptTest : public testing::Test {
 protected:
  static constexpr int kDatabasesUsed = 3;

  void start(uint64_t usual_seed) {
    seed_ = seed_for(usual_seed);
    std::string why;
    servers_ = ServerPair::start(&why);
    ASSERT_NE(servers_, nullptr) << why;
    ConnectionPair settings = servers_->connect();
    ASSERT_TRUE(settings.is_open());
    settings.command({"CONFIG", "SET", "stream-node-max-entries", "5"});
  }

  // Every stream from the inside, with all that its groups have pending, and every string.
  void compare_keys(ConnectionPair* state, ReplyComparison* comparison, int sent) {
    for (int database = 0; database < kDatabasesUsed; database++) {
      state->command({"SELECT", std::to_string(database)});
      const Words keys = {"KEYS", "*"};
      const ReplyPair names = state->command(keys);
      ASSERT_TRUE(comparison->equal(keys, names.redis, names.millrace)) << explain(sent, keys, names, *state);
      for (const Reply& name : parse_reply(names.redis).elements) {
        if (name.text == ScriptGenerator::kClockKey) continue;
        for (const Words& look : {Words{"XINFO", "STREAM", name.text, "FULL", "COUNT", "0"}, Words{"PTTL", name.text},
                                  Words{"GET", name.text}, Words{"OBJECT", "ENCODING", name.text}}) {
          const ReplyPair pair = state->command(look);
          ASSERT_TRUE(comparison->equal(look, pair.redis, pair.millrace)) << explain(sent, look, pair, *state);
        }
      }
    }
  }

  void remember(const Words& words) {
    history_.push_back(words);
    if (history_.size() > kHistoryMax) history_.pop_front();
  }

  std::string explain(int number, const Words& words, const ReplyPair& pair, ConnectionPair& connections) {
    std::string text = "seed " + std::to_string(seed_) + ", command " + std::to_string(number) + ":\n  " +
                       readable_words(words) + "\nredis:\n" + readable_reply(pair.redis) + connections.redis().error() +
                       "\nmillrace:\n" + readable_reply(pair.millrace) + connections.millrace().error() +
                       "\nlast commands with one of its words that is a key:\n";
    for (const Words& earlier : last_commands_on(words)) text += "  " + readable_words(earlier) + "\n";
    return text + (servers_->millrace().is_running() ? "" : servers_->millrace().log());
  }

  uint64_t seed_ = 0;
  std::unique_ptr<ServerPair> servers_;

 private:
  static constexpr size_t kHistoryMax = 2'000;
  static constexpr size_t kHistoryShown = 10;

  std::vector<Words> last_commands_on(const Words& words) const {
    const auto shares_key = [&](const Words& other) {
      return std::any_of(other.begin(), other.end(), [&](const std::string& word) {
        return word.size() == 2 && (word[0] == 's' || word[0] == 'n') &&
               std::find(words.begin(), words.end(), word) != words.end();
      });
    };
    std::vector<Words> found;
    for (auto it = history_.rbegin(); it != history_.rend() && found.size() < kHistoryShown; ++it) {
      if (shares_key(*it)) found.insert(found.begin(), *it);
    }
    return found;
  }

  std::deque<Words> history_;
};

}  // namespace millrace::test
