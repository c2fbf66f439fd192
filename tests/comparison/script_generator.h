// An endless script of stream, string and key commands from a seed: few keys, groups, consumers and ids, so that
// commands meet; every option, with good and bad values; now and then a command with a word dropped, doubled, swapped
// or replaced.
//
// It stays clear of what cannot be compared: ids that are the time (except on a key of their own), times that may pass
// during the run, and consumers that only newer versions of Redis create when nothing was delivered.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "support/resp_connection.h"

namespace millrace::test {

enum class ScriptKind {
  kEverything,   // but exact MINID: in Redis it can leave nodes behind in which all is deleted, if one ends in a
                 // tombstone
  kNoDeletions,  // only trims, by MINID as well
  kAppendOnly,   // no gaps in streams, so that every rule for the lag of a group agrees
};

class ScriptGenerator {
 public:
  // The key whose ids are the time.
  static constexpr std::string_view kClockKey = "clock";

  ScriptGenerator(uint64_t seed, ScriptKind kind, int protocol) : random_(seed), kind_(kind), protocol_(protocol) {}

  Words next();
  // What comes next belongs to what came before: the same connection has to say it.
  bool is_in_sequence() const { return !queue_.empty(); }

 private:
  using Maker = Words (ScriptGenerator::*)();
  struct Weighted {
    Maker maker;
    uint32_t weight;
    ScriptKind latest;  // the last kind of script that has it
  };
  static const Weighted kMakers[];

  // Stream commands (script_streams.cc).
  Words xadd();
  Words xadd_with_server_time();
  Words xlen();
  Words xrange();
  Words xdel();
  Words xtrim();
  Words xsetid();
  Words xgroup_create();
  Words xgroup_setid();
  Words xgroup_destroy();
  Words xgroup_consumer();
  Words xread();
  Words xreadgroup();
  Words xack();
  Words xpending();
  Words xclaim();
  Words xautoclaim();
  Words xinfo();
  void append_trim(Words* words);
  // A consumer that is not there would be created by newer versions even if nothing is delivered.
  Words after_creating_consumer(Words words, const std::string& key, const std::string& group,
                                const std::string& consumer);

  // String commands (script_strings.cc).
  Words string_set();
  Words string_look();
  Words string_take();
  Words string_count();
  Words string_edit();
  Words string_lcs();
  void append_expiry(Words* words);
  std::string string_key();
  std::string any_key();
  std::string edge();

  // Commands on keys and connections (script_keys.cc).
  Words key_look();
  Words key_removal();
  Words key_expiry();
  Words key_expiry_look();
  Words key_transfer();
  Words key_walk();
  Words object();
  Words select();
  Words connection();
  Words client();
  Words config();
  Words command_look();
  Words unknown();

  void mutate(Words* words);
  std::string odd_word();

  bool one_in(uint64_t n) { return random_.one_in(n); }
  uint64_t below(uint64_t n) { return random_.below(n); }
  std::string pick(const std::vector<std::string>& words) { return words[below(words.size())]; }
  std::string any_case(std::string word);
  std::string key();
  std::string group();
  std::string consumer();
  std::string id();
  std::string range_end(const std::string& open);
  std::string count();
  std::string number();
  std::string value();
  std::string field();
  std::string idle();

  Random random_;
  ScriptKind kind_;
  int protocol_;
  uint64_t ms_ = 1;  // ids are around this one
  uint64_t highest_ms_ = 1;
  std::deque<Words> queue_;
};

}  // namespace millrace::test
