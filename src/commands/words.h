// Words that clients write in any case.
#pragma once

#include <string_view>

namespace millrace::commands {

// True if `arg` is the word, in any case. `upper` is in upper case.
bool is_word(std::string_view arg, std::string_view upper);

}  // namespace millrace::commands
