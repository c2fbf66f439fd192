// See script_generator.h.
#include "script_generator.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace millrace::test {
namespace {

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return std::toupper(static_cast<unsigned char>(x)) == y; });
}

}  // namespace

const ScriptGenerator::Weighted ScriptGenerator::kMakers[] = {
    {&ScriptGenerator::xadd, 30, ScriptKind::kAppendOnly},
    {&ScriptGenerator::xadd_with_server_time, 1, ScriptKind::kAppendOnly},
    {&ScriptGenerator::xlen, 2, ScriptKind::kAppendOnly},
    {&ScriptGenerator::xrange, 10, ScriptKind::kAppendOnly},
    {&ScriptGenerator::xdel, 6, ScriptKind::kEverything},
    {&ScriptGenerator::xtrim, 5, ScriptKind::kNoDeletions},
    {&ScriptGenerator::xsetid, 2, ScriptKind::kNoDeletions},
    {&ScriptGenerator::xgroup_create, 6, ScriptKind::kAppendOnly},
    {&ScriptGenerator::xgroup_setid, 2, ScriptKind::kNoDeletions},
    {&ScriptGenerator::xgroup_destroy, 1, ScriptKind::kAppendOnly},
    {&ScriptGenerator::xgroup_consumer, 2, ScriptKind::kAppendOnly},
    {&ScriptGenerator::xread, 5, ScriptKind::kAppendOnly},
    {&ScriptGenerator::xreadgroup, 16, ScriptKind::kAppendOnly},
    {&ScriptGenerator::xack, 6, ScriptKind::kAppendOnly},
    {&ScriptGenerator::xpending, 6, ScriptKind::kAppendOnly},
    {&ScriptGenerator::xclaim, 8, ScriptKind::kAppendOnly},
    {&ScriptGenerator::xautoclaim, 5, ScriptKind::kAppendOnly},
    {&ScriptGenerator::xinfo, 5, ScriptKind::kAppendOnly},
    {&ScriptGenerator::string_set, 6, ScriptKind::kAppendOnly},
    {&ScriptGenerator::string_look, 4, ScriptKind::kAppendOnly},
    {&ScriptGenerator::string_take, 3, ScriptKind::kAppendOnly},
    {&ScriptGenerator::string_count, 6, ScriptKind::kAppendOnly},
    {&ScriptGenerator::string_edit, 4, ScriptKind::kAppendOnly},
    {&ScriptGenerator::string_lcs, 2, ScriptKind::kAppendOnly},
    {&ScriptGenerator::key_look, 2, ScriptKind::kAppendOnly},
    {&ScriptGenerator::key_removal, 1, ScriptKind::kAppendOnly},
    {&ScriptGenerator::key_expiry, 2, ScriptKind::kAppendOnly},
    {&ScriptGenerator::key_expiry_look, 1, ScriptKind::kAppendOnly},
    {&ScriptGenerator::key_transfer, 2, ScriptKind::kAppendOnly},
    {&ScriptGenerator::key_walk, 1, ScriptKind::kAppendOnly},
    {&ScriptGenerator::object, 1, ScriptKind::kAppendOnly},
    {&ScriptGenerator::select, 1, ScriptKind::kAppendOnly},
    {&ScriptGenerator::connection, 1, ScriptKind::kAppendOnly},
    {&ScriptGenerator::client, 1, ScriptKind::kAppendOnly},
    {&ScriptGenerator::config, 1, ScriptKind::kAppendOnly},
    {&ScriptGenerator::command_look, 1, ScriptKind::kAppendOnly},
    {&ScriptGenerator::unknown, 1, ScriptKind::kAppendOnly},
};

Words ScriptGenerator::next() {
  if (queue_.empty()) {
    uint32_t total = 0;
    for (const Weighted& entry : kMakers) total += entry.weight;
    uint64_t ticket = below(total);
    const Weighted* chosen = kMakers;
    while (ticket >= chosen->weight) ticket -= (chosen++)->weight;
    if (kind_ > chosen->latest) return next();
    Words words = (this->*chosen->maker)();
    if (one_in(10)) mutate(&words);
    queue_.push_back(std::move(words));
  }
  Words words = std::move(queue_.front());
  queue_.pop_front();
  return words;
}

// ---- words

std::string ScriptGenerator::any_case(std::string word) {
  if (one_in(8)) {
    for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return word;
}

std::string ScriptGenerator::key() {
  if (one_in(40)) return pick({"bin\r\n\xff", "missing"});
  return pick({"s1", "s1", "s2", "s3"});
}

std::string ScriptGenerator::group() {
  if (one_in(40)) return pick({"", "g\xfe\n", "nobody"});
  return pick({"g1", "g1", "g2"});
}

std::string ScriptGenerator::consumer() {
  if (one_in(40)) return pick({"", "c\xff\r\n"});
  return pick({"c1", "c2", "c3"});
}

std::string ScriptGenerator::id() {
  if (one_in(60))
    return pick({"0", "0-0", "18446744073709551615-18446744073709551615", "18446744073709551615", "x", ""});
  const uint64_t back = std::min(ms_, below(25));
  std::string text = std::to_string(ms_ + 2 - std::min(ms_ + 2, back));
  if (!one_in(5)) text += "-" + std::to_string(below(3));
  return text;
}

std::string ScriptGenerator::range_end(const std::string& open) {
  if (one_in(3)) return open;
  if (one_in(6)) return "(" + id();
  if (one_in(60)) return pick({"(-", "(+", "((1-1", "(0-0", "(18446744073709551615-18446744073709551615", "-", "+"});
  return id();
}

std::string ScriptGenerator::count() {
  return one_in(10) ? odd_word() : std::to_string(below(6));
}

std::string ScriptGenerator::number() {
  return pick({"0", "1", "-1", "127", "128", "-5", "4095", "4096", "-4097", "32768", "8388607", "-8388609",
               "2147483648", "9223372036854775807", "-9223372036854775808", "9223372036854775808"});
}

std::string ScriptGenerator::value() {
  switch (below(8)) {
    case 0:
    case 1:
    case 2:
      return number();
    case 3:
      return pick({"", "007", "-0", "+1", "1.5", " 1", "12345678901234567890123"});
    case 4:
      return std::string(1 + below(80), static_cast<char>(below(256)));
    case 5:
      return std::string(one_in(10) ? 5000 : 65, 'v');
    default:
      return pick({"v", "hello", std::string("\0\r\n$-1\r\n", 8)});
  }
}

std::string ScriptGenerator::field() {
  return one_in(6) ? value() : pick({"f1", "f2"});
}

// Either certainly passed or certainly not: entries are seconds old, or were claimed with a year of idle time.
std::string ScriptGenerator::idle() {
  return one_in(12) ? odd_word() : pick({"0", "0", "5000000000"});
}

std::string ScriptGenerator::odd_word() {
  return pick({"",
               "0",
               "-1",
               "1",
               "abc",
               "9223372036854775807",
               "9223372036854775808",
               "-9223372036854775808",
               "18446744073709551615",
               "18446744073709551616",
               "1-1-1",
               "1-",
               "-1-1",
               " 1",
               "1 ",
               "01",
               "+1",
               "1.5",
               "0x10",
               "\xff\x01",
               "(1-1",
               "-",
               "$",
               ">",
               "1e3",
               "~",
               "=",
               "MAXLEN",
               "COUNT",
               "STREAMS",
               "GROUP",
               "NOACK",
               "LIMIT",
               "JUSTID",
               "-2",
               "1-18446744073709551615",
               "007-1"});
}

// Words that would lead to something that versions disagree about, see the header, stay as they are.
void ScriptGenerator::mutate(Words* words) {
  const std::string& name = words->front();
  const bool is_claim = name == "XCLAIM" || name == "XAUTOCLAIM";
  const bool may_expire_soon =
      same_word(name, "SET") || same_word(name, "SETEX") || same_word(name, "PSETEX") || same_word(name, "GETEX");
  // A long gap would make a long string.
  const bool is_delicate = may_expire_soon || same_word(name, "SETRANGE");
  const bool has_idle_filter = name == "XPENDING" && words->size() > 6;
  if (name == "EXPIRE" || name == "PEXPIRE" || name == "HELLO" || name == "COMMAND" || name == "CONFIG" ||
      has_idle_filter || is_delicate || words->back() == kClockKey)
    return;
  // No odd word becomes the key of a stream with groups: consumers were not created there.
  const bool may_carry_groups = name == "XGROUP" || name == "RENAME" || name == "RENAMENX" || name == "COPY";
  const bool keeps_two =
      may_carry_groups || name == "XSETID" || name == "rename" || name == "renamenx" || name == "copy";
  const size_t first = is_claim ? 5 : name == "XREADGROUP" ? 4 : keeps_two ? 3 : 1;
  if (words->size() <= first) return;
  const size_t at = first + below(words->size() - first);
  const auto position = words->begin() + static_cast<std::ptrdiff_t>(at);
  switch (below(name == "XSETID" ? 3 : 4)) {
    case 0:
      words->erase(position);
      break;
    case 1:
      words->insert(position, std::string(*position));
      break;
    case 2:
      std::swap((*words)[at], (*words)[first + below(words->size() - first)]);
      break;
    default:
      *position = odd_word();
  }
}

}  // namespace millrace::test
