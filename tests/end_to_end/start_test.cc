// Starting and ending the server: what the command line and redis.conf say, and what is said when they are wrong.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "end_to_end/fixture.h"

namespace millrace::test {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

class StartTest : public testing::Test {
 protected:
  std::string conf(std::string_view text) const { return directory_.file("redis.conf", text); }

  // Runs the server, which has to give up: exit 1, nothing but one line on stderr. That line, without its prefix.
  static std::string refusal(std::vector<std::string> arguments, const Process::Options& options = {}) {
    arguments.insert(arguments.begin(), MILLRACE_SERVER_PATH);
    Process process(arguments, options);
    EXPECT_EQ(process.exit_code(), 1);
    const std::string said = process.error_output();
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
    EXPECT_THAT(said, StartsWith("millrace-server: "));
    return said.substr(std::min<size_t>(17, said.size()), said.size() - 18);
  }

  // Starts the server on a free port (appended to the arguments) and waits until it answers.
  void start(std::vector<std::string> arguments, const Process::Options& options = {}) {
    port_ = free_port();
    arguments.insert(arguments.begin(), MILLRACE_SERVER_PATH);
    arguments.insert(arguments.end(), {"--port", std::to_string(port_)});
    process_ = std::make_unique<Process>(arguments, options);
    ASSERT_TRUE(eventually([this] { return answers() || !process_->is_running(); }));
    ASSERT_TRUE(answers()) << process_->error_output() << log();
  }
  bool answers() const {
    const auto connection = RespConnection::connect(port_);
    return connection && connection->command({"PING"}) == "+PONG\r\n";
  }

  // With SIGTERM; the exit code.
  int end(int signal_number = SIGTERM) {
    process_->send_signal(signal_number);
    return process_->exit_code();
  }
  std::string log() const { return process_->out(); }
  std::string setting(const std::string& name) const {
    const std::string reply = Client(port_).call({"CONFIG", "GET", name});
    const std::string before = "[" + name + ", ";
    EXPECT_THAT(reply, StartsWith(before));
    return reply.substr(before.size(), reply.size() - before.size() - 1);
  }

  TemporaryDirectory directory_;
  uint16_t port_ = 0;
  std::unique_ptr<Process> process_;
};

// ---- What is asked and answered without a server.

TEST_F(StartTest, VersionAndHelp) {
  for (const char* word : {"-v", "--version"}) {
    Process version({MILLRACE_SERVER_PATH, word});
    EXPECT_EQ(version.exit_code(), 0);
    EXPECT_THAT(version.out(), MatchesRegex("Millrace server v=[0-9.]+ .*\n"));
  }
  for (const char* word : {"-h", "--help"}) {
    Process help({MILLRACE_SERVER_PATH, word});
    EXPECT_EQ(help.exit_code(), 0);
    EXPECT_THAT(help.out(), StartsWith("Usage: "));
  }
}

// ---- Where settings come from.

TEST_F(StartTest, TheFileIsReadAndTheCommandLineOverridesIt) {
  start({conf("# a comment\n\n  DATABASES 4  \ntimeout 7\nproto-max-bulk-len 2mb\n"), "--timeout", "9"});
  EXPECT_EQ(setting("databases"), "4");
  EXPECT_EQ(setting("timeout"), "9");
  EXPECT_EQ(setting("proto-max-bulk-len"), "2097152");
  EXPECT_EQ(end(), 0);
}

TEST_F(StartTest, TheFileThatComesWithTheServerWorks) {
  start({MILLRACE_CONF, "--cores", "1"});
  EXPECT_EQ(setting("maxclients"), "10000");
  EXPECT_EQ(end(), 0);
}

TEST_F(StartTest, StandardInputIsAFile) {
  start({"-"}, {.input = "timeout 11\ndatabases 2\n"});
  EXPECT_EQ(setting("timeout"), "11");
  EXPECT_EQ(setting("databases"), "2");
}

TEST_F(StartTest, QuotesAndEscapes) {
  const std::string socket = directory_.path("a b.sock");
  start({conf("unixsocket \"" + directory_.path("a\\x20b.sock") + "\"\nloglevel 'verbose'\n")});
  EXPECT_EQ(setting("unixsocket"), socket);
  EXPECT_EQ(setting("loglevel"), "verbose");
}

TEST_F(StartTest, IncludesAndPatternsAreReadInPlace) {
  directory_.file("one.part", "timeout 1\ndatabases 3\n");
  directory_.file("two.part", "timeout 2\n");
  start(
      {conf("include " + directory_.path("*.part") + "\ninclude " + directory_.path("*.none") + "\ntcp-backlog 9\n")});
  EXPECT_EQ(setting("timeout"), "2");
  EXPECT_EQ(setting("databases"), "3");
  EXPECT_EQ(setting("tcp-backlog"), "9");
}

TEST_F(StartTest, DirectivesWithoutEffectAreNamedInOneLine) {
  start({conf("aof-use-rdb-preamble no\nsupervised auto\naof-use-rdb-preamble yes\n")});
  EXPECT_THAT(log(), HasSubstr(" Accepted without effect: aof-use-rdb-preamble supervised\n"));
}

// ---- What stops it from starting.

TEST_F(StartTest, UnknownDirectivesNameFileAndLine) {
  const std::string path = conf("timeout 1\n# a comment\nport-of-call 6379\n");
  EXPECT_EQ(refusal({path}), path + ":3: unknown directive 'port-of-call'");
  EXPECT_EQ(refusal({"--port-of-call", "1"}), "command line: unknown directive 'port-of-call'");
}

TEST_F(StartTest, ErrorsInIncludedFilesNameTheInnerLine) {
  const std::string inner = directory_.file("inner.conf", "\n\ntimeout never\n");
  EXPECT_THAT(refusal({conf("include " + inner + "\n")}), HasSubstr(inner + ":3: timeout: "));
}

TEST_F(StartTest, BadValuesNameFileLineAndDirective) {
  for (const char* line : {"port 65536", "port x", "timeout", "timeout 1 2", "loglevel loud", "databases 0", "cores 0",
                           "cores many", "maxclients 0", "io-backend kqueue", "unixsocketperm 999",
                           "proto-max-bulk-len 1tb", "protected-mode maybe", "compat-version seven"}) {
    const std::string path = conf(std::string("\n") + line + "\n");
    const std::string_view name = std::string_view(line).substr(0, std::string_view(line).find(' '));
    EXPECT_THAT(refusal({path}), StartsWith(path + ":2: " + std::string(name) + ": ")) << line;
  }
  EXPECT_THAT(refusal({"--timeout", "never"}), StartsWith("command line: timeout: "));
  const std::string path = conf("logfile \"unfinished\n");
  EXPECT_THAT(refusal({path}), StartsWith(path + ":1: unbalanced quotes"));
}

TEST_F(StartTest, SecurityThatDoesNotExistIsNotPromised) {
  EXPECT_THAT(refusal({"--tls-port", "6380"}), StartsWith("command line: tls-port: "));
  EXPECT_THAT(refusal({conf("tls-port 6380\n")}), HasSubstr(":1: tls-port: "));
}

TEST_F(StartTest, UnreadableFiles) {
  const std::string path = directory_.path("none.conf");
  EXPECT_EQ(refusal({path}), path + ": can't read the configuration file");
  EXPECT_THAT(refusal({conf("include " + path + "\n")}), HasSubstr(path + ": can't read the configuration file"));
}

TEST_F(StartTest, WordsThatAreNoOptions) {
  EXPECT_EQ(refusal({conf(""), "port", "1"}), "command line: 'port' is not an option");
}

TEST_F(StartTest, PortInUse) {
  start({"--bind", "127.0.0.1"});
  EXPECT_EQ(refusal({"--bind", "127.0.0.1", "--port", std::to_string(port_)}),
            "Could not listen on 127.0.0.1 port " + std::to_string(port_) + ": bind: Address already in use");
  EXPECT_TRUE(answers());
}

TEST_F(StartTest, PortInUseIsSaidByAServerThatGoesIntoTheBackgroundToo) {
  start({"--bind", "127.0.0.1"});
  const std::string log_file = directory_.path("log");
  EXPECT_THAT(refusal({"--bind", "127.0.0.1", "--daemonize", "yes", "--logfile", log_file, "--pidfile",
                       directory_.path("pid"), "--port", std::to_string(port_)}),
              HasSubstr("Address already in use"));
  EXPECT_THAT(read_whole_file(log_file), HasSubstr(" # Could not listen on 127.0.0.1 port "));
}

TEST_F(StartTest, AddressesThisMachineDoesNotHave) {
  EXPECT_THAT(refusal({"--bind", "203.0.113.7", "--port", std::to_string(free_port())}),
              HasSubstr("Could not listen on 203.0.113.7 port "));
  start({"--bind", "127.0.0.1", "-203.0.113.7"});
}

TEST_F(StartTest, NothingToListenOn) {
  EXPECT_THAT(refusal({"--port", "0"}), HasSubstr("Nothing to listen on"));
}

TEST_F(StartTest, ALogFileThatCannotBeWritten) {
  EXPECT_THAT(refusal({"--port", std::to_string(free_port()), "--logfile", directory_.path("none/log")}),
              HasSubstr("none/log"));
}

TEST_F(StartTest, AUnixSocketPathThatIsTooLong) {
  EXPECT_THAT(refusal({"--port", "0", "--unixsocket", "/" + std::string(200, 's')}), HasSubstr("unix socket"));
}

// ---- What the log says.

TEST_F(StartTest, TheLogNamesCoresBackendAndReason) {
  start({"--cores", "2", "--io-backend", "epoll"});
  EXPECT_THAT(log(), HasSubstr(" * 2 cores, epoll: chosen by the configuration\n"));
  EXPECT_THAT(log(), HasSubstr(" * Ready to accept connections\n"));
}

TEST_F(StartTest, WithoutIoUringItStartsOnEpollAndSaysWhy) {
  start({"--cores", "1"}, {.confinement = {.io_uring_error = EPERM}});
  EXPECT_THAT(log(), MatchesRegex("(.|\n)* 1 core, epoll: io_uring is forbidden here[^\n]*\n(.|\n)*"));
  EXPECT_EQ(Client(port_).call({"XADD", "s", "1-1", "f", "v"}), "1-1");
  EXPECT_EQ(end(), 0);
}

TEST_F(StartTest, IoUringOrNothing) {
  EXPECT_THAT(refusal({"--io-backend", "io_uring", "--port", std::to_string(free_port())},
                      {.confinement = {.io_uring_error = EPERM}}),
              StartsWith("io_uring was asked for, but "));
}

TEST_F(StartTest, LogLevelsAndLogFiles) {
  const std::string path = directory_.path("the.log");
  start({"--logfile", path, "--loglevel", "warning"});
  EXPECT_EQ(end(), 0);
  EXPECT_THAT(read_whole_file(path), Not(HasSubstr("Ready to accept")));
  start({"--logfile", path, "--loglevel", "notice"});
  EXPECT_THAT(read_whole_file(path), HasSubstr("Ready to accept connections\n"));
  EXPECT_EQ(log(), "");
}

// ---- Directives at work.

TEST_F(StartTest, FourDatabases) {
  start({"--databases", "4"});
  Client client(port_);
  EXPECT_EQ(client.call({"SELECT", "3"}), "OK");
  EXPECT_EQ(client.call({"SELECT", "4"}), "-ERR DB index is out of range");
}

TEST_F(StartTest, OneClientTooMany) {
  start({"--maxclients", "3"});
  std::vector<std::unique_ptr<RespConnection>> clients;
  // The connection that waited for the start may still be on its way out.
  ASSERT_TRUE(eventually([&] {
    clients.clear();
    for (int i = 0; i < 3; ++i) clients.push_back(RespConnection::connect(port_));
    return clients[0]->command({"PING"}) == "+PONG\r\n" && clients[1]->command({"PING"}) == "+PONG\r\n" &&
           clients[2]->command({"PING"}) == "+PONG\r\n";
  }));
  const auto fourth = RespConnection::connect(port_);
  EXPECT_EQ(fourth->read_reply(), "-ERR max number of clients reached\r\n");
  EXPECT_TRUE(fourth->is_closed_by_peer());
  EXPECT_EQ(clients[2]->command({"PING"}), "+PONG\r\n");
}

TEST_F(StartTest, UnixSocket) {
  const std::string path = directory_.path("server.sock");
  start({"--unixsocket", path, "--unixsocketperm", "700"});
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_TRUE(S_ISSOCK(status.st_mode));
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  const auto connection = RespConnection::connect_unix(path);
  ASSERT_TRUE(connection);
  EXPECT_EQ(connection->command({"PING"}), "+PONG\r\n");
  EXPECT_THAT(connection->command({"CLIENT", "INFO"}), HasSubstr(" addr=" + path + ":0 "));
  EXPECT_EQ(end(), 0);
  EXPECT_NE(stat(path.c_str(), &status), 0);
}

TEST_F(StartTest, AUnixSocketOfADeadServerIsTakenOver) {
  const std::string path = directory_.path("server.sock");
  start({"--unixsocket", path});
  end(SIGKILL);
  start({"--unixsocket", path});
  EXPECT_TRUE(RespConnection::connect_unix(path));
}

// The address of this machine on a network, if it has one.
std::string own_address() {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  inet_pton(AF_INET, "203.0.113.7", &address.sin_addr);
  socklen_t size = sizeof address;
  char text[INET_ADDRSTRLEN] = "";
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
  }
  close(fd);
  return text;
}

TEST_F(StartTest, ProtectedModeTurnsStrangersAway) {
  const std::string address = own_address();
  if (address.empty() || address.starts_with("127.")) GTEST_SKIP() << "this machine has no address but loopback";
  start({});
  const std::vector<std::string> ping = {"redis-cli", "-h", address, "-p", std::to_string(port_), "ping"};
  Process denied(ping);
  denied.exit_code();
  EXPECT_THAT(denied.out() + denied.error_output(), HasSubstr("DENIED "));
  EXPECT_EQ(Client(port_).call({"CONFIG", "SET", "protected-mode", "no"}), "OK");
  Process welcome(ping);
  EXPECT_EQ(welcome.exit_code(), 0);
  EXPECT_EQ(welcome.out(), "PONG\n");
}

TEST_F(StartTest, BindChoosesTheAddresses) {
  start({"--bind", "127.0.0.1", "127.0.0.2"});
  const std::string port_text = std::to_string(port_);
  Process bound({"redis-cli", "-h", "127.0.0.2", "-p", port_text, "ping"});
  EXPECT_EQ(bound.exit_code(), 0);
  Process not_bound({"redis-cli", "-h", "127.0.0.3", "-p", port_text, "ping"});
  EXPECT_EQ(not_bound.exit_code(), 1);
}

TEST_F(StartTest, TheBackgroundHasPidFileAndLogFile) {
  const std::string pid_file = directory_.path("server.pid");
  const std::string log_file = directory_.path("server.log");
  port_ = free_port();
  Process starter({MILLRACE_SERVER_PATH, "--daemonize", "yes", "--pidfile", pid_file, "--logfile", log_file, "--port",
                   std::to_string(port_)});
  EXPECT_EQ(starter.exit_code(), 0);
  EXPECT_EQ(starter.out(), "");
  EXPECT_EQ(starter.error_output(), "");
  ASSERT_TRUE(eventually([this] { return answers(); })) << read_whole_file(log_file);
  const pid_t pid = std::stoi(read_whole_file(pid_file));
  EXPECT_THAT(Client(port_).call({"INFO", "server"}), HasSubstr("\nprocess_id:" + std::to_string(pid) + "\r\n"));
  EXPECT_NE(pid, starter.pid());
  EXPECT_THAT(read_whole_file(log_file), HasSubstr("Ready to accept connections\n"));
  kill(pid, SIGTERM);
  EXPECT_TRUE(eventually([&] { return access(pid_file.c_str(), F_OK) != 0 && !RespConnection::connect(port_); }));
}

// ---- Ending.

TEST_F(StartTest, SigtermAndSigintEndItInOrder) {
  for (const int signal_number : {SIGTERM, SIGINT}) {
    start({"--cores", "2"});
    const auto connection = RespConnection::connect(port_);
    EXPECT_EQ(connection->command({"PING"}), "+PONG\r\n");
    EXPECT_EQ(end(signal_number), 0);
    EXPECT_TRUE(connection->is_closed_by_peer());
    EXPECT_THAT(log(), HasSubstr(signal_number == SIGTERM ? "Received SIGTERM" : "Received SIGINT"));
  }
}

TEST_F(StartTest, ShutdownEndsItWithoutAReply) {
  start({});
  const auto connection = RespConnection::connect(port_);
  EXPECT_EQ(connection->command({"SHUTDOWN", "NOSAVE"}), "");
  EXPECT_EQ(process_->exit_code(), 0);
}

TEST_F(StartTest, BlockedClientsDoNotHoldTheEndUp) {
  start({"--cores", "2"});
  const auto reader = RespConnection::connect(port_);
  reader->send({"XREAD", "BLOCK", "0", "STREAMS", "s", "$"});
  ASSERT_TRUE(eventually([this] {
    return Client(port_).call({"INFO", "clients"}).find("blocked_clients:1") != std::string::npos;
  }));
  EXPECT_EQ(end(), 0);
  EXPECT_TRUE(reader->is_closed_by_peer());
}

// ---- CONFIG REWRITE.

TEST_F(StartTest, RewriteKeepsCommentsAndWritesWhatChanged) {
  const std::string path = conf("# the first comment\ntimeout 3\n\n# the second comment\nmaxclients 77\n");
  start({path});
  EXPECT_EQ(Client(port_).call({"CONFIG", "SET", "timeout", "5"}), "OK");
  EXPECT_EQ(Client(port_).call({"CONFIG", "REWRITE"}), "OK");
  const std::string text = read_whole_file(path);
  EXPECT_THAT(text, StartsWith("# the first comment\ntimeout 5\n\n# the second comment\nmaxclients 77\n"));
  EXPECT_EQ(end(), 0);
  start({path});
  EXPECT_EQ(setting("timeout"), "5");
}

TEST_F(StartTest, RewriteNeedsAFile) {
  start({});
  EXPECT_EQ(Client(port_).call({"CONFIG", "REWRITE"}), "-ERR The server is running without a config file");
}

// ---- A small machine.

TEST_F(StartTest, SixtyFourMegabytesAreEnough) {
  if (kIsSanitized) GTEST_SKIP() << "sanitizers need memory of their own";
  constexpr Confinement kSmall{.one_processor = true, .address_space_bytes = 64ull * 1024 * 1024};
  start({}, {.confinement = kSmall});
  EXPECT_THAT(log(), HasSubstr(" * Memory is limited to 65536 kB (ulimit -v, or the container); without maxmemory the "
                               "server ends when that is used up\n"));
  EXPECT_THAT(log(), HasSubstr(" * 1 core, "));
  Client client(port_);
  for (int i = 0; i < 1000; ++i) client.call({"XADD", "s", "*", "field", "value"});
  EXPECT_EQ(client.call({"XLEN", "s"}), "1000");
  const std::string status = read_whole_file("/proc/" + std::to_string(process_->pid()) + "/status");
  const size_t line = status.find("VmHWM:");
  ASSERT_NE(line, std::string::npos);
  EXPECT_LT(std::stoi(status.substr(line + 6)), 64 * 1024) << "kB at the highest";
}

}  // namespace
}  // namespace millrace::test
