// What a push looks like to whom, and that it is built once.
#include "resp/push_message.h"

#include <gtest/gtest.h>

namespace millrace::resp {
namespace {

class Greeting final : public PushMessage {
 public:
  explicit Greeting(bool is_for_listeners) : is_for_listeners_(is_for_listeners) {}
  mutable int times_built = 0;

 private:
  void write(ReplyWriter& writer) const override {
    ++times_built;
    writer.push(1);
    writer.bulk("hi");
  }
  bool is_for_listeners() const override { return is_for_listeners_; }

  const bool is_for_listeners_;
};

TEST(PushMessage, IsBuiltOnceForEachProtocol) {
  Greeting greeting(false);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(greeting.bytes(Protocol::kResp2, false), "*1\r\n$2\r\nhi\r\n");
    EXPECT_EQ(greeting.bytes(Protocol::kResp3, false), ">1\r\n$2\r\nhi\r\n");
  }
  EXPECT_EQ(greeting.times_built, 2);
}

TEST(PushMessage, MayBeOnlyForThoseWhoExpectOne) {
  Greeting greeting(true);
  EXPECT_EQ(greeting.bytes(Protocol::kResp2, false), "");
  EXPECT_EQ(greeting.bytes(Protocol::kResp3, false), ">1\r\n$2\r\nhi\r\n");
  EXPECT_EQ(greeting.bytes(Protocol::kResp2, true), "*1\r\n$2\r\nhi\r\n");
}

}  // namespace
}  // namespace millrace::resp
