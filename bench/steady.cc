// steady: the latency of a command at a fixed rate, of any Redis-protocol server.
//
//   steady --port P --connections 50 --rate 20000 --seconds 10 -- XADD s{100} '*' field {data:100}
//
// Command k is due at start + k / rate, whatever became of those before, and its latency counts from then: a server
// that stands still for 50 ms is seen by every command that came due meanwhile, not by one. Connections take turns. In
// a word {N} becomes a number below N, another one for each command, {data:N} N bytes. One figure per line,
// "name|value"; "pause us" is the longest time in which no reply at all arrived while some were due. Exit status 1: an
// error reply.
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/numbers.h"
#include "base/random.h"
#include "load/fail.h"
#include "load/figures.h"
#include "load/option_reader.h"
#include "load/prepare_process.h"
#include "load/scenario.h"
#include "load/scenario_load.h"

namespace millrace::load {
namespace {

constexpr std::string_view kDataMark = "{data:";
constexpr int64_t kDataMax = 64 << 20;

struct SteadyOptions : LoadOptions {
  std::vector<std::string> words;
};

// {data:N} by its bytes.
void put_data(std::string& word) {
  const size_t mark = word.find(kDataMark);
  if (mark == std::string::npos) return;
  const size_t end = word.find('}', mark);
  const size_t digits = mark + kDataMark.size();
  const auto bytes = end == std::string::npos ? std::nullopt : parse_i64(word.substr(digits, end - digits));
  if (!bytes || *bytes < 0 || *bytes > kDataMax) fail("not a number of bytes: ", word);
  word.replace(mark, end + 1 - mark, static_cast<size_t>(*bytes), 'x');
}

SteadyOptions read_steady_options(int argc, char** argv) {
  SteadyOptions options;
  options.rate = 1000;
  options.seconds = 10;
  const Option table[] = {
      {"--host", &options.host, "the server's address"},
      {"--port", &options.port, "the server's port", 1, 65535},
      {"--connections", &options.connections, "that take turns", 1, 10'000},
      {"--rate", &options.rate, "commands per second", 1, 100'000'000},
      {"--seconds", &options.seconds, "how long", 1, 86'400},
      {"--", static_cast<bool*>(nullptr), "the command follows; in it {N} is a number below N, {data:N} N bytes"},
  };
  const int end = read_options("steady: the latency of a command at a fixed rate", table, argc, argv);
  options.words.assign(argv + end, argv + argc);
  if (options.words.empty()) fail("a command is missing behind --");
  for (std::string& word : options.words) put_data(word);
  return options;
}

// A word with a number below N for {N}, if that stands in it.
std::string filled(const std::string& word, Random& random) {
  const size_t mark = word.find('{');
  const size_t end = word.find('}', mark);
  if (mark == std::string::npos || end == std::string::npos) return word;
  const auto below = parse_i64(word.substr(mark + 1, end - mark - 1));
  if (!below || *below < 1) return word;
  const uint64_t number = random.below(static_cast<uint64_t>(*below));
  return word.substr(0, mark) + std::to_string(number) + word.substr(end + 1);
}

// Every client sends the same command, but for its numbers.
class OneCommand : public Scenario {
 public:
  explicit OneCommand(const SteadyOptions& options)
      : words_(options.words), due_ns_(static_cast<size_t>(options.connections)) {}

  size_t clients() const override { return due_ns_.size(); }
  void prepare(Connection&) override {}
  void begin(ScenarioLoad& load, size_t client, int64_t due_ns) override {
    std::vector<std::string> filled_words;
    for (const std::string& word : words_) filled_words.push_back(filled(word, random_));
    load.out(client).append(command(std::vector<std::string_view>(filled_words.begin(), filled_words.end())));
    due_ns_[client].push_back(due_ns);
  }
  void on_reply(ScenarioLoad& load, size_t client, const Reply&) override {
    if (due_ns_[client].empty()) blame_server("a reply that nobody asked for");
    const int64_t due_ns = due_ns_[client].front();
    due_ns_[client].pop_front();
    load.end(client, due_ns);
  }

 private:
  const std::vector<std::string> words_;
  std::vector<std::deque<int64_t>> due_ns_;  // of each client's commands that were not answered yet
  Random random_{1};
};

void print(const LoadResult& result) {
  print_figure("commands", result.ended);
  print_figure("per second", static_cast<double>(result.ended) / seconds(result.elapsed_ns));
  print_latency("", result.latency);
  print_figure("pause us", us(static_cast<uint64_t>(result.pause_ns)), 1);
}

int run(int argc, char** argv) {
  const SteadyOptions options = read_steady_options(argc, argv);
  prepare_process();
  OneCommand scenario(options);
  print(ScenarioLoad(options, scenario).run());
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace millrace::load

int main(int argc, char** argv) {
  return millrace::load::run(argc, argv);
}
