// readme_commands <README.md> <redis_commands.txt>: writes the table of commands into the README.
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "unit/commands/command_coverage.h"

namespace {

std::string read_file(const char* path) {
  std::ifstream stream(path);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) {
    std::fprintf(stderr, "readme_commands <README.md> <redis_commands.txt>\n");
    return 2;
  }
  const std::string list = read_file(words[2]);
  if (list.empty()) {
    std::fprintf(stderr, "%s: nothing can be read there\n", words[2]);
    return 1;
  }
  const std::string coverage = millrace::tests::command_coverage(millrace::commands::CommandTable(), list);
  const std::string readme = millrace::tests::with_coverage(read_file(words[1]), coverage);
  if (readme.empty()) {
    std::fprintf(stderr, "%s: the lines around the table are missing\n", words[1]);
    return 1;
  }
  std::ofstream stream(words[1]);
  stream << readme;
  return stream.flush() ? 0 : 1;
}
