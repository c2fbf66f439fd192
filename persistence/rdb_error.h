// RdbError: why bytes from outside were refused, and where in them.
#pragma once

#include <cstdint>
#include <string>

namespace millrace::persistence {

enum class RdbFault : uint8_t {
  kTruncated,
  kNotRdb,
  kVersion,
  kChecksum,
  kLength,
  kString,
  kCompressed,
  kOpcode,
  kType,
  kDatabase,
  kExpiry,
  kModule,
  kTrailing,
  kNodeId,
  kNode,
  kNodeOrder,
  kStreamLength,
  kStreamIds,
  kGroup,
  kPendingOrder,
  kPendingTime,
  kPendingCount,
  kConsumer,
  kConsumerTime,
  kOwner,
  kUnowned,
  kIdempotencyLimits,
  kProducer,
  kRecord,
};

struct RdbError {
  RdbFault fault;
  uint64_t offset;  // of the first byte that could not be taken, from the start of the file or payload
};

// For the log: "corrupt at offset 4711: a checksum does not match".
std::string describe(const RdbError& error);

}  // namespace millrace::persistence
