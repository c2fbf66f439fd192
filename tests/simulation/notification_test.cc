// Keyspace notifications across cores: their order among each other and among what they tell of.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/resp_reply.h"
#include "support/simulated_server.h"

namespace millrace::test {
namespace {

using Replies = std::vector<std::string>;

// "__keyspace@0__:s xadd" of each message.
Replies readable(const Replies& messages) {
  Replies result;
  for (const std::string& raw : messages) {
    size_t position = 0;
    Reply reply;
    read_reply(raw, position, reply);
    const size_t count = reply.items.size();
    result.push_back(count < 2 ? raw : reply.items[count - 2].text + " " + reply.items[count - 1].text);
  }
  return result;
}

class Notifications : public testing::TestWithParam<int> {
 protected:
  Notifications() : listener_(server_, 0), writer_(server_, 1), other_(server_, 2) {
    EXPECT_EQ(writer_.ask("CONFIG SET notify-keyspace-events KEAnm"), "+OK\r\n");
    listener_.ask("PSUBSCRIBE __key*__:*");
    server_.settle();
    listener_.take_replies();
  }
  Replies heard() {
    server_.settle();
    return readable(listener_.take_replies());
  }
  // Both forms of one event.
  static Replies events(const Replies& names, const std::string& key) {
    Replies result;
    for (const std::string& name : names) {
      result.push_back("__keyspace@0__:" + key + " " + name);
      result.push_back("__keyevent@0__:" + name + " " + key);
    }
    return result;
  }

  SimulatedServer server_{{.seed = static_cast<uint64_t>(GetParam())}};
  SimulatedCaller listener_;
  SimulatedCaller writer_;
  SimulatedCaller other_;
};

INSTANTIATE_TEST_SUITE_P(Seeds, Notifications, testing::Range(1, 11));

TEST_P(Notifications, OfOneCommandComeInItsOrder) {
  writer_.ask("XADD s 1-1 f v");
  EXPECT_EQ(heard(), events({"new", "xadd"}, "s"));
  writer_.ask("XADD s MAXLEN 1 2-1 f v");
  EXPECT_EQ(heard(), events({"xadd", "xtrim"}, "s"));
  writer_.ask("XGROUP CREATE s g $");
  EXPECT_EQ(heard(), events({"xgroup-create"}, "s"));
}

TEST_P(Notifications, OfOnePipelineComeInItsOrder) {
  writer_.send_raw(format_request(split_words("XADD s 1-1 f v")) + format_request(split_words("XADD t 1-1 f v")) +
                   format_request(split_words("XDEL s 1-1")) + format_request(split_words("PUBLISH __key__:x y")) +
                   format_request(split_words("DEL t")));
  Replies expected;
  for (const Replies& some : {events({"new", "xadd"}, "s"), events({"new", "xadd"}, "t"), events({"xdel"}, "s"),
                              Replies{"__key__:x y"}, events({"del"}, "t")}) {
    expected.insert(expected.end(), some.begin(), some.end());
  }
  EXPECT_EQ(heard(), expected);
}

TEST_P(Notifications, ExpiryIsToldByTheCommandThatFindsIt) {
  server_.server().active_expiry.store(false);
  writer_.ask("XADD s 1-1 f v");
  heard();
  writer_.ask("PEXPIRE s 20");
  EXPECT_EQ(heard(), events({"expire"}, "s"));
  other_.send("EXISTS s");
  EXPECT_EQ(heard(), events({"expired", "keymiss"}, "s"));
}

TEST_P(Notifications, ExpiryIsToldThoughNobodyAsks) {
  writer_.ask("XADD s 1-1 f v");
  heard();
  writer_.ask("PEXPIRE s 300");
  EXPECT_TRUE(server_.run_until([&] { return listener_.client().has_something_to_read(); }, 1000));
  server_.run_for(900);
  EXPECT_EQ(readable(listener_.take_replies()), events({"expire", "expired"}, "s"));
}

TEST_P(Notifications, WhoReadsUponOneSeesWhatItTellsOf) {
  writer_.send("XADD s 1-1 f v");
  server_.run_until([&] { return listener_.client().has_something_to_read(); }, 1000);
  EXPECT_EQ(other_.ask("XLEN s"), ":1\r\n");
  writer_.take_replies();
  heard();
  writer_.send("DEL s");
  server_.run_until([&] { return listener_.client().has_something_to_read(); }, 1000);
  EXPECT_EQ(other_.ask("XLEN s"), ":0\r\n");
}

// Writers of a key on three cores: the events of a key come in the order of its changes.
TEST_P(Notifications, OfAKeyComeInTheOrderOfItsChanges) {
  SimulatedCaller third(server_, 0);
  for (int i = 0; i < 20; ++i) {
    for (SimulatedCaller* caller : {&writer_, &other_, &third}) {
      caller->send(server_.world().random().one_in(2) ? "XADD s * f v" : "DEL s");
    }
  }
  const Replies all = heard();
  bool exists = false;
  size_t changes = 0;
  for (const std::string& event : all) {
    if (!event.starts_with("__keyspace@0__:s ")) continue;
    const std::string name = event.substr(event.find(' ') + 1);
    EXPECT_EQ(exists, name == "del" || name == "xadd") << testing::PrintToString(all);
    if (name == "new") exists = true;
    if (name == "del") exists = false;
    ++changes;
  }
  EXPECT_GT(changes, 20u);
}

TEST_P(Notifications, AReaderThatWaitedIsAnsweredAndTheEventOfItsGroupFollows) {
  writer_.ask("XGROUP CREATE s g $ MKSTREAM");
  heard();
  other_.send("XREADGROUP GROUP g me BLOCK 0 STREAMS s >");
  EXPECT_EQ(heard(), events({"xgroup-createconsumer"}, "s"));
  writer_.ask("XADD s 1-1 f v");
  EXPECT_EQ(heard(), events({"xadd"}, "s"));
  EXPECT_EQ(other_.take_replies().size(), 1u);
}

TEST_P(Notifications, OnlyWhatIsTurnedOnIsTold) {
  writer_.ask("CONFIG SET notify-keyspace-events Ex");
  writer_.ask("XADD s 1-1 f v");
  writer_.ask("PEXPIRE s 1");
  server_.run_for(500);
  EXPECT_EQ(heard(), Replies{"__keyevent@0__:expired s"});
  writer_.ask("SELECT 3");
  writer_.ask("XADD s 1-1 f v");
  writer_.ask("PEXPIRE s 1");
  server_.run_for(500);
  EXPECT_EQ(heard(), Replies{"__keyevent@3__:expired s"});
  writer_.send_raw(format_request({"CONFIG", "SET", "notify-keyspace-events", ""}));
  server_.settle();
  writer_.send("XADD s 1-1 f v");
  EXPECT_EQ(heard(), Replies{});
}

}  // namespace
}  // namespace millrace::test
