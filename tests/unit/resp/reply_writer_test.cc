// Replies byte for byte in both protocols, and headers that are corrected afterwards.
#include "resp/reply_writer.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

#include "base/random.h"

namespace millrace::resp {
namespace {

std::string written(Protocol protocol, const std::function<void(ReplyWriter&)>& write) {
  Buffer out;
  ReplyWriter writer(out, protocol);
  write(writer);
  EXPECT_EQ(writer.size(), out.size());
  return std::string(out.view());
}

struct Case {
  std::function<void(ReplyWriter&)> write;
  std::string resp2;
  std::string resp3;
};

TEST(ReplyWriter, SpellsEveryKindInBothProtocols) {
  using W = ReplyWriter;
  const Case cases[] = {
      {[](W& w) { w.simple("QUEUED"); }, "+QUEUED\r\n", "+QUEUED\r\n"},
      {[](W& w) { w.ok(); }, "+OK\r\n", "+OK\r\n"},
      {[](W& w) { w.error("no such key"); }, "-ERR no such key\r\n", "-ERR no such key\r\n"},
      {[](W& w) { w.error("-WRONGTYPE x"); }, "-WRONGTYPE x\r\n", "-WRONGTYPE x\r\n"},
      {[](W& w) { w.error("a\nb\r"); }, "-ERR a b \r\n", "-ERR a b \r\n"},
      {[](W& w) { w.error(""); }, "-ERR \r\n", "-ERR \r\n"},
      {[](W& w) { w.integer(0); }, ":0\r\n", ":0\r\n"},
      {[](W& w) { w.integer(INT64_MIN); }, ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"},
      {[](W& w) { w.integer(INT64_MAX); }, ":9223372036854775807\r\n", ":9223372036854775807\r\n"},
      {[](W& w) { w.bulk(""); }, "$0\r\n\r\n", "$0\r\n\r\n"},
      {[](W& w) { w.bulk({}); }, "$0\r\n\r\n", "$0\r\n\r\n"},
      {[](W& w) { w.bulk("a\r\nb"); }, "$4\r\na\r\nb\r\n", "$4\r\na\r\nb\r\n"},
      {[](W& w) { w.bulk_integer(-12); }, "$3\r\n-12\r\n", "$3\r\n-12\r\n"},
      {[](W& w) { w.verbatim("txt", "a b"); }, "$3\r\na b\r\n", "=7\r\ntxt:a b\r\n"},
      {[](W& w) { w.null(); }, "$-1\r\n", "_\r\n"},
      {[](W& w) { w.null_array(); }, "*-1\r\n", "_\r\n"},
      {[](W& w) { w.array(0); }, "*0\r\n", "*0\r\n"},
      {[](W& w) { w.array(1000); }, "*1000\r\n", "*1000\r\n"},
      {[](W& w) { w.map(7); }, "*14\r\n", "%7\r\n"},
      {[](W& w) { w.set(7); }, "*7\r\n", "~7\r\n"},
      {[](W& w) { w.push(3); }, "*3\r\n", ">3\r\n"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(written(Protocol::kResp2, c.write), c.resp2);
    EXPECT_EQ(written(Protocol::kResp3, c.write), c.resp3);
  }
}

TEST(ReplyWriter, FollowsAProtocolSwitch) {
  EXPECT_EQ(written(Protocol::kResp2,
                    [](ReplyWriter& writer) {
                      writer.null();
                      writer.set_protocol(Protocol::kResp3);
                      writer.null();
                      EXPECT_TRUE(writer.is_resp3());
                    }),
            "$-1\r\n_\r\n");
}

TEST(ReplyWriter, CorrectsAHeaderOfAnyHint) {
  for (const int64_t hint : {0, 1, 9, 10, 99, 100, 1000}) {
    for (const int64_t length : {0, 1, 9, 10, 11, 99, 100, 101, 1000}) {
      const auto reply = written(Protocol::kResp2, [&](ReplyWriter& writer) {
        writer.ok();
        const size_t token = writer.begin_array(hint);
        for (int64_t i = 0; i < length; ++i) writer.integer(i % 10);
        writer.end_array(token, length);
        writer.ok();
      });
      std::string expected = "+OK\r\n*" + std::to_string(length) + "\r\n";
      for (int64_t i = 0; i < length; ++i) expected += ":" + std::to_string(i % 10) + "\r\n";
      EXPECT_EQ(reply, expected + "+OK\r\n") << hint << " " << length;
    }
  }
}

TEST(ReplyWriter, EndsAMapInEitherProtocol) {
  const auto write = [](ReplyWriter& writer) {
    const size_t token = writer.begin_array();
    for (int i = 0; i < 12; ++i) writer.integer(0);
    writer.end_map(token, 6);
  };
  std::string body;
  for (int i = 0; i < 12; ++i) body += ":0\r\n";
  EXPECT_EQ(written(Protocol::kResp2, write), "*12\r\n" + body);
  EXPECT_EQ(written(Protocol::kResp3, write), "%6\r\n" + body);
}

// Writes a random tree with begin/end and returns what it must read as.
std::string write_tree(ReplyWriter& writer, Random& random, int depth) {
  if (depth == 0 || random.one_in(3)) {
    const auto value = static_cast<int64_t>(random.below(1000));
    writer.integer(value);
    return ":" + std::to_string(value) + "\r\n";
  }
  const auto length = static_cast<int64_t>(random.below(random.one_in(8) ? 120 : 4));
  const size_t token = writer.begin_array(static_cast<int64_t>(random.below(200)));
  std::string body;
  for (int64_t i = 0; i < length; ++i) body += write_tree(writer, random, depth - 1);
  writer.end_array(token, length);
  return "*" + std::to_string(length) + "\r\n" + body;
}

TEST(ReplyWriter, NestsAtRandom) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Random random(seed);
    std::string expected;
    const auto reply =
        written(Protocol::kResp2, [&](ReplyWriter& writer) { expected = write_tree(writer, random, 4); });
    ASSERT_EQ(reply, expected) << "seed " << seed;
  }
}

}  // namespace
}  // namespace millrace::resp
