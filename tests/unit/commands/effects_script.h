// Scripts of commands that change streams, strings and keys, from a seed: few keys, groups, consumers and ids, so that
// commands meet; every option that matters to what is journaled.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"

namespace millrace::tests {

class EffectsScript {
 public:
  enum class Era {
    kRedis70,  // only what redis-server 7.0 knows
    kNow,
  };

  EffectsScript(uint64_t seed, Era era) : random_(seed), is_old_(era == Era::kRedis70) {}

  // Not of commands that need a payload.
  std::vector<std::string> next();
  Random& random() { return random_; }
  std::string key() { return pick({"s", "s", "s", "t", "u"}); }

 private:
  using Words = std::vector<std::string>;
  using Maker = Words (EffectsScript::*)();
  static const struct Weighted {
    Maker maker;
    uint32_t weight;
    bool is_new;
  } kMakers[];

  Words add();
  Words trim();
  Words erase();
  Words erase_under_policy();
  Words acknowledge();
  Words acknowledge_and_erase();
  Words give_back();
  Words read();
  Words claim();
  Words autoclaim();
  Words create_group();
  Words set_group();
  Words drop_group();
  Words consumer_comes_or_goes();
  Words set_id();
  Words configure();
  Words record();
  Words expire();
  Words transfer();
  Words remove();
  Words look();
  Words select();
  Words set_string();
  Words edit_string();
  Words take_string();

  uint64_t below(uint64_t n) { return random_.below(n); }
  bool one_in(uint64_t n) { return random_.one_in(n); }
  std::string number(uint64_t n) { return std::to_string(below(n)); }
  std::string pick(const std::vector<std::string>& words) { return words[below(words.size())]; }
  std::string group() { return pick({"g", "g", "h"}); }
  std::string consumer() { return pick({"a", "b", "c", ""}); }
  std::string string_key();
  void append_time(Words& words);
  std::string id();
  void append_ids(Words& words, uint64_t at_most);
  void append_counted_ids(Words& words);
  void append_trim(Words& words);
  void append_policy(Words& words);

  Random random_;
  const bool is_old_;
  uint64_t ms_ = 1;  // ids are around this one
};

}  // namespace millrace::tests
