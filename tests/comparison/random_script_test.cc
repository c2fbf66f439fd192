// The same random script, sent to redis-server and to Millrace, gets the same replies and leaves the same keys.
//
//   MILLRACE_TEST_SEED=n   that script instead of the usual ones
//   MILLRACE_TEST_FULL=1   five times as long, from a seed that is different every time
#include "random_script.h"

namespace millrace::test {
namespace {

constexpr int kCommandsUsual = 20'000;
constexpr int kBatch = 50;

class RandomScript : public RandomScriptTest {
 protected:
  void run(uint64_t usual_seed, ScriptKind kind, int protocol) {
    ASSERT_NO_FATAL_FAILURE(start(usual_seed));
    ConnectionPair script = servers_->connect();
    ConnectionPair state = servers_->connect();
    ASSERT_TRUE(script.is_open() && state.is_open());
    script.command({"HELLO", std::to_string(protocol)});

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
