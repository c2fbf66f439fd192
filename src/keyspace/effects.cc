// See effects.h.
#include "keyspace/effects.h"

#include <charconv>

#include "base/check.h"

namespace millrace::keyspace {
namespace {

constexpr std::string_view kMulti = "*1\r\n$5\r\nMULTI\r\n";
constexpr std::string_view kExec = "*1\r\n$4\r\nEXEC\r\n";

constexpr size_t kHeaderMax = 24;

// "$5\r\n" and the like; returns its end.
char* write_header(char* start, char mark, size_t number) {
  *start = mark;
  char* const end = std::to_chars(start + 1, start + kHeaderMax, number).ptr;
  end[0] = '\r';
  end[1] = '\n';
  return end + 2;
}

void append_header(Buffer& out, char mark, size_t number) {
  char* const start = out.reserve(kHeaderMax);
  out.commit(static_cast<size_t>(write_header(start, mark, number) - start));
}

void insert(Buffer& buffer, size_t at, std::string_view bytes) {
  const size_t behind = buffer.size() - at;
  buffer.reserve(bytes.size());
  buffer.commit(bytes.size());
  char* const place = buffer.data() + at;
  std::memmove(place + bytes.size(), place, behind);
  std::memcpy(place, bytes.data(), bytes.size());
}

}  // namespace

void Effects::begin_unit() {
  DCHECK(!in_unit_);
  in_unit_ = true;
  is_said_ = false;
  unit_start_ = commands_.size();
  unit_commands_ = 0;
}

void Effects::wrap_unit() {
  insert(commands_, unit_start_, kMulti);
  commands_.append(kExec);
}

void Effects::add(int database, std::span<const std::string_view> words) {
  if (!wanted()) return;
  begin_command(database, words.size());
  for (const std::string_view text : words) word(text);
}

void Effects::begin_command(int database, size_t words) {
  DCHECK(wanted());
  select(database);
  is_said_ = true;
  ++unit_commands_;
  append_header(commands_, '*', words);
}

void Effects::word(std::string_view word) {
  char* const start = commands_.reserve(kHeaderMax + word.size() + 2);
  char* const text = write_header(start, '$', word.size());
  word.copy(text, word.size());
  char* const end = text + word.size();
  end[0] = '\r';
  end[1] = '\n';
  commands_.commit(static_cast<size_t>(end + 2 - start));
}

void Effects::word(int64_t number) {
  char text[24];
  word(std::string_view(text, std::to_chars(text, text + sizeof text, number).ptr));
}

void Effects::word(streams::StreamId id) {
  char text[streams::kStreamIdTextMax];
  word(std::string_view(text, streams::format_stream_id(id, text)));
}

void Effects::add_expired(int database, std::string_view key) {
  const bool is_said = is_said_;
  add(database, {"DEL", key});
  is_said_ = is_said;
}

void Effects::select(int database) {
  if (commands_.empty()) {
    first_database_ = database;
  } else if (last_database_ != database) {
    append_header(commands_, '*', 2);
    word("SELECT");
    word(int64_t{database});
  }
  last_database_ = database;
}

void Effects::settle() {
  if (commands_.empty()) return;
  const bool goes_on = in_unit_;
  if (goes_on) end_unit();
  offset_ = journal_->append(commands_.view(), first_database_, last_database_);
  commands_.clear();
  in_unit_ = goes_on;
  unit_start_ = 0;
  unit_commands_ = 0;
}

}  // namespace millrace::keyspace
