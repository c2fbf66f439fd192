// See round_trip_traffic.h.
#include "round_trip_traffic.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <utility>

#include "reply_tree.h"

namespace millrace::test {
namespace {

constexpr ScriptKind kWriterScripts[] = {ScriptKind::kEverything, ScriptKind::kNoDeletions, ScriptKind::kEverything};
constexpr int kReaders = 3;
constexpr uint64_t kPipelineMax = 20;
constexpr uint64_t kOthersOneIn = 5;
constexpr uint64_t kTransactionsOneIn = 12;
constexpr uint64_t kCopiesByValueOneIn = 20;
constexpr int64_t kDistantMs = 9'000'000'000'000;  // in the year 2255

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return std::toupper(static_cast<unsigned char>(x)) == y; });
}

// A writer that blocks would keep everybody waiting: its replies are waited for.
bool may_block(const Words& words) {
  return std::any_of(words.begin(), words.end(), [](const std::string& word) { return same_word(word, "BLOCK"); });
}

// Clamped by 8.2 and later, so a key of redis-server 7.0 with such figures is not the same in Millrace.
bool sets_progress(const Words& words) {
  return std::any_of(words.begin(), words.end(), [](const std::string& word) {
    return same_word(word, "ENTRIESREAD") || same_word(word, "ENTRIESADDED");
  });
}

bool takes_much_away(const Words& words) {
  constexpr std::string_view kRemovals[] = {"FLUSHALL", "FLUSHDB", "DEL", "UNLINK", "RENAME", "RENAMENX", "MOVE"};
  if (std::any_of(std::begin(kRemovals), std::end(kRemovals),
                  [&](std::string_view name) { return same_word(words[0], name); })) {
    return true;
  }
  return same_word(words[0], "XGROUP") && words.size() > 1 &&
         (same_word(words[1], "DESTROY") || same_word(words[1], "DELCONSUMER"));
}

}  // namespace

Traffic::Traffic(uint16_t port, uint64_t seed, Language language) : random_(seed), language_(language) {
  add_writers(port, seed);
  add_readers(port);
}

void Traffic::add_writers(uint16_t port, uint64_t seed) {
  for (const ScriptKind kind : kWriterScripts) {
    writers_.push_back(
        {.connection = RespConnection::connect(port), .script = ScriptGenerator(seed + writers_.size(), kind, 2)});
  }
}

void Traffic::add_readers(uint16_t port) {
  for (int i = 0; i < kReaders; ++i) {
    Reader reader{.connection = RespConnection::connect(port), .group = {"GROUP", "g1", "r" + std::to_string(i)}};
    if (i == 1) reader.group[1] = "g2";
    if (i == 2) reader.group.push_back("NOACK");
    readers_.push_back(std::move(reader));
  }
}

bool Traffic::run(int commands, const std::function<void()>& in_the_middle) {
  for (const Writer& writer : writers_) {
    if (writer.connection == nullptr) return false;
  }
  bool is_late = false;
  for (size_t sent = 0; sent < static_cast<size_t>(commands);) {
    if (!is_late && 2 * sent >= static_cast<size_t>(commands)) {
      is_late = true;
      if (in_the_middle) in_the_middle();
    }
    for (Reader& reader : readers_) {
      if (!attend(&reader)) return false;
    }
    for (Writer& writer : writers_) {
      if (!send_pipeline(&writer, is_late)) return false;
      sent += writer.sent.size();
    }
    for (Writer& writer : writers_) {
      if (!read_pipeline(&writer)) return false;
    }
    if (below(kCopiesByValueOneIn) == 0 && !copy_by_value(&writers_[below(writers_.size())])) return false;
  }
  return true;
}

bool Traffic::send_pipeline(Writer* writer, bool is_late) {
  writer->sent.clear();
  for (uint64_t left = 1 + below(kPipelineMax); left > 0; --left) {
    const bool is_transaction = language_ == Language::kOfRedis70 && below(kTransactionsOneIn) == 0;
    if (is_transaction) writer->sent.push_back({"MULTI"});
    for (uint64_t more = is_transaction ? 1 + below(4) : 1; more > 0; --more) append(writer, next(writer), is_late);
    if (is_transaction) writer->sent.push_back({"EXEC"});
  }
  std::string bytes;
  for (const Words& words : writer->sent) bytes += RespConnection::request(words);
  return writer->connection->send_raw(bytes);
}

// Late in the run whole keys and groups stay, so that something is left in the end.
void Traffic::append(Writer* writer, Words words, bool is_late) {
  if (may_block(words) || (is_late && takes_much_away(words))) return;
  if (language_ == Language::kOfRedis70 && sets_progress(words)) return;
  writer->sent.push_back(std::move(words));
}

bool Traffic::read_pipeline(Writer* writer) {
  for (const Words& words : writer->sent) {
    if (writer->connection->read_reply().empty()) return complain(*writer->connection, words);
  }
  return true;
}

bool Traffic::attend(Reader* reader) {
  if (!reader->is_waiting) return wait_again(reader);
  if (!reader->connection->has_reply(std::chrono::milliseconds(0))) return true;
  const std::string reply = reader->connection->read_reply();
  if (reply.empty()) return complain(*reader->connection, reader->group);
  if (reply.starts_with("*1")) ++served_;
  return wait_again(reader);
}

// Groups come and go, so they are made sure of first.
bool Traffic::wait_again(Reader* reader) {
  const std::string first = key();
  const std::string second = key();
  reader->connection->command({"SELECT", below(4) == 0 ? "1" : "0"});
  for (const std::string& key : {first, second}) {
    reader->connection->command({"XGROUP", "CREATE", key, reader->group[1], "$", "MKSTREAM"});
  }
  Words words = {"XREADGROUP"};
  words.insert(words.end(), reader->group.begin(), reader->group.end());
  words.insert(words.end(), {"COUNT", std::to_string(1 + below(3)), "BLOCK", pick({"0", "0", "20"}), "STREAMS", first,
                             second, ">", ">"});
  reader->is_waiting = true;
  return reader->connection->send(words);
}

bool Traffic::copy_by_value(Writer* writer) {
  const Words dump = {"DUMP", any_key()};
  const std::string raw = writer->connection->command(dump);
  if (raw.empty()) return complain(*writer->connection, dump);
  const Reply payload = parse_reply(raw);
  if (payload.is_null || payload.is_error()) return true;
  Words restore = {"RESTORE", key(), "0", payload.text, "REPLACE"};
  switch (below(4)) {
    case 0:
      restore[2] = std::to_string(kDistantMs);
      restore.push_back("ABSTTL");
      break;
    case 1:
      restore[2] = pick({"500000000", "15"});
      break;
    case 2:
      restore.insert(restore.end(), {"IDLETIME", "10"});
      break;
    default:
      break;
  }
  return !writer->connection->command(restore).empty() || complain(*writer->connection, restore);
}

bool Traffic::complain(const RespConnection& connection, const Words& words) {
  problem_ = readable_words(words) + ": " + connection.error();
  return false;
}

// ---- commands

Words Traffic::next(Writer* writer) {
  return below(kOthersOneIn) == 0 ? other() : writer->script.next();
}

Words Traffic::other() {
  using enum Language;
  struct Row {
    Maker maker;
    Language since;
    uint64_t weight;
  };
  constexpr Row kRows[] = {
      {&Traffic::group_read, kOfRedis70, 12},
      {&Traffic::short_life, kOfRedis70, 2},
      {&Traffic::odd_life, kOfRedis70, 2},
      {&Traffic::transfer, kOfRedis70, 2},
      {&Traffic::flush, kOfRedis70, 1},
      {&Traffic::clock_entry, kOfRedis70, 6},
      {&Traffic::claiming_read, kReadByRedis70, 3},
      {&Traffic::policy_deletion, kComplete, 2},
      {&Traffic::policy_trim, kComplete, 1},
      {&Traffic::idempotent_entry, kComplete, 2},
  };
  constexpr uint64_t kTotal = 33;
  const Row* row = kRows;
  for (uint64_t ticket = below(kTotal); ticket >= row->weight; ++row) ticket -= row->weight;
  return row->since <= language_ ? (this->*row->maker)() : other();
}

Words Traffic::group_read() {
  return {"XREADGROUP",
          "GROUP",
          pick({"g1", "g2"}),
          pick({"c1", "c2", "c3"}),
          "COUNT",
          std::to_string(1 + below(6)),
          "STREAMS",
          pick({"s1", "s2", "s3", "ticks"}),
          ">"};
}

Words Traffic::short_life() {
  return {"PEXPIRE", pick({"s3", "s2", "n3", "clock"}), std::to_string(1 + below(30))};
}

Words Traffic::odd_life() {
  switch (below(5)) {
    case 0:
      return {"EXPIRE", pick({"s3", "n2"}), pick({"0", "-1", "1", "500000"})};
    case 1:
      return {"PEXPIREAT", any_key(), std::to_string(kDistantMs + static_cast<int64_t>(below(1'000'000))),
              pick({"NX", "GT", "LT", "XX"})};
    case 2:
      return {"EXPIREAT", pick({"s3", "clock"}), pick({"1", "9000000000"})};
    case 3:
      return {"PEXPIREAT", "s3", "1000"};
    default:
      return {"EXPIRE", any_key(), std::to_string(1'000'000 + below(100'000)), pick({"NX", "GT", "LT", "XX"})};
  }
}

Words Traffic::transfer() {
  switch (below(3)) {
    case 0:
      return {"COPY", key(), key(), "DB", database(), "REPLACE"};
    case 1:
      return {"MOVE", any_key(), database()};
    default:
      return {"RENAME", key(), key()};
  }
}

Words Traffic::flush() {
  return below(10) == 0 ? Words{"FLUSHDB"} : Words{"UNLINK", key()};
}

Words Traffic::clock_entry() {
  const std::string target = pick({"clock", "ticks", "ticks"});
  switch (below(4)) {
    case 0:
      return {"XADD", target, "MAXLEN", "~", std::to_string(below(40)), "*", "f", "v"};
    case 1:
      return {"XADD", target, "MAXLEN", std::to_string(below(40)), "*", "f", "v"};
    case 2:
      return {"XREADGROUP", "GROUP", "g1", "c1", "COUNT", "2", "STREAMS", target, ">"};
    default:
      return below(4) == 0 ? Words{"XGROUP", "CREATE", target, "g1", "0"} : Words{"XADD", target, "*", "f", "v"};
  }
}

Words Traffic::claiming_read() {
  return {"XREADGROUP", "GROUP", pick({"g1", "g2"}), pick({"c1", "c2"}), "COUNT",
          "3",          "CLAIM", pick({"0", "5"}),   "STREAMS",          key(),
          ">"};
}

void Traffic::append_ids(Words* words) {
  const uint64_t count = 1 + below(6);
  words->insert(words->end(), {"IDS", std::to_string(count)});
  for (uint64_t i = 0; i < count; ++i) words->push_back(id());
}

Words Traffic::policy_deletion() {
  const std::string policy = pick({"KEEPREF", "DELREF", "ACKED"});
  Words words = below(2) == 0 ? Words{"XDELEX", key(), policy} : Words{"XACKDEL", key(), pick({"g1", "g2"}), policy};
  append_ids(&words);
  return words;
}

Words Traffic::policy_trim() {
  return {"XTRIM",
          key(),
          pick({"MAXLEN", "MINID"}),
          pick({"=", "~"}),
          std::to_string(below(40)),
          pick({"KEEPREF", "DELREF", "ACKED"})};
}

Words Traffic::idempotent_entry() {
  return {"XADD", pick({"ticks", "clock"}), "IDMP", pick({"p1", "p2"}), std::to_string(below(20)), "*", "f", "v"};
}

}  // namespace millrace::test
