// Traffic: several connections that change keys in every way there is, from a seed. Some send the random script in
// pipelines, all at the same time, each in databases of its own choice; others wait in blocking XREADGROUPs and are
// served by the first. What Redis does not keep in its order of events - which of two connections comes first - is
// left to the server; so a seed makes similar traffic each time, not the same.
//
// Run by one thread of a test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "script_generator.h"
#include "support/resp_connection.h"

namespace millrace::test {

enum class Language {
  kOfRedis70,      // to redis-server: what it has, transactions as well; no figures that newer versions clamp
  kReadByRedis70,  // to Millrace: everything whose effects redis-server 7.0 has, like XREADGROUP ... CLAIM
  kComplete,       // and XDELEX, XACKDEL, trimming with DELREF and ACKED, idempotent production
};

class Traffic {
 public:
  Traffic(uint16_t port, uint64_t seed, Language language);

  // Sends about as many commands, reads all replies. Halfway `in_the_middle` happens, if there is such a thing.
  // False if a reply did not come; problem() says which.
  bool run(int commands, const std::function<void()>& in_the_middle = {});
  const std::string& problem() const { return problem_; }
  // How many blocked readers were given entries.
  int served() const { return served_; }

 private:
  struct Writer {
    std::unique_ptr<RespConnection> connection;
    ScriptGenerator script;
    std::vector<Words> sent = {};
  };
  struct Reader {
    std::unique_ptr<RespConnection> connection;
    Words group;  // GROUP name consumer, maybe NOACK
    bool is_waiting = false;
  };
  using Maker = Words (Traffic::*)();

  void add_writers(uint16_t port, uint64_t seed);
  void add_readers(uint16_t port);
  bool send_pipeline(Writer* writer, bool is_late);
  void append(Writer* writer, Words words, bool is_late);
  bool read_pipeline(Writer* writer);
  bool attend(Reader* reader);
  bool wait_again(Reader* reader);
  bool copy_by_value(Writer* writer);
  bool complain(const RespConnection& connection, const Words& words);

  // Commands besides the script.
  Words next(Writer* writer);
  Words other();
  Words group_read();
  Words short_life();
  Words odd_life();
  Words transfer();
  Words flush();
  Words clock_entry();
  Words claiming_read();
  Words policy_deletion();
  Words policy_trim();
  Words idempotent_entry();

  uint64_t below(uint64_t n) { return random_.below(n); }
  std::string pick(const std::vector<std::string>& words) { return words[below(words.size())]; }
  std::string key() { return pick({"s1", "s1", "s2", "s3"}); }
  std::string any_key() { return pick({"s1", "s1", "s2", "s3", "n1", "n2", "n3"}); }
  std::string database() { return std::to_string(below(4)); }
  std::string id() { return std::to_string(1 + below(60)) + "-" + std::to_string(below(6)); }
  void append_ids(Words* words);

  Random random_;
  const Language language_;
  std::vector<Writer> writers_;
  std::vector<Reader> readers_;
  int served_ = 0;
  std::string problem_;
};

}  // namespace millrace::test
