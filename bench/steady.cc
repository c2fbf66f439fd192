// steady: the latency of commands at a fixed rate, of any Redis-protocol server.
//
//   steady --port P --connections 50 --rate 20000 --seconds 10 -- XADD s{100} '*' field {data:100}
//
// Command k is due at start + k / rate, whatever became of those before, and its latency counts from then: a server
// that stands still for 50 ms is seen by every command that came due meanwhile, not by one. Connections take turns. In
// a word {N} becomes a number below N, another one for each command, {data:N} N bytes. One figure per line, its name
// first; "pause_us" is the longest time in which no reply at all arrived while some were due. Exit status 1: an error
// reply.
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <deque>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/numbers.h"
#include "base/random.h"
#include "load/connection.h"
#include "load/fail.h"
#include "load/histogram.h"
#include "load/time.h"

namespace millrace::load {
namespace {

constexpr std::string_view kUsage =
    "steady: the latency of commands at a fixed rate\n\n"
    "  steady [--host A] [--port N] [--connections N] [--rate N] [--seconds N] -- command word ...\n\n"
    "In a word {N} becomes a number below N, another one for each command; {data:N} becomes N bytes.\n";
constexpr std::string_view kDataMark = "{data:";

struct SteadyOptions {
  std::string host = "127.0.0.1";
  int64_t port = 6379;
  int64_t connections = 50;
  int64_t rate = 1000;
  int64_t seconds = 10;
  std::vector<std::string> words;
};

struct NumberOption {
  std::string_view name;
  int64_t SteadyOptions::*value;
};
constexpr NumberOption kNumbers[] = {{"--port", &SteadyOptions::port},
                                     {"--connections", &SteadyOptions::connections},
                                     {"--rate", &SteadyOptions::rate},
                                     {"--seconds", &SteadyOptions::seconds}};

bool set_option(SteadyOptions& options, std::string_view name, std::string_view text) {
  if (name == "--host") options.host = text;
  for (const NumberOption& option : kNumbers) {
    if (option.name != name) continue;
    const auto value = parse_i64(text);
    if (!value || *value < 1 || *value > 100'000'000) return false;
    options.*option.value = *value;
    return true;
  }
  return name == "--host";
}

std::optional<SteadyOptions> read_options(int argc, char** argv) {
  SteadyOptions options;
  int at = 1;
  for (; at + 1 < argc && std::string_view(argv[at]) != "--"; at += 2) {
    if (!set_option(options, argv[at], argv[at + 1])) return std::nullopt;
  }
  if (at >= argc) return std::nullopt;
  options.words.assign(argv + at + 1, argv + argc);
  for (std::string& word : options.words) {
    const size_t mark = word.find(kDataMark);
    if (mark == std::string::npos) continue;
    const size_t end = word.find('}', mark);
    const size_t digits = mark + kDataMark.size();
    const auto bytes = end == std::string::npos ? std::nullopt : parse_i64(word.substr(digits, end - digits));
    if (!bytes || *bytes < 0 || *bytes > 64 << 20) return std::nullopt;
    word.replace(mark, end + 1 - mark, static_cast<size_t>(*bytes), 'x');
  }
  return options.words.empty() ? std::nullopt : std::optional(options);
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

class SteadyLoad {
 public:
  explicit SteadyLoad(const SteadyOptions& options) : options_(options), epoll_(epoll_create1(0)) {
    for (int64_t i = 0; i < options.connections; ++i) {
      clients_.push_back(std::make_unique<Client>(options));
      epoll_event event{.events = EPOLLIN, .data = {.u64 = static_cast<uint64_t>(i)}};
      if (epoll_ctl(epoll_, EPOLL_CTL_ADD, clients_.back()->connection.fd(), &event) != 0) fail("epoll_ctl failed");
    }
  }
  ~SteadyLoad() { close(epoll_); }
  SteadyLoad(const SteadyLoad&) = delete;
  SteadyLoad& operator=(const SteadyLoad&) = delete;

  void run() {
    start_ns_ = now_ns();
    last_reply_ns_ = start_ns_;
    const auto total = static_cast<uint64_t>(options_.rate * options_.seconds);
    while (sent_ < total || waiting_ > 0) {
      while (sent_ < total && due_ns(sent_) <= now_ns()) send_next();
      receive(sent_ < total ? due_ns(sent_) : now_ns() + kNsPerSecond);
    }
    elapsed_ns_ = now_ns() - start_ns_;
  }

  uint64_t errors() const { return errors_; }
  void print() const {
    std::printf("commands %lu\n", static_cast<unsigned long>(sent_));
    std::printf("per_second %.0f\n", static_cast<double>(sent_) * 1e9 / static_cast<double>(elapsed_ns_));
    for (const auto& [name, share] : {std::pair{"p50_us", 0.5}, {"p99_us", 0.99}, {"p99.9_us", 0.999}}) {
      std::printf("%s %.1f\n", name, static_cast<double>(latency_.quantile_ns(share)) / 1000);
    }
    std::printf("max_us %.1f\npause_us %.1f\n", static_cast<double>(latency_.max_ns()) / 1000,
                static_cast<double>(pause_ns_) / 1000);
    std::printf("errors %lu\n", static_cast<unsigned long>(errors_));
  }

 private:
  struct Client {
    explicit Client(const SteadyOptions& options) : connection(options.host, options.port) {}

    Connection connection;
    std::deque<int64_t> due_ns;  // of the commands not yet answered
  };

  int64_t due_ns(uint64_t index) const {
    return start_ns_ + static_cast<int64_t>(static_cast<double>(index) * 1e9 / static_cast<double>(options_.rate));
  }

  void send_next() {
    Client& client = *clients_[sent_ % clients_.size()];
    request_ = "*" + std::to_string(options_.words.size()) + "\r\n";
    for (const std::string& word : options_.words) {
      const std::string text = filled(word, random_);
      request_.append("$").append(std::to_string(text.size())).append("\r\n").append(text).append("\r\n");
    }
    if (waiting_ == 0) last_reply_ns_ = now_ns();
    client.connection.send(request_);
    client.due_ns.push_back(due_ns(sent_));
    ++sent_;
    ++waiting_;
  }

  void receive(int64_t until_ns) {
    epoll_event events[64];
    const int64_t left_ns = std::max<int64_t>(until_ns - now_ns(), 0);
    const timespec wait{.tv_sec = left_ns / kNsPerSecond, .tv_nsec = left_ns % kNsPerSecond};
    const int count = epoll_pwait2(epoll_, events, 64, &wait, nullptr);
    for (int i = 0; i < count; ++i) take_replies(*clients_[events[i].data.u64]);
  }

  void take_replies(Client& client) {
    if (!client.connection.receive(Connection::Patience::kDoNotWait)) fail("the server closed a connection");
    const int64_t now = now_ns();
    while (const Reply* reply = client.connection.take_reply()) {
      if (client.due_ns.empty()) fail("a reply that nobody asked for");
      if (reply->kind == '-') ++errors_;
      latency_.record(now - client.due_ns.front());
      client.due_ns.pop_front();
      --waiting_;
      pause_ns_ = std::max(pause_ns_, now - last_reply_ns_);
      last_reply_ns_ = now;
    }
  }

  const SteadyOptions options_;
  const int epoll_;
  Random random_{1};
  std::vector<std::unique_ptr<Client>> clients_;
  std::string request_;
  int64_t start_ns_ = 0;
  int64_t elapsed_ns_ = 0;
  int64_t last_reply_ns_ = 0;
  int64_t pause_ns_ = 0;
  uint64_t sent_ = 0;
  uint64_t waiting_ = 0;
  uint64_t errors_ = 0;
  Histogram latency_;
};

}  // namespace

int run_steady(int argc, char** argv) {
  const auto options = read_options(argc, argv);
  if (!options) {
    std::cerr << kUsage;
    return kExitCannotRun;
  }
  prctl(PR_SET_TIMERSLACK, 1);
  SteadyLoad load(*options);
  load.run();
  load.print();
  return load.errors() == 0 ? EXIT_SUCCESS : kExitBroken;
}

}  // namespace millrace::load

int main(int argc, char** argv) {
  return millrace::load::run_steady(argc, argv);
}
