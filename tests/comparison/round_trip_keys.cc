// See round_trip_keys.h.
#include "round_trip_keys.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <set>

#include "base/numbers.h"
#include "support/eventually.h"

namespace millrace::test {
namespace {

constexpr int kDatabases = 16;
constexpr size_t kProblemsMax = 8;
// Keys that live longer than this outlive the test; all others are waited for.
constexpr int64_t kSoonMs = 100'000;
// Between two pictures servers are stopped and started.
constexpr int64_t kNearMs = 120'000;

enum class Allowed { kAnything, kNear };

struct Exception {
  std::string_view field;
  bool Passage::*passage;  // the exception is for those only; null = for all
  Allowed allowed;
  std::string_view why;
};

constexpr Exception kExceptions[] = {
    {"seen-time", &Passage::has_journal, Allowed::kNear, "looking is no change; Redis does not journal it either"},
    {"radix-tree-keys", &Passage::has_journal, Allowed::kAnything, "nodes are built anew from commands"},
    {"radix-tree-nodes", nullptr, Allowed::kAnything, "inner nodes depend on the tree"},
    {"lag", &Passage::has_other_version, Allowed::kAnything, "7.0 counts tombstones and trimmed entries differently"},
    {"lag", &Passage::was_running_redis, Allowed::kAnything, "see entries-read"},
    {"entries-read", &Passage::was_running_redis, Allowed::kAnything, "7.0 journals it for NOACK only"},
    {"delivery-time", &Passage::was_running_redis, Allowed::kAnything, "7.0 does not journal who reads history again"},
    {"idle", &Passage::was_running_redis, Allowed::kAnything, "the same"},
    {"delivery-count", &Passage::was_running_redis, Allowed::kAnything, "the same"},
    {"consumers", &Passage::has_journal_of_redis, Allowed::kAnything, "see without_idle_consumers()"},
    {"PTTL", nullptr, Allowed::kNear, "time passes; PEXPIRETIME is exact"},
    {"idle", nullptr, Allowed::kNear, "time passes; the time of delivery in XINFO is exact"},
};

// 7.0 does not journal a consumer that came to be while nothing was delivered to it. On the other hand it journals
// claims of entries that have gone, of which newer versions make the consumer nevertheless.
Reply without_idle_consumers(Reply consumers) {
  std::erase_if(consumers.elements, [](const Reply& consumer) {
    const Reply* pending = find_field(consumer, "pel-count");
    return pending != nullptr && pending->text == "0";
  });
  consumers.text = std::to_string(consumers.elements.size());
  return consumers;
}

bool near(const Reply& a, const Reply& b) {
  const std::optional<int64_t> left = parse_i64(a.text);
  const std::optional<int64_t> right = parse_i64(b.text);
  if (a.type != b.type || !left || !right) return false;
  if (*left < 0 || *right < 0) return *left == *right;
  return std::llabs(*left - *right) <= kNearMs;
}

std::string readable(const Reply& reply) {
  if (reply.is_null) return "nothing";
  if (!reply.is_aggregate()) return readable_text(reply.text);
  std::string text = "[";
  for (const Reply& element : reply.elements) text += (text.size() > 1 ? ", " : "") + readable(element);
  return text + "]";
}

Reply ask(RespConnection& connection, const Words& words) {
  const std::string raw = connection.command(words);
  if (!raw.empty()) return parse_reply(raw);
  return Reply{.type = '-', .text = connection.error(), .is_null = false, .elements = {}};
}

bool something_expires_soon(RespConnection& connection) {
  for (int database = 0; database < kDatabases; ++database) {
    ask(connection, {"SELECT", std::to_string(database)});
    for (const Reply& key : ask(connection, {"KEYS", "*"}).elements) {
      const std::optional<int64_t> left = parse_i64(ask(connection, {"PTTL", key.text}).text);
      if (!left || (*left != -1 && *left < kSoonMs)) return true;
    }
  }
  return false;
}

std::vector<Look> look_at_key(RespConnection& connection, const std::string& key) {
  std::vector<Look> looks;
  const auto look = [&](const Words& words) { looks.push_back({words, ask(connection, words)}); };
  look({"XINFO", "STREAM", key, "FULL", "COUNT", "0"});
  look({"GET", key});
  look({"TYPE", key});
  look({"PEXPIRETIME", key});
  look({"PTTL", key});
  look({"XRANGE", key, "-", "+"});
  look({"XINFO", "GROUPS", key});
  const Reply groups = looks.back().reply;
  for (const Reply& group : groups.elements) {
    const Reply* name = find_field(group, "name");
    if (name == nullptr) continue;
    look({"XPENDING", key, name->text});
    look({"XPENDING", key, name->text, "-", "+", "1000000"});
  }
  return looks;
}

// Compares two trees, with the path to where it stands.
class TreeComparison {
 public:
  explicit TreeComparison(const Passage& passage) : passage_(passage) {}

  void compare(const std::string& path, std::string_view field, const Reply& before, const Reply& after) {
    if (is_allowed(field, before, after)) return;
    if (field == "consumers" && passage_.has_journal_of_redis) {
      return compare(path, "busy consumers", without_idle_consumers(before), without_idle_consumers(after));
    }
    const bool is_alike = before.type == after.type && before.is_null == after.is_null;
    if (!is_alike || before.elements.size() != after.elements.size() || before.text != after.text) {
      note(path + "\n    before: " + readable(before) + "\n    after:  " + readable(after) + "\n");
      return;
    }
    for (size_t i = 0; i < before.elements.size(); i++) compare_element(path, field, i, before, after);
  }
  void note(const std::string& problem) {
    if (++problems_ <= kProblemsMax) text_ += problem;
  }
  const std::string& text() const { return text_; }

 private:
  // Fields are names followed by values. Rows of pending entries end in a time and a count.
  void compare_element(const std::string& path, std::string_view field, size_t i, const Reply& before,
                       const Reply& after) {
    const bool has_name = i % 2 == 1 && before.elements[i - 1].type == '$' && !field.ends_with(" row");
    std::string_view name = has_name ? std::string_view(before.elements[i - 1].text) : std::string_view();
    if (field == "pending" || field == "XPENDING") name = field == "pending" ? "pending row" : "XPENDING row";
    if (field == "pending row" && i + 2 == before.elements.size()) name = "delivery-time";
    if (field == "XPENDING row" && i + 2 == before.elements.size()) name = "idle";
    if (field.ends_with(" row") && i + 1 == before.elements.size()) name = "delivery-count";
    const std::string step = name.empty() ? std::to_string(i) : std::string(name);
    compare(path + " / " + step, name, before.elements[i], after.elements[i]);
  }
  bool is_allowed(std::string_view field, const Reply& before, const Reply& after) const {
    return std::any_of(std::begin(kExceptions), std::end(kExceptions), [&](const Exception& exception) {
      if (exception.field != field || (exception.passage != nullptr && !(passage_.*exception.passage))) return false;
      if (exception.allowed == Allowed::kNear) return near(before, after);
      return !before.is_aggregate() && !after.is_aggregate();
    });
  }

  const Passage& passage_;
  size_t problems_ = 0;
  std::string text_;
};

std::string readable_name(const KeyName& name) {
  return "database " + std::to_string(name.first) + ", key " + readable_text(name.second);
}

std::string_view field_of(const Words& command) {
  if (command[0] == "PTTL") return "PTTL";
  return command[0] == "XPENDING" && command.size() > 3 ? "XPENDING" : "";
}

void compare_looks(const KeyName& name, const std::vector<Look>& before, const std::vector<Look>& after,
                   TreeComparison* comparison) {
  for (size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
    const std::string path = readable_name(name) + ": " + readable_words(before[i].command);
    if (before[i].command != after[i].command) comparison->note(path + ": other groups\n");
    comparison->compare(path, field_of(before[i].command), before[i].reply, after[i].reply);
  }
  if (before.size() != after.size()) comparison->note(readable_name(name) + ": not as many groups\n");
}

size_t number(const Reply* field) {
  return field == nullptr ? 0 : static_cast<size_t>(parse_i64(field->text).value_or(0));
}

}  // namespace

KeysShown look_at_all_keys(RespConnection& connection) {
  eventually([&] { return !something_expires_soon(connection); });
  KeysShown keys;
  for (int database = 0; database < kDatabases; ++database) {
    ask(connection, {"SELECT", std::to_string(database)});
    for (const Reply& key : ask(connection, {"KEYS", "*"}).elements) {
      keys[{database, key.text}] = look_at_key(connection, key.text);
    }
  }
  return keys;
}

std::string difference(const KeysShown& before, const KeysShown& after, const Passage& passage) {
  TreeComparison comparison(passage);
  for (const auto& [name, looks] : before) {
    const auto found = after.find(name);
    if (found == after.end()) {
      comparison.note(readable_name(name) + ": gone\n");
    } else {
      compare_looks(name, looks, found->second, &comparison);
    }
  }
  for (const auto& [name, looks] : after) {
    if (!before.contains(name)) comparison.note(readable_name(name) + ": from nowhere\n");
  }
  return comparison.text();
}

Richness richness_of(const KeysShown& keys) {
  Richness richness;
  std::set<int> databases;
  for (const auto& [name, looks] : keys) {
    ++richness.keys;
    databases.insert(name.first);
    std::set<std::string> ids;
    for (const auto& [command, reply] : looks) {
      if (command[0] == "PEXPIRETIME" && reply.text != "-1") ++richness.expiring;
      if (command[0] == "TYPE" && reply.text == "string") ++richness.strings;
      if (command[0] == "XRANGE") {
        for (const Reply& entry : reply.elements) ids.insert(entry.elements[0].text);
      }
      if (command[0] == "XINFO" && command[1] == "GROUPS") {
        richness.groups += reply.elements.size();
        for (const Reply& group : reply.elements) richness.consumers += number(find_field(group, "consumers"));
      }
      if (command[0] == "XPENDING" && command.size() > 3) {
        richness.pending += reply.elements.size();
        for (const Reply& row : reply.elements) richness.pending_without_entry += !ids.contains(row.elements[0].text);
      }
    }
  }
  richness.databases = databases.size();
  return richness;
}

}  // namespace millrace::test
