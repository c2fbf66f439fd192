// Our own redis.conf against the table of directives: nothing is missing, every stated default is the real one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "base/split_args.h"
#include "settings/directives.h"
#include "settings/rewrite.h"
#include "settings/values.h"
#include "unit/settings/fixture.h"

namespace millrace::settings {
namespace {

std::string own_file() {
  const auto path = std::filesystem::path(__FILE__).parent_path() / "../../../redis.conf";
  std::ifstream stream(path);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// What "# Default: ..." above a directive's line says, by directive.
std::map<std::string, std::string> stated_defaults() {
  std::map<std::string, std::string> stated;
  std::optional<std::string> pending;
  constexpr std::string_view kMark = "# Default: ";
  for (const std::string& line : lines_of(own_file())) {
    if (line.starts_with(kMark)) {
      pending = line.substr(kMark.size());
    } else if (pending) {
      const std::string words = line.starts_with("# ") ? line.substr(2) : line;
      stated[words.substr(0, words.find(' '))] = *pending;
      pending.reset();
    }
  }
  return stated;
}

// The comment that stands above each directive's line.
std::map<std::string, std::string> explanations() {
  std::map<std::string, std::string> found;
  std::string comment;
  bool has_default = false;
  for (const std::string& line : lines_of(own_file())) {
    if (has_default) {
      const std::string words = line.starts_with("# ") ? line.substr(2) : line;
      found[words.substr(0, words.find(' '))] = comment;
    }
    has_default = line.starts_with("# Default: ");
    if (line.starts_with('#')) {
      comment += line + "\n";
    } else {
      comment.clear();
    }
  }
  return found;
}

// The words of the indented comment lines between two lines of the file.
std::map<std::string, std::string> listed_between(std::string_view first, std::string_view last) {
  std::map<std::string, std::string> listed;
  bool inside = false;
  for (const std::string& line : lines_of(own_file())) {
    if (line.starts_with(last)) inside = false;
    if (inside && line.starts_with("#   ") && !line.starts_with("#   --")) {
      const auto words = split_args(line.substr(4));
      if (words && words->size() > 1) {
        // Several words may make up the default; "(also ...)" does not belong to it.
        std::string value;
        for (size_t i = 1; i < words->size() && (*words)[i] != "(also"; ++i) {
          value.append(value.empty() ? "" : " ").append((*words)[i]);
        }
        listed[(*words)[0]] = value;
      }
    }
    if (line.starts_with(first)) inside = true;
  }
  return listed;
}

std::map<std::string, std::string> rows_with(Effect effect) {
  std::map<std::string, std::string> rows;
  for (const Directive& directive : directives()) {
    if (directive.effect != effect) continue;
    rows[std::string(directive.name)] = is_value(directive) ? std::string(directive.initial) : "(never accepted)";
  }
  return rows;
}

TEST(OwnFile, LoadsToTheDefaultsButForWhatItIsSaferWith) {
  const std::map<std::string_view, std::string> chosen = {{"bind", "127.0.0.1 -::1"}, {"appendonly", "yes"}};
  Loading loading;
  ASSERT_EQ(loading.load_file(own_file()), "");
  for (const Directive& directive : directives()) {
    if (!is_value(directive)) continue;
    const auto place = chosen.find(directive.name);
    const std::string expected(place == chosen.end() ? directive.initial : place->second);
    EXPECT_EQ(loading.settings.text(directive), expected) << directive.name;
  }
  EXPECT_THAT(loading.report.without_effect, testing::IsEmpty());
}

TEST(OwnFile, ExplainsEveryWorkingDirectiveWithItsDefault) {
  const auto stated = stated_defaults();
  size_t values = 0;
  for (const Directive& directive : working_directives()) {
    if (!is_value(directive)) continue;
    ++values;
    const auto found = stated.find(std::string(directive.name));
    ASSERT_NE(found, stated.end()) << directive.name;
    const auto words = split_args(found->second);
    ASSERT_TRUE(words.has_value()) << found->second;
    const ParsedValue parsed = parse_value(directive, *words, directive.initial);
    ASSERT_EQ(parsed.error, "") << directive.name;
    const std::string shown = directive.member ? format_number(directive, parsed.value.number) : parsed.value.text;
    EXPECT_EQ(shown, directive.initial) << directive.name;
  }
  EXPECT_EQ(stated.size(), values);
}

TEST(OwnFile, SaysTheUnitOfEveryNumberThatHasOne) {
  const std::map<std::string_view, std::string_view> words = {
      {"s", "econds"},       {"ms", "milliseconds"}, {"us", "microseconds"},           {"bytes", "byte"},
      {"%", "percent"},      {"Hz", "per second"},   {"bytes, bytes, s", "in bytes"},
  };
  const auto explained = explanations();
  for (const Directive& directive : working_directives()) {
    if (directive.unit.empty()) continue;
    const auto word = words.find(directive.unit);
    ASSERT_NE(word, words.end()) << directive.unit;
    EXPECT_THAT(explained.at(std::string(directive.name)), testing::HasSubstr(std::string(word->second)))
        << directive.name;
  }
}

TEST(OwnFile, ListsWhatIsAcceptedWithoutEffect) {
  const auto listed = listed_between("# Accepted without effect", "# End of the table");
  EXPECT_EQ(listed, rows_with(Effect::kNone));
}

TEST(OwnFile, ListsWhatIsRefused) {
  EXPECT_EQ(listed_between("# These stop the server", "# Accepted without effect"), rows_with(Effect::kRefused));
}

TEST(OwnFile, EveryListedDirectiveIsAcceptedAndReported) {
  for (const auto& [name, value] : listed_between("# Accepted without effect", "# End of the table")) {
    Loading loading;
    EXPECT_EQ(loading.load_file(name + " " + quote_arg(value) + "\n"), "");
    EXPECT_EQ(loading.settings.text(name), value);
    EXPECT_THAT(loading.report.without_effect, testing::ElementsAre(name));
  }
}

TEST(OwnFile, RewritingItUnchangedKeepsEveryByte) {
  Loading loading;
  const std::string text = own_file();
  ASSERT_EQ(loading.load_file(text), "");
  EXPECT_EQ(rewrite(loading.settings, text), text);
}

}  // namespace
}  // namespace millrace::settings
