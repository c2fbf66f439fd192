// Loading: redis.conf and the command line into Settings, once, before anything else runs.
//
//   millrace-server [file | -] [--directive value ...]        also -v --version -h --help
//
// Later overrides earlier, and the command line comes after the file. Values reach to the next word that begins with
// "--". This room makes no system call: files come through functions.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "settings/settings.h"

namespace millrace::settings {

struct FileAccess {
  std::function<std::optional<std::string>(const std::string& path)> read_file;  // "-" is standard input
  std::function<std::vector<std::string>(const std::string& pattern)> glob;      // sorted paths
};

struct LoadReport {
  std::string config_file;  // as given; empty if there was none
  bool wants_version = false;
  bool wants_help = false;
  std::vector<std::vector<std::string>> users;  // the words of each "user" line, from the name on
  std::vector<std::string> without_effect;      // directives given though they have none, in order of first mention
};

// nullopt: everything is stored. Otherwise one line that says where and what is wrong:
//   /etc/redis/redis.conf:12: timeout: argument couldn't be parsed into an integer
std::optional<std::string> load(Settings& settings, std::span<const std::string_view> arguments,
                                const FileAccess& files, LoadReport& report);

// One directive with its words, as a line of a file has it. `repeated`: an earlier line of the same source named it.
// nullopt: stored. Otherwise what is wrong.
std::optional<std::string> apply_line(Settings& settings, std::span<const std::string> words, bool repeated,
                                      LoadReport& report);

}  // namespace millrace::settings
