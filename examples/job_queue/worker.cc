// job_queue_worker: one of several processes that share the entries of a stream through a consumer group.
//
//   XREADGROUP >  --->  process  --->  XADD results, XACK        new jobs, at most --count at a time
//   XAUTOCLAIM    --->  process  --->  XADD results, XACK        jobs that a worker took and left for --idle-ms
//
// A job is one line of a log. Processing it means to find its action: the third word of a line of dpkg.log. A job is
// acknowledged after its result is stored, never before. So each job is processed at least once, whenever a worker
// dies; one that dies between the two leaves a job that is processed twice, which the id in the result lets a reader
// find.
//
// The worker ends when it is told to (SIGTERM, SIGINT: it finishes the jobs in its hands), and with --until-drained
// when nothing is left to read or to take over.
#include <hiredis/hiredis.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kUsage =
    "Usage: job_queue_worker --name NAME [--host 127.0.0.1] [--port 6379] [--stream jobs] [--group workers]\n"
    "                        [--count 20] [--idle-ms 1000] [--work-us 0] [--until-drained]\n"
    "\n"
    "  --name NAME        the consumer's name; a worker that starts again under its name finishes its old jobs first\n"
    "  --count N          take at most N jobs at a time\n"
    "  --idle-ms N        take over jobs that another worker has not finished for N milliseconds\n"
    "  --work-us N        let each job last N microseconds, as real work would\n"
    "  --until-drained    end when every job is done\n"
    "\n"
    "Results go to the stream '<stream>:done'.\n";

struct Options {
  std::string host = "127.0.0.1";
  int port = 6379;
  std::string stream = "jobs";
  std::string group = "workers";
  std::string name;
  int count = 20;
  int idle_ms = 1000;
  int work_us = 0;
  bool until_drained = false;
};

bool parse_number(std::string_view text, int& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number >= 0;
}

bool parse_options(const std::vector<std::string_view>& words, Options& options) {
  const std::map<std::string_view, std::string*> texts = {
      {"--host", &options.host}, {"--stream", &options.stream}, {"--group", &options.group}, {"--name", &options.name}};
  const std::map<std::string_view, int*> numbers = {{"--port", &options.port},
                                                    {"--count", &options.count},
                                                    {"--idle-ms", &options.idle_ms},
                                                    {"--work-us", &options.work_us}};
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--until-drained") {
      options.until_drained = true;
      continue;
    }
    if (i + 1 == words.size()) return false;
    const std::string_view value = words[i + 1];
    if (const auto text = texts.find(words[i]); text != texts.end()) {
      *text->second = value;
    } else if (const auto number = numbers.find(words[i]); number != numbers.end()) {
      if (!parse_number(value, *number->second)) return false;
    } else {
      return false;
    }
    ++i;
  }
  return !options.name.empty();
}

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "job_queue_worker: %s\n", why.c_str());
  std::exit(1);
}

std::string_view text_of(const redisReply& reply) {
  return {reply.str, reply.len};
}

using Reply = std::unique_ptr<redisReply, decltype(&freeReplyObject)>;

class Connection {
 public:
  Connection(const std::string& host, int port) : context_(redisConnect(host.c_str(), port), &redisFree) {
    if (!context_ || context_->err != 0) give_up(context_ ? context_->errstr : "out of memory");
  }

  // Gives up when the connection is lost or the server answers with an error.
  Reply call(const std::vector<std::string>& words) {
    std::vector<const char*> pointers;
    std::vector<size_t> lengths;
    for (const std::string& word : words) {
      pointers.push_back(word.data());
      lengths.push_back(word.size());
    }
    void* answer = redisCommandArgv(context_.get(), static_cast<int>(words.size()), pointers.data(), lengths.data());
    if (answer == nullptr) give_up(words[0] + ": " + context_->errstr);
    Reply reply(static_cast<redisReply*>(answer), &freeReplyObject);
    if (reply->type == REDIS_REPLY_ERROR) give_up(words[0] + ": " + std::string(text_of(*reply)));
    return reply;
  }

 private:
  std::unique_ptr<redisContext, decltype(&redisFree)> context_;
};

// The signals wait, blocked, until the worker asks between two jobs.
sigset_t ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

bool is_told_to_end() {
  sigset_t waiting;
  sigpending(&waiting);
  return sigismember(&waiting, SIGTERM) == 1 || sigismember(&waiting, SIGINT) == 1;
}

std::string action_of(std::string_view line) {
  constexpr std::string_view kBlanks = " \t";
  for (int word = 1;; ++word) {
    line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
    const std::string_view found = line.substr(0, line.find_first_of(kBlanks));
    if (word == 3) return found.empty() ? "(none)" : std::string(found);
    line.remove_prefix(found.size());
  }
}

class Worker {
 public:
  explicit Worker(const Options& options) : options_(options), server_(options.host, options.port) {}

  void run() {
    finish_old_jobs();
    Clock::time_point next_look = Clock::now();
    while (!is_told_to_end()) {
      if (Clock::now() >= next_look) {
        take_over();
        next_look = Clock::now() + std::chrono::milliseconds(options_.idle_ms / 2);
      }
      if (read(">") == 0 && options_.until_drained && is_drained()) break;
    }
  }

  void print_summary() const {
    std::printf("%s: %zu jobs done, %zu of them taken over:", options_.name.c_str(), done_, taken_over_);
    for (const auto& [action, count] : count_by_action_) std::printf(" %s=%zu", action.c_str(), count);
    std::printf("\n");
  }

 private:
  // What this name was given in an earlier life and did not finish is read from the start of its history.
  void finish_old_jobs() {
    while (!is_told_to_end() && read("0") > 0) {
    }
  }

  // One XREADGROUP and the work it brings; the number of jobs.
  size_t read(const std::string& from) {
    const Reply reply = server_.call({"XREADGROUP", "GROUP", options_.group, options_.name, "COUNT", count(), "BLOCK",
                                      std::to_string(options_.idle_ms / 4 + 1), "STREAMS", options_.stream, from});
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0) return 0;
    // [ [stream, [entry, entry, ...]] ]
    return process_all(*reply->element[0]->element[1], false);
  }

  // Goes through everything that is pending for whomever, and keeps what was left alone for too long.
  void take_over() {
    std::string cursor = "0-0";
    do {
      const Reply reply = server_.call({"XAUTOCLAIM", options_.stream, options_.group, options_.name,
                                        std::to_string(options_.idle_ms), cursor, "COUNT", count()});
      // [ next cursor, [entry, entry, ...], [ids that are no longer in the stream] ]
      cursor = text_of(*reply->element[0]);
      taken_over_ += process_all(*reply->element[1], true);
    } while (cursor != "0-0" && !is_told_to_end());
  }

  size_t process_all(const redisReply& entries, bool is_taken_over) {
    for (size_t i = 0; i < entries.elements; ++i) {
      const redisReply& entry = *entries.element[i];
      const std::string id(text_of(*entry.element[0]));
      // History shows an entry that was deleted from the stream without its fields: nothing to do but to let it go.
      const bool is_deleted = entry.element[1]->type != REDIS_REPLY_ARRAY;
      if (!is_deleted) process(id, text_of(*entry.element[1]->element[1]), is_taken_over);
      server_.call({"XACK", options_.stream, options_.group, id});
    }
    return entries.elements;
  }

  void process(const std::string& id, std::string_view line, bool is_taken_over) {
    if (options_.work_us > 0) usleep(static_cast<useconds_t>(options_.work_us));
    const std::string action = action_of(line);
    server_.call({"XADD", options_.stream + ":done", "*", "job", id, "action", action, "worker", options_.name,
                  "taken-over", is_taken_over ? "yes" : "no"});
    ++count_by_action_[action];
    ++done_;
  }

  // Nothing unread (lag) and nothing in any worker's hands (pending).
  bool is_drained() {
    const Reply groups = server_.call({"XINFO", "GROUPS", options_.stream});
    for (size_t i = 0; i < groups->elements; ++i) {
      const redisReply& group = *groups->element[i];
      if (text_of(*field(group, "name")) != options_.group) continue;
      const redisReply& lag = *field(group, "lag");
      return lag.type == REDIS_REPLY_INTEGER && lag.integer == 0 && field(group, "pending")->integer == 0;
    }
    return true;
  }

  // The value behind a name in a flat list of names and values.
  static const redisReply* field(const redisReply& list, std::string_view name) {
    for (size_t i = 0; i + 1 < list.elements; i += 2) {
      if (text_of(*list.element[i]) == name) return list.element[i + 1];
    }
    give_up("XINFO GROUPS has no field " + std::string(name));
  }

  std::string count() const { return std::to_string(options_.count); }

  const Options options_;
  Connection server_;
  std::map<std::string, size_t> count_by_action_;
  size_t done_ = 0;
  size_t taken_over_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse_options({argv + 1, argv + argc}, options)) {
    std::fwrite(kUsage.data(), 1, kUsage.size(), stderr);
    return 2;
  }
  const sigset_t signals = ending_signals();
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  Worker worker(options);
  worker.run();
  worker.print_summary();
}
