// Traffic: a handful of clients that do everything streams allow, at random, against a simulated server - and a checker
// that judges the server by its replies alone.
//
//   one command, one reply       every session's replies parse, come in order, and fit their commands
//   delivered once               '>' gives an entry to one consumer of a group, whatever else happens
//   acknowledged for good        an entry that was acknowledged before a command was sent is not in its reply
//   ids ascend                   whatever the wall clock does
//   deadlines hold               a command ends by its BLOCK time and a little, in virtual time
//   no wake is lost              when the world is quiet, nobody waits for what is there
//
// Values and group names are used once in a run, so that both can be told apart whatever key they have moved to. The
// history of a run - every byte received, with its moment, and the final state - depends on the seed alone.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "support/resp_reply.h"
#include "support/simulated_server.h"

namespace millrace::test {

using Words = std::vector<std::string>;

struct SentCommand {
  Words words;
  int64_t sent_ns = 0;  // when its last byte left the client
  int64_t block_ms = 0;
  std::string steady_floor;  // XADD to the steady stream: a smaller id that was known before it was sent
};

// One connection of one client, from connect to close.
struct TrafficSession {
  TrafficSession(SimulatedWorld& world, std::string session_name) : name(std::move(session_name)), client(world) {}

  std::string name;
  SimulatedClient client;
  std::vector<SentCommand> sent;
  size_t answered = 0;
  int64_t last_reply_ns = 0;
  std::string unsent;    // the tail of the last request, to follow later
  std::string received;  // not parsed yet
  bool has_left = false;
  bool was_slow = false;  // has stopped reading for a while: its replies may be late
};

// An entry that a consumer was given.
struct Delivery {
  std::string key;
  std::string group;
  std::string id;
  std::string value;
};

class Traffic {
 public:
  explicit Traffic(uint64_t seed);

  void run();
  const std::string& history() const { return history_; }
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  // ---- what clients do (traffic.cc)
  void act(size_t index);
  void reconnect(size_t index);
  void send_some(TrafficSession& session);
  void send_rest(TrafficSession& session);
  void be_strange(size_t index);
  Words next_command();
  Words next_read();
  Words next_group_read();
  Words next_pending_command();
  Words next_key_command();
  Words next_client_command();
  std::string any_key();
  std::string any_changing_key();
  std::string block_time();
  void listen_for(int64_t ms);
  void quieten();
  void finish();

  // ---- what they make of the replies (traffic_checker.cc)
  void poll();
  void poll(TrafficSession& session);
  void check(TrafficSession& session, const SentCommand& command, const Reply& reply);
  void check_time(TrafficSession& session, const SentCommand& command, const Reply& reply);
  void check_added(const SentCommand& command, const Reply& reply);
  void check_read(const SentCommand& command, const Reply& reply);
  void check_entries(const SentCommand& command, const std::string& key, const Reply& entries);
  void check_delivery(const SentCommand& command, const Delivery& delivery, bool is_new);
  void check_acknowledged(const SentCommand& command, const Reply& reply);
  std::vector<std::pair<TrafficSession*, size_t>> overlooked();
  void check_nobody_waits_in_vain();
  bool has_something_for(const SentCommand& command);
  void check_all_answered();
  void problem(const SentCommand& command, const std::string& text);

  static constexpr int kSteps = 50;
  static constexpr int64_t kBlockMsMax = 700;
  static constexpr int64_t kSlackMs = 300;

  SimulatedServer server_;
  Random random_;
  const bool is_flushed_sometimes_;
  std::vector<std::unique_ptr<TrafficSession>> sessions_;  // all there ever were
  std::vector<TrafficSession*> clients_;                   // the current one of each client
  int64_t now_ns() const;

  uint64_t values_ = 0;
  std::vector<std::pair<std::string, std::string>> groups_;  // key and name, as asked for
  std::vector<Delivery> deliveries_;
  std::set<std::pair<std::string, std::string>> delivered_;              // group, value
  std::map<std::pair<std::string, std::string>, int64_t> acknowledged_;  // group, value -> when it was known
  std::string steady_last_id_ = "0-0";
  bool was_flushed_ = false;
  bool was_unblocked_ = false;
  int64_t pause_ms_ = 0;

  std::string history_;
  std::vector<std::string> problems_;
};

}  // namespace millrace::test
