// See command_grammar.h.
#include "end_to_end/command_grammar.h"

#include <algorithm>
#include <charconv>

#include "base/check.h"

namespace millrace::test {
namespace {

template <size_t N>
std::string pick(const std::string_view (&pool)[N], Random& random) {
  return std::string(pool[random.below(N)]);
}

constexpr std::string_view kIds[] = {"*", "0", "0-0", "0-1", "1-1", "5", "5-*", "40-1", "$",
                                     ">", ">", ">",   "+",   "-",   "-", "+",   "(1-1", "(5"};
constexpr std::string_view kEdgeIds[] = {"18446744073709551615-18446744073709551615",
                                         "18446744073709551615-18446744073709551614",
                                         "18446744073709551615",
                                         "18446744073709551615-*",
                                         "18446744073709551615-0",
                                         "(18446744073709551615-18446744073709551615",
                                         "(0-0",
                                         "0-18446744073709551615",
                                         "18446744073709551616-0",
                                         "-1",
                                         "1-",
                                         "-",
                                         "1-1-1",
                                         "99999999999999999999-1",
                                         "1--1",
                                         "+1-1",
                                         "\xff"};
constexpr size_t kRememberedIds = 64;
constexpr std::string_view kNumbers[] = {"0", "1", "1", "2", "3", "5", "10", "100", "1000"};
constexpr std::string_view kOddNumbers[] = {"-1",
                                            "-2",
                                            "9223372036854775807",
                                            "9223372036854775806",
                                            "-9223372036854775808",
                                            "9223372036854775808",
                                            "18446744073709551615",
                                            "18446744073709551616",
                                            "9223372036854775",
                                            "9223372036854",
                                            "576460752303423487",
                                            "4294967296",
                                            "2147483648",
                                            "1e30",
                                            "inf",
                                            "-inf",
                                            "nan",
                                            "0x10",
                                            "+1",
                                            "01",
                                            " 1",
                                            "1.5",
                                            "-0",
                                            ""};
constexpr std::string_view kTexts[] = {"a", "f", "value", "12", "-7", "", "YES", "NO", "a b", "x\r\ny", "\xff\xfe"};
constexpr std::string_view kPatterns[] = {"*", "k*", "?1", "[a-z]*", "\\*", "[", "*[^", "max*", "***a***b", ""};

std::string numbered(char letter, uint64_t count, Random& random) {
  return letter + std::to_string(random.below(count));
}

std::string binary_text(size_t size, Random& random) {
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random.next());
  return text;
}

std::string odd_text(Random& random) {
  switch (random.below(6)) {
    case 0:
      return "";
    case 1:
      return binary_text(random.below(20), random);
    case 2:
      return std::string(random.below(random.one_in(10) ? 100'000 : 300), 'x');
    case 3:
      return pick(kIds, random);
    case 4:
      return pick(kTexts, random);
    default:
      return pick(kOddNumbers, random);
  }
}

std::string integer_text(Random& random) {
  return random.one_in(6) ? pick(kOddNumbers, random) : pick(kNumbers, random);
}

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return result;
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool has_flag(const ReplyTree& argument, std::string_view flag) {
  const ReplyTree* flags = argument.find("flags");
  return flags != nullptr && std::any_of(flags->items.begin(), flags->items.end(),
                                         [flag](const ReplyTree& item) { return item.text == flag; });
}

std::string_view text_of(const ReplyTree& argument, std::string_view name) {
  const ReplyTree* found = argument.find(name);
  return found == nullptr ? std::string_view() : std::string_view(found->text);
}

ReplyTree read_tree(std::string_view raw, size_t& at) {
  const size_t line_end = raw.find("\r\n", at);
  CHECK(line_end != std::string_view::npos);
  ReplyTree tree;
  tree.kind = raw[at];
  const std::string_view line = raw.substr(at + 1, line_end - at - 1);
  at = line_end + 2;
  int64_t count = 0;
  std::from_chars(line.data(), line.data() + line.size(), count);
  if (tree.kind == '*') {
    for (int64_t i = 0; i < count; ++i) tree.items.push_back(read_tree(raw, at));
  } else if (tree.kind == '$' && count >= 0) {
    tree.text = raw.substr(at, static_cast<size_t>(count));
    at += static_cast<size_t>(count) + 2;
  } else if (tree.kind != '$') {
    tree.text = line;
  }
  return tree;
}

}  // namespace

const ReplyTree* ReplyTree::find(std::string_view name) const {
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i].text == name) return &items[i + 1];
  }
  return nullptr;
}

int64_t ReplyTree::number() const {
  int64_t value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

ReplyTree read_tree(std::string_view raw) {
  size_t at = 0;
  return read_tree(raw, at);
}

CommandGrammar::CommandGrammar(const ReplyTree& docs) {
  for (size_t i = 0; i + 1 < docs.items.size(); i += 2) add(docs.items[i].text, docs.items[i + 1], nullptr);
}

void CommandGrammar::add(std::string_view name, const ReplyTree& facts, const CommandForm* container) {
  CommandForm form;
  form.full_name = name;
  const size_t bar = name.find('|');
  form.name.push_back(upper(name.substr(0, bar)));
  if (bar != std::string_view::npos) form.name.push_back(upper(name.substr(bar + 1)));
  form.is_stream = container != nullptr ? container->is_stream : text_of(facts, "group") == "stream";
  form.is_string = text_of(facts, "group") == "string";
  form.is_pubsub = container != nullptr ? container->is_pubsub : text_of(facts, "group") == "pubsub";
  if (const ReplyTree* arguments = facts.find("arguments")) form.arguments = arguments->items;
  const ReplyTree* subcommands = facts.find("subcommands");
  form.is_container = subcommands != nullptr;
  forms_.push_back(form);
  if (subcommands == nullptr) return;
  for (size_t i = 0; i + 1 < subcommands->items.size(); i += 2) {
    add(subcommands->items[i].text, subcommands->items[i + 1], &form);
  }
}

const CommandForm* CommandGrammar::find(std::string_view full_name) const {
  const auto place =
      std::find_if(forms_.begin(), forms_.end(), [&](const CommandForm& form) { return form.full_name == full_name; });
  return place == forms_.end() ? nullptr : &*place;
}

void CommandGrammar::remember_id(std::string id) {
  if (ids_.size() < kRememberedIds) return ids_.push_back(std::move(id));
  ids_[next_id_++ % kRememberedIds] = std::move(id);
}

std::string CommandGrammar::id_text(Random& random) const {
  if (random.one_in(25)) return pick(kEdgeIds, random);
  if (!ids_.empty() && random.one_in(2)) return ids_[random.below(ids_.size())];
  return pick(kIds, random);
}

Words CommandGrammar::make(const CommandForm& form, Random& random) {
  repeat_ = 0;
  // Keys keep their type for a while, else there would be no streams left to work on.
  const uint64_t strangers_one_in = form.is_stream || form.is_string ? 40 : 3;
  key_letter_ = form.is_string != random.one_in(strangers_one_in) ? 't' : 'k';
  Words words = form.name;
  for (const ReplyTree& argument : form.arguments) append(argument, words, random);
  return words;
}

void CommandGrammar::append(const ReplyTree& argument, Words& words, Random& random) {
  if (has_flag(argument, "optional") && !random.one_in(3)) return;
  uint64_t times = 1;
  if (has_flag(argument, "multiple")) {
    if (repeat_ == 0) repeat_ = 1 + random.below(3);
    times = repeat_;
  }
  const std::string_view token = text_of(argument, "token");
  const bool repeats_token = has_flag(argument, "multiple_token");
  for (uint64_t i = 0; i < times; ++i) {
    if (!token.empty() && (i == 0 || repeats_token)) words.emplace_back(token);
    append_once(argument, words, random);
  }
}

void CommandGrammar::append_once(const ReplyTree& argument, Words& words, Random& random) {
  const std::string_view type = text_of(argument, "type");
  const ReplyTree* children = argument.find("arguments");
  if (type == "pure-token") return;
  if (type == "oneof" && children != nullptr && !children->items.empty()) {
    return append(children->items[random.below(children->items.size())], words, random);
  }
  if (type == "block" && children != nullptr) {
    for (const ReplyTree& child : children->items) append(child, words, random);
    return;
  }
  words.push_back(value_of(argument, random));
}

std::string CommandGrammar::value_of(const ReplyTree& argument, Random& random) {
  const std::string_view type = text_of(argument, "type");
  const std::string_view name = text_of(argument, "name");
  if (type == "key") return random.one_in(40) ? odd_text(random) : numbered(key_letter_, 6, random);
  if (type == "pattern") return random.one_in(8) ? odd_text(random) : pick(kPatterns, random);
  if (name == "numids") {
    if (repeat_ == 0) repeat_ = 1 + random.below(3);
    return random.one_in(6) ? integer_text(random) : std::to_string(repeat_);
  }
  if (name == "db" || has(name, "index") || has(name, "destination-db")) return std::to_string(random.below(3));
  if (name == "protover") return random.one_in(8) ? integer_text(random) : random.one_in(2) ? "2" : "3";
  const bool is_number = type == "integer" || type == "double" || type == "unix-time";
  if (is_number || has(name, "time") || has(name, "count")) return integer_text(random);
  if (has(name, "channel")) return random.one_in(20) ? odd_text(random) : numbered('h', 3, random);
  if (has(name, "group")) return numbered('g', 3, random);
  if (has(name, "consumer")) return numbered('c', 4, random);
  if (name == "threshold") return random.one_in(2) ? integer_text(random) : id_text(random);
  if (has(name, "id") || has(name, "start") || has(name, "end")) return id_text(random);
  if (name == "username") return "default";
  if (name == "serialized-value") return dump_;
  return random.one_in(20) ? odd_text(random) : pick(kTexts, random);
}

void CommandGrammar::mutate(Words& words, size_t name_words, Random& random) {
  for (uint64_t changes = 1 + random.below(2); changes > 0; --changes) {
    const size_t count = words.size() - name_words;
    const auto place = words.begin() + static_cast<ptrdiff_t>(name_words + (count == 0 ? 0 : random.below(count)));
    switch (count == 0 ? 0 : random.below(5)) {
      case 0:
        words.insert(place, odd_text(random));
        break;
      case 1:
        words.erase(place);
        break;
      case 2:
        *place = odd_text(random);
        break;
      case 3:
        words.insert(place, std::string(*place));
        break;
      default:
        std::swap(*place, words.back());
        break;
    }
  }
}

void CommandGrammar::mutate_bytes(std::string& bytes, Random& random) {
  for (uint64_t changes = 1 + random.below(4); changes > 0 && !bytes.empty(); --changes) {
    const size_t at = random.below(bytes.size());
    switch (random.below(5)) {
      case 0:
        bytes[at] = static_cast<char>(random.next());
        break;
      case 1:
        bytes.erase(at, 1 + random.below(4));
        break;
      case 2:
        bytes.insert(at, pick(kOddNumbers, random));
        break;
      case 3:
        bytes.insert(at, "\r\n");
        break;
      default:
        bytes.resize(at);
        break;
    }
  }
}

}  // namespace millrace::test
