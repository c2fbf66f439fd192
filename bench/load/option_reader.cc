// See option_reader.h.
#include "load/option_reader.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "base/numbers.h"
#include "load/fail.h"

namespace millrace::load {
namespace {

constexpr size_t kHelpColumn = 20;

[[noreturn]] void help(std::string_view title, std::span<const Option> options) {
  std::string text = std::string(title) + "\n\n";
  for (const Option& option : options) {
    std::string line = "  " + std::string(option.name);
    if (std::holds_alternative<int64_t*>(option.value)) line += " N";
    if (std::holds_alternative<std::string*>(option.value)) line += " TEXT";
    line.resize(std::max(line.size() + 1, kHelpColumn), ' ');
    text += line + std::string(option.help) + "\n";
  }
  std::cout << text << std::flush;
  std::exit(EXIT_SUCCESS);
}

const Option& find_option(std::span<const Option> options, std::string_view name) {
  const auto found = std::ranges::find(options, name, &Option::name);
  if (found == options.end()) fail("no such option (--help names them): ", name);
  return *found;
}

int64_t read_number(const Option& option, std::string_view text) {
  const auto value = parse_i64(text);
  if (value && *value >= option.min && *value <= option.max) return *value;
  fail(std::string(option.name) + " is a number from " + std::to_string(option.min) + " to " +
           std::to_string(option.max) + ", not ",
       text);
}

}  // namespace

int read_options(std::string_view title, std::span<const Option> options, int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--") return i + 1;
    if (name == "--help") help(title, options);
    const Option& option = find_option(options, name);
    if (bool* const* flag = std::get_if<bool*>(&option.value)) {
      **flag = true;
      continue;
    }
    if (++i == argc) fail("a value is missing behind ", name);
    if (int64_t* const* number = std::get_if<int64_t*>(&option.value)) **number = read_number(option, argv[i]);
    if (std::string* const* text = std::get_if<std::string*>(&option.value)) **text = argv[i];
  }
  return argc;
}

void read_all_options(std::string_view title, std::span<const Option> options, int argc, char** argv) {
  const int end = read_options(title, options, argc, argv);
  if (end < argc) fail("nothing is expected behind the options: ", argv[end]);
}

}  // namespace millrace::load
