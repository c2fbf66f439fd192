// See values.h. Every error text is Redis's own.
#include "settings/values.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "base/check.h"
#include "base/letters.h"
#include "base/numbers.h"

namespace millrace::settings {
namespace {

constexpr std::string_view kOutputClasses[] = {"normal", "slave", "pubsub"};
constexpr std::string_view kWrongCount = "wrong number of arguments";

ParsedValue failed(std::string text) {
  return {.value = {}, .error = std::move(text)};
}

ParsedValue number(int64_t value) {
  return {.value = {.number = value, .text = {}}, .error = {}};
}

ParsedValue text(std::string value) {
  return {.value = {.number = 0, .text = std::move(value)}, .error = {}};
}

std::string octal_text(int64_t value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value, 8);
  return std::string(digits, end.ptr);
}

ParsedValue in_range(const Directive& directive, int64_t value) {
  if (value >= directive.min && value <= directive.max) return number(value);
  const bool octal = directive.kind == Kind::kOctal;
  return failed("argument must be between " + (octal ? octal_text(directive.min) : std::to_string(directive.min)) +
                " and " + (octal ? octal_text(directive.max) : std::to_string(directive.max)) + " inclusive");
}

ParsedValue parse_bool(std::string_view word) {
  if (same_word(word, "yes")) return number(1);
  if (same_word(word, "no")) return number(0);
  return failed("argument must be 'yes' or 'no'");
}

ParsedValue parse_integer(const Directive& directive, std::string_view word) {
  const std::optional<int64_t> value = parse_i64(word);
  if (!value) return failed("argument couldn't be parsed into an integer");
  return in_range(directive, *value);
}

ParsedValue parse_octal(const Directive& directive, std::string_view word) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, 8);
  if (error != std::errc() || end != word.data() + word.size() || word.empty()) {
    return failed("argument couldn't be parsed as an octal number");
  }
  return in_range(directive, value);
}

ParsedValue parse_memory_value(const Directive& directive, std::string_view word) {
  const std::optional<int64_t> value = parse_memory(word);
  if (!value) return failed("argument must be a memory value");
  return in_range(directive, *value);
}

ParsedValue parse_memory_or_percent(const Directive& directive, std::string_view word) {
  if (!word.empty() && word.back() == '%') {
    const std::optional<int64_t> percent = parse_i64(word.substr(0, word.size() - 1));
    if (!percent || *percent < 0) return failed("argument must be a memory or percent value");
    if (*percent > 100) return failed("percentage argument must be less or equal to 100");
    return number(-*percent);
  }
  const std::optional<int64_t> value = parse_memory(word);
  if (!value) return failed("argument must be a memory or percent value");
  return in_range(directive, *value);
}

ParsedValue parse_auto_or_integer(const Directive& directive, std::string_view word) {
  return same_word(word, "auto") ? number(0) : parse_integer(directive, word);
}

ParsedValue not_a_choice(const Directive& directive) {
  std::string error = "argument(s) must be one of the following: ";
  std::string_view separator;
  for (const std::string_view choice : split_choices(directive.choices)) {
    error.append(separator).append(choice);
    separator = ", ";
  }
  return failed(std::move(error));
}

std::optional<int64_t> find_choice(const Directive& directive, std::string_view word) {
  const std::vector<std::string_view> choices = split_choices(directive.choices);
  for (size_t i = 0; i < choices.size(); ++i) {
    if (same_word(choices[i], word)) return static_cast<int64_t>(i);
  }
  return std::nullopt;
}

ParsedValue parse_choice(const Directive& directive, std::string_view word) {
  const std::optional<int64_t> choice = find_choice(directive, word);
  return choice ? number(*choice) : not_a_choice(directive);
}

// Several choices are shown in the table's order, whatever order they were given in.
ParsedValue parse_choices(const Directive& directive, std::span<const std::string> words) {
  uint64_t chosen = 0;
  for (const std::string& word : words) {
    const std::optional<int64_t> choice = find_choice(directive, word);
    if (!choice) return not_a_choice(directive);
    chosen |= uint64_t{1} << *choice;
  }
  std::string joined;
  const std::vector<std::string_view> choices = split_choices(directive.choices);
  for (size_t i = 0; i < choices.size(); ++i) {
    if ((chosen >> i & 1) == 0) continue;
    joined.append(joined.empty() ? "" : " ").append(choices[i]);
  }
  return words.empty() ? not_a_choice(directive) : text(std::move(joined));
}

std::string join(std::span<const std::string> words) {
  std::string joined;
  for (const std::string& word : words) joined.append(joined.empty() ? "" : " ").append(word);
  return joined;
}

ParsedValue parse_words(const Directive& directive, std::span<const std::string> words) {
  const auto count = static_cast<int64_t>(words.size());
  if (count < directive.min || count > directive.max) return failed(std::string(kWrongCount));
  return text(join(words));
}

// "7.2.4" -> 0x00070204.
ParsedValue parse_version(std::string_view word) {
  int64_t packed = 0;
  for (int part = 0; part < 3; ++part) {
    const size_t dot = part < 2 ? word.find('.') : word.size();
    if (dot == std::string_view::npos) return failed("argument must be a version such as 7.2.4");
    const std::optional<int64_t> value = parse_i64(word.substr(0, dot));
    if (!value || *value < 0 || *value > 255) return failed("argument must be a version such as 7.2.4");
    packed = packed << 8 | *value;
    word.remove_prefix(dot + (part < 2 ? 1 : 0));
  }
  return number(packed);
}

ParsedValue parse_save(std::span<const std::string> words) {
  if (words.size() % 2 != 0) return failed("Invalid save parameters");
  for (size_t i = 0; i < words.size(); i += 2) {
    const std::optional<int64_t> seconds = parse_i64(words[i]);
    const std::optional<int64_t> changes = parse_i64(words[i + 1]);
    if (!seconds || *seconds < 1 || !changes || *changes < 0) return failed("Invalid save parameters");
  }
  return text(join(words));
}

// As strtod() reads it, written without the zeros that say nothing: "50", "99.9".
ParsedValue parse_percentiles(const Directive& directive, std::span<const std::string> words) {
  const std::string name(directive.name);
  std::string joined;
  for (const std::string& word : words) {
    char* end = nullptr;
    const double percent = std::strtod(word.c_str(), &end);
    if (word.empty() || end != word.c_str() + word.size() || std::isnan(percent)) {
      return failed("Invalid " + name + " parameters");
    }
    if (percent < 0 || percent > 100) return failed(name + " parameters should sit between [0.0,100.0]");
    char shown[32];
    std::snprintf(shown, sizeof shown, "%f", percent);
    std::string trimmed = shown;
    trimmed.resize(trimmed.find_last_not_of('0') + 1);
    if (trimmed.back() == '.') trimmed.pop_back();
    joined.append(joined.empty() ? "" : " ").append(trimmed);
  }
  return text(std::move(joined));
}

// ---- notify-keyspace-events

constexpr std::string_view kAllEvents = "g$lshzxetd";  // what A stands for

int64_t event_bits(std::string_view letters) {
  int64_t bits = 0;
  for (const char letter : letters) bits |= int64_t{1} << kEventLetters.find(letter);
  return bits;
}

ParsedValue parse_events(std::string_view word) {
  int64_t bits = 0;
  for (const char letter : word) {
    if (letter == 'A') {
      bits |= event_bits(kAllEvents);
    } else if (kEventLetters.find(letter) != std::string_view::npos) {
      bits |= event_bits({&letter, 1});
    } else {
      return failed("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    }
  }
  return number(bits);
}

// As Redis shows them: A where it applies, and then none of n, o and c, even if they are set; K, E and m last.
std::string events_text(int64_t bits) {
  const bool all = (bits & event_bits(kAllEvents)) == event_bits(kAllEvents);
  std::string shown = all ? "A" : "";
  for (const char letter : std::string_view(all ? "KEm" : "g$lshzxetdnocKEm")) {
    if ((bits & event_bits({&letter, 1})) != 0) shown.push_back(letter);
  }
  return shown;
}

std::optional<size_t> output_class(std::string_view word) {
  if (same_word(word, "replica")) word = "slave";
  for (size_t i = 0; i < std::size(kOutputClasses); ++i) {
    if (same_word(kOutputClasses[i], word)) return i;
  }
  return std::nullopt;
}

ParsedValue parse_limits(std::span<const std::string> words, OutputLimits limits) {
  if (words.empty() || words.size() % 4 != 0) {
    return failed("Wrong number of arguments in buffer limit configuration.");
  }
  for (size_t i = 0; i < words.size(); i += 4) {
    const std::optional<size_t> row = output_class(words[i]);
    if (!row) return failed("Invalid client class specified in buffer limit configuration.");
    const std::optional<int64_t> hard = parse_memory(words[i + 1]);
    const std::optional<int64_t> soft = parse_memory(words[i + 2]);
    const std::optional<int64_t> seconds = parse_i64(words[i + 3]);
    const bool seconds_ok = seconds && *seconds >= 0 && *seconds <= std::numeric_limits<int32_t>::max();
    if (!hard || *hard < 0 || !soft || *soft < 0 || !seconds_ok) {
      return failed("Error in hard, soft or soft_seconds setting in buffer limit configuration.");
    }
    limits[*row] = {*hard, *soft, *seconds};
  }
  return text(format_output_limits(limits));
}

ParsedValue parse_name(const Directive& directive, const std::string& word) {
  const std::string name(directive.name);
  if (static_cast<int64_t>(word.size()) < directive.min) return failed(name + " can't be empty");
  if (word.find_first_of("/\\") == std::string::npos && word != "." && word != "..") return text(word);
  return failed(name + " can't be a path, just a " + (directive.kind == Kind::kFileName ? "filename" : "dirname"));
}

ParsedValue parse_word(const Directive& directive, const std::string& word) {
  switch (directive.kind) {
    case Kind::kBool:
      return parse_bool(word);
    case Kind::kInteger:
      return parse_integer(directive, word);
    case Kind::kOctal:
      return parse_octal(directive, word);
    case Kind::kMemory:
      return parse_memory_value(directive, word);
    case Kind::kMemoryOrPercent:
      return parse_memory_or_percent(directive, word);
    case Kind::kAutoOrInteger:
      return parse_auto_or_integer(directive, word);
    case Kind::kChoice:
      return parse_choice(directive, word);
    case Kind::kVersion:
      return parse_version(word);
    case Kind::kEvents:
      return parse_events(word);
    case Kind::kFileName:
    case Kind::kDirectoryName:
      return parse_name(directive, word);
    default:
      return text(word);
  }
}

ParsedValue parse_several(const Directive& directive, std::span<const std::string> words, std::string_view current) {
  switch (directive.kind) {
    case Kind::kSave:
      return parse_save(words);
    case Kind::kChoices:
      return parse_choices(directive, words);
    case Kind::kOutputLimits:
      return parse_limits(words, parse_output_limits(current));
    case Kind::kPercentiles:
      return parse_percentiles(directive, words);
    default:
      return parse_words(directive, words);
  }
}

}  // namespace

ParsedValue parse_value(const Directive& directive, std::span<const std::string> words, std::string_view current) {
  if (directive.kind == Kind::kStatement) return text(join(words));
  if (takes_words(directive)) {
    if (words.size() != 1) return parse_several(directive, words, current);
    return parse_several(directive, split_blanks(words[0]), current);
  }
  if (words.size() != 1) return failed(std::string(kWrongCount));
  ParsedValue parsed = parse_word(directive, words[0]);
  // A number that running code does not look at is kept as text.
  const bool is_text = directive.kind == Kind::kText || directive.kind == Kind::kPath ||
                       directive.kind == Kind::kFileName || directive.kind == Kind::kDirectoryName;
  if (parsed.ok() && directive.member == nullptr && parsed.value.text.empty() && !is_text) {
    parsed.value.text = format_number(directive, parsed.value.number);
  }
  return parsed;
}

std::string format_number(const Directive& directive, int64_t value) {
  switch (directive.kind) {
    case Kind::kBool:
      return value != 0 ? "yes" : "no";
    case Kind::kOctal:
      return octal_text(value);
    case Kind::kAutoOrInteger:
      return value == 0 ? "auto" : std::to_string(value);
    case Kind::kMemoryOrPercent:
      return value < 0 ? std::to_string(-value) + "%" : std::to_string(value);
    case Kind::kVersion:
      return std::to_string(value >> 16) + "." + std::to_string(value >> 8 & 255) + "." + std::to_string(value & 255);
    case Kind::kEvents:
      return events_text(value);
    case Kind::kChoice: {
      const std::vector<std::string_view> choices = split_choices(directive.choices);
      CHECK(value >= 0 && static_cast<size_t>(value) < choices.size());
      return std::string(choices[static_cast<size_t>(value)]);
    }
    default:
      return std::to_string(value);
  }
}

std::string format_output_limits(const OutputLimits& limits) {
  std::string out;
  for (size_t i = 0; i < limits.size(); ++i) {
    out.append(out.empty() ? "" : " ").append(kOutputClasses[i]);
    for (const int64_t value : limits[i]) out.append(" ").append(std::to_string(value));
  }
  return out;
}

OutputLimits parse_output_limits(std::string_view formatted) {
  const std::vector<std::string> words = split_blanks(formatted);
  OutputLimits limits{};
  CHECK(words.size() == limits.size() * 4);
  for (size_t i = 0; i < limits.size(); ++i) {
    for (size_t j = 0; j < 3; ++j) {
      const std::optional<int64_t> value = parse_i64(words[i * 4 + j + 1]);
      CHECK(value);
      limits[i][j] = *value;
    }
  }
  return limits;
}

std::vector<std::string> split_blanks(std::string_view blanks) {
  std::vector<std::string> words;
  size_t begin = 0;
  while ((begin = blanks.find_first_not_of(' ', begin)) != std::string_view::npos) {
    const size_t end = std::min(blanks.find(' ', begin), blanks.size());
    words.emplace_back(blanks.substr(begin, end - begin));
    begin = end;
  }
  return words;
}

std::vector<std::string_view> split_choices(std::string_view choices) {
  std::vector<std::string_view> parts;
  while (!choices.empty()) {
    const size_t end = std::min(choices.find('|'), choices.size());
    parts.push_back(choices.substr(0, end));
    choices.remove_prefix(std::min(end + 1, choices.size()));
  }
  return parts;
}

}  // namespace millrace::settings
