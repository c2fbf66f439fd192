// Requests read wherever they are split; limits, and what is refused with which text.
#include "resp/request_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/random.h"

namespace millrace::resp {
namespace {

using Status = RequestParser::Status;

// What parsing one request came to.
struct Outcome {
  Status status = Status::kNeedMore;
  std::vector<std::string> args;
  size_t consumed = 0;
  std::string error;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

void PrintTo(const Outcome& outcome, std::ostream* out) {
  *out << "status " << static_cast<int>(outcome.status) << ", consumed " << outcome.consumed << ", error '"
       << outcome.error << "', args " << testing::PrintToString(outcome.args);
}

Outcome outcome_of(RequestParser& parser, Status status) {
  Outcome outcome;
  outcome.status = status;
  if (status == Status::kDone) {
    outcome.args.assign(parser.args().begin(), parser.args().end());
    outcome.consumed = parser.consumed();
  }
  if (status == Status::kBroken) outcome.error = parser.error_text();
  return outcome;
}

// Hands the parser the input in pieces that end at `cuts`, each time at another address, as a connection does when it
// moves the bytes to its own buffer.
Outcome parse_in_pieces(std::string_view input, const std::vector<size_t>& cuts, const RequestLimits& limits = {}) {
  RequestParser parser;
  std::vector<std::string> places;
  places.reserve(cuts.size() + 1);
  for (size_t i = 0; i <= cuts.size(); ++i) {
    places.emplace_back(input.substr(0, i < cuts.size() ? cuts[i] : input.size()));
    if (i > 0) places[i - 1].assign(places[i - 1].size(), '!');
    const Status status = parser.parse(places[i], limits);
    if (status != Status::kNeedMore || i == cuts.size()) return outcome_of(parser, status);
  }
  return {};
}

Outcome parse_whole(std::string_view input, const RequestLimits& limits = {}) {
  return parse_in_pieces(input, {}, limits);
}

Outcome parse_byte_by_byte(std::string_view input, const RequestLimits& limits = {}) {
  std::vector<size_t> cuts(input.size());
  for (size_t i = 0; i < cuts.size(); ++i) cuts[i] = i;
  return parse_in_pieces(input, cuts, limits);
}

Outcome done(std::vector<std::string> args, size_t consumed) {
  return {Status::kDone, std::move(args), consumed, ""};
}
Outcome broken(const std::string& text) {
  return {Status::kBroken, {}, 0, "Protocol error: " + text};
}
Outcome need_more() {
  return {};
}
Outcome hang_up() {
  return {Status::kHangUp, {}, 0, ""};
}

RequestLimits strangers() {
  RequestLimits limits;
  limits.authenticated = false;
  return limits;
}

struct Case {
  std::string input;
  Outcome outcome;
  RequestLimits limits = {};
};

std::vector<Case> array_cases() {
  const std::string zeros("\0\r\n\0", 4);
  return {
      {"*1\r\n$4\r\nPING\r\n", done({"PING"}, 14)},
      {"*1\r\n$4\r\nPING\r\n*1\r\n", done({"PING"}, 14)},
      {"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", done({"ECHO", ""}, 20)},
      {"*2\r\n$4\r\nECHO\r\n$4\r\n" + zeros + "\r\n", done({"ECHO", zeros}, 24)},
      {"*1\rX$4\rYPINGZZ", done({"PING"}, 14)},
      {"*3\r\n$1\r\na\r\n$10\r\n0123456789\r\n$1\r\nc\r\n", done({"a", "0123456789", "c"}, 35)},
      {"*0\r\nPING\r\n", done({}, 4)},
      {"*-1\r\nPING\r\n", done({}, 5)},
      {"*-99999999999\r\n", done({}, 15)},
      {"*1048576\r\n", need_more()},
      {"*1048577\r\n", broken("invalid multibulk length")},
      {"*2147483648\r\n", broken("invalid multibulk length")},
      {"*9223372036854775808\r\n", broken("invalid multibulk length")},
      {"*1111111111111111111111111\r\n", broken("invalid multibulk length")},
      {"*01\r\n", broken("invalid multibulk length")},
      {"*\r\n", broken("invalid multibulk length")},
      {"*+1\r\n", broken("invalid multibulk length")},
      {"*-0\r\n", broken("invalid multibulk length")},
      {"*a\r\n", broken("invalid multibulk length")},
      {"*1 \r\n", broken("invalid multibulk length")},
      {"*1\r", need_more()},
      {"*1\r\n", need_more()},
      {"*1\r\nx", need_more()},
      {"*1\r\n+4\r\n", broken("expected '$', got '+'")},
      {"*1\r\n*1\r\n", broken("expected '$', got '*'")},
      {"*1\r\nPING\r\n", broken("expected '$', got 'P'")},
      {"*1\r\n\r\n", broken("expected '$', got '\r'")},
      {"*2\r\n$1\r\na\r\n:1\r\n", broken("expected '$', got ':'")},
      {"*1\r\n$\r\n", broken("invalid bulk length")},
      {"*1\r\n$-1\r\n", broken("invalid bulk length")},
      {"*1\r\n$04\r\nPING\r\n", broken("invalid bulk length")},
      {"*1\r\n$x\r\n", broken("invalid bulk length")},
      {"*1\r\n$536870912\r\n", need_more()},
      {"*1\r\n$536870913\r\n", broken("invalid bulk length")},
      {"*1\r\n$9223372036854775807\r\n", broken("invalid bulk length")},
      {"*1\r\n$4\r\nPING\r", need_more()},
      {"*1\r\n$4\r\npost\r\n", hang_up()},
      {"*2\r\n$5\r\nHost:\r\n$1\r\nx\r\n", hang_up()},
      {"*1\r\n$3\r\npos\r\n", done({"pos"}, 13)},
      {"*10\r\n", need_more(), strangers()},
      {"*11\r\n", broken("unauthenticated multibulk length"), strangers()},
      {"*1\r\n$16384\r\n", need_more(), strangers()},
      {"*1\r\n$16385\r\n", broken("unauthenticated bulk length"), strangers()},
      {"*1048577\r\n", broken("invalid multibulk length"), strangers()},
      {"*0\r\n", done({}, 4), strangers()},
  };
}

std::vector<Case> inline_cases() {
  return {
      {"PING\r\n", done({"PING"}, 6)},
      {"PING\n", done({"PING"}, 5)},
      {"PING", need_more()},
      {"\r\nPING\r\n", done({}, 2)},
      {"\n", done({}, 1)},
      {"  \t \r\n", done({}, 6)},
      {"  SET\t k   v \r\n", done({"SET", "k", "v"}, 15)},
      {"PING x\r\r\n", done({"PING", "x"}, 9)},
      {"PING\rPING\r\n", done({"PING", "PING"}, 11)},
      {"\v\fPING a\vb\r\n", done({"PING", "a\vb"}, 12)},
      {std::string("A \0b\r\n", 6), done({"A"}, 6)},
      {"E \"a b\"\r\n", done({"E", "a b"}, 9)},
      {"E \"\"\r\n", done({"E", ""}, 6)},
      {"\"\"\r\n", done({""}, 4)},
      {"E ''\n", done({"E", ""}, 5)},
      {"E 'a\\'b\\n'\r\n", done({"E", "a'b\\n"}, 12)},
      {"E \"\\x41\\n\\q\\x4\"\r\n", done({"E", "A\nqx4"}, 17)},
      {"E \"\\xfF\\r\\t\\b\\a\\\\\\\"\" x\r\n", done({"E", "\xff\r\t\b\a\\\"", "x"}, 24)},
      {"E a\"b c\" 'd' \"e\"\r\n", done({"E", "ab c", "d", "e"}, 18)},
      {"E a\"b c\"\vx\r\n", done({"E", "ab c", "x"}, 12)},
      {"E \"a\"b\r\n", broken("unbalanced quotes in request")},
      {"E 'a'b\r\n", broken("unbalanced quotes in request")},
      {"E \"a\r\n", broken("unbalanced quotes in request")},
      {"E 'a\r\n", broken("unbalanced quotes in request")},
      {"E \"a\\\"\r\n", broken("unbalanced quotes in request")},
      {"E \"a\\\r\n", broken("unbalanced quotes in request")},
      {"E '\\'\n", broken("unbalanced quotes in request")},
      {"POST / HTTP/1.1\r\n", hang_up()},
      {"host: example\r\n", hang_up()},
      {"GET / HTTP/1.1\r\n", done({"GET", "/", "HTTP/1.1"}, 16)},
      {"", need_more()},
  };
}

void expect_all(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::PrintToString(c.input));
    EXPECT_EQ(parse_whole(c.input, c.limits), c.outcome);
    EXPECT_EQ(parse_byte_by_byte(c.input, c.limits), c.outcome);
    for (size_t first = 0; first < c.input.size(); ++first) {
      for (size_t second = first; second < c.input.size(); ++second) {
        ASSERT_EQ(parse_in_pieces(c.input, {first, second}, c.limits), c.outcome) << first << " " << second;
      }
    }
  }
}

TEST(RequestParser, ReadsArraysWhereverTheyAreSplit) {
  expect_all(array_cases());
}

TEST(RequestParser, ReadsInlineCommandsWhereverTheyAreSplit) {
  expect_all(inline_cases());
}

TEST(RequestParser, LimitsHeaderLines) {
  const std::string digits(65'535, '1');
  EXPECT_EQ(parse_whole("*" + digits), need_more());
  EXPECT_EQ(parse_whole("*" + digits + "1"), broken("too big mbulk count string"));
  EXPECT_EQ(parse_whole("*" + digits + "1\r\n"), broken("too big mbulk count string"));
  EXPECT_EQ(parse_whole("*" + digits + "\r\n"), broken("invalid multibulk length"));
  EXPECT_EQ(parse_whole("*1\r\n$" + digits), need_more());
  EXPECT_EQ(parse_whole("*1\r\n$" + digits + "1"), broken("too big bulk count string"));
  EXPECT_EQ(parse_whole("*1\r\nx" + digits + "1\r\n"), broken("too big bulk count string"));
}

TEST(RequestParser, LimitsInlineLines) {
  const std::string line(65'536, 'A');
  EXPECT_EQ(parse_whole(line), need_more());
  EXPECT_EQ(parse_whole(line + "\n"), done({line}, 65'537));
  EXPECT_EQ(parse_whole(line + "A"), broken("too big inline request"));
  EXPECT_EQ(parse_whole(line + "A\n"), broken("too big inline request"));
  EXPECT_EQ(parse_byte_by_byte(std::string(1000, ' ') + "A\n").args, std::vector<std::string>{"A"});
}

TEST(RequestParser, ObeysTheGivenLimits) {
  RequestLimits limits;
  limits.argument_count_max = 2;
  limits.argument_bytes_max = 3;
  limits.inline_bytes_max = 4;
  EXPECT_EQ(parse_whole("*2\r\n$3\r\nabc\r\n$0\r\n\r\n", limits), done({"abc", ""}, 19));
  EXPECT_EQ(parse_whole("*3\r\n", limits), broken("invalid multibulk length"));
  EXPECT_EQ(parse_whole("*1\r\n$4\r\n", limits), broken("invalid bulk length"));
  EXPECT_EQ(parse_whole("*1111\r\n", limits), broken("too big mbulk count string"));
  EXPECT_EQ(parse_whole("abcd\n", limits), done({"abcd"}, 5));
  EXPECT_EQ(parse_whole("abcde\n", limits), broken("too big inline request"));
}

TEST(RequestParser, WantsWhatTheHeaderSaysButNeverMuchMoreThanItGot) {
  RequestParser parser;
  EXPECT_EQ(parser.parse("*1\r\n$100\r\nabc", {}), Status::kNeedMore);
  EXPECT_EQ(parser.bytes_wanted(), 10u + 100u + 2u);
  parser = RequestParser();
  const std::string_view hostile = "*1048576\r\n$536870912\r\n";
  EXPECT_EQ(parser.parse(hostile, {}), Status::kNeedMore);
  EXPECT_EQ(parser.bytes_wanted(), 2 * hostile.size() + 64 * 1024);
  parser = RequestParser();
  EXPECT_EQ(parser.parse("*1\r\n$1", {}), Status::kNeedMore);
  EXPECT_EQ(parser.bytes_wanted(), 0u);
}

TEST(RequestParser, ViewsPointIntoTheInputUnlessQuotesForceACopy) {
  RequestParser parser;
  const std::string input = "SET key value\r\n";
  ASSERT_EQ(parser.parse(input, {}), Status::kDone);
  EXPECT_EQ(parser.args()[1].data(), input.data() + 4);
  parser.next();
  ASSERT_EQ(parser.parse("SET key 'a b'\r\n", {}), Status::kDone);
  RequestParser moved(std::move(parser));
  EXPECT_EQ(moved.args()[2], "a b");
  parser = std::move(moved);
  parser.next();
  EXPECT_TRUE(parser.args().empty());
  EXPECT_EQ(parser.consumed(), 0u);
}

std::string encode(const std::vector<std::string>& args) {
  std::string bytes = "*" + std::to_string(args.size()) + "\r\n";
  for (const std::string& arg : args) bytes += "$" + std::to_string(arg.size()) + "\r\n" + arg + "\r\n";
  return bytes;
}

std::vector<std::string> random_args(Random& random) {
  std::vector<std::string> args(random.below(random.one_in(10) ? 2000 : 8));
  for (std::string& arg : args) {
    arg.resize(random.below(random.one_in(50) ? 20'000 : 20));
    for (char& c : arg) c = random.one_in(3) ? "\r\n$*0"[random.below(5)] : static_cast<char>(random.next());
  }
  return args;
}

// A connection in small: received bytes pile up at the end of a buffer, finished requests leave at its front.
class Pipeline {
 public:
  void receive(std::string_view bytes) {
    buffer_ = std::string(buffer_).append(bytes);
    while (!buffer_.empty()) {
      const Status status = parser_.parse(buffer_, {});
      if (status == Status::kNeedMore) return;
      ASSERT_EQ(status, Status::kDone);
      requests_.emplace_back(parser_.args().begin(), parser_.args().end());
      buffer_.erase(0, parser_.consumed());
      parser_.next();
    }
  }
  const std::vector<std::vector<std::string>>& requests() const { return requests_; }
  bool is_empty() const { return buffer_.empty(); }

 private:
  RequestParser parser_;
  std::string buffer_;
  std::vector<std::vector<std::string>> requests_;
};

TEST(RequestParser, ReturnsWhatAPlainEncoderWrote) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    std::vector<std::vector<std::string>> sent;
    std::string stream;
    for (int i = 0; i < 20; ++i) {
      sent.push_back(random_args(random));
      stream += encode(sent.back());
    }
    Pipeline pipeline;
    for (size_t at = 0; at < stream.size();) {
      const size_t piece = 1 + random.below(random.one_in(2) ? 20 : 20'000);
      pipeline.receive(std::string_view(stream).substr(at, piece));
      at += piece;
    }
    EXPECT_TRUE(pipeline.is_empty());
    EXPECT_EQ(pipeline.requests(), sent);
  }
}

TEST(RequestParser, WholeAndSplitAgreeOnRandomNonsense) {
  constexpr std::string_view kAlphabet = "*$$1123 \r\n\r\n\r\nab\"'\\x-";
  for (uint64_t seed = 1; seed <= 20'000; ++seed) {
    Random random(seed);
    std::string input = random.one_in(2) ? "*" : "";
    while (!random.one_in(40)) input += kAlphabet[random.below(kAlphabet.size())];
    ASSERT_EQ(parse_byte_by_byte(input), parse_whole(input)) << testing::PrintToString(input) << " seed " << seed;
  }
}

TEST(RequestParser, CostsNothingPerByteInsideABulkString) {
  // 64 MB in pieces of 64 bytes: a parser that looked at a bulk string's bytes again would need minutes.
  const std::string payload(64u << 20, 'x');
  const std::string input = encode({"SET", "k", payload});
  RequestParser parser;
  for (size_t end = 0; end < input.size(); end += 64) {
    ASSERT_EQ(parser.parse(std::string_view(input).substr(0, end), {}), Status::kNeedMore);
  }
  ASSERT_EQ(parser.parse(input, {}), Status::kDone);
  EXPECT_EQ(parser.args()[2].size(), payload.size());
}

TEST(RequestParser, GivesManyArguments) {
  const std::vector<std::string> args(100'000, "a");
  EXPECT_EQ(parse_whole(encode(args)).args, args);
  RequestParser parser;
  const std::string long_request = encode(args);
  ASSERT_EQ(parser.parse(long_request, {}), Status::kDone);
  parser.next();
  ASSERT_EQ(parser.parse("PING\r\n", {}), Status::kDone);
  EXPECT_EQ(parser.args().size(), 1u);
}

}  // namespace
}  // namespace millrace::resp
