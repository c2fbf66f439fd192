// compat_runner: a client library's program against a server of its own with two cores, as README.md beside this tells.
//
//   compat_runner <client> [step...]    each protocol and backend; the exit status is 77 if the client is not installed
//   compat_runner --record README.md    writes down there what each client sends on connect
//
// MILLRACE_COMPAT_SERVER=path runs against another server, MILLRACE_COMPAT_SECONDS=n for so long, with three copies of
// the program at once.
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "compat/clients.h"
#include "compat/recording_proxy.h"
#include "io/choose_backend.h"
#include "support/server_process.h"

namespace millrace::test {
namespace {

constexpr int kSkipped = 77;
constexpr std::string_view kPassword = "secret";
constexpr std::string_view kDatabase = "2";
constexpr std::string_view kRecordBegins = "<!-- recorded: begin -->\n";
constexpr std::string_view kRecordEnds = "<!-- recorded: end -->\n";

std::string variable(const char* name, const std::string& fallback) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? fallback : value;
}

void set(const char* name, std::string_view value) {
  setenv(name, std::string(value).c_str(), 1);
}

bool is_installed(const CompatClient& client) {
  return std::system((client.probe + " >/dev/null 2>&1").c_str()) == 0;
}

std::string other_server() {
  return variable("MILLRACE_COMPAT_SERVER", "");
}

bool is_redis_server() {
  return other_server().find("redis-server") != std::string::npos;
}

std::unique_ptr<ServerProcess> start_server(const std::string& backend) {
  ServerOptions options;
  options.program = other_server();
  options.password = kPassword;
  if (is_redis_server()) {
    options.kind = ServerKind::kRedis;
  } else {
    options.io_backend = backend;
    options.cores = 2;
  }
  std::string why;
  std::unique_ptr<ServerProcess> server = ServerProcess::start(options, &why);
  if (!server) std::cerr << why << "\n";
  return server;
}

void set_address(uint16_t port, int protocol) {
  const std::string text = std::to_string(port);
  set("REDIS_HOST", "127.0.0.1");
  set("REDIS_PORT", text);
  set("REDIS_PASSWORD", kPassword);
  set("REDIS_DB", kDatabase);
  set("REDIS_URL", "redis://:" + std::string(kPassword) + "@127.0.0.1:" + text + "/" + std::string(kDatabase));
  set("REDIS_PROTOCOL", std::to_string(protocol));
}

pid_t start_program(const CompatClient& client, const std::string& prefix, const std::vector<std::string>& steps) {
  std::string command = "exec " + client.command;
  for (const std::string& step : steps) command += " " + step;
  const pid_t child = fork();
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  set("COMPAT_PREFIX", prefix);
  if (chdir(MILLRACE_COMPAT_CLIENTS) == 0) execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
  _exit(127);
}

// Whether all copies of the program ended well; each has its own keys.
bool run_programs(const CompatClient& client, int protocol, int copies, const std::vector<std::string>& steps) {
  std::vector<pid_t> children;
  for (int i = 0; i < copies; ++i) {
    children.push_back(start_program(client, std::to_string(protocol) + std::to_string(i) + ":", steps));
  }
  bool is_good = true;
  for (const pid_t child : children) {
    const auto status = wait_for_child(child, std::chrono::minutes(10));
    is_good = is_good && status && status->code == 0;
  }
  return is_good;
}

bool run_on_server(const CompatClient& client, const std::string& backend, const std::vector<std::string>& steps) {
  const std::unique_ptr<ServerProcess> server = start_server(backend);
  if (!server) return false;
  const bool is_long = std::stod(variable("MILLRACE_COMPAT_SECONDS", "0")) > 0;
  bool is_good = true;
  for (int protocol = 2; protocol <= (client.has_resp3 ? 3 : 2) && is_good; ++protocol) {
    std::cout << client.name << ", RESP" << protocol << ", " << backend << std::endl;
    set_address(server->port(), protocol);
    is_good = run_programs(client, protocol, is_long ? 3 : 1, steps);
  }
  const ExitStatus end = server->stop();
  if (end.code != 0) std::cerr << "the server ended with code " << end.code << ", signal " << end.signal << "\n";
  if (!is_good || end.code != 0) std::cerr << "its log:\n" << server->log();
  return is_good && end.code == 0;
}

int run_client(const CompatClient& client, const std::vector<std::string>& steps) {
  if (!is_installed(client)) {
    std::cout << "skipped: " << client.name << " needs " << client.needs << "\n";
    return kSkipped;
  }
  set("COMPAT_SECONDS", variable("MILLRACE_COMPAT_SECONDS", "0.1"));
  std::vector<std::string> backends = {"epoll"};
  if (io::plan_backend(io::BackendChoice::kIoUring)) backends.insert(backends.begin(), "io_uring");
  if (is_redis_server()) backends = {"redis-server"};
  return std::ranges::all_of(backends, [&](const std::string& each) { return run_on_server(client, each, steps); }) ? 0
                                                                                                                    : 1;
}

// ---- What clients send on connect.

std::string record_client(const CompatClient& client, int protocol) {
  const std::unique_ptr<ServerProcess> server = start_server("auto");
  if (!server) return "";
  set_address(server->port(), protocol);
  if (!client.prepared.empty() && !run_programs(client, protocol, 1, {client.prepared})) return "";
  RecordingProxy proxy(server->port());
  set_address(proxy.port(), protocol);
  if (!run_programs(client, protocol, 1, {client.recorded})) return "";
  return "### " + client.name + ", RESP" + std::to_string(protocol) + "\n\n```\n" + proxy.finish() + "```\n\n";
}

int record(const std::string& path) {
  set("COMPAT_SECONDS", "0");
  std::string recorded = "\n";
  for (const CompatClient& client : compat_clients()) {
    for (int protocol = 2; protocol <= (client.has_resp3 ? 3 : 2); ++protocol) {
      const std::string text = is_installed(client) ? record_client(client, protocol) : "";
      if (text.empty()) {
        std::cerr << client.name << " could not be recorded\n";
        return 1;
      }
      recorded += text;
    }
  }
  std::ifstream in(path);
  std::string page{std::istreambuf_iterator<char>(in), {}};
  const size_t begin = page.find(kRecordBegins);
  const size_t end = page.find(kRecordEnds);
  if (begin == std::string::npos || end == std::string::npos) {
    std::cerr << path << " has no marks to write between\n";
    return 1;
  }
  const size_t start = begin + kRecordBegins.size();
  std::ofstream(path) << page.replace(start, end - start, recorded);
  return 0;
}

int main_of(const std::vector<std::string>& words) {
  set("NODE_PATH", MILLRACE_COMPAT_NODE_MODULES);
  if (words.size() == 2 && words[0] == "--record") return record(words[1]);
  for (const CompatClient& client : compat_clients()) {
    if (!words.empty() && words[0] == client.name) return run_client(client, {words.begin() + 1, words.end()});
  }
  std::cerr << "usage: compat_runner <client> [step...]\n       compat_runner --record <file>\nclients:";
  for (const CompatClient& client : compat_clients()) std::cerr << " " << client.name;
  std::cerr << "\n";
  return 2;
}

}  // namespace
}  // namespace millrace::test

int main(int count, char** words) {
  return millrace::test::main_of({words + 1, words + count});
}
