// What a journal is for: random scripts on one server, and on another, at another time, nothing but the effects. After
// that all there is to see is equal.
#include <map>

#include "persistence/digest.h"
#include "unit/commands/effects_script.h"
#include "unit/commands/journal_replay.h"

namespace millrace::tests {
namespace {

using commands::CommandStage;

struct JournalHolder {
  RecordingJournal journal;
};

// A server that keeps a journal, with clients that block now and then, expiry, and a clock that is not always right.
class Original : private JournalHolder, public CommandStage {
 public:
  explicit Original(uint64_t seed, EffectsScript::Era era)
      : CommandStage(&journal), script_(seed, era), restores_(era == EffectsScript::Era::kNow) {
    for (int i = 0; i < 3; ++i) readers_.push_back({connect("127.0.0.1:50001"), nullptr});
  }

  void run_script(int steps) {
    for (int i = 0; i < steps; ++i) {
      pass_time();
      if (restores_ && script_.random().one_in(30)) {
        restore();
      } else {
        execute(script_.next());
      }
    }
  }
  std::vector<Words> take_effects() { return commands_of(journal.take_bytes()); }
  int64_t latest_ms() const { return latest_ms_; }

 private:
  struct Reader {
    Ref<commands::Client> client;
    Ref<commands::BlockedCommand> command;
  };

  void pass_time() {
    Random& random = script_.random();
    if (random.one_in(3)) pass_ms(static_cast<int64_t>(random.below(100)));
    if (random.one_in(300)) now.unix_ms -= 500;
    latest_ms_ = std::max(latest_ms_, now.unix_ms);
    if (!random.one_in(10)) return;
    for (uint32_t i = 0; i < server.keyspace.partition_count(); ++i) executor.expire(i, now, 10);
    if (!blocked_commands.empty() && blocked_commands.back()->is_waiting()) {
      executor.look_again(*blocked_commands.back(), now);
    }
  }

  // What may block is for those who wait, the rest for one of them or for `me`.
  void execute(const Words& words) {
    const std::vector<std::string_view> args(words.begin(), words.end());
    for (Reader& reader : readers_) {
      if (reader.command && reader.command->is_waiting()) continue;
      reader.client->session.database = me->session.database;
      const size_t blocked_before = blocked_commands.size();
      run_args(*reader.client, args);
      if (words[0] == "SELECT") me->session.database = reader.client->session.database;
      if (blocked_commands.size() > blocked_before) reader.command = blocked_commands.back();
      return;
    }
    // Nobody is free to wait.
    if (std::find(words.begin(), words.end(), "BLOCK") == words.end()) run_args(*me, args);
    if (script_.random().one_in(20)) give_up(readers_[script_.random().below(readers_.size())]);
  }
  void give_up(Reader& reader) {
    if (reader.command->claim()) executor.forget(*reader.command);
  }

  void restore() {
    Random& random = script_.random();
    const std::string dump = run("DUMP " + script_.key());
    if (dump.starts_with("$-1")) return;
    const size_t start = dump.find("\r\n") + 2;
    const std::string payload = dump.substr(start, dump.size() - start - 2);
    const std::string to = script_.key();
    const std::string ttl = random.one_in(2) ? "0" : std::to_string(1 + random.below(900));
    run_args(*me, {"RESTORE", to, ttl, payload, "REPLACE"});
  }

  EffectsScript script_;
  const bool restores_;  // Redis 7.0 refuses our payloads
  std::vector<Reader> readers_;
  int64_t latest_ms_ = 0;
};

// The reply without what a journal does not tell.
std::string without_times(std::string reply) {
  for (const std::string_view field : {"seen-time\r\n", "active-time\r\n"}) {
    for (size_t at = reply.find(field); at != std::string::npos; at = reply.find(field, at)) {
      at += field.size();
      reply.erase(at, reply.find('\n', at) + 1 - at);
    }
  }
  return reply;
}

// Everything there is to see in the databases that scripts use, by place.
std::map<std::string, std::string> content_of(CommandStage& stage, int64_t aged_until_ms) {
  std::map<std::string, std::string> content;
  keyspace::KeyEvents events;
  events.keeps_expired = true;
  ReplayClient client(stage);
  for (int database = 0; database < 2; ++database) {
    const std::string number = std::to_string(database);
    client.run({"SELECT", number});
    keyspace::Database db(stage.server.keyspace, database, stage.now, events);
    std::vector<std::string> keys;
    db.for_each([&](const keyspace::KeyEntry& entry) { keys.push_back(entry.key); });
    for (const std::string& key : keys) {
      std::string& seen = content[number + " " + key] = client.run({"PEXPIRETIME", key});
      streams::Stream* const stream = db.find_to_write(key)->value.stream();
      if (stream == nullptr) {
        seen += client.run({"GET", key});
        continue;
      }
      stream->idempotency.expire(aged_until_ms);
      stream->check_invariants();
      seen += persistence::digest_of_value(*stream).hex() + "\r\n" +
              without_times(client.run({"XINFO", "STREAM", key, "FULL", "COUNT", "0"}));
    }
  }
  return content;
}

void run_and_replay(uint64_t seed, EffectsScript::Era era, int64_t replay_after_ms) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Original original(seed, era);
  CommandStage copy;
  original.settings.stream_node_max_entries.store(4);
  copy.settings.stream_node_max_entries.store(4);
  copy.pass_ms(replay_after_ms);
  size_t keys = 0;
  for (int round = 0; round < 4 && !::testing::Test::HasFailure(); ++round) {
    original.run_script(250);
    ReplayClient(copy).replay(original.take_effects());
    const auto expected = content_of(original, original.latest_ms());
    EXPECT_EQ(content_of(copy, original.latest_ms()), expected);
    keys += expected.size();
  }
  EXPECT_GT(keys, 0u);
}

TEST(EffectsReplayTest, AMonthLater) {
  constexpr int64_t kMonthMs = 30LL * 24 * 3600 * 1000;
  for (uint64_t seed = 1; seed <= 60 && !::testing::Test::HasFailure(); ++seed) {
    run_and_replay(seed, EffectsScript::Era::kNow, kMonthMs);
  }
}

TEST(EffectsReplayTest, WithAClockThatWasTurnedBack) {
  constexpr int64_t kDayMs = 24LL * 3600 * 1000;
  for (uint64_t seed = 1001; seed <= 1020 && !::testing::Test::HasFailure(); ++seed) {
    run_and_replay(seed, EffectsScript::Era::kNow, -kDayMs);
  }
}

TEST(EffectsReplayTest, WithWhatRedis70Knows) {
  for (uint64_t seed = 2001; seed <= 2020 && !::testing::Test::HasFailure(); ++seed) {
    run_and_replay(seed, EffectsScript::Era::kRedis70, 1000);
  }
}

}  // namespace
}  // namespace millrace::tests
