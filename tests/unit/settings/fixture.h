// Loading from files that exist only here.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/glob.h"
#include "settings/load.h"

namespace millrace::settings {

struct Loading {
  std::map<std::string, std::string> files;
  Settings settings;
  LoadReport report;

  FileAccess access() {
    return {.read_file = [this](const std::string& path) -> std::optional<std::string> {
              const auto found = files.find(path);
              if (found == files.end()) return std::nullopt;
              return found->second;
            },
            .glob =
                [this](const std::string& pattern) {
                  std::vector<std::string> paths;
                  for (const auto& [path, text] : files) {
                    if (glob_matches(pattern, path)) paths.push_back(path);
                  }
                  return paths;
                }};
  }
  // The error, or "" if there was none.
  std::string load(const std::vector<std::string_view>& arguments) {
    return settings::load(settings, arguments, access(), report).value_or("");
  }
  std::string load_file(std::string text) {
    files["redis.conf"] = std::move(text);
    return load({"redis.conf"});
  }
};

}  // namespace millrace::settings
