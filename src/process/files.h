// Reading configuration files: the file access that settings/load.h asks for.
#pragma once

#include "settings/load.h"

namespace millrace::process {

settings::FileAccess file_access();
// The absolute form of an existing path; the path itself if there is none.
std::string absolute_path(const std::string& path);

}  // namespace millrace::process
