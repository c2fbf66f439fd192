// See change.h.
#include "settings/change.h"

#include <algorithm>

#include "base/check.h"
#include "base/glob.h"
#include "base/letters.h"
#include "settings/directives.h"
#include "settings/values.h"

namespace millrace::settings {
namespace {

struct Assignment {
  const Directive* directive;
  std::string_view given_name;
  std::string_view word;
  Value value;
};

std::string failure(std::string_view name, std::string_view reason) {
  return std::string("CONFIG SET failed (possibly related to argument '").append(name).append("') - ").append(reason);
}

// Names, before any value is looked at, as Redis does.
std::optional<std::string> check_names(std::span<const Assignment> assignments, const ChangeRules& rules) {
  for (size_t i = 0; i < assignments.size(); ++i) {
    const auto& [directive, name, word, value] = assignments[i];
    if (directive == nullptr || !is_value(*directive)) {
      return "Unknown option or number of arguments for CONFIG SET - '" + std::string(name) + "'";
    }
    if (directive->change == Change::kAtStart) return failure(name, "can't set immutable config");
    if (directive->change == Change::kProtected && !rules.may_set_protected) {
      return failure(name, "can't set protected config");
    }
    for (const Assignment& earlier : assignments.first(i)) {
      if (same_word(earlier.given_name, name)) return failure(name, "duplicate parameter");
    }
  }
  return std::nullopt;
}

std::optional<std::string> check_value(const Settings& settings, const ChangeRules& rules, Assignment& assignment) {
  const Directive& directive = *assignment.directive;
  const std::string_view shown = same_word(directive.alias, assignment.given_name) ? directive.alias : directive.name;
  const std::string words[] = {std::string(assignment.word)};
  ParsedValue parsed = parse_value(directive, words, settings.text(directive));
  if (!parsed.ok()) return failure(shown, parsed.error);
  assignment.value = std::move(parsed.value);
  std::string& text = assignment.value.text;
  if (directive.effect == Effect::kRefused && text != directive.initial) return failure(shown, directive.reason);
  // As Redis, which changes into the directory.
  if (directive.kind == Kind::kPath && rules.resolve && !text.empty()) {
    text = rules.resolve(text[0] == '/' ? text : settings.text(directive) + "/" + text);
  }
  if (rules.refuse) {
    const std::string reason = rules.refuse(directive.name, text);
    if (!reason.empty()) return failure(shown, reason);
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> get_matching(const Settings& settings,
                                                              std::span<const std::string_view> patterns,
                                                              const ResolvePath& resolve) {
  std::vector<std::pair<std::string, std::string>> found;
  const auto visit = [&](const Directive& directive, std::string_view name) {
    if (name.empty()) return;
    for (const std::string_view pattern : patterns) {
      if (!glob_matches(pattern, name, true)) continue;
      std::string value = settings.text(directive);
      if (directive.kind == Kind::kPath && resolve) value = resolve(value);
      found.emplace_back(same_word(pattern, name) ? pattern : name, std::move(value));
      return;
    }
  };
  for (const Directive& directive : directives()) {
    if (!is_value(directive)) continue;
    visit(directive, directive.name);
    visit(directive, directive.alias);
  }
  return found;
}

std::optional<std::string> set_all(Settings& settings, std::span<const std::string_view> names_and_values,
                                   const ChangeRules& rules) {
  CHECK(names_and_values.size() % 2 == 0);
  std::vector<Assignment> assignments;
  for (size_t i = 0; i < names_and_values.size(); i += 2) {
    assignments.push_back({find_directive(names_and_values[i]), names_and_values[i], names_and_values[i + 1], {}});
  }
  if (std::optional<std::string> error = check_names(assignments, rules)) return error;
  for (Assignment& assignment : assignments) {
    if (std::optional<std::string> error = check_value(settings, rules, assignment)) return error;
  }
  for (const Assignment& assignment : assignments) settings.store(*assignment.directive, assignment.value);
  return std::nullopt;
}

}  // namespace millrace::settings
