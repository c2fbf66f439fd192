// See load.h.
#include "settings/load.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/letters.h"
#include "base/split_args.h"
#include "settings/directives.h"
#include "settings/values.h"

namespace millrace::settings {
namespace {

constexpr int kIncludeDepthMax = 16;
constexpr size_t kFilesMax = 1000;  // bounds include patterns that meet themselves again and again

std::string_view trim(std::string_view line) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = line.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(kSpace) - begin + 1);
}

// One source - a file with all it includes, or the command line - read from top to bottom.
class Source {
 public:
  Source(Settings& settings, const FileAccess& files, LoadReport& report)
      : settings_(settings), files_(files), report_(report) {}

  std::optional<std::string> file(const std::string& path, int depth) {
    if (depth > kIncludeDepthMax || ++file_count_ > kFilesMax) return path + ": too many nested include files";
    const std::optional<std::string> content = files_.read_file(path);
    if (!content) return path + ": can't read the configuration file";
    std::string_view rest = *content;
    for (size_t number = 1; !rest.empty(); ++number) {
      const size_t end = rest.find('\n');
      if (std::optional<std::string> error = line(rest.substr(0, end), depth)) {
        return path + ":" + std::to_string(number) + ": " + *error;
      }
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    return std::nullopt;
  }

  std::optional<std::string> words(std::span<const std::string> words, int depth) {
    if (same_word(words[0], "include")) return include(words, depth);
    const Directive* directive = find_directive(words[0]);
    return apply_line(settings_, words, directive && !seen_.insert(directive).second, report_);
  }

 private:
  std::optional<std::string> line(std::string_view text, int depth) {
    text = trim(text);
    if (text.empty() || text[0] == '#') return std::nullopt;
    const std::optional<std::vector<std::string>> split = split_args(text);
    if (!split) return "unbalanced quotes in configuration line";
    if (split->empty()) return std::nullopt;
    return words(*split, depth);
  }

  std::optional<std::string> include(std::span<const std::string> words, int depth) {
    if (words.size() != 2) return "include: wrong number of arguments";
    if (words[1].find_first_of("*?[") == std::string::npos) return file(words[1], depth + 1);
    for (const std::string& path : files_.glob(words[1])) {
      if (std::optional<std::string> error = file(path, depth + 1)) return error;
    }
    return std::nullopt;
  }

  Settings& settings_;
  const FileAccess& files_;
  LoadReport& report_;
  std::set<const Directive*> seen_;
  size_t file_count_ = 0;
};

bool is_option(std::string_view argument) {
  return argument.starts_with("--");
}

std::optional<std::string> load_options(Source& source, std::span<const std::string_view> arguments) {
  size_t i = 0;
  while (i < arguments.size()) {
    if (!is_option(arguments[i]) || arguments[i].size() == 2) {
      return "command line: '" + std::string(arguments[i]) + "' is not an option";
    }
    std::vector<std::string> words = {std::string(arguments[i].substr(2))};
    for (++i; i < arguments.size() && !is_option(arguments[i]); ++i) words.emplace_back(arguments[i]);
    // "--save" alone, or before another option, is "--save ''", as Redis has it.
    if (words.size() == 1 && same_word(words[0], "save")) words.emplace_back();
    if (std::optional<std::string> error = source.words(words, 0)) return "command line: " + *error;
  }
  return std::nullopt;
}

// What the rules of a user come to is for who knows the commands.
std::optional<std::string> note_user(std::span<const std::string> words, LoadReport& report) {
  if (words.size() < 2) return "user: wrong number of arguments";
  const std::vector<std::string> user(words.begin() + 1, words.end());
  const bool is_known = std::any_of(report.users.begin(), report.users.end(),
                                    [&](const std::vector<std::string>& other) { return other[0] == user[0]; });
  if (is_known) return "user '" + user[0] + "' is defined twice";
  report.users.push_back(user);
  return std::nullopt;
}

void note_once(std::vector<std::string>& names, std::string_view name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
}

// A further line of a file adds its points to those before it.
void append_save(const Settings& settings, const Directive& directive, Value& value) {
  const std::string before = settings.text(directive);
  if (!before.empty() && !value.text.empty()) value.text.insert(0, before + " ");
}

}  // namespace

std::optional<std::string> apply_line(Settings& settings, std::span<const std::string> words, bool repeated,
                                      LoadReport& report) {
  const Directive* directive = find_directive(words[0]);
  if (directive == nullptr) return "unknown directive '" + words[0] + "'";
  if (directive->name == kUserStatement) return note_user(words, report);
  const std::string prefix = std::string(directive->name) + ": ";
  const std::string current = is_value(*directive) ? settings.text(*directive) : "";
  ParsedValue parsed = parse_value(*directive, words.subspan(1), current);
  if (!parsed.ok()) return prefix + parsed.error;
  if (directive->kind == Kind::kSave && repeated) append_save(settings, *directive, parsed.value);

  const bool is_default = parsed.value.text == directive->initial && is_value(*directive);
  if (directive->effect == Effect::kRefused && !is_default) return prefix + std::string(directive->reason);
  if (directive->effect == Effect::kNone) note_once(report.without_effect, directive->name);
  if (is_value(*directive)) settings.store(*directive, parsed.value);
  return std::nullopt;
}

std::optional<std::string> load(Settings& settings, std::span<const std::string_view> arguments,
                                const FileAccess& files, LoadReport& report) {
  if (arguments.size() == 1) {
    report.wants_version = arguments[0] == "-v" || arguments[0] == "--version";
    report.wants_help = arguments[0] == "-h" || arguments[0] == "--help";
    if (report.wants_version || report.wants_help) return std::nullopt;
  }
  if (!arguments.empty() && !is_option(arguments[0])) {
    const std::string path(arguments[0]);
    arguments = arguments.subspan(1);
    if (path != "-") report.config_file = path;
    Source source(settings, files, report);
    if (std::optional<std::string> error = source.file(path, 0)) return error;
  }
  // "file - --port 7000": standard input as well.
  if (!arguments.empty() && arguments[0] == "-") {
    arguments = arguments.subspan(1);
    Source source(settings, files, report);
    if (std::optional<std::string> error = source.file("-", 0)) return error;
  }
  Source source(settings, files, report);
  return load_options(source, arguments);
}

}  // namespace millrace::settings
