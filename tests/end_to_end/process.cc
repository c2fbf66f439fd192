// See process.h.
#include "end_to_end/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/check.h"

namespace millrace::test {
namespace {

using std::chrono::milliseconds;

struct Preparation {
  const char* in;
  const char* out;
  const char* err;
  Confinement confinement;
  const char* directory;
};

// In the child, after fork: only calls that are safe there.
[[noreturn]] void become(const Preparation& preparation, char* const* arguments, char* const* environment) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int in = open(preparation.in, O_RDONLY);
  const int out = open(preparation.out, O_CREAT | O_WRONLY | O_APPEND, 0600);
  const int err = open(preparation.err, O_CREAT | O_WRONLY | O_APPEND, 0600);
  if (in < 0 || out < 0 || err < 0 || chdir(preparation.directory) != 0) _exit(126);
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  if (!confine(preparation.confinement)) _exit(125);
  execvpe(arguments[0], arguments, environment);
  _exit(127);
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> own_environment() {
  std::vector<std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) variables.emplace_back(*entry);
  return variables;
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
  path_ = (std::filesystem::temp_directory_path() / "millrace_test_XXXXXX").string();
  CHECK(mkdtemp(path_.data()) != nullptr);
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryDirectory::file(std::string_view name, std::string_view content) const {
  std::ofstream(path(name), std::ios::binary) << content;
  return path(name);
}

std::string read_whole_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Process::Process(const std::vector<std::string>& words, const Options& options) {
  std::vector<std::string> arguments = words;
  std::vector<std::string> variables = own_environment();
  variables.insert(variables.end(), options.environment.begin(), options.environment.end());
  const std::vector<char*> argument_pointers = pointers_to(arguments);
  const std::vector<char*> variable_pointers = pointers_to(variables);
  const std::string in = directory_.file("in", options.input);
  const std::string out = directory_.path("out");
  const std::string err = directory_.path("err");
  const std::string directory = directory_.path(".");
  Confinement confinement = options.confinement;
  if (words[0] != MILLRACE_SERVER_PATH) confinement = {.io_uring_error = confinement.io_uring_error};
  const Preparation preparation{in.c_str(), out.c_str(), err.c_str(), confinement, directory.c_str()};
  pid_ = fork();
  if (pid_ == 0) become(preparation, argument_pointers.data(), variable_pointers.data());
  CHECK(pid_ > 0);
}

Process::~Process() {
  if (exit_) return;
  send_signal(SIGKILL);
  wait();
}

// A pid that was waited for may belong to somebody else by now.
void Process::send_signal(int signal_number) const {
  if (!exit_) kill(pid_, signal_number);
}

std::optional<ExitStatus> Process::wait(milliseconds patience) {
  if (!exit_) exit_ = wait_for_child(pid_, patience);
  return exit_;
}

int Process::exit_code() {
  if (const auto status = wait()) return status->code;
  send_signal(SIGKILL);
  wait();
  return -1;
}

}  // namespace millrace::test
