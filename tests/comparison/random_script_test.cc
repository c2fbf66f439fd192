// The same random script, sent to redis-server and to Millrace, gets the same replies and leaves the same keys.
//
//   MILLRACE_TEST_SEED=n   that script instead of the usual ones
//   MILLRACE_TEST_FULL=1   five times as long, from a seed that is different every time
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "random_run.h"
#include "reply_comparison.h"
#include "script_generator.h"
#include "server_pair.h"

namespace millrace::test {
namespace {

constexpr int kCommandsUsual = 20'000;
constexpr int kBatch = 50;
constexpr size_t kHistoryMax = 2'000;
constexpr size_t kHistoryShown = 10;
constexpr int kDatabasesUsed = 3;

class RandomScript : public testing::Test {
 protected:
  void run(uint64_t usual_seed, ScriptKind kind, int protocol) {
    seed_ = seed_for(usual_seed);
    std::string why;
    servers_ = ServerPair::start(&why);
    ASSERT_NE(servers_, nullptr) << why;
    ConnectionPair script = servers_->connect();
    ConnectionPair state = servers_->connect();
    ASSERT_TRUE(script.is_open() && state.is_open());
    script.command({"HELLO", std::to_string(protocol)});
    script.command({"CONFIG", "SET", "stream-node-max-entries", "5"});

    ScriptGenerator generator(seed_, kind, protocol);
    ReplyComparison comparison(kind != ScriptKind::kAppendOnly);
    for (int sent = 0; sent < length_for(kCommandsUsual); sent += kBatch) {
      ASSERT_NO_FATAL_FAILURE(run_batch(&generator, &script, &comparison, sent));
      ASSERT_NO_FATAL_FAILURE(compare_keys(&state, &comparison, sent));
    }
    for (size_t i = 0; kind == ScriptKind::kEverything && i < kDivergenceCount; i++) {
      EXPECT_GT(comparison.hits(i), 0u) << kDivergences[i].name << ": no longer needed?";
    }
  }

 private:
  void run_batch(ScriptGenerator* generator, ConnectionPair* script, ReplyComparison* comparison, int first) {
    std::vector<Words> batch;
    for (int i = 0; i < kBatch; i++) batch.push_back(generator->next());
    const std::vector<ReplyPair> replies = script->pipeline(batch);
    for (size_t i = 0; i < batch.size(); i++) {
      const ReplyPair& pair = replies[i];
      remember(batch[i]);
      ASSERT_TRUE(comparison->equal(batch[i], pair.redis, pair.millrace))
          << explain(first + static_cast<int>(i), batch[i], pair, *script);
    }
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

  uint64_t seed_ = 0;
  std::unique_ptr<ServerPair> servers_;
  std::deque<Words> history_;
};

TEST_F(RandomScript, GetsTheSameRepliesInResp2) {
  run(1, ScriptKind::kEverything, 2);
}

TEST_F(RandomScript, GetsTheSameRepliesInResp3) {
  run(2, ScriptKind::kEverything, 3);
}

TEST_F(RandomScript, TrimsTheSameEntries) {
  run(4, ScriptKind::kNoDeletions, 3);
}

TEST_F(RandomScript, CountsTheSameLagWhereNothingIsDeleted) {
  run(3, ScriptKind::kAppendOnly, 3);
}

}  // namespace
}  // namespace millrace::test
