// The main job on real input: the example of examples/job_queue, and an account of what it left in the server.
#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>

#include "end_to_end/fixture.h"

namespace millrace::test {
namespace {

class JobQueueTest : public EndToEnd {
 protected:
  // A log of this machine; the list of its packages if it keeps none that is long enough to kill somebody meanwhile.
  std::string a_real_log() const {
    constexpr uintmax_t kBytesMin = 100'000;
    for (const char* path : {"/var/log/dpkg.log", "/var/log/syslog", "/var/log/apt/term.log"}) {
      std::error_code error;
      if (const auto size = std::filesystem::file_size(path, error); !error && size >= kBytesMin) return path;
    }
    Process packages({"dpkg-query", "--show", "--showformat=${db:Status-Abbrev} ${Package} ${Version}\\n"});
    EXPECT_EQ(packages.exit_code(), 0);
    const std::string once = packages.out();
    std::string text = once;
    while (!once.empty() && text.size() < kBytesMin) text += once;
    return directory_.file("packages.log", text);
  }

  std::multiset<std::string> field_of_all(const std::string& stream, size_t index) const {
    std::multiset<std::string> values;
    const std::unique_ptr<redisContext, decltype(&redisFree)> context(redisConnect("127.0.0.1", port()), &redisFree);
    auto* reply = static_cast<redisReply*>(redisCommand(context.get(), "XRANGE %s - +", stream.c_str()));
    for (size_t i = 0; i < reply->elements; ++i) {
      const redisReply& entry = *reply->element[i];
      const redisReply& value = index == kId ? *entry.element[0] : *entry.element[1]->element[index];
      values.emplace(value.str, value.len);
    }
    freeReplyObject(reply);
    return values;
  }

  static constexpr size_t kId = SIZE_MAX;
  static constexpr size_t kLine = 1;       // of an entry of "jobs": [line, <line>]
  static constexpr size_t kJob = 1;        // of a result: [job, <id>, action, <action>, worker, <name>, ...
  static constexpr size_t kTakenOver = 7;  //              taken-over, yes|no]

  TemporaryDirectory directory_;
};

std::multiset<std::string> lines_of(const std::string& text) {
  std::multiset<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.insert(line);
  return lines;
}

TEST_P(JobQueueTest, EveryLineIsProcessedThoughAWorkerIsKilled) {
  start();
  const std::string log = a_real_log();
  const std::multiset<std::string> lines = lines_of(read_whole_file(log));
  ASSERT_FALSE(lines.empty());
  Process example({MILLRACE_JOB_QUEUE_SCRIPT, port_text(), log},
                  {.environment = {"JOB_QUEUE_WORKER=" MILLRACE_JOB_QUEUE_WORKER_PATH}});
  ASSERT_EQ(example.exit_code(), 0) << example.out() << example.error_output();
  SCOPED_TRACE(example.out());

  // Killed in the middle: with jobs in its hands, while others were still to be given out.
  const std::string said = example.out();
  const size_t sentence = said.find("w2 was killed with ");
  ASSERT_NE(sentence, std::string::npos);
  size_t in_hands = 0;
  size_t unread = 0;
  const char* format = "w2 was killed with %zu unfinished jobs in its hands; %zu jobs were not given out yet.";
  ASSERT_EQ(std::sscanf(said.c_str() + sentence, format, &in_hands, &unread), 2);
  EXPECT_GT(in_hands, 0u);
  EXPECT_GT(unread, 0u);

  // Every line became a job, every job has a result.
  EXPECT_TRUE(field_of_all("jobs", kLine) == lines);
  const std::multiset<std::string> jobs = field_of_all("jobs", kId);
  const std::multiset<std::string> done = field_of_all("jobs:done", kJob);
  EXPECT_EQ(std::set<std::string>(done.begin(), done.end()), std::set<std::string>(jobs.begin(), jobs.end()));
  EXPECT_GE(field_of_all("jobs:done", kTakenOver).count("yes"), in_hands);

  // Nobody holds anything, nothing is unread.
  Client observer = client();
  EXPECT_EQ(observer.call({"XPENDING", "jobs", "workers"}), "[0, (nil), (nil), (nil)]");
  const std::string count = std::to_string(jobs.size());
  EXPECT_THAT(observer.call({"XINFO", "GROUPS", "jobs"}),
              testing::MatchesRegex(".*pending, 0, .*entries-read, " + count + ", lag, 0.*"));
  expect_clean_end();
}

ON_BOTH_BACKENDS(JobQueueTest);

}  // namespace
}  // namespace millrace::test
