// The journal under random traffic: whatever a client was told is in what a stop at any moment leaves, as far as the
// policy promises it, and that is always an exact beginning of the one order of all changes.
//
//   MILLRACE_TEST_FULL=1     twenty times as many seeds
//   MILLRACE_TEST_SEED=n     that seed alone
#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "simulation/journal_world.h"

namespace millrace::test {
namespace {

using settings::AppendFsync;

constexpr uint64_t kSeeds = 30;
constexpr uint64_t kSeedsFull = 600;
constexpr int kSteps = 120;
constexpr int kStreams = 5;
constexpr int64_t kNsPerMs = 1'000'000;
// Under `everysec` that much may be lost by power loss: a second until the next sync begins, what it may take until the
// server notices, and twice the longest sync, for one may be going on.
constexpr int64_t kEverysecMs = 1000 + 100;

// A client that has several requests on the way and knows which of its writes were acknowledged, and when.
class Writer {
 public:
  Writer(JournalWorld& world, uint32_t core, std::string name)
      : world_(world), caller_(world.server(), core), name_(std::move(name)) {}

  void send(Random& random) {
    const std::string stream = "stream" + std::to_string(random.below(kStreams));
    switch (random.below(12)) {
      case 0:
        return request("SELECT " + std::to_string(random.below(3)), "");
      case 1:
        return request("XREADGROUP GROUP group " + name_ + " COUNT 3 STREAMS " + stream + " >", "");
      case 2:
        return request("XLEN " + stream, "");
      case 3:
        return request("XTRIM " + stream + " MAXLEN 20", "");
      case 4:
        return request("XGROUP CREATE " + stream + " group 0 MKSTREAM", "");
      case 5:
        return request("EXPIRE " + stream + " 1", "");
      default:
        break;
    }
    const std::string value = name_ + "-" + std::to_string(++writes_);
    request("XADD " + stream + " * field " + value, value);
  }
  size_t outstanding() const { return requests_.size(); }
  void collect() {
    for (const std::string& reply : caller_.take_replies()) {
      ASSERT_FALSE(requests_.empty());
      if (!requests_.front().empty() && reply[0] == '$') acknowledged_[requests_.front()] = world_.now_ns();
      requests_.pop_front();
      history_ += reply;
    }
  }
  // The values it wrote, and when it heard so.
  const std::map<std::string, int64_t>& acknowledged() const { return acknowledged_; }
  const std::string& history() const { return history_; }

 private:
  void request(const std::string& line, const std::string& value) {
    caller_.send(line);
    requests_.push_back(value);
  }

  JournalWorld& world_;
  SimulatedCaller caller_;
  const std::string name_;
  int writes_ = 0;
  std::deque<std::string> requests_;  // what each writes, or nothing
  std::map<std::string, int64_t> acknowledged_;
  std::string history_;
};

// One seed: traffic, and now and then a look at what a stop at this moment would leave.
class Run {
 public:
  explicit Run(uint64_t seed)
      : random_(seed * 7919), policy_(kPolicies[seed % 3]), world_({.seed = seed, .policy = policy_}) {
    world_.server().settings().aof_timestamp_enabled.store(random_.one_in(3) ? 1 : 0);
    for (uint32_t i = 0; i < 6; ++i) {
      writers_.push_back(std::make_unique<Writer>(world_, i % 3, "writer" + std::to_string(i)));
    }
    if (random_.one_in(3)) world_.server().world().set_sync_ns(sync_ns_ = 30 * kNsPerMs);
  }

  void play() {
    for (int step = 0; step < kSteps; ++step) {
      for (const auto& writer : writers_) {
        while (writer->outstanding() < 5 && random_.one_in(2)) writer->send(random_);
      }
      world_.server().run_for(static_cast<int64_t>(random_.below(random_.one_in(20) ? 900 : 4)));
      for (const auto& writer : writers_) writer->collect();
      if (random_.one_in(4)) stop_here();
      if (random_.one_in(60)) world_.switch_files();
      if (random_.one_in(40)) world_.server().world().jump_wall_clock(2000);
    }
    world_.server().run_for(5000);
    for (const auto& writer : writers_) writer->collect();
    end();
  }
  std::string history() const {
    std::string history = history_;
    for (const auto& writer : writers_) history += writer->history();
    return history;
  }
  size_t acknowledged() const {
    size_t count = 0;
    for (const auto& writer : writers_) count += writer->acknowledged().size();
    return count;
  }

 private:
  static constexpr AppendFsync kPolicies[] = {AppendFsync::kAlways, AppendFsync::kEverysec, AppendFsync::kNo};

  void stop_here() {
    const int64_t never = INT64_MAX;
    const int64_t longest_sync_ns = std::max(sync_ns_, 20 * kNsPerMs);
    const int64_t second_ago_ns = world_.now_ns() - kEverysecMs * kNsPerMs - 2 * longest_sync_ns;
    found_.push_back(world_.read(*world_.disk().kill()));
    expect_written(found_.back(), never);
    found_.push_back(world_.read(*world_.disk().crash(random_.next())));
    if (policy_ == AppendFsync::kAlways) expect_written(found_.back(), never);
    if (policy_ == AppendFsync::kEverysec) expect_written(found_.back(), second_ago_ns);
  }
  // Everything acknowledged before that moment.
  void expect_written(const FoundJournal& journal, int64_t before_ns) {
    std::set<std::string> values;
    for (const std::string& command : journal.commands) values.insert(command.substr(command.rfind(' ') + 1));
    for (const auto& writer : writers_) {
      for (const auto& [value, at_ns] : writer->acknowledged()) {
        if (at_ns < before_ns) {
          EXPECT_TRUE(values.contains(value)) << value << " was acknowledged and is lost";
        }
      }
    }
  }
  void end() {
    world_.stop();
    const FoundJournal whole = world_.read(world_.disk());
    EXPECT_EQ(whole.problem, "");
    EXPECT_TRUE(whole.is_whole);
    expect_written(whole, INT64_MAX);
    for (const FoundJournal& found : found_) {
      EXPECT_EQ(found.problem, "");
      EXPECT_TRUE(found.begins(whole));
      history_ += std::to_string(found.commands.size()) + " ";
    }
    const FoundJournal after_crash = world_.read(*world_.disk().crash(random_.next()));
    EXPECT_EQ(after_crash.commands, whole.commands);
    for (const std::string& command : whole.commands) history_ += command + "\n";
  }

  Random random_;
  const AppendFsync policy_;
  JournalWorld world_;
  int64_t sync_ns_ = 0;
  std::vector<std::unique_ptr<Writer>> writers_;
  std::vector<FoundJournal> found_;
  std::string history_;
};

void check_seed(uint64_t seed) {
  SCOPED_TRACE("MILLRACE_TEST_SEED=" + std::to_string(seed));
  std::string histories[2];
  for (std::string& history : histories) {
    Run run(seed);
    run.play();
    EXPECT_GT(run.acknowledged(), 50u);
    history = run.history();
  }
  EXPECT_TRUE(histories[0] == histories[1]) << "the same seed took another way";
}

TEST(Journal, KeepsWhatWasAcknowledgedAndIsAlwaysABeginning) {
  if (const char* seed = std::getenv("MILLRACE_TEST_SEED")) return check_seed(std::strtoull(seed, nullptr, 10));
  const uint64_t seeds = std::getenv("MILLRACE_TEST_FULL") ? kSeedsFull : kSeeds;
  for (uint64_t seed = 1; seed <= seeds && !testing::Test::HasFailure(); ++seed) check_seed(seed);
}

}  // namespace
}  // namespace millrace::test
