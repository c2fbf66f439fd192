// See server_process.h.
#include "support/server_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/check.h"
#include "support/eventually.h"
#include "support/resp_connection.h"

namespace millrace::test {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kStartPatience{30'000};
constexpr int kStartAttemptsMax = 3;  // another process may take the free port between our look and the bind

std::string make_directory() {
  std::string path = (std::filesystem::temp_directory_path() / "millrace_test_XXXXXX").string();
  CHECK(mkdtemp(path.data()) != nullptr);
  return path;
}

std::string log_path(const std::string& directory) {
  return directory + "/server.log";
}

std::vector<std::string> command_line(const ServerOptions& options, uint16_t port) {
  const bool is_redis = options.kind == ServerKind::kRedis;
  std::string program = options.program;
  if (program.empty()) program = is_redis ? "redis-server" : MILLRACE_SERVER_PATH;
  std::vector<std::string> words = {program, "--port", std::to_string(port), "--bind", "127.0.0.1"};
  if (is_redis) words.insert(words.end(), {"--save", "", "--appendonly", "no"});
  if (!options.io_backend.empty()) words.insert(words.end(), {"--io-backend", options.io_backend});
  if (!is_redis && options.confinement.one_processor) {
    words.insert(words.end(), {"--cores", "1"});
  } else if (options.cores > 0) {
    words.insert(words.end(), {"--cores", std::to_string(options.cores)});
  }
  if (!options.password.empty()) words.insert(words.end(), {"--requirepass", options.password});
  words.insert(words.end(), options.extra.begin(), options.extra.end());
  return words;
}

// In the child, after fork: only calls that are safe there.
[[noreturn]] void become_server(const char* directory, const char* log, const Confinement& confinement,
                                char* const* arguments) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes leaves no server behind
  const int out = open(log, O_CREAT | O_WRONLY | O_APPEND, 0600);
  const int in = open("/dev/null", O_RDONLY);
  if (out < 0 || in < 0 || chdir(directory) != 0) _exit(127);
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  if (!confine(confinement)) _exit(125);
  execvp(arguments[0], arguments);
  _exit(127);
}

}  // namespace

std::optional<ExitStatus> wait_for_child(pid_t child, milliseconds patience) {
  int status = 0;
  if (!eventually([&] { return waitpid(child, &status, WNOHANG) == child; }, patience)) return std::nullopt;
  if (WIFSIGNALED(status)) return ExitStatus{.code = -1, .signal = WTERMSIG(status)};
  return ExitStatus{.code = WEXITSTATUS(status), .signal = 0};
}

uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  socklen_t size = sizeof address;
  CHECK(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  close(fd);
  return ntohs(address.sin_port);
}

std::unique_ptr<ServerProcess> ServerProcess::start(const ServerOptions& options, std::string* why) {
  std::string last_log;
  for (int attempt = 0; attempt < kStartAttemptsMax; attempt++) {
    std::unique_ptr<ServerProcess> server(new ServerProcess());
    if (server->spawn(options) && server->wait_until_it_answers()) return server;
    last_log = server->log();
  }
  *why = "the server did not start; its log:\n" + last_log;
  return nullptr;
}

ServerProcess::~ServerProcess() {
  if (pid_ > 0 && !exit_) stop();
  std::error_code ignored;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

bool ServerProcess::spawn(const ServerOptions& options) {
  directory_ = make_directory();
  password_ = options.password;
  port_ = free_port();
  const std::vector<std::string> words = command_line(options, port_);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const std::string log = log_path(directory_);
  const Confinement confinement = options.kind == ServerKind::kMillrace ? options.confinement : Confinement();
  pid_ = fork();
  if (pid_ == 0) become_server(directory_.c_str(), log.c_str(), confinement, arguments.data());
  return pid_ > 0;
}

bool ServerProcess::wait_until_it_answers() {
  bool answers = false;
  eventually([&] { return !is_running() || (answers = answers_as_itself()); }, kStartPatience);
  return answers;
}

bool ServerProcess::answers_as_itself() const {
  std::unique_ptr<RespConnection> connection = RespConnection::connect(port_);
  if (connection == nullptr) return false;
  if (!password_.empty() && connection->command({"AUTH", password_}) != "+OK\r\n") return false;
  if (connection->command({"PING"}) != "+PONG\r\n") return false;
  const std::string info = connection->command({"INFO", "server"});
  return info.find("\nprocess_id:" + std::to_string(pid_) + "\r\n") != std::string::npos;
}

std::string ServerProcess::log() const {
  std::ifstream file(log_path(directory_), std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

bool ServerProcess::is_running() {
  return !wait_for_exit(milliseconds(0));
}

ExitStatus ServerProcess::stop(milliseconds patience) {
  send_signal(SIGTERM);
  if (std::optional<ExitStatus> status = wait_for_exit(patience)) return *status;
  return kill_hard();
}

ExitStatus ServerProcess::kill_hard() {
  send_signal(SIGKILL);
  std::optional<ExitStatus> status = wait_for_exit(std::chrono::minutes(1));
  CHECK(status.has_value());
  return *status;
}

// A pid that was waited for may belong to somebody else by now.
void ServerProcess::send_signal(int signal_number) const {
  if (!exit_) kill(pid_, signal_number);
}

std::optional<ExitStatus> ServerProcess::wait_for_exit(milliseconds patience) {
  if (!exit_) exit_ = wait_for_child(pid_, patience);
  return exit_;
}

}  // namespace millrace::test
