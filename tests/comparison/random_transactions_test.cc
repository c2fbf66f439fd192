// A random script in MULTI and out of it, from several connections that watch each other's keys: the same replies from
// redis-server and from Millrace, EXEC's element by element, and the same streams at the end of each batch.
//
//   MILLRACE_TEST_SEED=n   that script instead of the usual ones
//   MILLRACE_TEST_FULL=1   five times as long, from a seed that is different every time
#include "base/letters.h"
#include "base/random.h"
#include "random_script.h"
#include "reply_tree.h"

namespace millrace::test {
namespace {

constexpr int kCommandsUsual = 50'000;
constexpr int kCommandsPerBatch = 250;
constexpr size_t kConnections = 4;

// One connection, and what it has queued as its replies tell.
struct Speaker {
  ConnectionPair connection;
  bool is_in_multi = false;
  std::vector<Words> queued = {};
};

class RandomTransactions : public RandomScriptTest {
 protected:
  void run(uint64_t usual_seed, int protocol) {
    ASSERT_NO_FATAL_FAILURE(start(usual_seed));
    random_.emplace(seed_ ^ 0x7a45);
    comparison_.emplace(/*has_gaps=*/true);
    ScriptGenerator generator(seed_, ScriptKind::kEverything, protocol);
    ConnectionPair state = servers_->connect();
    for (size_t i = 0; i < kConnections; i++) {
      speakers_.push_back({servers_->connect()});
      speakers_.back().connection.command({"HELLO", std::to_string(protocol)});
    }
    const int length = length_for(kCommandsUsual);
    for (int compared = 0; sent_ < length;) {
      Speaker& speaker = speakers_[random_->below(kConnections)];
      ASSERT_NO_FATAL_FAILURE(say(speaker, next_commands(speaker, generator)));
      if (sent_ < compared + kCommandsPerBatch) continue;
      compared = sent_;
      ASSERT_NO_FATAL_FAILURE(compare_keys(&state, &*comparison_, sent_));
    }
    EXPECT_GT(executed_, static_cast<size_t>(length) / 30);
    EXPECT_GT(failed_, static_cast<size_t>(length) / 500);
    EXPECT_GT(aborted_, static_cast<size_t>(length) / 500);
  }

 private:
  // A few commands; what the generator means to follow each other does, in MULTI or out of it.
  std::vector<Words> next_commands(const Speaker& speaker, ScriptGenerator& generator) {
    std::vector<Words> commands;
    bool is_in_multi = speaker.is_in_multi;
    for (uint64_t count = 1 + random_->below(8); count > 0 || generator.is_in_sequence(); count -= count > 0) {
      if (!generator.is_in_sequence()) {
        if (const std::optional<Words> words = next_transaction_command(is_in_multi)) {
          is_in_multi = words->front() == "MULTI" || (is_in_multi && words->front() != "EXEC");
          commands.push_back(*words);
        }
      }
      commands.push_back(generator.next());
    }
    return commands;
  }

  std::optional<Words> next_transaction_command(bool is_in_multi) {
    switch (random_->below(is_in_multi ? 8 : 12)) {
      case 0:
      case 1:
        return Words{is_in_multi ? "EXEC" : "MULTI"};
      case 2:
        return Words{random_->one_in(2) ? "WATCH" : "UNWATCH"};
      case 3:
        return random_->one_in(4) ? Words{random_->one_in(2) ? "DISCARD" : "EXEC"} : Words{"MULTI"};
      case 4:
        return Words{"WATCH", key(), key()};
      default:
        return std::nullopt;
    }
  }
  std::string key() { return "s" + std::to_string(1 + random_->below(3)); }

  void say(Speaker& speaker, const std::vector<Words>& commands) {
    const std::vector<ReplyPair> replies = speaker.connection.pipeline(commands);
    for (size_t i = 0; i < commands.size(); i++) {
      remember(commands[i]);
      ASSERT_TRUE(is_equal(speaker, commands[i], replies[i]))
          << explain(sent_, commands[i], replies[i], speaker.connection);
      follow(speaker, commands[i], replies[i].redis);
      sent_++;
    }
  }

  bool is_equal(const Speaker& speaker, const Words& words, const ReplyPair& pair) {
    const bool is_exec = speaker.is_in_multi && upper_case(words[0]) == "EXEC" && pair.redis.starts_with("*");
    if (!is_exec || pair.redis.starts_with("*-1")) return comparison_->equal(words, pair.redis, pair.millrace);
    const std::vector<std::string> redis = elements(pair.redis);
    const std::vector<std::string> millrace = elements(pair.millrace);
    if (redis.size() != speaker.queued.size() || millrace.size() != redis.size()) return false;
    for (size_t i = 0; i < redis.size(); i++) {
      if (!comparison_->equal(speaker.queued[i], redis[i], millrace[i])) return false;
    }
    return true;
  }

  static std::vector<std::string> elements(std::string_view array) {
    std::vector<std::string> found;
    array.remove_prefix(std::min(array.find('\n') + 1, array.size()));
    while (!array.empty()) {
      const size_t size = std::max<size_t>(1, reply_size(array));
      found.emplace_back(array.substr(0, size));
      array.remove_prefix(size);
    }
    return found;
  }

  void follow(Speaker& speaker, const Words& words, const std::string& reply) {
    const std::string name = words.empty() ? "" : upper_case(words[0]);
    if (reply == "+QUEUED\r\n") return speaker.queued.push_back(words);
    if (name == "MULTI" && reply == "+OK\r\n") {
      speaker.is_in_multi = true;
    } else if (name == "EXEC" || (name == "DISCARD" && reply == "+OK\r\n") || reply == "+RESET\r\n") {
      if (name == "EXEC" && speaker.is_in_multi) {
        const bool is_array = reply.starts_with("*") && !reply.starts_with("*-1");
        ++(is_array ? executed_ : reply.starts_with("-") ? failed_ : aborted_);
      }
      speaker.is_in_multi = false;
      speaker.queued.clear();
    }
  }

  std::optional<Random> random_;
  std::optional<ReplyComparison> comparison_;
  std::vector<Speaker> speakers_;
  int sent_ = 0;
  size_t executed_ = 0;
  size_t failed_ = 0;   // because of a refusal
  size_t aborted_ = 0;  // because a watched key was changed
};

TEST_F(RandomTransactions, AreTheSameInResp2) {
  run(21, 2);
}

TEST_F(RandomTransactions, AreTheSameInResp3) {
  run(22, 3);
}

}  // namespace
}  // namespace millrace::test
