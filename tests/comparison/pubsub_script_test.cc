// Random conversations: eight connections subscribe, unsubscribe and publish with few names, so that they meet, and
// come and go, change protocol and kill one another. After each step all have heard the same from both servers.
//
//   MILLRACE_TEST_SEED=n   that script instead of the usual ones
//   MILLRACE_TEST_FULL=1   five times as long, from a seed that is different every time
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/random.h"
#include "pubsub_fixture.h"
#include "random_run.h"

namespace millrace::test {
namespace {

constexpr int kStepsUsual = 5000;
constexpr size_t kMembers = 8;
constexpr size_t kNeverListening = 2;  // the last ones: in RESP2 who listens cannot publish

class PubSubScript {
 public:
  explicit PubSubScript(uint64_t seed) : random_(seed) {}

  uint64_t below(uint64_t bound) { return random_.below(bound); }
  bool one_in(uint64_t n) { return random_.one_in(n); }

  std::vector<Words> step_of_listener() {
    std::vector<Words> commands;
    const uint64_t count = one_in(4) ? 1 + below(5) : 1;
    for (uint64_t i = 0; i < count; i++) commands.push_back(one_in(8) ? publish() : subscribe_or_not());
    // With two of them in one step it would be unclear whose names those are.
    const auto is_open = [](const Words& words) { return words.size() == 1 && words[0].ends_with("UNSUBSCRIBE"); };
    if (std::any_of(commands.begin(), commands.end(), is_open)) commands.resize(1);
    return commands;
  }
  std::vector<Words> step_of_speaker() {
    std::vector<Words> commands;
    const uint64_t count = one_in(4) ? 1 + below(5) : 1;
    for (uint64_t i = 0; i < count; i++) commands.push_back(one_in(6) ? question() : publish());
    return commands;
  }

 private:
  std::string channel() {
    static const std::string kNames[] = {"a", "b", "ab", "ba", "abc", "", "*", std::string("\0\r\n\xff", 4)};
    return kNames[below(std::size(kNames))];
  }
  std::string pattern() {
    static const std::string kPatterns[] = {"*", "a*", "*b", "?", "[ab]", "a[^a]*", "", "\\*", "*b*", "abc"};
    return kPatterns[below(std::size(kPatterns))];
  }
  Words publish() { return {one_in(4) ? "SPUBLISH" : "PUBLISH", channel(), "message " + std::to_string(messages_++)}; }
  Words subscribe_or_not() {
    static constexpr const char* kKinds[] = {"", "P", "S"};
    const uint64_t kind = below(std::size(kKinds));
    const bool leaves = below(5) < 2;
    Words words = {std::string(kKinds[kind]) + (leaves ? "UNSUBSCRIBE" : "SUBSCRIBE")};
    if (leaves && one_in(6)) return words;
    for (uint64_t names = 1 + below(3); names > 0; names--) words.push_back(kind == 1 ? pattern() : channel());
    return words;
  }
  Words question() {
    switch (below(6)) {
      case 0:
        return {"PUBSUB", "CHANNELS"};
      case 1:
        return {"PUBSUB", "CHANNELS", pattern()};
      case 2:
        return {"PUBSUB", "NUMSUB", channel(), channel()};
      case 3:
        return {"PUBSUB", "NUMPAT"};
      case 4:
        return {"PUBSUB", "SHARDCHANNELS", pattern()};
      default:
        return {"PUBSUB", "SHARDNUMSUB", channel()};
    }
  }

  Random random_;
  uint64_t messages_ = 0;
};

class RandomTalk : public testing::Test {
 protected:
  enum class Protocols { kResp2, kResp3, kMixed };

  void run(uint64_t usual_seed, Protocols protocols) {
    seed_ = seed_for(usual_seed);
    protocols_ = protocols;
    std::string why;
    servers_ = ServerPair::start(&why);
    ASSERT_NE(servers_, nullptr) << why;
    talk_.emplace(*servers_);
    PubSubScript script(seed_);
    for (size_t i = 0; i < kMembers; i++) talk_->join(protocol(&script));
    for (int i = 0; i < length_for(kStepsUsual); i++) {
      ASSERT_TRUE(step(&script)) << "seed " << seed_ << "\n" << talk_->problem();
    }
  }

 private:
  int protocol(PubSubScript* script) const {
    if (protocols_ == Protocols::kMixed) return script->one_in(2) ? 2 : 3;
    return protocols_ == Protocols::kResp2 ? 2 : 3;
  }

  bool step(PubSubScript* script) {
    const size_t member = script->below(kMembers);
    if (member >= kMembers - kNeverListening) return talk_->say(member, script->step_of_speaker());
    if (!script->one_in(60)) return talk_->say(member, script->step_of_listener());
    switch (script->below(3)) {
      case 0:
        return talk_->say(member, {{"RESET"}}) && change_protocol(member, script);
      case 1:
        if (!talk_->say_and_lose(member, {{"QUIT"}}, {member})) return false;
        break;
      default:
        if (!kill(member)) return false;
        break;
    }
    talk_->rejoin(member, protocol(script));
    return true;
  }

  bool change_protocol(size_t member, PubSubScript* script) {
    talk_->rejoin(member, protocol(script));
    return true;
  }

  // By somebody else, in whatever it is doing; ids differ between the servers, names do not.
  bool kill(size_t member) {
    ConnectionPair& victim = talk_->connection(member);
    ConnectionPair killer = servers_->connect();
    for (const auto& [server, by] :
         {std::pair{&victim.redis(), &killer.redis()}, std::pair{&victim.millrace(), &killer.millrace()}}) {
      sockaddr_in address{};
      socklen_t size = sizeof address;
      getsockname(server->fd(), reinterpret_cast<sockaddr*>(&address), &size);
      if (by->command({"CLIENT", "KILL", "ADDR", "127.0.0.1:" + std::to_string(ntohs(address.sin_port))}) != ":1\r\n") {
        return false;
      }
    }
    return talk_->say_and_lose(kMembers - 1, {{"PING"}}, {member});
  }

  uint64_t seed_ = 0;
  Protocols protocols_ = Protocols::kMixed;
  std::unique_ptr<ServerPair> servers_;
  std::optional<Conversation> talk_;
};

TEST_F(RandomTalk, IsTheSameInResp2) {
  run(11, Protocols::kResp2);
}

TEST_F(RandomTalk, IsTheSameInResp3) {
  run(12, Protocols::kResp3);
}

TEST_F(RandomTalk, IsTheSameInBothProtocolsAtOnce) {
  run(13, Protocols::kMixed);
}

}  // namespace
}  // namespace millrace::test
