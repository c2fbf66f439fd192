// kill -9 of a real server under load, again and again: nothing it had answered is lost, nothing is there twice.
#include <cstdlib>
#include <thread>

#include "base/random.h"
#include "end_to_end/fixture.h"
#include "end_to_end/kill_checker.h"
#include "support/resp_reply.h"

namespace millrace::test {
namespace {

constexpr int kCycles = 25;
constexpr int kWorkers = 4;
constexpr int kRequestsAtOnce = 6;

// A request on its way and what its answer means.
struct Asked {
  enum class Kind : uint8_t { kAdd, kRead, kAcknowledge, kDelete, kTrim, kCount };

  Kind kind;
  std::string value = {};
  EntryId id = {};
};

class Worker {
 public:
  Worker(int number, uint64_t seed, KillChecker& checker)
      : name_("worker-" + std::to_string(number)), random_(seed), checker_(checker) {}

  // Until the server is gone.
  void run(uint16_t port) {
    const auto connection = RespConnection::connect(port);
    if (connection == nullptr) return;
    for (;;) {
      std::string requests;
      std::vector<Asked> asked;
      for (uint64_t left = 1 + random_.below(kRequestsAtOnce); left > 0; --left) ask(requests, asked);
      if (!connection->send_raw(requests)) return;
      for (const Asked& request : asked) {
        Reply reply;
        size_t position = 0;
        const std::string bytes = connection->read_reply();
        if (bytes.empty() || read_reply(bytes, position, reply) != ReplyStatus::kComplete) return;
        take(request, reply);
      }
    }
  }

 private:
  void ask(std::string& requests, std::vector<Asked>& asked) {
    const uint64_t choice = random_.below(100);
    if (choice < 40) return ask_to_add(requests, asked);
    if (choice < 50) return ask_to_count(requests, asked);
    if (choice < 70) return ask_to_read(requests, asked);
    const bool acknowledges = choice < 90;
    const bool trims = choice >= 98;
    const auto ids = acknowledges ? checker_.some_pending(name_) : checker_.some_entry(random_.next());
    if (ids.empty()) return ask_to_add(requests, asked);
    if (acknowledges) {
      checker_.asks_to_acknowledge(ids[0]);
      requests += RespConnection::request({"XACK", "jobs", "group", ids[0].text()});
      asked.push_back({.kind = Asked::Kind::kAcknowledge, .id = ids[0]});
    } else if (trims) {
      checker_.asks_to_trim(ids[0]);
      requests += RespConnection::request({"XTRIM", "jobs", "MINID", ids[0].text()});
      asked.push_back({.kind = Asked::Kind::kTrim, .id = ids[0]});
    } else {
      checker_.asks_to_delete(ids[0]);
      requests += RespConnection::request({"XDEL", "jobs", ids[0].text()});
      asked.push_back({.kind = Asked::Kind::kDelete, .id = ids[0]});
    }
  }

  void ask_to_add(std::string& requests, std::vector<Asked>& asked) {
    const std::string value = name_ + ":" + std::to_string(next_value_++);
    checker_.asks_to_add(value);
    requests += RespConnection::request({"XADD", "jobs", "*", "value", value});
    asked.push_back({.kind = Asked::Kind::kAdd, .value = value});
  }

  void ask_to_count(std::string& requests, std::vector<Asked>& asked) {
    checker_.asks_to_count(counter_);
    requests += RespConnection::request({"INCR", counter_});
    asked.push_back({.kind = Asked::Kind::kCount});
  }

  void ask_to_read(std::string& requests, std::vector<Asked>& asked) {
    requests += RespConnection::request({"XREADGROUP", "GROUP", "group", name_, "COUNT", "3", "STREAMS", "jobs", ">"});
    asked.push_back({.kind = Asked::Kind::kRead});
  }

  void take(const Asked& asked, const Reply& reply) {
    EXPECT_FALSE(reply.is_error()) << reply.text;
    switch (asked.kind) {
      case Asked::Kind::kAdd:
        return checker_.added(EntryId::parse(reply.text), asked.value);
      case Asked::Kind::kAcknowledge:
        return checker_.acknowledged(asked.id);
      case Asked::Kind::kDelete:
        return checker_.deleted(asked.id);
      case Asked::Kind::kTrim:
        return checker_.trimmed(asked.id);
      case Asked::Kind::kCount:
        return checker_.counted(counter_, reply.number);
      case Asked::Kind::kRead:
        break;
    }
    if (reply.is_null) return;
    std::vector<EntryId> ids;
    for (const Reply& entry : reply.items[0].items[1].items) ids.push_back(EntryId::parse(entry.items[0].text));
    checker_.delivered(name_, ids);
  }

  const std::string name_;
  const std::string counter_ = "count:" + name_;
  Random random_;
  KillChecker& checker_;
  uint64_t next_value_ = 0;
};

uint64_t seed_of_run() {
  const char* const text = std::getenv("MILLRACE_TEST_SEED");
  return text == nullptr ? 20261121 : std::strtoull(text, nullptr, 10);
}

class KillTest : public EndToEnd {
 protected:
  void start_here(const std::string& policy) {
    start({"--dir", directory_.path("."), "--save", "", "--appendonly", "yes", "--appendfsync", policy,
           "--auto-aof-rewrite-percentage", "50", "--auto-aof-rewrite-min-size", "64kb"});
  }

  // Workers at full speed; the server is killed once they have had so many more answers.
  void work_until_killed(uint64_t answers) {
    const uint64_t goal = checker_.additions() + answers;
    std::vector<std::thread> threads;
    for (Worker& worker : workers_) threads.emplace_back([&] { worker.run(port()); });
    const bool has_worked = eventually([&] { return checker_.additions() >= goal || HasFailure(); });
    server_->kill_hard();
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(has_worked);
  }

  void survives_being_killed(const std::string& policy) {
    const uint64_t seed = seed_of_run();
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    for (int i = 0; i < kWorkers; ++i) workers_.emplace_back(i, random.next(), checker_);
    start_here(policy);
    client().call({"XGROUP", "CREATE", "jobs", "group", "0", "MKSTREAM"});
    for (int cycle = 0; cycle < kCycles && !HasFailure(); ++cycle) {
      work_until_killed(1 + random.below(400));
      start_here(policy);
      checker_.check(port(), "jobs", "group");
    }
    EXPECT_GT(checker_.acknowledgements(), 0u);
    expect_clean_end();
    EXPECT_THAT(log(), testing::Not(testing::HasSubstr("cut")));
  }

  TemporaryDirectory directory_;
  KillChecker checker_;
  std::vector<Worker> workers_;
};

TEST_P(KillTest, NothingAnsweredIsLostWithAlways) {
  survives_being_killed("always");
}
TEST_P(KillTest, NothingAnsweredIsLostWithEverysec) {
  survives_being_killed("everysec");
}

ON_BOTH_BACKENDS(KillTest);

}  // namespace
}  // namespace millrace::test
