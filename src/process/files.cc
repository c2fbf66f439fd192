// See files.h.
#include "process/files.h"

#include <glob.h>
#include <stdlib.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace millrace::process {
namespace {

std::optional<std::string> read_file(const std::string& path) {
  const bool from_stdin = path == "-";
  std::FILE* file = from_stdin ? stdin : std::fopen(path.c_str(), "r");
  if (file == nullptr) return std::nullopt;
  std::string content;
  char piece[4096];
  size_t count;
  while ((count = std::fread(piece, 1, sizeof(piece), file)) > 0) content.append(piece, count);
  const bool failed = std::ferror(file) != 0;
  if (!from_stdin) std::fclose(file);
  if (failed) return std::nullopt;
  return content;
}

std::vector<std::string> expand(const std::string& pattern) {
  std::vector<std::string> paths;
  glob_t found{};
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    for (size_t i = 0; i < found.gl_pathc; ++i) paths.emplace_back(found.gl_pathv[i]);
  }
  globfree(&found);
  return paths;
}

}  // namespace

settings::FileAccess file_access() {
  return {.read_file = read_file, .glob = expand};
}

std::optional<std::string> find_write_error(const std::string& path) {
  if (path.empty()) return std::nullopt;
  std::FILE* file = std::fopen(path.c_str(), "a");
  if (file == nullptr) return std::strerror(errno);
  std::fclose(file);
  return std::nullopt;
}

std::string absolute_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&free)> resolved(realpath(path.c_str(), nullptr), &free);
  return resolved ? std::string(resolved.get()) : path;
}

}  // namespace millrace::process
