// Conversation: several connections to each of the two servers. One of them speaks at a time; then everything that any
// of them heard because of it is compared.
//
// A step ends with a PING of every connection, one after the other, so that whatever the step caused has arrived: what
// comes before the answer to the PING belongs to the step. The answer's form tells whether a connection of RESP2 is in
// subscriber mode, and is compared as well. A connection that does not answer (CLIENT REPLY OFF) unsubscribes from a
// channel nobody knows instead: that is confirmed nevertheless. One that has said MULTI and
// would queue the PING says WATCH, which is refused there at once and spoils nothing.
//
// Everything is compared byte for byte except for what Redis takes from the order of a hash table: the order of several
// patterns that match one message, of the names an (un)subscription without arguments walks over, and of the names in
// PUBSUB CHANNELS. Where Redis 7.0.15 and later versions part is named in kTalkDivergences.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server_pair.h"

namespace millrace::test {

// What one connection to one server heard during a step, as raw replies.
using Heard = std::vector<std::string>;

struct TalkDivergence {
  std::string_view name;
  std::string_view why;
};
inline constexpr size_t kOwnMessageFirst = 0;
inline constexpr size_t kTalkDivergenceCount = 1;
extern const std::array<TalkDivergence, kTalkDivergenceCount> kTalkDivergences;

class Conversation {
 public:
  explicit Conversation(ServerPair& servers) : servers_(servers) {}

  // Another connection; its number.
  size_t join(int protocol);
  size_t join(ConnectionPair connection);
  // In place of one that was closed.
  void rejoin(size_t member, int protocol);
  bool is_open(size_t member) const { return members_[member].is_open; }
  size_t size() const { return members_.size(); }
  ConnectionPair& connection(size_t member) { return members_[member].connection; }

  // Sends all commands at once. True if every member heard the same from both servers; problem() explains the rest.
  bool say(size_t speaker, const std::vector<Words>& commands);
  bool say_bytes(size_t speaker, const std::string& bytes);
  // The same, for commands after which both servers close these connections; the others go on.
  bool say_and_lose(size_t speaker, const std::vector<Words>& commands, const std::vector<size_t>& lost);
  // From now on the member does not answer PING.
  void expect_silence(size_t member) { members_[member].is_silent = true; }
  // Applied to every reply before it is compared: for addresses and times.
  void mask_with(std::function<std::string(const std::string&)> mask) { mask_ = std::move(mask); }

  // What the member heard from Millrace in the last step, without the answer to the PING.
  const Heard& last_heard(size_t member) const { return members_[member].heard_from_millrace; }
  const std::string& problem() const { return problem_; }
  uint64_t hits(size_t divergence) const { return hits_[divergence]; }

 private:
  struct Member {
    ConnectionPair connection;
    bool is_open = true;
    bool is_silent = false;
    bool is_in_multi = false;
    Heard heard_from_redis = {};
    Heard heard_from_millrace = {};
  };
  // How much of what was heard is up to the server, as far as the commands of the step tell.
  struct Step {
    bool has_open_unsubscribe = false;  // without names
    bool lists_names = false;
    bool publishes = false;
  };

  static Step look_at(const std::vector<Words>& commands);
  static Heard canonical(const Step& step, const Heard& heard);
  bool finish(size_t speaker, const Step& step);
  bool hear(size_t member);
  bool hear_until_close(size_t member);
  bool is_divergence(bool is_speaker, const Step& step, const Heard& redis, const Heard& millrace);
  bool compare(size_t member, bool is_speaker, const Step& step);
  bool read_to_marker(RespConnection& connection, const std::string& marker, Heard* heard);
  Heard masked(const Heard& heard) const;
  void remember(size_t speaker, const std::vector<Words>& commands);
  bool complain(size_t member, const std::string& what);

  ServerPair& servers_;
  std::vector<Member> members_;
  std::function<std::string(const std::string&)> mask_;
  uint64_t steps_ = 0;
  std::deque<std::string> history_;
  std::string problem_;
  std::array<uint64_t, kTalkDivergenceCount> hits_{};
};

}  // namespace millrace::test
