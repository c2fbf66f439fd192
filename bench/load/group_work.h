// GroupWork: messages through a consumer group, from XADD until they are acknowledged.
//
// As many consumers as producers. Producers write to every stream in turn; the value of an entry begins with a stamp
// (stamp.h). A consumer waits with XREADGROUP COUNT 10 BLOCK 0 on its share of the streams; what it is given it
// acknowledges with one XACK for each stream, sent together with the next XREADGROUP. A message ends with the answer to
// its XACK, which must count every id. Run by the load's thread.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "load/scenario.h"
#include "load/stamp.h"
#include "load/stream_options.h"
#include "load/stream_request.h"

namespace millrace::load {

class GroupWork : public Scenario {
 public:
  explicit GroupWork(const StreamOptions& options);

  // Producers first.
  size_t clients() const override { return producers_.size() + consumers_.size(); }
  void prepare(Connection& control) override;
  void open(ScenarioLoad& load) override;
  void begin(ScenarioLoad& load, size_t client, int64_t due_ns) override;
  void on_reply(ScenarioLoad& load, size_t client, const Reply& reply) override;

 private:
  struct Producer {
    uint64_t next_stream = 0;
    uint64_t sent = 0;
  };
  struct Consumer {
    std::string read;                   // its XREADGROUP
    std::deque<size_t> unacknowledged;  // messages of each XACK that is under way
    std::deque<Stamp> messages;         // all of theirs
  };

  std::string read_command(size_t consumer) const;
  void on_messages(ScenarioLoad& load, size_t client, Consumer& consumer, const Reply& reply);
  void on_acknowledged(ScenarioLoad& load, Consumer& consumer, const Reply& reply);

  const uint64_t streams_;
  const size_t stamp_at_from_end_;  // of an XADD
  const StreamRequest add_;
  std::vector<Producer> producers_;
  std::vector<Consumer> consumers_;
};

}  // namespace millrace::load
