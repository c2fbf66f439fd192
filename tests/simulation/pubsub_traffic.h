// PubsubTraffic: publishers, subscribers and clients that are both, at random on three cores, against a simulated
// server - and a checker that judges the server by what each client received, without a look at its code.
//
//   one stream          replies, confirmations and messages of a client fit its commands in the order it sent them
//   no stray message    a message comes only between the confirmations of SUBSCRIBE and UNSUBSCRIBE, in the protocol
//                       spoken at that point, once through each channel or pattern it matches
//   none lost           what was published between the two arrives
//   one order           the receivers of a channel see its messages in one order
//   causes first        nobody sees a message before those its publisher knew when it sent it
//   exact counts        PUBLISH tells how many deliveries there were
//   entry, then message who reads a stream upon a message sees what its publisher had added before
//
// Payloads are numbers used once in a run. Time is counted in moments: every request sent and every value received is
// one, so that what a client knew when it sent something is before it.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/random.h"
#include "support/resp_reply.h"
#include "support/simulated_server.h"

namespace millrace::test {

using Words = std::vector<std::string>;

enum class Topic : uint8_t { kChannel, kPattern, kShardChannel };

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

struct PubsubSession;

struct Publication {
  PubsubSession* publisher = nullptr;
  size_t command = 0;  // its number among the publisher's
  std::string channel;
  bool is_sharded = false;
  bool has_entry = false;  // an XADD stands before it in the pipeline
  int64_t sent = kNever;   // it cannot have happened before
  int64_t known = kNever;  // it had happened by then: the first reply or message anyone received of it
  bool was_executed = false;
  std::optional<int64_t> counted;  // what PUBLISH replied
  int64_t received = 0;            // how often it was
};

struct PubsubCommand {
  Words words;
  int64_t sent = kNever;  // the moment its last byte left the client
  std::optional<size_t> publication;
};

struct Subscription {
  Topic topic;
  std::string name;
  int64_t confirmed;
  int64_t left = kNever;  // when what ended it was sent
};

struct Receipt {
  size_t publication;
  Topic topic;
  std::string name;
};

// One connection of one client, from connect to close, and what it must be like at the point of its stream up to which
// it was read.
struct PubsubSession {
  enum class Role { kPublisher, kSubscriber, kBoth };

  PubsubSession(SimulatedWorld& world, std::string session_name, Role its_role)
      : name(std::move(session_name)), role(its_role), client(world) {}

  std::string name;
  Role role;
  SimulatedClient client;
  std::vector<PubsubCommand> sent;
  std::string unsent;  // the tail of the last request, to follow later
  std::string received;
  // As its requests will make it; what the next ones are chosen by.
  bool asked_for_resp3 = false;
  bool asked_for_silence = false;
  bool has_left = false;
  int64_t gone = kNever;  // from this moment on it counts for nothing
  std::string id;         // the server's number for it, once it was told

  // ---- the model
  size_t answered = 0;
  std::optional<size_t> last_replied;  // the last command that had a reply
  int protocol = 2;
  bool is_silent = false;
  bool skips_next = false;
  std::set<std::string> names[3];  // by Topic
  size_t confirmations = 0;        // of the command at the front
  std::set<std::string> leaving;   // UNSUBSCRIBE without names: those not confirmed yet

  std::vector<Subscription> subscriptions;
  std::vector<Receipt> receipts;
  std::set<std::tuple<size_t, Topic, std::string>> seen;

  size_t subscribed() const { return names[0].size() + names[1].size() + names[2].size(); }
};

// What a run has shown, so that a test can tell it was not idle.
struct PubsubFigures {
  size_t publications = 0;
  size_t in_runs = 0;  // of them, those sent among others to the same channel
  size_t receipts = 0;
  size_t exact_counts = 0;
  size_t owed = 0;  // messages that had to arrive, and did
  size_t entries_read = 0;
  size_t kills = 0;
};

class PubsubTraffic {
 public:
  explicit PubsubTraffic(uint64_t seed);

  void run();
  const std::string& history() const { return history_; }
  const std::vector<std::string>& problems() const { return problems_; }
  const PubsubFigures& figures() const { return figures_; }

 private:
  // A client that never subscribes: it reads the entry that belongs to a message somebody received.
  struct Reader {
    explicit Reader(SimulatedWorld& world) : client(world) {}
    SimulatedClient client;
    std::deque<size_t> asked_for;
    std::string received;
  };

  // ---- what clients do (pubsub_traffic.cc)
  void act(size_t index);
  void reconnect(size_t index);
  void be_strange(PubsubSession& session);
  void send(PubsubSession& session, const std::vector<Words>& pipeline);
  void send_rest(PubsubSession& session);
  std::vector<Words> next_commands(PubsubSession& session);
  void add_publishing(PubsubSession& session, std::vector<Words>& pipeline);
  void add_run(PubsubSession& session, std::vector<Words>& pipeline);
  Words next_of_subscriber(PubsubSession& session);
  std::vector<Words> next_administration(PubsubSession& session);
  Words next_publish();
  Words publish_to(const std::string& channel, bool is_sharded);
  std::string any_name(Topic topic);
  void listen_for(int64_t ms);
  void quieten();
  void finish();

  // ---- what one client receives (pubsub_stream.cc)
  void poll();
  void poll(PubsubSession& session);
  void poll(Reader& reader);
  void take(PubsubSession& session, const Reply& value);
  void take_message(PubsubSession& session, const Reply& value);
  void take_confirmation(PubsubSession& session, const PubsubCommand& command, const Reply& value);
  void take_reply(PubsubSession& session, const PubsubCommand& command, const Reply& value);
  void take_publish_reply(const PubsubCommand& command, const Reply& value);
  void take_kill_reply(const PubsubCommand& command, const Reply& value);
  void confirm(PubsubSession& session, const PubsubCommand& command, Topic topic, const std::string& name);
  void leave_all(PubsubSession& session, int64_t moment);
  void done(PubsubSession& session);
  void pass_silent_commands(PubsubSession& session);
  void check_own_message(const PubsubSession& session, const Publication& publication);
  void read_entry(size_t publication);
  void problem(const PubsubSession& session, const std::string& text);

  // ---- what they received together (pubsub_checker.cc)
  void check_all_answered();
  void check_audiences();
  void check_orders();
  void check_order_of(const std::string& channel, bool is_sharded);
  void check_stream_order(const PubsubSession& session);
  static bool has_happened(const Publication& publication);
  void check_nothing_lost(const PubsubSession& session);
  void check_counts();
  int64_t possible_deliveries(const PubsubSession& session, size_t publication) const;

  static bool is_open(PubsubSession& session) { return !session.has_left && !session.client.is_closed(); }

  SimulatedServer server_;
  Random random_;
  const bool is_peaceful_;  // nobody leaves: every count is checked exactly
  std::vector<std::unique_ptr<PubsubSession>> sessions_;
  std::vector<PubsubSession*> clients_;
  std::vector<std::unique_ptr<Reader>> readers_;
  std::vector<Publication> publications_;
  std::set<std::string> condemned_;  // the ids that CLIENT KILL was sent for
  int64_t moment_ = 0;
  PubsubFigures figures_;
  std::string history_;
  std::vector<std::string> problems_;
};

// What a pattern matches, by a table and not by a matcher.
bool pattern_matches(const std::string& pattern, const std::string& channel);
// SUBSCRIBE and its kin: their topic. Any case.
std::optional<Topic> topic_of(const std::string& command);
bool reaches(const Publication& publication, Topic topic, const std::string& name);

}  // namespace millrace::test
