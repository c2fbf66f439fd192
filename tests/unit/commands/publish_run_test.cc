// PublishRun: what a pipeline of PUBLISHes looks like to its sender and to those who listen, and when it is gathered.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "resp/reply_writer.h"
#include "unit/commands/command_stage.h"

namespace millrace::commands {
namespace {

using Lines = std::vector<std::string>;

class PublishRunTest : public CommandStage, public testing::Test {
 protected:
  PublishRunTest() { listener_ = connect("127.0.0.1:50001"); }

  // The commands arrive together; the bytes of each are gone when it has been executed.
  std::string pipeline(const Lines& lines) {
    Buffer out;
    host.running = me.get();
    host.replies = &out;
    host.queued.clear();
    for (const std::string& line : lines) execute(line, out);
    executor.end_run();
    host.running = nullptr;
    return host.queued + std::string(out.view());
  }
  std::string heard() { return host.delivered[listener_->fixed.id]; }
  // How often something was appended to outputs.
  size_t appends() const { return host.deliveries.size(); }

  static std::string frame(const std::vector<std::string_view>& words, resp::Protocol protocol) {
    Buffer bytes;
    resp::ReplyWriter writer(bytes, protocol);
    writer.push(static_cast<int64_t>(words.size()));
    for (const std::string_view word : words) writer.bulk(word);
    return std::string(bytes.view());
  }
  static std::string message(std::string_view payload, resp::Protocol protocol = resp::Protocol::kResp2) {
    return frame({"message", "a", payload}, protocol);
  }

  Ref<Client> listener_;

 private:
  void execute(const std::string& line, Buffer& out) {
    std::vector<std::string> words(1);
    for (const char letter : line) letter == ' ' ? void(words.emplace_back()) : words.back().push_back(letter);
    const std::vector<std::string_view> args(words.begin(), words.end());
    EXPECT_EQ(executor.execute(*me, args, out, now), Executor::Outcome::kReplied);
  }
};

TEST_F(PublishRunTest, IsAppendedOnceAndCountedForEach) {
  run(*listener_, "SUBSCRIBE a");
  EXPECT_EQ(pipeline({"PUBLISH a 1", "PUBLISH a 2", "PUBLISH a 3"}), ":1\r\n:1\r\n:1\r\n");
  EXPECT_EQ(heard(), message("1") + message("2") + message("3"));
  EXPECT_EQ(appends(), 1u);
}

TEST_F(PublishRunTest, TakesTheFormOfEachListenersProtocol) {
  const Ref<Client> modern = connect("127.0.0.1:50002");
  run(*modern, "HELLO 3");
  for (const Ref<Client>& each : {listener_, modern}) run(*each, "SUBSCRIBE a");
  EXPECT_EQ(pipeline({"PUBLISH a 1", "PUBLISH a 2"}), ":2\r\n:2\r\n");
  EXPECT_EQ(heard(), message("1") + message("2"));
  EXPECT_EQ(host.delivered[modern->fixed.id],
            message("1", resp::Protocol::kResp3) + message("2", resp::Protocol::kResp3));
}

TEST_F(PublishRunTest, ShardChannelsHaveRunsToo) {
  run(*listener_, "SSUBSCRIBE a");
  EXPECT_EQ(pipeline({"SPUBLISH a 1", "SPUBLISH a 2", "PUBLISH a 3"}), ":1\r\n:1\r\n:0\r\n");
  EXPECT_EQ(heard(), frame({"smessage", "a", "1"}, resp::Protocol::kResp2) +
                         frame({"smessage", "a", "2"}, resp::Protocol::kResp2));
  EXPECT_EQ(appends(), 1u);
}

TEST_F(PublishRunTest, WithNobodyListeningStillReplies) {
  EXPECT_EQ(pipeline({"PUBLISH a 1", "PUBLISH a 2"}), ":0\r\n:0\r\n");
  EXPECT_EQ(appends(), 0u);
}

// Whatever it is, its reply stands between those of the two halves.
TEST_F(PublishRunTest, EndsAtAnyOtherCommand) {
  const std::pair<const char*, const char*> others[] = {
      {"PING", "+PONG\r\n"},
      {"PUBLISH b x", ":0\r\n"},
      {"SPUBLISH a x", ":0\r\n"},
      {"XADD k 1-1 f v", "$3\r\n1-1\r\n"},
      {"NOSUCH", "-ERR unknown command 'NOSUCH', with args beginning with: \r\n"},
      {"PUBLISH a", "-ERR wrong number of arguments for 'publish' command\r\n"},
      {"PUBLISH a x y", "-ERR wrong number of arguments for 'publish' command\r\n"},
  };
  run(*listener_, "SUBSCRIBE a");
  for (const auto& [line, reply] : others) {
    SCOPED_TRACE(line);
    host.delivered.clear();
    host.deliveries.clear();
    EXPECT_EQ(pipeline({"PUBLISH a 1", "PUBLISH a 2", line, "PUBLISH a 3"}),
              ":1\r\n:1\r\n" + std::string(reply) + ":1\r\n");
    EXPECT_EQ(heard(), message("1") + message("2") + message("3"));
    EXPECT_EQ(appends(), 2u);
  }
}

TEST_F(PublishRunTest, IsOverBeforeTheNextCommandTakesEffect) {
  run("HELLO 3");
  const std::string confirmation = "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n";
  EXPECT_EQ(pipeline({"PUBLISH a 1", "PUBLISH a 2", "SUBSCRIBE a", "PUBLISH a 3"}),
            ":0\r\n:0\r\n>" + confirmation.substr(1) + ":1\r\n" + message("3", resp::Protocol::kResp3));
}

TEST_F(PublishRunTest, APatternsCopyStandsBehindTheChannelsOfEachMessage) {
  run(*listener_, "SUBSCRIBE a");
  run(*listener_, "PSUBSCRIBE *");
  EXPECT_EQ(pipeline({"PUBLISH a 1", "PUBLISH a 2"}), ":2\r\n:2\r\n");
  const auto copy = [](const char* payload) { return frame({"pmessage", "*", "a", payload}, resp::Protocol::kResp2); };
  EXPECT_EQ(heard(), message("1") + copy("1") + message("2") + copy("2"));
}

TEST_F(PublishRunTest, APatternThatDoesNotMatchIsNoHindrance) {
  run(*listener_, "SUBSCRIBE a");
  run(*listener_, "PSUBSCRIBE b*");
  EXPECT_EQ(pipeline({"PUBLISH a 1", "PUBLISH a 2"}), ":1\r\n:1\r\n");
  EXPECT_EQ(appends(), 1u);
}

TEST_F(PublishRunTest, APublisherThatListensGetsEachMessageBehindItsReply) {
  run("HELLO 3");
  run("SUBSCRIBE a");
  EXPECT_EQ(pipeline({"PUBLISH a 1", "PUBLISH a 2"}),
            ":1\r\n" + message("1", resp::Protocol::kResp3) + ":1\r\n" + message("2", resp::Protocol::kResp3));
}

TEST_F(PublishRunTest, AMonitorSeesEachCommandBehindItsMessage) {
  const Ref<Client> monitor = connect("127.0.0.1:50002");
  run(*monitor, "MONITOR");
  run(*listener_, "SUBSCRIBE a");
  host.deliveries.clear();
  EXPECT_EQ(pipeline({"PUBLISH a 1", "PUBLISH a 2"}), ":1\r\n:1\r\n");
  ASSERT_EQ(appends(), 4u);
  EXPECT_EQ(host.deliveries[0], message("1"));
  EXPECT_TRUE(host.deliveries[1].ends_with("\"PUBLISH\" \"a\" \"1\"\r\n")) << host.deliveries[1];
  EXPECT_EQ(host.deliveries[2], message("2"));
}

TEST_F(PublishRunTest, SilenceHidesTheRepliesOnly) {
  run(*listener_, "SUBSCRIBE a");
  EXPECT_EQ(pipeline({"CLIENT REPLY SKIP", "PUBLISH a 1", "PUBLISH a 2", "PUBLISH a 3"}), ":1\r\n:1\r\n");
  EXPECT_EQ(pipeline({"CLIENT REPLY OFF", "PUBLISH a 4", "PUBLISH a 5", "CLIENT REPLY ON", "PUBLISH a 6"}),
            "+OK\r\n:1\r\n");
  std::string all;
  for (const char* payload : {"1", "2", "3", "4", "5", "6"}) all += message(payload);
  EXPECT_EQ(heard(), all);
}

TEST_F(PublishRunTest, IsDeliveredInPiecesHoweverItIsMadeLong) {
  constexpr size_t kPieceMax = 20'000;
  const std::string long_name(5000, 'n');
  for (const auto& [channel, payload_bytes] :
       {std::pair{std::string("a"), size_t{1000}}, {std::string("a"), size_t{0}}, {long_name, size_t{0}}}) {
    host.delivered.clear();
    host.deliveries.clear();
    run(*listener_, "SUBSCRIBE " + channel);
    Lines lines;
    std::string expected;
    for (int i = 0; i < 1000; ++i) {
      const std::string payload = payload_bytes == 0 ? "" : std::to_string(i) + std::string(payload_bytes, 'x');
      lines.push_back("PUBLISH " + channel + " " + payload);
      expected += frame({"message", channel, payload}, resp::Protocol::kResp2);
    }
    const std::string replies = pipeline(lines);
    EXPECT_EQ(replies.size(), lines.size() * 4);
    EXPECT_TRUE(heard() == expected);
    EXPECT_LT(appends(), lines.size() / 2);
    for (const std::string& piece : host.deliveries) EXPECT_LE(piece.size(), kPieceMax);
  }
}

TEST_F(PublishRunTest, AMessageTooLongToBeGatheredKeepsItsPlace) {
  run(*listener_, "SUBSCRIBE a");
  const std::string huge(100'000, 'x');
  EXPECT_EQ(pipeline({"PUBLISH a 1", "PUBLISH a " + huge, "PUBLISH a 2"}), ":1\r\n:1\r\n:1\r\n");
  EXPECT_EQ(heard(), message("1") + message(huge) + message("2"));
}

}  // namespace
}  // namespace millrace::commands
