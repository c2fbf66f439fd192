// The snapshot file as a whole, by blocking calls: loading it at start, and both ways of DEBUG RELOAD. Run by main
// before any core does, or by a core that holds all partitions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "commands/server.h"
#include "io/disk.h"
#include "keyspace/partition_locks.h"

namespace millrace::core {

// A file that is not there is an empty one. nullopt: loaded, said so in the log, and counted for INFO. Otherwise one
// line that says what is wrong, and where in the file; some of its keys may have been loaded.
std::optional<std::string> load_snapshot(commands::Server& server, io::Disk& disk, keyspace::PartitionLocks& locks,
                                         const std::function<Instant()>& read_clock);

// REQUIRES: all partitions are held. nullopt: saved. Otherwise what is wrong.
std::optional<std::string> save_snapshot(commands::Server& server, io::Disk& disk, Instant now);

}  // namespace millrace::core
