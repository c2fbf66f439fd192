// AlikeTest: a pair of servers with one connection to each, for tests in which both answer the same bytes.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server_pair.h"

namespace millrace::test {

class AlikeTest : public testing::Test {
 protected:
  // `extra` are further arguments for both servers.
  void start(const std::vector<std::string>& extra = {}) {
    std::string why;
    servers_ = ServerPair::start(&why, extra);
    ASSERT_NE(servers_, nullptr) << why;
    both_.emplace(servers_->connect());
    ASSERT_TRUE(both_->is_open());
  }

  void expect_alike(const Words& words) {
    const ReplyPair pair = both_->command(words);
    EXPECT_TRUE(pair.redis == pair.millrace) << readable_words(words) << "\nredis:    " << readable_reply(pair.redis)
                                             << "\nmillrace: " << readable_reply(pair.millrace);
  }
  void expect_all_alike(const std::vector<Words>& commands) {
    for (const Words& words : commands) expect_alike(words);
  }

  std::unique_ptr<ServerPair> servers_;
  std::optional<ConnectionPair> both_;
};

// Of tests that are run in both protocols, the parameter being the number.
class AlikeInBothProtocols : public AlikeTest, public testing::WithParamInterface<const char*> {
 protected:
  void start_and_greet(const std::vector<std::string>& extra = {}) {
    ASSERT_NO_FATAL_FAILURE(start(extra));
    both_->command({"HELLO", GetParam()});
  }
};

}  // namespace millrace::test
