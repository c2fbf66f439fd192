// Power loss and kill -9 at every call of the disk, while a script of 200 operations runs and the journal is rewritten
// again and again: what is loaded afterwards is a beginning of the script, with everything in it that was acknowledged.
#include <algorithm>
#include <vector>

#include "base/random.h"
#include "simulation/rewrite_fixture.h"

namespace millrace::test {
namespace {

// One operation after the other, each from a connection that the seed chooses, and the digest after each.
class Script {
 public:
  Script(SimulatedServer& server, uint64_t seed) : random_(seed), server_(server) {
    for (uint32_t core = 0; core < server.core_count(); ++core) {
      callers_.push_back(std::make_unique<SimulatedCaller>(server, core));
    }
    digests_.push_back(ask("DEBUG DIGEST"));
  }

  // False if it was refused.
  bool step() {
    const std::string line = next_line();
    is_open_ = true;
    const bool done = !ask(line).starts_with("-");
    is_open_ = false;
    digests_.push_back(ask("DEBUG DIGEST"));
    return done;
  }
  std::string ask(std::string_view line) {
    std::string reply = callers_[random_.below(callers_.size())]->ask(line, 60'000);
    EXPECT_NE(reply, "") << line;
    return reply;
  }
  // How many digests every disk must be beyond: those that were acknowledged.
  size_t acknowledged() const { return digests_.size() - 1; }
  bool is_open() const { return is_open_; }
  const std::vector<std::string>& digests() const { return digests_; }

 private:
  std::string next_line() {
    const std::string key = "stream" + std::to_string(random_.below(4));
    switch (random_.below(8)) {
      case 0:
        return "XTRIM " + key + " MAXLEN " + std::to_string(random_.below(6));
      case 1:
        return "DEL " + key;
      case 2:
        return "XGROUP CREATE " + key + " group" + std::to_string(random_.below(3)) + " 0 MKSTREAM";
      case 3:
        return "XREADGROUP GROUP group" + std::to_string(random_.below(3)) + " consumer COUNT 2 STREAMS " + key + " >";
      default:
        return "XADD " + key + " * field " + std::to_string(++number_);
    }
  }

  Random random_;
  SimulatedServer& server_;
  std::vector<std::unique_ptr<SimulatedCaller>> callers_;
  std::vector<std::string> digests_;
  bool is_open_ = false;
  uint64_t number_ = 0;
};

// A disk as it was found, and what had been acknowledged by then.
struct Found {
  std::unique_ptr<SimulatedDisk> disk;
  size_t acknowledged;
};

class RewriteCrashTest : public RewriteTest {
 protected:
  // The digest is one of those from `acknowledged` on: at most one operation was under way.
  static void check(const Found& found, const std::vector<std::string>& digests) {
    const std::string digest = digest_on(*found.disk);
    const size_t last = std::min(found.acknowledged + 1, digests.size() - 1);
    for (size_t i = found.acknowledged; i <= last; ++i) {
      if (digests[i] == digest) return;
    }
    ADD_FAILURE() << "after " << found.acknowledged << " operations something else was found";
  }
  static void watch(SimulatedDisk& disk, const Script& script, uint64_t seed, std::vector<Found>& found) {
    disk.before_each_call([&disk, &script, seed, &found](DiskCall) {
      const bool is_kill = found.size() % 4 == 3;
      found.push_back({is_kill ? disk.kill() : disk.crash(seed + found.size()), script.acknowledged()});
    });
  }
};

TEST_F(RewriteCrashTest, AStopAtAnyCallKeepsWhatWasAcknowledged) {
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimulatedDisk disk(seed);
    std::vector<Found> found;
    std::vector<std::string> digests;
    {
      const auto server = start(disk, seed);
      Script script(*server, seed);
      watch(disk, script, seed, found);
      for (int i = 0; i < 200; ++i) {
        if (i % 40 == 20) script.ask("BGREWRITEAOF");
        if (i % 80 == 45) script.ask("BGSAVE");
        script.step();
      }
      wait_until_quiet(*server);
      disk.before_each_call({});
      EXPECT_GE(state(*server).rewrites.load(), 5u);
      digests = script.digests();
    }
    EXPECT_GE(found.size(), 500u);
    for (const Found& one : found) check(one, digests);
  }
}

// As above, but the journal begins and ends in between. Without a journal nothing is promised; once it has begun, what
// is found is as new as its beginning at least.
TEST_F(RewriteCrashTest, AStopWhileTheJournalBeginsLeavesTheOldStateOrTheNew) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimulatedDisk disk(seed);
    std::vector<Found> found;
    std::vector<std::string> digests;
    size_t ended = 0;
    size_t begun = 0;
    {
      const auto server = start(disk, seed);
      Script script(*server, seed);
      for (int i = 0; i < 20; ++i) script.step();
      EXPECT_EQ(script.ask("CONFIG SET appendonly no"), "+OK\r\n");
      server->settle();
      ended = script.acknowledged();
      for (int i = 0; i < 20; ++i) script.step();
      watch(disk, script, seed, found);
      EXPECT_EQ(script.ask("CONFIG SET appendonly yes"), "+OK\r\n");
      for (int i = 0; i < 10; ++i) script.step();
      wait_until_quiet(*server);
      begun = found.size();
      for (int i = 0; i < 20; ++i) script.step();
      disk.before_each_call({});
      digests = script.digests();
    }
    ASSERT_GT(found.size(), begun);
    for (size_t i = 0; i < found.size(); ++i) {
      if (i >= begun) {
        check(found[i], digests);
        continue;
      }
      const std::string digest = digest_on(*found[i].disk);
      const auto place = std::find(digests.begin() + static_cast<ptrdiff_t>(ended), digests.end(), digest);
      const auto number = static_cast<size_t>(place - digests.begin());
      EXPECT_TRUE(number == ended || (number >= ended + 20 && number < digests.size())) << i << " " << number;
    }
  }
}

// A journal of former times lies there, which a server without one has not looked at.
TEST_F(RewriteCrashTest, AStopWhileTheJournalTakesThePlaceOfAnOldOneLeavesEither) {
  SimulatedDisk disk(7);
  std::string old_digest;
  {
    const auto server = start(disk, 7);
    SimulatedCaller caller(*server, 1);
    fill(caller, "old");
    old_digest = digest_of(*server);
  }
  std::vector<std::unique_ptr<SimulatedDisk>> found;
  std::string new_digest;
  {
    const auto server = start(disk, 8, without_journal);
    SimulatedCaller caller(*server, 1);
    fill(caller, "new", 3);
    new_digest = digest_of(*server);
    disk.before_each_call([&disk, &found](DiskCall) {
      found.push_back(disk.kill());
      for (int i = 0; i < 3; ++i) found.push_back(disk.crash(found.size()));
    });
    EXPECT_EQ(caller.ask("CONFIG SET appendonly yes"), "+OK\r\n");
    wait_until_quiet(*server);
    disk.before_each_call({});
    EXPECT_TRUE(server->journal().is_on());
  }
  EXPECT_GE(found.size(), 60u);
  for (const auto& one : found) {
    const std::string digest = digest_on(*one);
    EXPECT_TRUE(digest == old_digest || digest == new_digest);
  }
  EXPECT_EQ(digest_on(disk), new_digest);
}

}  // namespace
}  // namespace millrace::test
