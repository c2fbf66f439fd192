// See settings.h.
#include "settings/settings.h"

#include "base/check.h"
#include "base/numbers.h"
#include "settings/directives.h"
#include "settings/values.h"

namespace millrace::settings {
namespace {

// Where client-output-buffer-limit keeps its numbers, in the order of OutputLimits.
constexpr Number Settings::*kOutputMembers[3][3] = {
    {&Settings::normal_output_hard_bytes, &Settings::normal_output_soft_bytes, &Settings::normal_output_soft_s},
    {&Settings::replica_output_hard_bytes, &Settings::replica_output_soft_bytes, &Settings::replica_output_soft_s},
    {&Settings::pubsub_output_hard_bytes, &Settings::pubsub_output_soft_bytes, &Settings::pubsub_output_soft_s},
};

const Directive& named(std::string_view name) {
  const Directive* directive = find_directive(name);
  CHECK(directive != nullptr && is_value(*directive));
  return *directive;
}

std::string join_path(const std::string& directory, const std::string& name) {
  return directory + (directory.ends_with('/') ? "" : "/") + name;
}

}  // namespace

Settings::Settings() {
  MutexLock lock(mutex_);
  for (const Directive& directive : directives()) texts_.emplace_back(directive.initial);
}

std::string Settings::compat_version_text() const {
  return text(named("compat-version"));
}

std::vector<std::string> Settings::bind() const {
  return split_blanks(text("bind"));
}

std::vector<SavePoint> Settings::save_points() const {
  const std::vector<std::string> words = split_blanks(text("save"));
  std::vector<SavePoint> points;
  for (size_t i = 0; i + 1 < words.size(); i += 2) {
    points.push_back({.seconds = parse_i64(words[i]).value_or(0), .changes = parse_i64(words[i + 1]).value_or(0)});
  }
  return points;
}

std::string Settings::snapshot_path() const {
  return join_path(text("dir"), text("dbfilename"));
}

std::string Settings::journal_directory() const {
  return join_path(text("dir"), text("appenddirname"));
}

std::string Settings::text(std::string_view name) const {
  return text(named(name));
}

std::string Settings::text(const Directive& directive) const {
  if (directive.member != nullptr) return format_number(directive, (this->*directive.member).load(kRelaxed));
  if (directive.kind == Kind::kOutputLimits) {
    OutputLimits limits{};
    for (size_t i = 0; i < limits.size(); ++i) {
      for (size_t j = 0; j < limits[i].size(); ++j) limits[i][j] = (this->*kOutputMembers[i][j]).load(kRelaxed);
    }
    return format_output_limits(limits);
  }
  MutexLock lock(mutex_);
  return texts_[row_of(directive)];
}

void Settings::store(const Directive& directive, const Value& value) {
  if (directive.member != nullptr) {
    (this->*directive.member).store(value.number, kRelaxed);
  } else if (directive.kind == Kind::kOutputLimits) {
    const OutputLimits limits = parse_output_limits(value.text);
    for (size_t i = 0; i < limits.size(); ++i) {
      for (size_t j = 0; j < limits[i].size(); ++j) (this->*kOutputMembers[i][j]).store(limits[i][j], kRelaxed);
    }
  } else {
    MutexLock lock(mutex_);
    texts_[row_of(directive)] = value.text;
  }
}

}  // namespace millrace::settings
