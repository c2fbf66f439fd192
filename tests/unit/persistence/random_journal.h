// Journals with everything in them, from a seed, beside the plain list of what was written.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "journal_file.h"

namespace millrace::persistence {

// One flush: from `begin` to behind its annotation.
struct WrittenBlock {
  uint64_t begin;
  uint64_t end;
  uint64_t synced;        // as its annotation says
  size_t commands_after;  // written up to its end
};

class RandomJournal {
 public:
  struct Options {
    size_t blocks = 20;
    uint64_t commands_max = 8;  // per block
    uint64_t value_bytes_max = 100;
    uint64_t sync_one_in = 3;
    bool databases = false;  // some blocks select one
  };

  RandomJournal(uint64_t seed, const Options& options) : random_(seed), options_(options) {
    while (blocks_.size() < options.blocks) add_block();
  }

  const std::string& bytes() const { return file_.bytes(); }
  uint64_t synced() const { return file_.synced(); }
  const std::vector<WrittenBlock>& blocks() const { return blocks_; }  // without the fence at the start
  const std::vector<Words>& commands() const { return commands_; }
  std::vector<Words> commands_up_to(size_t count) const {
    return {commands_.begin(), commands_.begin() + static_cast<ptrdiff_t>(count)};
  }

 private:
  void add_block() {
    const uint64_t begin = file_.size();
    const uint64_t synced = file_.synced();
    if (random_.one_in(4)) file_.add_raw("#TS:1700000000\r\n");
    if (options_.databases && random_.one_in(2)) add({"SELECT", std::to_string(random_.below(16))});
    if (random_.one_in(5)) {
      add_transaction();
    } else {
      for (uint64_t count = 1 + random_.below(options_.commands_max); count > 0; --count) add(random_command());
    }
    file_.flush();
    blocks_.push_back({begin, file_.size(), synced, commands_.size()});
    if (random_.one_in(options_.sync_one_in)) file_.sync();
  }
  void add_transaction() {
    add({"MULTI"});
    for (uint64_t count = random_.below(options_.commands_max); count > 0; --count) add(random_command());
    add({"EXEC"});
  }
  void add(const Words& words) {
    file_.add(words);
    commands_.push_back(words);
  }
  Words random_command() {
    Words words = {"XADD", "stream:" + std::to_string(random_.below(50)), std::to_string(random_.next() >> 20) + "-1"};
    for (uint64_t count = 2 * random_.below(4); count > 0; --count) words.push_back(random_value());
    return words;
  }
  std::string random_value() {
    if (random_.one_in(10)) return "\r\n#MR:0:0123456789abcdef:0\r\n*1\r\n";
    std::string value(random_.below(options_.value_bytes_max), 'v');
    for (char& c : value) c = random_.one_in(8) ? "\r\n#*$"[random_.below(5)] : static_cast<char>(random_.next());
    return value;
  }

  Random random_;
  Options options_;
  JournalFile file_ = JournalFile::created();
  std::vector<WrittenBlock> blocks_;
  std::vector<Words> commands_;
};

}  // namespace millrace::persistence
