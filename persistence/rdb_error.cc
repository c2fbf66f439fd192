// See rdb_error.h.
#include "persistence/rdb_error.h"

#include <string_view>

#include "base/check.h"

namespace millrace::persistence {
namespace {

struct Explanation {
  RdbFault fault;
  bool is_corrupt;  // else it may be well, but not for us
  std::string_view text;
};

constexpr Explanation kExplanations[] = {
    {RdbFault::kTruncated, true, "the data ends too early"},
    {RdbFault::kNotRdb, false, "this is no RDB file"},
    {RdbFault::kVersion, false, "this RDB version is not read"},
    {RdbFault::kChecksum, true, "the checksum does not match"},
    {RdbFault::kLength, true, "a length was expected"},
    {RdbFault::kString, true, "a string was expected"},
    {RdbFault::kCompressed, true, "compressed text does not unpack to its length"},
    {RdbFault::kOpcode, false, "an opcode that is not known or cannot be passed over"},
    {RdbFault::kType, false, "a type that is not known or cannot be passed over"},
    {RdbFault::kDatabase, false, "there are not so many databases"},
    {RdbFault::kExpiry, true, "an expiry time out of range"},
    {RdbFault::kModule, true, "malformed data of a module"},
    {RdbFault::kTrailing, true, "something follows the value"},
    {RdbFault::kNodeId, true, "the id of a stream node is not 16 bytes"},
    {RdbFault::kNode, true, "a stream node is not well-formed"},
    {RdbFault::kNodeOrder, true, "ids do not increase from one stream node to the next"},
    {RdbFault::kStreamLength, true, "the length of a stream is not the number of its entries"},
    {RdbFault::kStreamIds, true, "last id, deleted ids or counters of a stream contradict its entries"},
    {RdbFault::kGroup, true, "a consumer group with the name of another, or with a count out of range"},
    {RdbFault::kPendingOrder, true, "ids of a pending list do not increase"},
    {RdbFault::kPendingTime, true, "a delivery time out of range"},
    {RdbFault::kPendingCount, true, "a delivery count out of range"},
    {RdbFault::kConsumer, true, "two consumers of one name"},
    {RdbFault::kConsumerTime, true, "a consumer was seen at a time out of range"},
    {RdbFault::kOwner, true, "a consumer's pending entry is not its group's, or another consumer's"},
    {RdbFault::kUnowned, true, "a pending entry without an owner is not listed as such"},
    {RdbFault::kIdempotencyLimits, true, "limits of idempotent production out of range"},
    {RdbFault::kProducer, true, "a producer that was there before, has no name, or too many records"},
    {RdbFault::kRecord, true, "a record of a producer that was there before or has no id"},
};

}  // namespace

std::string describe(const RdbError& error) {
  for (const Explanation& explanation : kExplanations) {
    if (explanation.fault != error.fault) continue;
    return std::string(explanation.is_corrupt ? "corrupt" : "not readable") + " at offset " +
           std::to_string(error.offset) + ": " + std::string(explanation.text);
  }
  CHECK(false);
  return {};
}

}  // namespace millrace::persistence
