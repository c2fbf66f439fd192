// Tests of load/stream_request.h and load/reply.h: what stream_load writes, and how it reads what comes back.
#include "load/stream_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::load {
namespace {

TEST(StreamRequestTest, NamesTheStreamAndKeepsItsLength) {
  Buffer out;
  const StreamRequest request({"XLEN", StreamRequest::kAnyStream});
  request.append_to(out, 0);
  request.append_to(out, 1'234'567);
  EXPECT_EQ(out.view(),
            "*2\r\n$4\r\nXLEN\r\n$19\r\nstream_load:0000000\r\n"
            "*2\r\n$4\r\nXLEN\r\n$19\r\nstream_load:1234567\r\n");
  EXPECT_EQ(stream_name(1'234'567), "stream_load:1234567");
}

constexpr std::string_view kTwoStreams =
    "*2\r\n"
    "*2\r\n$19\r\nstream_load:0000000\r\n*2\r\n"
    "*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\nf\r\n$1\r\na\r\n"
    "*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$4\r\n\r\n*1\r\n"
    "*2\r\n$19\r\nstream_load:0000001\r\n*1\r\n"
    "*2\r\n$3\r\n2-0\r\n*2\r\n$1\r\nf\r\n$0\r\n\r\n";

TEST(StreamRequestTest, AcknowledgesWhatWasRead) {
  Reply reply;
  ASSERT_TRUE(parse_reply(kTwoStreams, reply));
  Buffer out;
  EXPECT_TRUE(for_each_stream(
      reply, [&](std::string_view stream, EntryParts entries) { append_acknowledge(out, stream, entries); }));
  EXPECT_EQ(out.view(),
            "*5\r\n$4\r\nXACK\r\n$19\r\nstream_load:0000000\r\n$7\r\nworkers\r\n$3\r\n1-0\r\n$3\r\n1-1\r\n"
            "*4\r\n$4\r\nXACK\r\n$19\r\nstream_load:0000001\r\n$7\r\nworkers\r\n$3\r\n2-0\r\n");
}

TEST(StreamRequestTest, NothingWasReadInANullReply) {
  Reply reply;
  ASSERT_TRUE(parse_reply("*-1\r\n", reply));
  EXPECT_TRUE(for_each_stream(reply, [](std::string_view, EntryParts) { FAIL(); }));
}

TEST(StreamRequestTest, AnEntryThatIsCutShortIsNoReply) {
  Reply reply;
  ASSERT_TRUE(parse_reply("*3\r\n$1\r\ns\r\n$3\r\n1-0\r\n$1\r\nf\r\n", reply));
  EXPECT_FALSE(for_each_stream(reply, [](std::string_view, EntryParts) {}));
}

TEST(ReplyTest, IsOnlyReadWhenItIsComplete) {
  Reply reply;
  for (size_t bytes = 0; bytes < kTwoStreams.size(); ++bytes) {
    EXPECT_FALSE(parse_reply(kTwoStreams.substr(0, bytes), reply)) << bytes;
  }
  const std::string and_more = std::string(kTwoStreams) + "+OK\r\n";
  ASSERT_TRUE(parse_reply(and_more, reply));
  EXPECT_EQ(reply.bytes, kTwoStreams.size());
}

TEST(ReplyTest, PartsAreTheLeavesInOrder) {
  Reply reply;
  ASSERT_TRUE(parse_reply("*4\r\n:12\r\n$-1\r\n*2\r\n+a\r\n$2\r\n\r\n\r\n-ERR b\r\n", reply));
  EXPECT_EQ(reply.kind, '*');
  EXPECT_THAT(reply.parts, testing::ElementsAre("12", "", "a", "\r\n", "ERR b"));
  ASSERT_TRUE(parse_reply(":1\r\n", reply));
  EXPECT_EQ(reply.kind, ':');
  EXPECT_THAT(reply.parts, testing::ElementsAre("1"));
}

}  // namespace
}  // namespace millrace::load
