// The snapshot file as a whole, by blocking calls: loading it at start, both ways of DEBUG RELOAD, and the same keys as
// the base of a new journal. Run by main, or by a core that holds all partitions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "commands/server.h"
#include "core/foreign_items.h"
#include "core/load_progress.h"
#include "io/disk.h"

namespace millrace::core {

enum class SnapshotLoad : uint8_t { kAbsent, kLoaded };

// A file that is not there is an empty one. What was loaded is said in the log, and counted for INFO. The error is one
// line that says what is wrong, and where in the file; some of its keys may have been loaded.
Result<SnapshotLoad, std::string> load_snapshot(const LoadEnvironment& environment);

// What was met in a file and not loaded: a warning if the settings allow that, else the reason to give up.
std::optional<std::string> judge_foreign(const commands::Server& server, const ForeignItems& foreign);

// REQUIRES: all partitions are held. nullopt: saved. Otherwise what is wrong.
std::optional<std::string> save_snapshot(commands::Server& server, io::Disk& disk, Instant now);

// The same as the file `path`, whole and synced; no name is made durable. REQUIRES: all partitions are held.
std::optional<std::string> write_journal_base(commands::Server& server, io::Disk& disk, const std::string& path,
                                              Instant now);

}  // namespace millrace::core
