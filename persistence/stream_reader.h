// Reads the RDB value of a stream. Everything is looked at before it is used; a stream that was returned satisfies
// every invariant of streams::Stream, and nothing is returned of one that does not.
//
// Put right rather than refused: nodes without live entries are dropped (Redis before 8 left such behind), the first id
// is found anew, a group's entries-read is at most the stream's entries-added (Redis before 8.2.2 allowed more), and a
// last id below a deleted entry is raised to it (XSETID of Redis before 7 allowed that).
#pragma once

#include <memory>

#include "persistence/byte_reader.h"
#include "persistence/rdb_format.h"
#include "streams/stream.h"

namespace millrace::persistence {

// nullptr if `in` has failed. `new_streams`: the limits of a stream whose layout does not say.
std::unique_ptr<streams::Stream> read_stream(ByteReader& in, const StreamLayout& layout,
                                             streams::IdempotencyLimits new_streams);

}  // namespace millrace::persistence
