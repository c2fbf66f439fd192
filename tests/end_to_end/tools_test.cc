// redis-cli and redis-benchmark as a person uses them.
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "end_to_end/fixture.h"

namespace millrace::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// redis-cli at a terminal: what is typed, and everything the screen was told.
class Terminal {
 public:
  explicit Terminal(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "redis-cli");
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    winsize size{.ws_row = 24, .ws_col = 250, .ws_xpixel = 0, .ws_ypixel = 0};
    pid_ = forkpty(&fd_, nullptr, nullptr, &size);
    if (pid_ != 0) return;
    setenv("TERM", "xterm", 1);
    setenv("REDISCLI_HISTFILE", "/dev/null", 1);
    setenv("REDISCLI_RCFILE", "/dev/null", 1);
    execvp(pointers[0], pointers.data());
    _exit(127);
  }
  ~Terminal() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    close(fd_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void type(std::string_view keys) const { ASSERT_EQ(write(fd_, keys.data(), keys.size()), ssize_t(keys.size())); }

  // Waits until the screen was told `text` after the last text that was waited for.
  bool shows(std::string_view text) {
    return eventually([&] {
      pollfd readable{.fd = fd_, .events = POLLIN, .revents = 0};
      char bytes[4096];
      if (poll(&readable, 1, 0) > 0) {
        const ssize_t count = read(fd_, bytes, sizeof bytes);
        for (ssize_t i = 0; i < count; ++i) draw(bytes[i]);
      }
      const size_t place = screen_.find(text, seen_);
      if (place == std::string::npos) return false;
      seen_ = place + text.size();
      return true;
    });
  }
  const std::string& screen() const { return screen_; }

 private:
  // Colours and cursor movements are left out: an escape, a bracket, figures, and a letter that ends them.
  void draw(char byte) {
    if (byte == '\x1b') is_escaped_ = true;
    if (!is_escaped_) screen_ += byte;
    if (std::isalpha(static_cast<unsigned char>(byte)) != 0) is_escaped_ = false;
  }

  pid_t pid_ = -1;
  int fd_ = -1;
  std::string screen_;
  size_t seen_ = 0;
  bool is_escaped_ = false;
};

class ToolsTest : public EndToEnd {
 protected:
  std::string run(const std::string& tool, std::vector<std::string> arguments, const std::string& input = "") const {
    arguments.insert(arguments.begin(), {tool, "-p", port_text()});
    Process process(arguments, {.input = input});
    EXPECT_EQ(process.exit_code(), 0) << testing::PrintToString(arguments);
    return process.out() + process.error_output();
  }
  std::string cli(const std::vector<std::string>& arguments, const std::string& input = "") const {
    return run("redis-cli", arguments, input);
  }
  std::string benchmark(const std::vector<std::string>& arguments) const { return run("redis-benchmark", arguments); }

  void fill(int streams) const {
    Client c = client();
    for (int i = 0; i < streams; ++i) {
      for (int j = 0; j <= i % 7; ++j) c.call({"XADD", "stream:" + std::to_string(i), "*", "f", "v"});
    }
  }
};

std::vector<std::string> sorted_lines(const std::string& text) {
  std::vector<std::string> lines;
  size_t start = 0;
  for (size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', start)) {
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

// ---- redis-cli

TEST_P(ToolsTest, CliShowsReplies) {
  start();
  EXPECT_EQ(cli({"xadd", "s", "1-1", "f", "v"}), "1-1\n");
  EXPECT_EQ(cli({"--no-raw", "xrange", "s", "-", "+"}), "1) 1) \"1-1\"\n   2) 1) \"f\"\n      2) \"v\"\n");
  EXPECT_EQ(cli({"-n", "3", "dbsize"}), "0\n");
  EXPECT_EQ(cli({"-n", "3", "xadd", "t", "2-2", "f", "v"}), "2-2\n");
  EXPECT_EQ(cli({"-n", "3", "dbsize"}), "1\n");
  EXPECT_EQ(cli({"-3", "--no-raw", "xread", "streams", "s", "0"}),
            "1# \"s\" => \n   1) 1) \"1-1\"\n      2) 1) \"f\"\n         2) \"v\"\n");
  EXPECT_THAT(cli({"info"}), AllOf(HasSubstr("redis_version:7.2.4"), HasSubstr("\ndb0:keys=1,")));
  EXPECT_EQ(cli({}, "ping\nxlen s\n"), "PONG\n1\n");
}

TEST_P(ToolsTest, CliStat) {
  start();
  fill(5);
  Terminal terminal({"-p", port_text(), "--stat", "-i", "0.1"});
  EXPECT_TRUE(terminal.shows("keys       mem")) << terminal.screen();
  for (int round = 0; round < 3; ++round) EXPECT_TRUE(terminal.shows("\n5 ")) << terminal.screen();
  EXPECT_THAT(terminal.screen(), Not(HasSubstr("rror")));
}

TEST_P(ToolsTest, CliScanSeesEveryKeyOnce) {
  start();
  fill(300);
  client().call({"XADD", "other", "*", "f", "v"});
  EXPECT_EQ(sorted_lines(cli({"--scan"})).size(), 301u);
  std::vector<std::string> expected;
  for (int i = 100; i < 200; ++i) expected.push_back("stream:" + std::to_string(i));
  EXPECT_EQ(sorted_lines(cli({"--scan", "--pattern", "stream:1??"})), expected);
}

TEST_P(ToolsTest, CliBigKeysAndMemKeys) {
  start();
  fill(20);
  EXPECT_THAT(cli({"--bigkeys"}), AllOf(HasSubstr("Sampled 20 keys in the keyspace!"), HasSubstr("Biggest stream"),
                                        HasSubstr("has 7 entries"), HasSubstr("20 streams with 77 entries")));
  EXPECT_THAT(cli({"--memkeys"}),
              AllOf(HasSubstr("Sampled 20 keys in the keyspace!"), HasSubstr("Biggest stream"), HasSubstr(" bytes")));
}

TEST_P(ToolsTest, CliLatency) {
  start();
  Terminal terminal({"-p", port_text(), "--latency"});
  EXPECT_TRUE(terminal.shows("min: ")) << terminal.screen();
  EXPECT_TRUE(terminal.shows("(50 samples)")) << terminal.screen();
}

TEST_P(ToolsTest, CliPipe) {
  start();
  std::string requests;
  for (int i = 1; i <= 20'000; ++i) {
    requests += RespConnection::request({"XADD", "s", std::to_string(i) + "-0", "f", std::string(40, 'v')});
  }
  requests += RespConnection::request({"XADD", "s", "1-0", "f", "v"});
  Process pipe({"redis-cli", "-p", port_text(), "--pipe"}, {.input = requests});
  EXPECT_EQ(pipe.exit_code(), 1);
  EXPECT_THAT(pipe.out(), HasSubstr("errors: 1, replies: 20001"));
  EXPECT_EQ(client().call({"XLEN", "s"}), "20000");
}

TEST_P(ToolsTest, CliHintsAndHelpComeFromCommandDocs) {
  start();
  const std::string docs = client().call({"COMMAND", "DOCS", "xadd"});
  const size_t summary = docs.find("summary, ") + 9;
  Terminal terminal({"-p", port_text()});
  // What is typed before a prompt is there may be thrown away.
  ASSERT_TRUE(terminal.shows("> ")) << terminal.screen();
  terminal.type("xadd ");
  EXPECT_TRUE(terminal.shows("key [NOMKSTREAM] [KEEPREF|DELREF|ACKED] ")) << terminal.screen();
  terminal.type("s 1-1 f v\r");
  EXPECT_TRUE(terminal.shows("\"1-1\"")) << terminal.screen();
  EXPECT_TRUE(terminal.shows("> ")) << terminal.screen();
  terminal.type("help xadd\r");
  EXPECT_TRUE(terminal.shows("summary: ")) << terminal.screen();
  EXPECT_TRUE(terminal.shows(docs.substr(summary, docs.find(", since", summary) - summary))) << terminal.screen();
  EXPECT_TRUE(terminal.shows("since: 5.0.0")) << terminal.screen();
  EXPECT_TRUE(terminal.shows("group: stream")) << terminal.screen();
  EXPECT_TRUE(terminal.shows("> ")) << terminal.screen();
  terminal.type("help @stream\r");
  EXPECT_TRUE(terminal.shows("XREADGROUP GROUP group consumer ")) << terminal.screen();
  EXPECT_TRUE(terminal.shows("> ")) << terminal.screen();
  terminal.type("client ki");
  EXPECT_TRUE(terminal.shows("client ki")) << terminal.screen();
  terminal.type("ll ");
  EXPECT_TRUE(terminal.shows("ID client-id")) << terminal.screen();
}

// ---- redis-benchmark

TEST_P(ToolsTest, BenchmarkPing) {
  start();
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"-P", "16"}, {"-3"}}) {
    std::vector<std::string> words = {"-t", "ping", "-n", "1000", "-q"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    EXPECT_THAT(benchmark(words), AllOf(HasSubstr("PING_INLINE: "), HasSubstr("PING_MBULK: "),
                                        HasSubstr("requests per second"), Not(HasSubstr("rror"))));
  }
}

TEST_P(ToolsTest, BenchmarkStreams) {
  start();
  // It asks in whole pipelines: a hundred of them.
  EXPECT_THAT(benchmark({"-n", "1600", "-P", "16", "-q", "xadd", "s", "*", "f", "__data__"}),
              AllOf(HasSubstr("requests per second"), Not(HasSubstr("rror"))));
  Client c = client();
  EXPECT_EQ(c.call({"XLEN", "s"}), "1600");
  EXPECT_EQ(c.call({"XGROUP", "CREATE", "s", "g", "0"}), "OK");
  for (const std::string option : {"-q", "-3"}) {
    EXPECT_THAT(benchmark({"-n", "800", option, "xreadgroup", "group", "g", "c", "count", "1", "streams", "s", ">"}),
                AllOf(HasSubstr("requests per second"), Not(HasSubstr("rror"))));
  }
  EXPECT_THAT(c.call({"XPENDING", "s", "g"}), testing::StartsWith("[1600, "));
}

ON_BOTH_BACKENDS(ToolsTest);

}  // namespace
}  // namespace millrace::test
