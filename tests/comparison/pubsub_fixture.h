// A test in which several connections talk to both servers. Run by one thread of a test.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "conversation.h"
#include "support/eventually.h"

namespace millrace::test {

// The first one mostly listens; nobody subscribes on the last one, so that it can always speak.
enum Member : size_t { kListener, kOther, kThird, kSpeaker };

// The parameter is the protocol of all members.
class Talk : public testing::TestWithParam<int> {
 protected:
  void SetUp() override { open({}); }

  void open(const std::vector<std::string>& extra) {
    std::string why;
    servers_ = ServerPair::start(&why, extra);
    ASSERT_NE(servers_, nullptr) << why;
    talk_.emplace(*servers_);
    for (size_t i = 0; i <= kSpeaker; i++) talk_->join(protocol());
  }

  virtual int protocol() const { return GetParam(); }
  bool is_resp3() const { return protocol() == 3; }

  // All members hear the same from both servers. Once they did not, no more is said.
  void say(size_t speaker, const Words& words) { say_all(speaker, {words}); }
  void say_all(size_t speaker, const std::vector<Words>& commands) {
    if (HasFatalFailure()) return;
    ASSERT_TRUE(talk_->say(speaker, commands)) << talk_->problem();
  }
  void say_and_lose(size_t speaker, const std::vector<Words>& commands, const std::vector<size_t>& lost) {
    ASSERT_TRUE(talk_->say_and_lose(speaker, commands, lost)) << talk_->problem();
  }
  // Waits until those who are leaving have gone, among them whoever asked whether the servers are up. Monitors are not
  // told of the question.
  void expect_clients(size_t count) {
    for (RespConnection* server : {&talk_->connection(kSpeaker).redis(), &talk_->connection(kSpeaker).millrace()}) {
      EXPECT_TRUE(eventually([&] {
        const std::string list = server->command({"CLIENT", "LIST"});
        size_t clients = 0;
        for (size_t at = list.find(" laddr="); at != std::string::npos; at = list.find(" laddr=", at + 1)) clients++;
        return clients == count;
      }));
    }
  }
  const Heard& heard_by(size_t member) const { return talk_->last_heard(member); }

  std::unique_ptr<ServerPair> servers_;
  std::optional<Conversation> talk_;
};

inline std::string name_of_protocol(const testing::TestParamInfo<int>& info) {
  return "Resp" + std::to_string(info.param);
}

#define IN_BOTH_PROTOCOLS(Suite) INSTANTIATE_TEST_SUITE_P(Protocol, Suite, testing::Values(2, 3), name_of_protocol)

}  // namespace millrace::test
