// Loading the journal: base and increments in order, each file checked as a whole before anything of it is applied.
//
//   for each file:   begins with RDB? -> its RDB part is loaded, each value checked before it is put into the keyspace
//                    the commands      -> check_journal(), then JournalReplay
//
// The end of the journal may be torn: that is the last file, or one that only files without commands follow (they are
// added before anything goes to them). With aof-load-truncated the file is cut to its valid bytes, after everything
// else has been loaded; without it, and for damage of any other kind, the load fails and no file is changed.
//
// Run by whoever loads, see load_progress.h.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "core/journal_directory.h"
#include "core/load_progress.h"

namespace millrace::core {

// nullopt: loaded, and said so in the log. Otherwise one line that names the file, the offset and the reason; some keys
// may have been loaded. REQUIRES: directory.exists().
std::optional<std::string> load_journal(const LoadEnvironment& environment, const JournalDirectory& directory);

// All that a server loads at its start. With appendonly the file that the journal goes on in, else one with fd < 0.
Result<JournalFile, std::string> load_at_start(const LoadEnvironment& environment, JournalDirectory& directory);

}  // namespace millrace::core
