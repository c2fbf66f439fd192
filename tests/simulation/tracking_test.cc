// Client-side caching across cores: whatever a client has cached, having read its replies and invalidations in the
// order they came, is what the server holds - once nothing is on its way any more.
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/resp_reply.h"
#include "support/simulated_server.h"

namespace millrace::test {
namespace {

constexpr const char* kKeys[] = {"k0", "k1", "k2", "other"};

std::string latest(const std::string& key) {
  return "XREVRANGE " + key + " + - COUNT 1";
}

// A client that caches what it reads, in one of the ways of CLIENT TRACKING.
class Cacher {
 public:
  Cacher(SimulatedServer& server, uint32_t core, const std::string& options)
      : caller_(server, core),
        asks_first_(options.find("OPTIN") != std::string::npos),
        sees_own_(options.find("NOLOOP") == std::string::npos) {
    caller_.ask("HELLO 3");
    EXPECT_EQ(caller_.ask("CLIENT TRACKING ON " + options), "+OK\r\n");
  }

  void read(const std::string& key, bool caches) {
    if (asks_first_ && caches) send("CLIENT CACHING YES", "");
    send(latest(key), caches || !asks_first_ ? key : "");
  }
  void write(const std::string& line, const std::string& key) { send(line, "", sees_own_ ? "" : key); }

  void listen() {
    for (const std::string& raw : caller_.take_replies()) {
      if (raw.starts_with(">")) {
        take_invalidation(raw);
      } else {
        take_reply(raw);
      }
    }
  }

  void check(SimulatedCaller& truth, size_t& checked) {
    EXPECT_TRUE(asked_.empty());
    for (const auto& [key, value] : cached_) {
      EXPECT_EQ(value, truth.ask(latest(key))) << key;
      ++checked;
    }
  }
  size_t invalidations() const { return invalidations_; }

 private:
  struct Asked {
    std::string cached_key;   // whose value the reply is, if it is to be kept
    std::string changed_key;  // what is known to be old once there is a reply
  };

  void send(const std::string& line, const std::string& cached_key, const std::string& changed_key = "") {
    asked_.push_back({cached_key, changed_key});
    caller_.send(line);
  }
  void take_reply(const std::string& raw) {
    ASSERT_FALSE(asked_.empty()) << raw;
    const Asked asked = asked_.front();
    asked_.pop_front();
    if (!asked.cached_key.empty()) cached_[asked.cached_key] = raw;
    cached_.erase(asked.changed_key);
  }
  void take_invalidation(const std::string& raw) {
    size_t position = 0;
    Reply push;
    read_reply(raw, position, push);
    ASSERT_EQ(push.items.size(), 2u);
    ASSERT_EQ(push.items[0].text, "invalidate");
    ++invalidations_;
    if (push.items[1].is_null) cached_.clear();
    for (const Reply& key : push.items[1].items) cached_.erase(key.text);
  }

  SimulatedCaller caller_;
  const bool asks_first_;
  const bool sees_own_;
  std::deque<Asked> asked_;
  std::map<std::string, std::string> cached_;
  size_t invalidations_ = 0;
};

class Caching {
 public:
  Caching(uint64_t seed, const std::string& options)
      : server_({.seed = seed, .cores = 3, .partitions = 4}), random_(seed ^ 0xcac4e), truth_(server_, 0) {
    truth_.ask("HELLO 3");
    if (random_.one_in(3)) truth_.ask("CONFIG SET tracking-table-max-keys 2");
    for (uint32_t i = 0; i < 3; ++i) {
      cachers_.push_back(std::make_unique<Cacher>(server_, i, options));
      writers_.push_back(std::make_unique<SimulatedCaller>(server_, i));
    }
  }

  void run() {
    for (int step = 1; step <= 60; ++step) {
      for (const auto& cacher : cachers_) act(*cacher);
      for (const auto& writer : writers_) {
        if (random_.one_in(2)) writer->send(next_change(any_key()));
      }
      if (random_.one_in(2)) server_.run_until([this] { return listen(); }, static_cast<int64_t>(random_.below(3)));
      if (step % 15 == 0) check();
    }
  }
  size_t checked() const { return checked_; }
  size_t invalidations() const {
    size_t sum = 0;
    for (const auto& cacher : cachers_) sum += cacher->invalidations();
    return sum;
  }

 private:
  void act(Cacher& cacher) {
    for (uint64_t i = random_.below(4); i > 0; --i) {
      const std::string key = any_key();
      if (random_.one_in(6)) {
        cacher.write(next_change(key), key);
      } else {
        cacher.read(key, !random_.one_in(4));
      }
    }
  }
  std::string any_key() { return kKeys[random_.below(std::size(kKeys))]; }
  std::string next_change(const std::string& key) {
    switch (random_.below(12)) {
      case 0:
        return "DEL " + key;
      case 1:
        return "PEXPIRE " + key + " " + std::to_string(1 + random_.below(5));
      case 2:
        return "XTRIM " + key + " MAXLEN 0";
      default:
        return "XADD " + key + " * n " + std::to_string(++values_);
    }
  }
  bool listen() {
    for (const auto& cacher : cachers_) cacher->listen();
    return false;
  }
  void check() {
    if (random_.one_in(4)) writers_[0]->send("FLUSHALL");
    server_.run_until([this] { return listen(); }, 600);
    for (const auto& cacher : cachers_) cacher->check(truth_, checked_);
  }

  SimulatedServer server_;
  Random random_;
  SimulatedCaller truth_;
  std::vector<std::unique_ptr<Cacher>> cachers_;
  std::vector<std::unique_ptr<SimulatedCaller>> writers_;
  uint64_t values_ = 0;
  size_t checked_ = 0;
};

class TrackingTraffic : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Modes, TrackingTraffic,
                         testing::Values("", "NOLOOP", "OPTIN", "BCAST", "BCAST PREFIX k PREFIX o", "BCAST NOLOOP"));

TEST_P(TrackingTraffic, NothingOldStaysInACache) {
  constexpr uint64_t kSeeds = 25;
  size_t checked = 0;
  size_t invalidations = 0;
  for (uint64_t seed = 1; seed <= kSeeds && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Caching caching(seed, GetParam());
    caching.run();
    checked += caching.checked();
    invalidations += caching.invalidations();
  }
  EXPECT_GT(checked, 5 * kSeeds);
  EXPECT_GT(invalidations, 20 * kSeeds);
}

// The writer is as quick as can be: it changes the key between the moment the reader's core gives up its locks and the
// end of its run, when the reply would leave.
class TrackingOrder : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(Seeds, TrackingOrder, testing::Range(1, 11));

TEST_P(TrackingOrder, AValueNeverComesAfterItsInvalidation) {
  for (const std::string options : {"", " BCAST"}) {
    SimulatedServer server({.seed = static_cast<uint64_t>(GetParam())});
    SimulatedCaller reader(server, 0);
    SimulatedCaller writer(server, 1);
    reader.ask("HELLO 3");
    reader.ask("CLIENT TRACKING ON" + options);
    server.settle();
    reader.send("XLEN k");
    writer.send("XADD k 1-1 f v");
    server.world().advance(SimulatedServer::kSettleMs * 1'000'000);
    const auto executed = [&](uint32_t core) { return server.statistics(core).commands_processed.get(); };
    const uint64_t reads = executed(0);
    const uint64_t writes = executed(1);
    bool is_writing = false;
    bool has_ended = false;
    server.world().while_clock_is_read([&] {
      if (is_writing || executed(0) == reads) return;
      if (!std::exchange(has_ended, true)) return;  // the command's own time is read with its partition held
      is_writing = true;
      while (executed(1) == writes) server.turn(1);
      server.turn(1);
    });
    while (executed(0) == reads) server.turn(0);
    server.world().while_clock_is_read({});
    ASSERT_TRUE(is_writing);
    server.settle();
    EXPECT_EQ(reader.take_replies(),
              (std::vector<std::string>{":0\r\n", ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n"}));
  }
}

}  // namespace
}  // namespace millrace::test
