// See command_coverage.h.
#include "unit/commands/command_coverage.h"

#include <vector>

#include "base/letters.h"

namespace millrace::tests {
namespace {

using commands::CommandTable;

struct Group {
  std::string name;
  std::vector<std::string> here;
  std::vector<std::string> missing;
};

// "cluster|slot-stats" as a reader writes it.
std::string shown_name(std::string_view name) {
  std::string text = upper_case(name);
  const size_t bar = text.find('|');
  if (bar != std::string::npos) text[bar] = ' ';
  return text;
}

// Subcommands are only worth a word where they are missing.
void sort_in(const CommandTable& table, std::string_view entry, Group& group) {
  const std::string_view name = entry.substr(0, entry.find('@'));
  const size_t bar = name.find('|');
  const bool is_subcommand = bar != std::string_view::npos;
  if (is_subcommand && table.find(name.substr(0, bar)) == nullptr) return;
  if (table.find_named(name) == nullptr) {
    group.missing.push_back(shown_name(name));
  } else if (!is_subcommand) {
    group.here.push_back(shown_name(name));
  }
}

std::vector<Group> read_groups(const CommandTable& table, std::string_view list) {
  std::vector<Group> groups;
  for (const std::string_view line : commands::split_words(list, '\n')) {
    if (line.starts_with('#')) continue;
    for (std::string_view word : commands::split_words(line, ' ')) {
      if (word.ends_with(':')) {
        word.remove_suffix(1);
        groups.push_back({.name = std::string(word), .here = {}, .missing = {}});
      } else if (!groups.empty()) {
        sort_in(table, word, groups.back());
      }
    }
  }
  return groups;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text.append(text.empty() ? "" : ", ").append(name);
  return text;
}

}  // namespace

std::string command_coverage(const CommandTable& table, std::string_view list) {
  std::string text = "| | here | not here |\n|---|---|---|\n";
  for (const Group& group : read_groups(table, list)) {
    text += "| " + group.name + " | " + joined(group.here) + " | " + joined(group.missing) + " |\n";
  }
  return text;
}

std::string with_coverage(std::string_view readme, std::string_view coverage) {
  const size_t begin = readme.find(kCoverageBegin);
  const size_t end = readme.find(kCoverageEnd);
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) return "";
  std::string text(readme.substr(0, begin + kCoverageBegin.size()));
  return text.append(coverage).append(readme.substr(end));
}

}  // namespace millrace::tests
