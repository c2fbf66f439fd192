// Reads the command line of a load tool: options of the form "--name value", and flags without a value.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace millrace::load {

struct Option {
  std::string_view name;
  std::variant<int64_t*, std::string*, bool*> value;  // where it goes; a bool becomes true
  std::string_view help;
  int64_t min = 0;  // of a number
  int64_t max = 0;
};

// Returns the index of the word behind "--", or argc if there is none. `title` says what the tool is. Ends the program:
// with one line that says what is wrong with the arguments, or with all options if --help is among them.
int read_options(std::string_view title, std::span<const Option> options, int argc, char** argv);
// For tools that take nothing but options.
void read_all_options(std::string_view title, std::span<const Option> options, int argc, char** argv);

}  // namespace millrace::load
