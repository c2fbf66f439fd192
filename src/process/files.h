// Files named in the configuration: the file access that settings/load.h asks for, and checks of paths.
#pragma once

#include <optional>
#include <string>

#include "settings/load.h"

namespace millrace::process {

settings::FileAccess file_access();
// Why nothing can be appended to the file (which is made if it does not exist); nullopt: it can, or the path is empty.
std::optional<std::string> find_write_error(const std::string& path);
// The absolute form of an existing path; the path itself if there is none.
std::string absolute_path(const std::string& path);

}  // namespace millrace::process
