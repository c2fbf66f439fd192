// A journal in memory, as a server writes it, and what a server makes of one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "block_source.h"
#include "persistence/journal_check.h"
#include "persistence/journal_format.h"
#include "persistence/journal_reader.h"

namespace millrace::persistence {

using Words = std::vector<std::string>;

inline std::string encoded(const Words& words) {
  Buffer out;
  const std::vector<std::string_view> args(words.begin(), words.end());
  encode_command(out, args);
  return std::string(out.view());
}

inline std::string annotated(std::string_view block, uint64_t synced) {
  Buffer out;
  out.append(block);
  append_annotation(out, out.view(), synced);
  return std::string(out.view());
}

class JournalFile {
 public:
  // A new file begins with a fence, and is synced with it.
  static JournalFile created() {
    JournalFile file;
    file.fence();
    file.sync();
    return file;
  }

  void add(const Words& words) { add_raw(encoded(words)); }
  void add_raw(std::string_view bytes) { block_ += bytes; }
  void flush() {
    if (block_.empty()) return;
    bytes_ += annotated(block_, synced_);
    block_.clear();
  }
  void flush(const Words& words) {
    add(words);
    flush();
  }
  void fence() { bytes_ += annotated("", synced_); }
  void sync() { synced_ = bytes_.size(); }
  // What somebody else appends.
  void append_raw(std::string_view bytes) { bytes_ += bytes; }

  const std::string& bytes() const { return bytes_; }
  uint64_t size() const { return bytes_.size(); }
  uint64_t synced() const { return synced_; }

 private:
  std::string bytes_;
  std::string block_;
  uint64_t synced_ = 0;
};

inline JournalCheck check_of(std::string_view bytes, size_t source_block = 1 << 16) {
  BlockSource source(bytes, source_block);
  return check_journal(source, bytes.size(), {});
}

inline std::vector<Words> commands_of(std::string_view bytes, uint64_t end, size_t source_block = 1 << 16) {
  BlockSource source(bytes, source_block);
  JournalReader reader(source, end, {});
  std::vector<Words> commands;
  while (const auto command = reader.next()) commands.emplace_back(command->args.begin(), command->args.end());
  if (reader.failed()) commands.push_back({"(failed)"});
  return commands;
}

// What a server would start with, or why it would not: "torn at 17 to 10: ...".
inline std::string verdict(const JournalCheck& check) {
  if (check.end == JournalEnd::kWhole) return "whole";
  return std::string(check.end == JournalEnd::kTorn ? "torn" : "corrupt") + " at " +
         std::to_string(check.damage_offset) + " to " + std::to_string(check.valid_bytes) + ": " +
         std::string(check.damage);
}

}  // namespace millrace::persistence
