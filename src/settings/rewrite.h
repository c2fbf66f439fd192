// CONFIG REWRITE without the file: the text of a configuration file brought up to date.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "settings/settings.h"

namespace millrace::settings {

// Comments, order, includes and lines whose value still holds stay byte for byte. A directive whose value changed is
// rewritten where it first stood (its further lines go); one that is not in the text and not at its default is appended
// below a marker line. The "user" lines are replaced by `user_lines`, one by one. Rewriting the result again changes
// nothing; loading it gives these settings.
std::string rewrite(const Settings& settings, std::string_view old_text, std::span<const std::string> user_lines = {});

}  // namespace millrace::settings
