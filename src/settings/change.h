// CONFIG GET and CONFIG SET without their replies.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "settings/settings.h"

namespace millrace::settings {

// Where a path leads, without links and detours. Empty: not known, paths stay as they are.
using ResolvePath = std::function<std::string(const std::string& path)>;

// Name and value of everything that one of the glob patterns matches, each once, in the order of the table. A name
// given in full comes back as it was spelled.
std::vector<std::pair<std::string, std::string>> get_matching(const Settings& settings,
                                                              std::span<const std::string_view> patterns,
                                                              const ResolvePath& resolve = {});

struct ChangeRules {
  bool may_set_protected = false;
  // Why a value that is well-formed cannot be taken all the same (a directory that is not there); empty if it can.
  std::function<std::string(std::string_view name, std::string_view value)> refuse = {};
  ResolvePath resolve = {};  // a relative path begins at the value before it
};

// Names and values in turn (an even number of words). All of them take effect, or none and the reason is returned:
// Redis's error text.
std::optional<std::string> set_all(Settings& settings, std::span<const std::string_view> names_and_values,
                                   const ChangeRules& rules = {});

}  // namespace millrace::settings
