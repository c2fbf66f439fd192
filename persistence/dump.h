// What DUMP returns and RESTORE takes: one value by itself, with the version it is written in and a checksum.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "persistence/rdb_error.h"
#include "streams/stream.h"

namespace millrace::persistence {

std::string dump_value(const streams::Stream& stream, int rdb_version, bool compress);
std::string dump_value(std::string_view text, int rdb_version, bool compress);

// True if version and checksum are in order: RESTORE has an error of its own for that.
bool is_sound_dump(std::string_view payload);

struct RestoredValue {
  std::unique_ptr<streams::Stream> stream;  // or, if there is none, a string:
  std::string text;
};

// REQUIRES: is_sound_dump(payload). A value of another type than stream or string fails with kType.
Result<RestoredValue, RdbError> restore_value(std::string_view payload, streams::IdempotencyLimits new_streams);

}  // namespace millrace::persistence
